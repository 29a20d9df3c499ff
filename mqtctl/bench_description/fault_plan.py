"""What can be asked to go wrong on the bench: the kinds of fault, and what each needs to know.

`pyvisa_mqt.bench.faults` makes them happen; docs/bench-faults.md explains each kind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from mqtctl.quantities import parse_quantity

__all__ = ["KINDS", "QUANTITIES", "FaultPlan", "Kind", "fault_plan"]


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes
    ----------
    where
        What it happens to: "reply" or "line" of an instrument, "port" of one, or the "bench".
    parameters
        Names of the fields of `FaultPlan` that it understands, with the default of each.
    required
        Those of them without which it makes no sense.
    passing
        Whether it happens to one message or reply and is over: one with a duration then happens to each.
    """

    where: str
    parameters: Mapping[str, float | int | str | None]
    required: tuple[str, ...] = ()
    passing: bool = False


#: Kind of fault by name.
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "delayed-reply": Kind("reply", {"delay": 1.0}, passing=True),
        "late-reply": Kind("reply", {"delay": 30.0}, passing=True),
        "lost-reply": Kind("reply", {}, passing=True),
        "truncated-reply": Kind("reply", {"share": 0.5}, passing=True),
        "duplicated-reply": Kind("reply", {}, passing=True),
        "garbled-reply": Kind("reply", {"share": 0.1}, passing=True),
        "nan-reading": Kind("reply", {"share": 1.0}, passing=True),
        "overflow-reading": Kind("reply", {"share": 1.0}, passing=True),
        "stale-reading": Kind("reply", {}, passing=True),
        "lost-message": Kind("line", {}, passing=True),
        "disconnect": Kind("line", {}),
        "power-cycle": Kind("line", {}),
        "queued-error": Kind("line", {"code": -310, "text": ""}),
        "full-memory": Kind("line", {"readings": 100}),
        "stuck-thermometer": Kind("port", {"temperature": None}),
        "jumping-thermometer": Kind("port", {"factor": 2.0, "share": 0.05}),
        "stuck-heater": Kind("port", {"power": None}),
        "weak-heater": Kind("port", {"power": 0.0}),
        "false-triggers": Kind("port", {"rate": 100.0}),
        "warming": Kind("bench", {"power": 100e-6}),
        "critical-current-drift": Kind("bench", {"drift": None}, required=("drift",)),
        "stuck-voltage-state": Kind("bench", {}),
    }
)
#: Fields that are quantities, with their base unit.
QUANTITIES: Mapping[str, str] = MappingProxyType(
    {
        "at": "s",
        "duration": "s",
        "delay": "s",
        "temperature": "K",
        "power": "W",
        "rate": "Hz",
        "drift": "A/s",
    }
)
_COMMON = ("kind", "instrument", "message", "at", "probability", "count", "duration", "match")


@dataclass(frozen=True)
class FaultPlan:
    """One fault: what, where, when and how often. Quantities in SI units.

    Attributes
    ----------
    kind
        A key of `KINDS`.
    instrument
        Name of the instrument it happens to; follows from `port` where one is given.
    port
        INSTRUMENT.CONNECTOR, for sensors, heaters and counter inputs.
    message
        It strikes at the n-th message to the instrument, counted from when the fault is planned; 1 is the next.
    at
        Bench time in s from which on it can strike.
    probability
        Of striking at each message, 0 to 1.
    count
        How often it strikes at most; None for what the kind usually does.
    duration
        How long in s it lasts; None for ever, or not at all for what happens at a moment.
    match
        Only messages that contain this text, in any case, count.
    """

    kind: str
    instrument: str | None = None
    port: str | None = None
    message: int | None = None
    at: float | None = None
    probability: float | None = None
    count: int | None = None
    duration: float | None = None
    match: str = ""
    delay: float | None = None
    share: float | None = None
    code: int | None = None
    text: str | None = None
    readings: int | None = None
    temperature: float | None = None
    factor: float | None = None
    power: float | None = None
    rate: float | None = None
    drift: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no kind of fault; choose one of {', '.join(KINDS)}")
        kind = KINDS[self.kind]
        self._check_names(kind)
        self._check_numbers()
        if self.port is not None and self.instrument is None:
            object.__setattr__(self, "instrument", self.port.split(".")[0])
        for name, default in kind.parameters.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)

    def _check_names(self, kind: Kind) -> None:
        allowed = {*_COMMON, *kind.parameters} | ({"port"} if kind.where == "port" else set())
        for field in fields(self):
            if getattr(self, field.name) not in (None, "") and field.name not in allowed:
                known = ", ".join((*_COMMON[1:], *kind.parameters))
                raise ValueError(f"{self.kind} does not understand {field.name!r}; it understands {known}")
        for name in kind.required:
            if getattr(self, name) is None:
                raise ValueError(f"{self.kind} needs {name!r}")
        if kind.where in ("reply", "line") and self.instrument is None:
            raise ValueError(f"{self.kind} needs 'instrument': the name of one on this bench")
        if kind.where == "port" and (self.port is None or self.port.count(".") != 1):
            raise ValueError(f"{self.kind} needs 'port', such as 'thermometer.ch6'; got {self.port!r}")
        messages = (self.message is not None, self.probability is not None, bool(self.match))
        if any(messages) and self.instrument is None and self.port is None:
            raise ValueError(f"{self.kind} needs 'instrument' to say whose messages count")

    def _check_numbers(self) -> None:
        least: dict[str, float] = {
            "message": 1,
            "count": 1,
            "readings": 1,
            "at": 0,
            "duration": 0,
            "delay": 0,
            "share": 0,
            "rate": 0,
            "probability": 0,
            "temperature": 0,
            "factor": 0,
            "power": 0,
            "drift": -math.inf,
        }
        for name, lowest in least.items():
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not lowest <= value < math.inf:
                raise ValueError(f"{name} is {value!r}; give a number of at least {lowest}")
            if name in ("message", "count", "readings") and value != int(value):
                raise ValueError(f"{name} is {value!r}; give a whole number")
            if name in ("probability", "share") and value > 1:
                raise ValueError(f"{name} is {value!r}; give a number from 0 to 1")

    @property
    def strikes(self) -> float:
        """How often it strikes at most; may be infinite."""
        if self.count is not None:
            return self.count
        if self.probability is not None or self.kind == "stale-reading":
            return math.inf
        # What happens to messages and replies strikes each of them in its duration; any other fault strikes once,
        # and that is what lasts.
        return math.inf if self.duration is not None and KINDS[self.kind].passing else 1


def fault_plan(kind: str, **parameters: object) -> FaultPlan:
    """Return a plan from numbers in SI units or texts with units, such as `delay=5` or `delay="5 s"`.

    Raises
    ------
    ValueError
        For an unknown kind or parameter, or a value that makes no sense; the message names it.
    """
    known = {field.name for field in fields(FaultPlan)}
    values: dict[str, object] = {}
    for name, value in parameters.items():
        if name not in known:
            raise ValueError(f"{name!r} is no parameter of a fault; known: {', '.join(sorted(known))}")
        quantity = name in QUANTITIES and isinstance(value, str)
        values[name] = parse_quantity(value, QUANTITIES[name]) if quantity else value
    return FaultPlan(kind.replace("_", "-"), **values)  # type: ignore[arg-type]  # checked field by field above
