"""Settings of the Model 336 that a client can set and read back and that nothing on this bench depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .lakeshore_372_passive import PASSIVE_ENTRIES as PASSIVE_372
from .lakeshore_grammar import Entry, Integer, Quoted, Real, RefusalError, Word

__all__ = ["INPUTS", "PASSIVE_ENTRIES"]

INPUTS = ("A", "B", "C", "D")
_ANY = Real(-1e9, 1e9, "+.3f")
_COMMON = ("ALMRST", "BRIGT", "CRVDEL", "DFLT", "INTSEL", "LEDS", "LOCK", "WEBLOG")


def _curve_header(curve: int) -> tuple[Any, ...]:
    return (f"User {curve}" if curve > 20 else f"STD {curve}", "", 4, 325.0, 1)


def _set_point(instrument: Any, curve: int, index: int, sensor: Any, temperature: Any) -> None:
    if sensor is None or temperature is None or curve <= 20:  # the standard curves cannot be changed
        raise RefusalError
    instrument.store("CRVPT", (curve, index), (sensor, temperature))


def _tune(instrument: Any, output: int, mode: Any) -> None:
    if not instrument.stored("RANGE", output)[0]:
        raise RefusalError


PASSIVE_ENTRIES: Mapping[str, Entry] = {
    **{name: PASSIVE_372[name] for name in _COMMON},
    "ALARM": Entry(
        (Word(INPUTS),),
        (Integer(0, 1), _ANY, _ANY, _ANY, Integer(0, 1), Integer(0, 1), Integer(0, 1)),
        (0, 325.0, 0.0, 0.0, 0, 0, 0),
    ),
    "ALARMST": Entry((Word(INPUTS),), query=lambda self, name: "0,0", writable=False),
    "ANALOG": Entry(
        (Integer(3, 4),), (Integer(0, 8), Integer(1, 3), _ANY, _ANY, Integer(0, 1)), (1, 1, 1000.0, 0.0, 0)
    ),
    "ATUNE": Entry((Integer(1, 4),), (Integer(0, 2),), execute=_tune, readable=False),
    "CRVHDR": Entry(
        (Integer(1, 59),),
        (Quoted(15), Quoted(10), Integer(1, 4), Real(0, 1500, "+08.3f"), Integer(1, 2)),
        _curve_header,
    ),
    "CRVPT": Entry(
        (Integer(1, 59), Integer(1, 200)), (Real(-1e6, 1e6, "g"), Real(0, 1500, "g")), (0.0, 0.0), execute=_set_point
    ),
    "DIOCUR": Entry((Word(INPUTS),), (Integer(0, 1),), (0,)),
    "DISPFLD": Entry((Integer(1, 8),), (Integer(0, 8), Integer(1, 6)), (1, 1)),
    "DISPLAY": Entry((), (Integer(0, 7), Integer(0, 3), Integer(1, 4)), (5, 0, 1)),
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
    "RELAYST": Entry(
        (Integer(1, 2),),
        query=lambda self, relay: "1" if self.stored("RELAY", relay)[0] == 1 else "0",
        writable=False,
    ),
    "TEMP": Entry(query=lambda self: "+296.150", writable=False),
    "TUNEST": Entry(query=lambda self: "0,1,0,0", writable=False),
}
