"""What the estimate of the junction predicts: the distribution on each ramp, and whole sweeps drawn from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition.goal import MARGIN, PrecisionGoal
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.physics import Junction, NoiseTemperature, SwitchingDistribution
from mqtctl.plan import Plan, Sample, Variant
from mqtctl.plan.calibration import Calibration
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep
from mqtctl.rehearsal.prediction.line import Line

__all__ = ["Circumstances", "Expected", "draw_sweep", "expect", "switches_for", "without_capacitance_error"]

#: Most switches of one synthetic histogram; standard errors of longer ones follow from it.
MOST_DRAWN = 100_000
#: Switches from which the number that a precision takes is predicted.
PILOT = 20_000
#: Below this share of ramps that switch, nothing is drawn.
LEAST_SHARE = 1e-3
#: A share of survivors that nobody will see.
NO_SURVIVORS = 1e-9


@dataclass(frozen=True)
class Circumstances:
    """What the switching currents depend on beside ramp and temperature.

    Attributes
    ----------
    sample
        Gives the junction.
    model
        Escape model of `mqtctl.physics`, at the sample's temperature.
    line
        What lies between source, junction and record.
    offset_current
        Constant current in A that is added to the ramps.
    calibration
        What the ramps are corrected with, None for nothing.
    share
        Critical current over the estimate's, at a temperature of the sample in K and a time on the bench in s.
    """

    sample: Sample
    model: Any
    line: Line = field(default_factory=Line)
    offset_current: float = 0.0
    calibration: Calibration | None = None
    share: Callable[[float, float], float] = lambda _temperature, _time: 1.0

    @property
    def junction(self) -> Junction:
        """The junction as the sample file estimates it."""
        return junction_of(self.sample.junction.estimate)

    def junction_at(self, temperature: float, time: float = 0.0) -> Junction:
        """Return the junction at a temperature of the sample (K) and a time on the bench (s)."""
        cold = self.junction
        share = max(self.share(temperature, time), LEAST_SHARE)
        return replace(cold, critical_current=share * cold.critical_current)

    @property
    def law(self) -> Any:
        """The escape model with the line's fast noise."""
        warmer = self.line.noise_temperature
        return NoiseTemperature(self.model, warmer, self.line.noise_exponent) if warmer else self.model

    @property
    def scale(self) -> float:
        """The junction's current over the programmed one."""
        if self.line.scale is not None:
            return self.line.scale
        return 1.0 if self.calibration is None else self.calibration.scale

    @property
    def offset(self) -> float:
        """Current in A that the junction sees besides the ramp."""
        if self.line.offset is not None:
            return self.line.offset
        return self.offset_current + (0.0 if self.calibration is None else self.calibration.offset or 0.0)

    def ramp(self, variant: Variant) -> MeasuredRamp:
        """Return a ramp as records will have it: calibrated, and rising whatever its polarity."""
        ramp = _programmed(variant, self.offset_current)
        ramp = ramp if self.calibration is None else self.calibration.apply(ramp)
        return ramp if variant.polarity > 0 else ramp.mirrored

    def true_ramp(self, variant: Variant) -> MeasuredRamp:
        """Return the same ramp as the junction sees it."""
        ramp = _programmed(variant, self.offset)
        ramp = replace(
            ramp,
            start_current=self.scale * ramp.start_current,
            stop_current=self.scale * ramp.stop_current,
            rate=self.scale * ramp.rate,
        )
        return ramp if variant.polarity > 0 else ramp.mirrored


def _programmed(variant: Variant, offset: float) -> MeasuredRamp:
    return MeasuredRamp(
        start_current=variant.start_current,
        stop_current=variant.stop_current,
        rate=variant.rate,
        period=1.0 / variant.repetition,
        delay=0.0,
        offset=offset,
    )


