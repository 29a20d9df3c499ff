"""Settings of the Model 336 that a client can set and read back and that nothing on this bench depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyvisa_mqt.grammar.lakeshore import Entry
from pyvisa_mqt.grammar.lakeshore_fields import Integer, Quoted, Real, RefusalError, Word
from pyvisa_mqt.instruments.lakeshore.model_372_passive import PASSIVE_ENTRIES as PASSIVE_372
from pyvisa_mqt.instruments.lakeshore.model_372_passive import set_header

__all__ = ["INPUTS", "PASSIVE_ENTRIES"]

INPUTS = ("A", "B", "C", "D")
_ANY = Real(-1e9, 1e9, "+.3f")
#: Standard curves that SCAL adapts: name, format, limit in K and coefficient of what comes out.
_SOFT_CALIBRATIONS = {
    1: ("SCAL_DT-470", 2, 475.0, 1),
    6: ("SCAL_PT-100", 3, 800.0, 2),
    7: ("SCAL_PT-1000", 3, 800.0, 2),
}
_COMMON = ("BRIGT", "CRVDEL", "DFLT", "INTSEL", "LEDS", "LOCK", "WEBLOG")


def _curve_header(curve: int) -> tuple[Any, ...]:
    return (f"User {curve}" if curve > 20 else f"STD {curve}", "", 4, 325.0, 1)


def _set_point(instrument: Any, curve: int, index: int, sensor: Any, temperature: Any) -> None:
    if sensor is None or temperature is None or curve <= 20:  # the standard curves cannot be changed
        raise RefusalError
    instrument.store("CRVPT", (curve, index), (sensor, temperature))


def _soft_calibrate(instrument: Any, kind: int, curve: int, serial: str, *values: float | None) -> None:
    """Do what SCAL does: make a user curve out of a standard one and up to three calibration points.

    The bench's own sensors do not follow it, so that the curve holds the given points and no more.
    """
    if kind not in _SOFT_CALIBRATIONS or serial is None:
        raise RefusalError
    if any(given is None for given in values) and values[0] is None:
        raise RefusalError
    name, form, limit, coefficient = _SOFT_CALIBRATIONS[kind]
    instrument.store("CRVHDR", (curve,), (name, serial, form, limit, coefficient))
    pairs = [pair for pair in zip(values[1::2], values[::2], strict=True) if None not in pair]
    for index, (sensor, temperature) in enumerate(sorted(pairs), start=1):
        instrument.store("CRVPT", (curve, index), (sensor, temperature))


PASSIVE_ENTRIES: Mapping[str, Entry] = {
    **{name: PASSIVE_372[name] for name in _COMMON},
    "ALARM": Entry(
        (Word(INPUTS),),
        (Integer(0, 1), _ANY, _ANY, _ANY, Integer(0, 1), Integer(0, 1), Integer(0, 1)),
        (0, 325.0, 0.0, 0.0, 0, 0, 0),
    ),
    "CRVHDR": Entry(
        (Integer(1, 59),),
        (Quoted(15), Quoted(10), Integer(1, 4), Real(0, 1500, "+08.3f"), Integer(1, 2)),
        _curve_header,
        execute=set_header,
    ),
    "CRVPT": Entry(
        (Integer(1, 59), Integer(1, 200)), (Real(-1e6, 1e6, "g"), Real(0, 1500, "g")), (0.0, 0.0), execute=_set_point
    ),
    "DIOCUR": Entry((Word(INPUTS),), (Integer(0, 1),), (0,)),
    "DISPFLD": Entry((Integer(1, 8),), (Integer(0, 8), Integer(1, 6)), (1, 1)),
    "DISPLAY": Entry((), (Integer(0, 10), Integer(0, 3), Integer(1, 4)), (5, 0, 1)),
    "IEEE": Entry((), (Integer(1, 30),), (12,)),
    "INNAME": Entry((Word(INPUTS),), (Quoted(15),), lambda name: (f"Input {name}",)),
    "MODE": Entry((), (Integer(0, 2),), (0,)),
    "NET": Entry(
        (),
        (Integer(0, 1), Integer(0, 1), *(Quoted(15),) * 5, Quoted(15), Quoted(64), Quoted(32)),
        (0, 0, "192.168.0.12", "255.255.255.0", "0.0.0.0", "0.0.0.0", "0.0.0.0", "LSCI-336", "", ""),
    ),
    "NETID": Entry(
        query=lambda self: "1,192.168.0.12,255.255.255.0,0.0.0.0,0.0.0.0,0.0.0.0,00:A0:1E:00:00:02,LSCI-336,",
        writable=False,
    ),
    "POLARITY": Entry((Integer(3, 4),), (Integer(0, 1),), (0,)),
    "RELAY": Entry((Integer(1, 2),), (Integer(0, 2), Word(INPUTS), Integer(0, 2)), (0, "A", 0)),
    "SCAL": Entry(
        (Integer(1, 7), Integer(21, 59)),
        (Quoted(10), *(Real(0, 1e6),) * 6),
        execute=_soft_calibrate,
        readable=False,
    ),
    "TEMP": Entry(query=lambda self: "+296.150", writable=False),
}
