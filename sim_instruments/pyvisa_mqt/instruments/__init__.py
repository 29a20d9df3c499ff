"""The simulated instruments, by the model name that a bench file gives them.

A laboratory adds its own with `register`, or as entry points of the group "pyvisa_mqt.instruments" in an
installed package; docs/add-an-instrument.md shows how.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import TypeVar

from .base import Instrument
from .keithley_6221 import Keithley6221
from .keysight_33500b import Keysight33512B, Keysight33522B
from .keysight_53230a import Keysight53230A
from .lakeshore_336 import LakeShore336
from .lakeshore_372 import LakeShore372
from .srs_sr620 import SrsSR620
from .yokogawa_gs200 import YokogawaGS200

__all__ = ["MODELS", "Instrument", "register"]

MODELS: dict[str, type[Instrument]] = {
    "keithley-6221": Keithley6221,
    "keysight-33512b": Keysight33512B,
    "keysight-33522b": Keysight33522B,
    "keysight-53230a": Keysight53230A,
    "lakeshore-336": LakeShore336,
    "lakeshore-372": LakeShore372,
    "srs-sr620": SrsSR620,
    "yokogawa-gs200": YokogawaGS200,
}

_Model = TypeVar("_Model", bound=type[Instrument])


def register(name: str) -> Callable[[_Model], _Model]:
    """Make an instrument class known under a model name, as a decorator.

    Parameters
    ----------
    name
        What a bench file writes behind `model:`; it must not be taken by another class.

    Raises
    ------
    ValueError
        If the name is taken.
    """

    def enter(model: _Model) -> _Model:
        taken = MODELS.get(name)
        # The same class comes again when its module is loaded again.
        if taken is not None and (taken.__module__, taken.__qualname__) != (model.__module__, model.__qualname__):
            raise ValueError(f"the model name {name!r} is taken by {taken.__qualname__}; choose another one")
        MODELS[name] = model
        return model

    return enter


for _entry in entry_points(group="pyvisa_mqt.instruments"):
    register(_entry.name)(_entry.load())
