"""The simulated instruments, by the model name that a bench file gives them."""

from __future__ import annotations

from .base import Instrument
from .keithley_6221 import Keithley6221
from .keysight_53230a import Keysight53230A
from .lakeshore_372 import LakeShore372

__all__ = ["MODELS", "Instrument"]

MODELS: dict[str, type[Instrument]] = {
    "keithley-6221": Keithley6221,
    "keysight-53230a": Keysight53230A,
    "lakeshore-372": LakeShore372,
}
