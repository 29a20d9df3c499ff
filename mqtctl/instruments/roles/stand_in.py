"""What an adapter may say of a simulated instrument that stands in for its own, so that a rehearsal can wire one.

An adapter says it in a class method `stand_in(driver, options)`; `StandsIn` has it in full. It names a model as a
bench file does, and its connectors; nothing of the bench is imported. What a station file says beyond that (levels,
delays, filters) comes from the adapter's options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = [
    "ControllerStandIn",
    "CounterStandIn",
    "MarkerLine",
    "SourceStandIn",
    "StandIn",
    "StandsIn",
    "StartInput",
    "StopInput",
]


@dataclass(frozen=True)
class MarkerLine:
    """The connector at which a source marks the start of each ramp, and its pulse: levels in V, width in s."""

    connector: str
    pulse: str
    high: float
    width: float


@dataclass(frozen=True)
class StartInput:
    """Where a counter takes the marker: connector, level in V, and whether it waits for the rising edge."""

    connector: str
    threshold: float
    rising: bool


@dataclass(frozen=True)
class StopInput:
    """Where a counter takes the junction's voltage.

    Attributes
    ----------
    connector
        Of the counter.
    threshold, rising
        Level in V and direction of the edge that ends an interval.
    delay
        Calibrated lag in s of that edge behind the junction's current.
    gain, noise
        Voltage gain of the pre-amplifier and its noise in V at its input, if the station file states them.
    """

    connector: str
    threshold: float
    rising: bool
    delay: float
    gain: float | None = None
    noise: float | None = None


@dataclass(frozen=True)
class StandIn:
    """A simulated instrument.

    Attributes
    ----------
    model
        What a bench file calls it: a key of `pyvisa_mqt.instruments.MODELS`.
    options
        What it is given under `options` there, quantities as text.
    """

    model: str
    options: Mapping[str, Any] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True, kw_only=True)
class SourceStandIn(StandIn):
    """Stands in for a ramp source or an offset source.

    Attributes
    ----------
    connector
        Its output, in A, or in V behind a resistance.
    resistance
        In Ohm between the output and the junction; None for a source of current.
    marker
        What marks the start of each ramp; an offset source has none.
    filter_time
        Time constant in s of the filters in the source's line, if the station file states it.
    """

    connector: str
    resistance: float | None = None
    marker: MarkerLine | None = None
    filter_time: float | None = None


@dataclass(frozen=True, kw_only=True)
class CounterStandIn(StandIn):
    """Stands in for a timing counter.

    Attributes
    ----------
    start, stop
        Its inputs.
    streams
        Whether it has no memory, so that each reading is a message of its own.
    """

    start: StartInput
    stop: StopInput
    streams: bool = False


@dataclass(frozen=True, kw_only=True)
class ControllerStandIn(StandIn):
    """Stands in for a temperature controller on the mixing chamber.

    Attributes
    ----------
    sensor, heater
        Connectors of the bath thermometer and of the heater.
    coldest
        What the cryostat has without heat, in K.
    """

    sensor: str
    heater: str
    coldest: float


class StandsIn(Protocol):
    """An adapter class that can be rehearsed; without it a rehearsal needs a bench file."""

    @classmethod
    def stand_in(cls, driver: str, options: Any) -> StandIn:
        """Return what stands in for the instrument: the kind for this adapter's role.

        Parameters
        ----------
        driver
            Dotted path of the driver's class, as the station file has it.
        options
            What `options_model` makes of the station file's options; without one, they as they stand there.
        """
