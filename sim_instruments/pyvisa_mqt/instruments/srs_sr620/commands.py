"""The command set of the SR620: four letters, perhaps a question mark, numbers behind commas."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyvisa_mqt.grammar.ieee488 import COMMAND_ERROR, EXECUTION_ERROR

__all__ = ["COMMANDS", "SETTINGS", "SIZES", "Setting", "SrsError", "parse_unit"]

SIZES = (*(digit * 10**power for power in range(6) for digit in (1, 2, 5)), 1_000_000)
LARGEST_DUMP = 10_000_000

_UNIT = re.compile(r"(\*[A-Za-z]{3}|[A-Za-z]{4})\s*(\??)\s*(.*)\Z", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d{1,3})?\Z")


class SrsError(Exception):
    """A message unit that is refused; carries the bit of the event status register that tells so."""

    def __init__(self, bit: int = EXECUTION_ERROR) -> None:
        self.bit = bit
        super().__init__(f"refused, event status {bit}")


#: Beyond every limit, and still finite: 1E400 is out of range like any other number.
LARGEST = 1e300


def parse_unit(text: str) -> tuple[str, bool, list[float]]:
    """Return mnemonic, whether it is a query, and the numbers behind it."""
    match = _UNIT.match(text)
    if match is None:
        raise SrsError(COMMAND_ERROR)
    items = [item.strip() for item in match[3].split(",")] if match[3].strip() else []
    if not all(_NUMBER.match(item) for item in items):
        raise SrsError(COMMAND_ERROR)
    return match[1].upper(), bool(match[2]), [min(max(float(item), -LARGEST), LARGEST) for item in items]


@dataclass(frozen=True)
class Setting:
    """A number that can be set and asked for.

    Attributes
    ----------
    largest
        Largest whole number; the smallest is 0.
    default
        Value at power-on.
    indices
        Inputs it exists for: (0,) where there is only one and no index is sent.
    ends_measurement
        Whether changing it ends what is being measured.
    """

    largest: int
    default: float = 0
    indices: tuple[int, ...] = (0,)
    ends_measurement: bool = False

    def split(self, values: list[float], asks: bool) -> tuple[int, list[float]]:
        """Return the index and what is left."""
        indexed = self.indices != (0,)
        if len(values) != indexed + (not asks):
            raise SrsError(COMMAND_ERROR)
        if not indexed:
            return 0, values
        if values[0] not in self.indices:
            raise SrsError
        return int(values[0]), values[1:]

    def checked(self, values: list[float]) -> float:
        """Return the value to store."""
        if values[0] != int(values[0]) or not 0 <= values[0] <= self.largest:
            raise SrsError
        return values[0]

    def text(self, value: float) -> str:
        """Write the value."""
        return str(int(value))


class _Size(Setting):
    """The number of samples, 1, 2, 5, 10 ... a million; kept as its code."""

    def checked(self, values: list[float]) -> float:
        if values[0] not in SIZES:
            raise SrsError
        return SIZES.index(int(values[0]))

    def text(self, value: float) -> str:
        return str(SIZES[int(value)])


class _Level(Setting):
    """A threshold in V, in steps of 10 mV."""

    def checked(self, values: list[float]) -> float:
        if abs(values[0]) > 5.0:
            raise SrsError
        return round(values[0], 2)

    def text(self, value: float) -> str:
        return f"{value:.2f}"


_ALL, _AB = (0, 1, 2), (1, 2)
SETTINGS: Mapping[str, Setting] = {
    "MODE": Setting(6, ends_measurement=True),
    "SRCE": Setting(3, ends_measurement=True),
    "ARMM": Setting(12, 1, ends_measurement=True),
    "SIZE": _Size(18, ends_measurement=True),
    "GATE": Setting(18, 6, ends_measurement=True),
    "AUTM": Setting(1, 1, ends_measurement=True),
    "AUTP": Setting(1),
    "JTTR": Setting(1),
    "CLCK": Setting(1),
    "CLKF": Setting(1),
    "EXPD": Setting(1),
    "DREL": Setting(3),
    "DISP": Setting(6),
    "DGPH": Setting(2),
    "GENA": Setting(1),
    "EDMP": Setting(1),
    "LEVL": _Level(5, 0.0, _ALL, ends_measurement=True),
    "TERM": Setting(1, 1, _ALL),
    "TSLP": Setting(1, 0, _ALL, ends_measurement=True),
    "TCPL": Setting(1, 0, _AB),
    "TMOD": Setting(1, 0, _AB, ends_measurement=True),
    "*PSC": Setting(1, 1),
}

Handler = Callable[[Any, bool, list[float]], "str | None"]


def _only(asks_wanted: bool, most: int = 0, least: int = 0) -> Callable[[Handler], Handler]:
    """Refuse the form that a command does not have, and a wrong number of values."""

    def wrap(handler: Handler) -> Handler:
        def checked(counter: Any, asks: bool, values: list[float]) -> str | None:
            if asks != asks_wanted or not least <= len(values) <= most:
                raise SrsError(COMMAND_ERROR)
            return handler(counter, asks, values)

        return checked

    return wrap


def _action(act: Callable[[Any], object]) -> Handler:
    def handler(counter: Any, asks: bool, values: list[float]) -> str | None:
        act(counter)
        return None

    return _only(False)(handler)


def _answer(get: Callable[[Any], str]) -> Handler:
    return _only(True)(lambda counter, asks, values: get(counter))


def _status(take: Callable[[Any], int], keep: Callable[[Any, int], object]) -> Handler:
    """Return a status query: all of the byte, or one bit, which alone is cleared then."""

    def handler(counter: Any, asks: bool, values: list[float]) -> str | None:
        value = take(counter)
        if not values:
            return str(value)
        bit = int(values[0])
        if not 0 <= bit <= 7:
            keep(counter, value)
            raise SrsError
        keep(counter, value & ~(1 << bit))
        return str(value >> bit & 1)

    return _only(True, most=1)(handler)


def _mask(owner: Callable[[Any], Any], attribute: str, usable: int = 255) -> Handler:
    def handler(counter: Any, asks: bool, values: list[float]) -> str | None:
        if asks:
            return str(getattr(owner(counter), attribute))
        if len(values) != 1:
            raise SrsError(COMMAND_ERROR)
        if not 0 <= values[0] <= 255 or values[0] != int(values[0]):
            raise SrsError
        setattr(owner(counter), attribute, int(values[0]) & usable)
        return None

    return handler


def _take_events(counter: Any) -> int:
    value, counter.status.event_status = counter.status.event_status, 0
    return int(value)


def _measure(counter: Any, asks: bool, values: list[float]) -> None:
    if values[0] not in (0, 1, 2, 3):
        raise SrsError
    counter.measure(int(values[0]))


def _dump(counter: Any, asks: bool, values: list[float]) -> None:
    if values[0] != int(values[0]) or not 1 <= values[0] <= LARGEST_DUMP:
        raise SrsError
    counter.dump(int(values[0]))


def _set_terminator(counter: Any, asks: bool, values: list[float]) -> None:
    if not all(0 <= value <= 127 and value == int(value) for value in values):
        raise SrsError
    counter.terminator = bytes(int(value) for value in values) or b"\r\n"


def _setup(counter: Any) -> str:
    """Return STUP?: 24 numbers, of which the first eight are known (manual, p. 38)."""
    flags = sum(int(counter.settings[name, 0]) << bit for name, bit in _SETUP_BITS.items())
    names = ("MODE", "SRCE", "ARMM", "GATE", "SIZE", "DISP", "DGPH")
    first = [int(counter.settings[name, 0]) for name in names]
    return ",".join(str(number) for number in (*first, flags, *[0] * 16))


_SETUP_BITS = {"AUTM": 0, "AUTP": 1, "DREL": 2, "EXPD": 3, "JTTR": 5, "CLCK": 6, "CLKF": 7}


def _complete(counter: Any, asks: bool, values: list[float]) -> str | None:
    if values:
        raise SrsError(COMMAND_ERROR)
    if asks:
        return str(answer) if (answer := counter.wait_complete()) is not None else None
    counter.complete()
    return None


def _all_statistics(counter: Any) -> str:
    mean, jitter, largest, smallest = (counter.statistic(number) for number in range(4))
    return ",".join((mean, counter.relative(), jitter, largest, smallest))


COMMANDS: Mapping[str, Handler] = {
    "*IDN": _answer(lambda c: f"StanfordResearchSystems,SR620,{c.options['serial_number']},{c.options['firmware']}"),
    "*RST": _action(lambda c: c.reset()),
    "*CLS": _action(lambda c: c.clear_status()),
    "*OPC": _complete,
    "*WAI": _action(lambda c: c.wait()),
    "*TST": _answer(lambda c: "0"),
    "*CAL": _answer(lambda c: "0"),
    "*TRG": _action(lambda c: c.start()),
    "*ESR": _status(_take_events, lambda c, value: setattr(c.status, "event_status", value)),
    "*ESE": _mask(lambda c: c.status, "event_enable"),
    "*SRE": _mask(lambda c: c.status, "service_enable", usable=191),
    "*STB": _status(lambda c: c.status.query(bool(c.output)), lambda c, value: None),
    "STAT": _status(lambda c: c.trigger_status(), lambda c, value: setattr(c.triggers, "event", value)),
    "ERRS": _status(lambda c: c.errors.take(), lambda c, value: setattr(c.errors, "event", value)),
    "TENA": _mask(lambda c: c.triggers, "enable"),
    "EREN": _mask(lambda c: c.errors, "enable"),
    "STRT": _action(lambda c: c.start()),
    "STOP": _action(lambda c: c.stop()),
    "LOCL": _only(False, most=1)(lambda c, asks, values: None),
    "MEAS": _only(True, most=1, least=1)(_measure),
    "BDMP": _only(False, most=1, least=1)(_dump),
    "XAVG": _answer(lambda c: c.statistic(0)),
    "XJIT": _answer(lambda c: c.statistic(1)),
    "XMAX": _answer(lambda c: c.statistic(2)),
    "XMIN": _answer(lambda c: c.statistic(3)),
    "XREL": _answer(lambda c: c.relative()),
    "XALL": _answer(_all_statistics),
    "ENDT": _only(False, most=4)(_set_terminator),
    "STUP": _answer(_setup),
}
