"""Settings of the Model 372 that a client can set and read back and that nothing on this bench depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .lakeshore_grammar import Entry, Integer, Quoted, Real, RefusalError, Word

__all__ = ["PASSIVE_ENTRIES"]

_INPUTS = ("A", *(str(number) for number in range(1, 17)))
_ANY = Real(-1e9, 1e9, "g")


def _address(instrument: Any) -> str:
    """Return the IEEE address alone, as the maker's own package expects."""
    return str(instrument.stored("IEEE")[2])


def _website(instrument: Any) -> str:
    user, password = instrument.stored("WEBLOG")
    return f"{user:<15},{password:<15}"


def _curve_header(curve: int) -> tuple[Any, ...]:
    return (f"User {curve}" if curve > 20 else f"STD {curve}", "", 4, 40.0, 1)


def _delete_curve(instrument: Any, curve: int) -> None:
    for key in [key for key in instrument.values if key[0] in ("CRVHDR", "CRVPT") and key[1][0] == curve]:
        del instrument.values[key]


def _set_point(instrument: Any, curve: int, index: int, sensor: Any, temperature: Any, curvature: Any) -> None:
    if sensor is None or temperature is None:
        raise RefusalError
    instrument.store("CRVPT", (curve, index), (sensor, temperature, curvature or 0.0))


def _reset_all(instrument: Any, code: int) -> None:
    if code != 99:
        raise RefusalError
    instrument.reset_instrument()


PASSIVE_ENTRIES: Mapping[str, Entry] = {
    "ALARM": Entry(
        (Word(_INPUTS),),
        (Integer(0, 1), Integer(0, 4), _ANY, _ANY, _ANY, Integer(0, 1), Integer(0, 1), Integer(0, 1)),
        (0, 1, 0.0, 0.0, 0.0, 0, 0, 0),
    ),
    "ALARMST": Entry((Word(_INPUTS),), query=lambda self, name: "0,0", writable=False),
    "ALMRST": Entry(readable=False),
    "ANALOG": Entry(
        (Integer(1, 2),),
        (Integer(0, 6), Integer(0, 6), Word(("0", *_INPUTS)), Integer(0, 2), _ANY, _ANY, _ANY),
        (0, 0, "1", 1, 0.0, 0.0, 0.0),
    ),
    "BEEP": Entry((), (Integer(0, 1),), (1,)),
    "BRIGT": Entry((), (Integer(0, 100),), (50,)),
    "CMR": Entry((), (Integer(0, 1),), (0,)),
    "CRVDEL": Entry((Integer(21, 59),), after=_delete_curve, readable=False),
    "CRVHDR": Entry(
        (Integer(1, 59),),
        (Quoted(15), Quoted(10), Integer(3, 7), Real(0, 400, ".3f"), Integer(1, 2)),
        _curve_header,
    ),
    "CRVPT": Entry(
        (Integer(1, 59), Integer(1, 200)),
        (Real(-1e6, 1e6, "g"), Real(0, 400, "g"), Real(-1e9, 1e9, "g")),
        (0.0, 0.0, 0.0),
        execute=_set_point,
    ),
    "DFLT": Entry((Integer(0, 99),), after=_reset_all, readable=False),
    "DISPFLD": Entry((Integer(1, 8),), (Word(("0", *_INPUTS)), Integer(1, 6)), ("1", 1)),
    "DISPLAY": Entry((), (Integer(0, 2), Integer(0, 4), Integer(0, 3)), (0, 0, 1)),
    "DOUT": Entry((), (Integer(0, 31),), (0,)),
    "EMUL": Entry((), (Integer(0, 1), Integer(0, 1)), (0, 0)),
    "IEEE": Entry((), (Integer(0, 4), Integer(0, 1), Integer(0, 30)), (0, 0, 12), query=_address),
    "INCRV": Entry((Word(_INPUTS),), (Integer(0, 59),), (21,)),
    "INTSEL": Entry((), (Integer(0, 2),), (1,)),
    "LEDS": Entry((), (Integer(0, 1),), (1,)),
    "LOCK": Entry((), (Integer(0, 1), Integer(0, 999, 3)), (0, 123)),
    "MODE": Entry((), (Integer(0, 2),), (1,)),
    "MONITOR": Entry((), (Integer(0, 7),), (0,)),
    "NET": Entry(
        (),
        (Integer(0, 1), Integer(0, 1), *(Quoted(15),) * 5, Quoted(15), Quoted(64), Quoted(32)),
        (0, 0, "192.168.0.12", "255.255.255.0", "0.0.0.0", "0.0.0.0", "0.0.0.0", "LSCI-372", "", ""),
    ),
    "NETID": Entry(
        query=lambda self: "1,192.168.0.12,255.255.255.0,0.0.0.0,0.0.0.0,0.0.0.0,00:A0:1E:00:00:01,LSCI-372,",
        writable=False,
    ),
    "RELAY": Entry((Integer(1, 2),), (Integer(0, 4), Word(("0", *_INPUTS)), Integer(0, 2)), (0, "0", 0)),
    "RELAYST": Entry(
        (Integer(1, 2),),
        query=lambda self, relay: "1" if self.stored("RELAY", relay)[0] == 1 else "0",
        writable=False,
    ),
    "WEBLOG": Entry((), (Quoted(15), Quoted(15)), ("user", "user"), query=_website),
}
