"""The simulated instruments, by the model name that a bench file gives them.

A laboratory adds its own with `register`, or as entry points of the group "pyvisa_mqt.instruments" in an
installed package; docs/add-an-instrument.md shows how.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import TypeVar

from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.instruments.keithley_6221.source import Keithley6221
from pyvisa_mqt.instruments.keysight_33500b.generator import Keysight33512B, Keysight33522B
from pyvisa_mqt.instruments.keysight_53230a.counter import Keysight53230A
from pyvisa_mqt.instruments.lakeshore.model_336 import LakeShore336
from pyvisa_mqt.instruments.lakeshore.model_372 import LakeShore372
from pyvisa_mqt.instruments.srs_sr620.counter import SrsSR620
from pyvisa_mqt.instruments.yokogawa_gs200.source import YokogawaGS200

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