@dataclass(frozen=True)
class Expected:
    """The distribution of switching currents on one kind of ramp at one temperature.

    Attributes
    ----------
    temperature
        Of the sample, in K.
    bath
        What the thermometer reads, in K.
    ramp
        As records have it: rising.
    distribution
        Of the junction's own currents, without noise; with a survivor for each ramp that reaches the top.
    noise
        Standard deviation in A that is added to each recorded current.
    slope, shift
        Recorded current over the junction's own, and what is added (A): 1 and 0 where the records are true.
    """

    temperature: float
    bath: float
    ramp: MeasuredRamp
    distribution: SwitchingDistribution
    noise: float
    slope: float = 1.0
    shift: float = 0.0

    @property
    def survivors(self) -> float:
        """Share of ramps that reach the top without a switch; a top above Ic is never reached."""
        law = self.distribution
        mass = law.survivor_mass if law.stop_current < law.junction.critical_current else 0.0
        return mass if mass > NO_SURVIVORS else 0.0

    @cached_property
    def moments(self) -> tuple[float, float]:
        """Recorded mean and standard deviation in A of those that switch; NaN if hardly any do."""
        share = 1.0 - self.survivors
        if share < LEAST_SHARE:
            return math.nan, math.nan
        law = self.distribution
        # the law's moments count survivors at the end of the ramp: they are taken out again
        mean = (law.mean - self.survivors * law.stop_current) / share
        square = (law.std**2 + law.mean**2 - self.survivors * law.stop_current**2) / share - mean**2
        return self.slope * mean + self.shift, math.hypot(self.slope * math.sqrt(max(square, 0.0)), self.noise)

    def draw(self, switches: int, rng: np.random.Generator, point: int = 0) -> Histogram:
        """Return a histogram of so many switches, with the ramps without one that come between them."""
        currents: NDArray[np.float64] = np.empty(0)
        censored = 0
        while (missing := switches - currents.size) > 0:
            ramps = math.ceil(missing / (1.0 - self.survivors))
            drawn = self.distribution.sample(ramps, rng)
            switched = drawn < self.distribution.stop_current if self.survivors else np.ones(ramps, dtype=bool)
            last = ramps if switched.sum() < missing else int(np.flatnonzero(switched)[missing - 1]) + 1
            currents = np.concatenate([currents, drawn[:last][switched[:last]]])
            censored += last - int(switched[:last].sum())
        currents = self.slope * currents + self.shift
        if self.noise > 0.0:
            currents = currents + self.noise * rng.standard_normal(currents.size)
        ramp = self.ramp
        intervals = (currents - ramp.start_current - ramp.offset) / ramp.rate + ramp.delay
        return Histogram(currents, intervals, ramp, censored, self.bath, 0.0, point)


def expect(
    circumstances: Circumstances,
    variant: Variant,
    temperature: float,
    bath: float | None = None,
    time: float = 0.0,
) -> Expected | None:
    """Return what a switching ramp gives at a temperature of the sample (K); None where it gives nothing.

    A ramp at negative bias is mirrored, as records are. Behind the filter it gets no farther than rate x lag below its
    top. `bath` (K) is what the thermometer reads, by default the temperature itself; `time` (s) is the bench's.
    """
    ramp, true, line = circumstances.ramp(variant), circumstances.true_ramp(variant), circumstances.line
    junction = circumstances.junction_at(temperature, time)
    start = true.start_current + true.offset
    stop = true.stop_current + true.offset - true.rate * line.lag
    if not -junction.critical_current < start < min(stop, junction.critical_current):
        return None
    law = SwitchingDistribution(junction, temperature, true.rate, circumstances.law, start, stop_current=stop)
    slope = ramp.rate / true.rate
    found = Expected(
        temperature,
        temperature if bath is None else bath,
        ramp,
        law,
        math.hypot(slope * line.noise, ramp.rate * line.jitter),
        slope,
        ramp.start_current + ramp.offset - slope * start + ramp.rate * line.late.get(variant.polarity, 0.0),
    )
    return found if found.survivors < 1.0 - LEAST_SHARE else None


def draw_sweep(
    expected: Sequence[tuple[int, Expected, int]], junction: JunctionEstimate, rng: np.random.Generator
) -> Sweep:
    """Return a sweep of (point, law, switches), each histogram at most `MOST_DRAWN` switches long."""
    histograms = [law.draw(min(switches, MOST_DRAWN), rng, point) for point, law, switches in expected]
    return Sweep(tuple(histograms), junction, "rehearsal")


def switches_for(plan: Plan, law: Expected, junction: JunctionEstimate, rng: np.random.Generator) -> int:
    """Return how many switches a histogram takes: as many as planned, or as its precision is predicted to need.

    The relative standard error r of n drawn switches falls as n^-1/2, so that a precision p needs n (r/p)^2.
    """
    if plan.precision is None:
        return plan.most_switches
    goal = PrecisionGoal(plan.precision, plan.precision_of, junction)
    drawn = law.draw(min(PILOT, plan.most_switches), rng)
    error = goal.relative_error(drawn.switching_currents, drawn.censored, drawn.ramp)
    if not math.isfinite(error):
        return plan.most_switches
    needed = drawn.switching_currents.size * (error / plan.precision) ** 2 * (1.0 + MARGIN)
    return int(min(plan.most_switches, math.ceil(needed)))


def without_capacitance_error(sweep: Sweep) -> Sweep:
    """Return the sweep with capacitance and resistance taken as exact: their errors are the same in every run."""
    return replace(sweep, junction=replace(sweep.junction, capacitance_stderr=None, resistance_stderr=None))
