"""Plain data passed between acquisition, storage, analysis and report; all in SI base units."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mqtctl.quantities import readable

__all__ = ["Histogram", "JunctionEstimate", "KnownFact", "MeasuredRamp", "Sweep"]


@dataclass(frozen=True)
class MeasuredRamp:
    """The bias ramp as it was measured, and how an interval becomes a current.

    Attributes
    ----------
    start_current, stop_current
        Bias current in A at the start and at the top of the ramp.
    rate
        Measured dI/dt in A/s.
    period
        Time in s from one ramp start to the next.
    delay
        Time in s by which the stop event lags the current at the junction: filters,
        amplifier and comparator together, less the lag of the start marker.
    offset
        Calibrated current in A that flows besides the ramp.
    """

    start_current: float
    stop_current: float
    rate: float
    period: float
    delay: float
    offset: float = 0.0

    @property
    def rise_time(self) -> float:
        """Time in s from the ramp's start to its top."""
        return (self.stop_current - self.start_current) / self.rate

    @property
    def mirrored(self) -> Self:
        """The same ramp with all currents reversed."""
        return replace(
            self,
            start_current=-self.start_current,
            stop_current=-self.stop_current,
            rate=-self.rate,
            offset=-self.offset,
        )

    def ramps_before(self, interval: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many whole ramps went by in an interval (s) before the one that ended it; inf stays inf."""
        return np.asarray(np.floor(np.maximum(interval - self.delay, 0.0) / self.period))

    def current(self, interval: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the bias current in A at which a ramp with this start-to-stop interval (s) switched."""
        return self.start_current + self.offset + self.rate * (interval - self.delay)


@dataclass(frozen=True)
class KnownFact:
    """What another measurement says of the junction, such as its plasma frequency by resonant activation.

    Attributes
    ----------
    name
        "plasma_frequency" (of small oscillations, cycles per second) or "quality_factor".
    value, stderr
        In Hz, or a number, with its standard error, both > 0.
    current
        Bias current in A at which it was measured.
    """

    name: str
    value: float
    stderr: float
    current: float = 0.0


@dataclass(frozen=True)
class JunctionEstimate:
    """What the experimenter knows of the junction beforehand, from the sample file.

    Attributes
    ----------
    critical_current
        Rough critical current in A; only a starting value for fits.
    capacitance, capacitance_stderr
        Capacitance in F, used by every fit, and its standard error in F (None: not stated).
    resistance
        Shunt resistance in Ohm that damps the plasma oscillation (inf: undamped).
    potential
        Of its current-phase relation, as a name (`mqtctl.physics.well.names`).
    resistance_stderr
        Standard error of the resistance in Ohm (None: not stated).
    known
        What other measurements say of the junction.
    """

    critical_current: float
    capacitance: float
    resistance: float
    capacitance_stderr: float | None = None
    potential: str = "washboard"
    resistance_stderr: float | None = None
    known: tuple[KnownFact, ...] = ()


@dataclass(frozen=True)
class Histogram:
    """The switches taken at one temperature.

    Attributes
    ----------
    switching_currents
        Currents in A at which ramps switched while rising, shape (n_switch,), in order of time.
    intervals
        The raw start-to-stop intervals in s they were computed from, same shape and order.
    censored
        Number of ramps that reached the top without a switch.
    temperature, temperature_std
        Mean and standard deviation in K of the bath readings during the ramps.
    point
        Index in the sweep, from 0.
    run_id
        Run in the database, None if the data came from elsewhere.
    polarity
        Direction of the bias current while it was measured, +1 or -1. Currents and ramp of a record are
        mirrored for -1, so that they rise in either case.
    resolution
        Step in A to which the currents were rounded; 0: exact, None: not known, the analysis looks for it.
    time
        Middle of the ramps in s of calendar time; NaN where it is not known.
    rounding
        Where a current lies that was rounded to a step: "nearest" (within half a step), "up" (below it; a staircase
        that stopped at the first step above) or "down".
    times
        When the ramps of these switches began, in s from any moment, shape (n_switch,); None: only their order is
        known.
    edges
        Of the bins in A in which somebody else counted the currents, ascending, shape (n_bin + 1,), where they are not
        equally wide; the currents are then the middles of their bins. None: no such bins.
    """

    switching_currents: NDArray[np.float64]
    intervals: NDArray[np.float64]
    ramp: MeasuredRamp
    censored: int
    temperature: float
    temperature_std: float = 0.0
    point: int = 0
    run_id: int | None = None
    polarity: int = 1
    resolution: float | None = None
    rounding: str = "nearest"
    edges: NDArray[np.float64] | None = None
    time: float = math.nan
    times: NDArray[np.float64] | None = None

    def __repr__(self) -> str:
        bath = "an unknown temperature" if math.isnan(self.temperature) else readable(self.temperature, "K")
        missing = f" and {self.censored} ramps without one" if self.censored else ""
        return f"<Histogram: {self.switching_currents.size} switches{missing} at {bath}>"


@dataclass(frozen=True)
class Sweep:
    """The histograms of one temperature sweep and what is known of the junction."""

    histograms: tuple[Histogram, ...]
    junction: JunctionEstimate
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
