"""Settings of the Model 372 that a client can set and read back and that nothing on this bench depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyvisa_mqt.grammar.lakeshore import Entry
from pyvisa_mqt.grammar.lakeshore_fields import Integer, Quoted, Real, RefusalError, Word

__all__ = ["PASSIVE_ENTRIES", "set_header"]

_INPUTS = ("A", *(str(number) for number in range(1, 17)))
#: Whole numbers must come back as such: the maker's own package reads an alarm's values as integers.
_ANY = Real(-1e9, 1e9, ".10g")


def _address(instrument: Any) -> str:
    """Return the IEEE address alone, as the maker's own package expects."""
    return str(instrument.stored("IEEE")[2])


def _set_address(instrument: Any, first: int | None, end: int | None, address: int | None) -> None:
    """Take terminator, END and address, or the address alone as newer members of the family do."""
    if end is None and address is None:
        first, address = None, first
        if not address:
            raise RefusalError
    if first is not None and first > 4:
        raise RefusalError
    instrument.store("IEEE", (), instrument.merged("IEEE", (), (first, end, address)))


def _website(instrument: Any) -> str:
    user, password = instrument.stored("WEBLOG")
    return f"{user:<15},{password:<15}"


def _curve_header(curve: int) -> tuple[Any, ...]:
    return (f"User {curve}" if curve > 20 else f"STD {curve}", "", 4, 40.0, 1)


def _delete_curve(instrument: Any, curve: int) -> None:
    for key in [key for key in instrument.values if key[0] in ("CRVHDR", "CRVPT") and key[1][0] == curve]:
        del instrument.values[key]


def set_header(instrument: Any, curve: int, *values: Any) -> None:
    """Do what CRVHDR does."""
    if curve <= 20:  # the standard curves cannot be changed
        raise RefusalError
    instrument.store("CRVHDR", (curve,), instrument.merged("CRVHDR", (curve,), values))


def _set_point(instrument: Any, curve: int, index: int, sensor: Any, temperature: Any, curvature: Any = None) -> None:
    if sensor is None or temperature is None or curve <= 20:
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
    "BEEP": Entry((), (Integer(0, 1),), (1,)),
    "BRIGT": Entry((), (Integer(0, 100),), (50,)),
    "CMR": Entry((), (Integer(0, 1),), (0,)),
    "CRVDEL": Entry((Integer(21, 59),), after=_delete_curve, readable=False),
    "CRVHDR": Entry(
        (Integer(1, 59),),
        (Quoted(15), Quoted(10), Integer(3, 7), Real(0, 400, ".3f"), Integer(1, 2)),
        _curve_header,
        execute=set_header,
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
    "IEEE": Entry(
        (), (Integer(0, 30), Integer(0, 1), Integer(1, 30)), (0, 0, 12), execute=_set_address, query=_address
    ),
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
    "WEBLOG": Entry((), (Quoted(15), Quoted(15)), ("user", "user"), query=_website),
}
