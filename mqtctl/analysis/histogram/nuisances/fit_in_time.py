"""Fit of one histogram with shifts that go with the order of the ramps, besides the parameters of its shape.

Shape and shifts are climbed in turn: they are independent (`in_time`), so that the second turn moves neither by much,
and each has the errors that it would have with the other known. A price is paid only where many shifts are fitted:
n switches with k shifts say of the shape what n - k say without.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.fitted_parameter import FittedParameter
from mqtctl.analysis.histogram.nuisances.fit import NamedFit, fit_space, named_space
from mqtctl.analysis.histogram.nuisances.in_time import (
    LEAST_SEGMENT,
    InTime,
    best_frequency,
    first_step,
    independent_frequencies,
    line,
    phase_columns,
    switch_times,
)
from mqtctl.analysis.histogram.nuisances.recorded_law import RecordedHistogram, RecordedLaw
from mqtctl.analysis.histogram.reduced_histogram import reduce_histogram
from mqtctl.analysis.histogram.rounding import Rounding, find_rounding
from mqtctl.errors import InputError
from mqtctl.notation import quantity
from mqtctl.physics import EscapeModel
from mqtctl.quantities import readable
from mqtctl.records import Histogram, JunctionEstimate

__all__ = ["Shifts", "fit_in_time", "shifts_in_time"]

Array = NDArray[np.float64]

MOST_TURNS, MOST_STEPS, LEVELS = 24, 8, 64
NEAR = 0.02  # standard errors that a turn may still move a shift
STEEPEST = 30.0  # |d ln p/dI| times the scale: no single switch pulls harder
STEP_GAIN = 4.0  # and ln n: chance finds a step that gains so much once in 1e4 lists
WORTH_SAYING = 1.005  # of a price
QUASI_STATIC = 0.1  # of the ramp rate: a modulation that changes it by more is not constant during an escape


@dataclass(frozen=True)
class Shifts:
    """What was found in time.

    Attributes
    ----------
    taken
        Shift in A of each switching current, shape (n_switch,).
    parameters
        Drift or steps, then amplitude and phase of the mains.
    steps
        Before which switches, counted from 0, steps are.
    frequency
        Of the mains in Hz, as found near the one given; None without.
    gain
        In ln L over none of them, the shape being fitted in either case.
    straight
        The histogram without the shifts.
    rounding
        Of the values before; None: exact.
    """

    taken: Array
    parameters: tuple[FittedParameter, ...]
    steps: tuple[int, ...]
    frequency: float | None
    gain: float
    straight: Histogram
    rounding: Rounding | None

    @property
    def step_taken(self) -> float:
        """Step in A to which values were rounded before the shifts were taken out."""
        return 0.0 if self.rounding is None else self.rounding.step


def fit_in_time(
    histogram: Histogram,
    estimate: JunctionEstimate,
    model: EscapeModel,
    in_time: InTime,
    free: Sequence[str] = (),
    fixed: Mapping[str, float] | None = None,
) -> NamedFit:
    """Fit one histogram with what goes with the order of its switches, and with named parameters.

    Parameters
    ----------
    histogram
        At least 10 switches, in order of time.
    estimate, model, free, fixed
        As for `fit_named`.
    in_time
        What of the order is fitted or known.

    Raises
    ------
    InputError
        As for `fit_named`; or the mains are to be fitted and the times are not known, or all ramps meet one phase.
    """
    found = shifts_in_time(histogram, estimate, model, in_time, free, fixed)
    reduced = reduce_histogram(found.straight)
    space = named_space(found.straight, reduced, estimate, model, free, fixed, found.step_taken)
    if found.rounding is None:
        named = fit_space(space, tuple(fixed or {}))
    else:
        named = fit_space(space, tuple(fixed or {}), partial(_distance_at_edges, found.rounding, found.taken))
    flags = (*_sentences(found, histogram), *named.fit.flags)
    return NamedFit((*named.parameters, *found.parameters), replace(named.fit, flags=flags))


def shifts_in_time(
    histogram: Histogram,
    estimate: JunctionEstimate,
    model: EscapeModel,
    in_time: InTime,
    free: Sequence[str] = (),
    fixed: Mapping[str, float] | None = None,
) -> Shifts:
    """Return the shifts alone; raises `InputError` as `fit_in_time` does."""
    values = np.asarray(histogram.switching_currents, dtype=np.float64).ravel()
    rounding = find_rounding(values, histogram.resolution, histogram.rounding)
    if rounding is not None and not rounding.uniform:
        raise InputError("the values are rounded to steps that are not all equal: what goes with time cannot be fitted")
    if rounding is not None and histogram.rounding != "nearest":
        values = values + (0.5 if histogram.rounding == "down" else -0.5) * rounding.step
    known = in_time.known_drift * line(histogram) if in_time.known_drift else np.zeros(values.size)
    columns = _Columns(histogram, in_time)
    theta, taken, base, best = np.zeros(columns.number), known, -math.inf, 0.0
    for turn in range(MOST_TURNS):
        straight = replace(histogram, switching_currents=values - taken, resolution=0.0)
        space = named_space(
            straight, reduce_histogram(straight), estimate, model, free, fixed, rounding.step if rounding else 0.0
        )
        shape = space.climb()
        law, best = space.law(shape.parameters), shape.value
        if not float(law.mass[1:].sum()) > 0.0:
            raise InputError("no law of a junction has weight where the values lie: what goes with time cannot be told")
        base = best if turn == 0 else base
        location = _Location(space.recorded, law)
        grown = columns.grow(values - known, theta, location)
        theta = np.concatenate([theta, np.zeros(columns.number - theta.size)]) if grown else theta
        new = _climb(values - known, columns.design, theta, location)
        moved = float(np.abs((new - theta) / location.stderr(columns.design)).max(initial=0.0))
        theta = new
        taken = known + columns.design @ theta
        if not grown and moved < NEAR:
            break
    parameters = columns.parameters(theta, location.covariance(columns.design))
    if in_time.known_drift:
        parameters = (FittedParameter("drift", "A", in_time.known_drift, fixed=True), *parameters)
    straight = replace(histogram, switching_currents=values - taken, resolution=0.0)
    return Shifts(taken, parameters, tuple(columns.steps), columns.frequency, best - base, straight, rounding)


class _Location:
    """What a law says of a shift of single switches."""

    def __init__(self, recorded: RecordedHistogram, law: RecordedLaw) -> None:
        self.grid, self.log_density = recorded.grid, law.log_density[1:]
        steepest = STEEPEST / recorded.scale
        self.slope = np.clip(np.gradient(self.log_density, recorded.step), -steepest, steepest)
        mass = law.mass[1:] / law.mass.sum()
        self.information = float(mass @ self.slope**2)  # 1/A² a switch

    def score(self, currents: Array) -> Array:
        return -np.interp(currents, self.grid, self.slope)

    def log_likelihoods(self, currents: Array) -> Array:
        return np.interp(currents, self.grid, self.log_density)

    def covariance(self, design: Array) -> Array:
        return np.asarray(np.linalg.inv(design.T @ design) / self.information) if design.size else np.zeros((0, 0))

    def stderr(self, design: Array) -> Array:
        return np.sqrt(np.diag(self.covariance(design)))


def _climb(values: Array, design: Array, theta: Array, location: _Location) -> Array:
    """Return the best shifts for a law, from some that are near."""
    if not theta.size:
        return theta
    inverse = np.linalg.inv(design.T @ design)
    at = location.log_likelihoods(values - design @ theta).sum()
    for _ in range(8):
        step = inverse @ (design.T @ location.score(values - design @ theta)) / location.information
        for _ in range(6):
            tried = location.log_likelihoods(values - design @ (theta + step)).sum()
            if tried > at:
                break
            step = 0.5 * step
        else:
            return theta
        theta, gained, at = theta + step, tried - at, tried
        if gained < 1e-4:
            break
    return theta


class _Columns:
    """The design of the shifts; steps are found and the mains' frequency is tuned as it goes."""

    def __init__(self, histogram: Histogram, in_time: InTime) -> None:
        self.in_time, self.size = in_time, int(np.size(histogram.switching_currents))
        self.steps: list[int] = []
        self.frequency = in_time.mains
        self.line = line(histogram)[:, np.newaxis] if in_time.drift == "linear" else np.empty((self.size, 0))
        self.phases, self.tuned = np.empty((self.size, 0)), 0
        if in_time.mains is not None:
            self.times = switch_times(histogram)
            self.phases = phase_columns(self.times, in_time.mains)

    @property
    def design(self) -> Array:
        after = np.arange(self.size)[:, np.newaxis] >= np.array(self.steps, dtype=np.intp)
        return np.hstack([self.line, self.phases, after - after.mean(axis=0)])

    @property
    def number(self) -> int:
        return int(self.line.shape[1]) + int(self.phases.shape[1]) + len(self.steps)

    def grow(self, values: Array, theta: Array, location: _Location) -> bool:
        """Tune the frequency, move and add steps, as the scores ask for; return whether anything changed."""
        shifts = self.design @ theta
        score = location.score(values - shifts)
        changed = False
        if self.frequency is not None and self.tuned < 3:
            first = self.line.shape[1]
            pseudo = score / location.information + self.phases @ theta[first : first + 2]
            near = best_frequency(self.times, pseudo, self.in_time.mains or 0.0)
            changed, self.tuned = near != self.frequency, self.tuned + 1
            self.frequency, self.phases = near, phase_columns(self.times, near)
        if self.in_time.drift != "steps":
            return changed
        moved = self._relocate(values, theta, location)
        changed = changed or moved
        if len(self.steps) < MOST_STEPS and not moved:
            ends = [0, *self.steps, self.size]
            found = [first_step(score[a:b], location.information) for a, b in pairwise(ends)]
            k = max(range(len(found)), key=lambda place: found[place][1])
            if found[k][1] > math.log(self.size) + STEP_GAIN:
                self.steps.append(ends[k] + found[k][0])
                changed = True
        return changed

    def _relocate(self, values: Array, theta: Array, location: _Location) -> bool:
        """Put each step where the likelihood is largest between its neighbours, the levels being what they are."""
        before = list(self.steps)
        sizes = theta[theta.size - len(before) :]
        shifts = self.design @ theta
        for k in np.argsort(before):
            others = sorted([0, *(s for j, s in enumerate(self.steps) if j != k), self.size])
            place = int(np.searchsorted(others, self.steps[k], side="right"))
            a, b = others[place - 1], others[place]
            after = np.arange(a, b) >= before[k]
            bare = values[a:b] - shifts[a:b] + sizes[k] * after  # as if the step had not been
            gained = np.cumsum(location.log_likelihoods(bare) - location.log_likelihoods(bare - sizes[k]))
            if b - a > 2 * LEAST_SEGMENT:
                inner = gained[LEAST_SEGMENT - 1 : b - a - LEAST_SEGMENT]
                self.steps[k] = a + LEAST_SEGMENT + int(np.argmax(inner))
        return self.steps != before

    def parameters(self, theta: Array, covariance: Array) -> tuple[FittedParameter, ...]:
        """Return them in the order in which they are told, steps by their times."""
        price = math.sqrt(self.size / max(self.size - theta.size, 1))
        errors = np.sqrt(np.diag(covariance))
        found = []
        if self.line.size:
            found.append(_shift("drift", float(theta[0]), float(errors[0]), price))
        first = theta.size - len(self.steps)
        for number, k in enumerate(np.argsort(self.steps), 1):
            found.append(_shift(f"drift_step_{number}", float(theta[first + k]), float(errors[first + k]), price))
        if self.frequency is not None:
            at = self.line.shape[1]
            looked = math.log(independent_frequencies(self.times, self.frequency))
            found += _mains(theta[at : at + 2], covariance[at : at + 2, at : at + 2], price, looked)
        self.steps.sort()
        return tuple(found)


def _shift(name: str, value: float, stderr: float, price: float) -> FittedParameter:
    both = (value - stderr, value + stderr), (value - 1.96 * stderr, value + 1.96 * stderr)
    return FittedParameter(name, "A", value, stderr, *both, price=price)


def _mains(theta: Array, covariance: Array, price: float, looked: float) -> list[FittedParameter]:
    """Return amplitude and phase of a cos + b sin = A sin(2πft + phase).

    `looked` is the logarithm of the number of frequencies among which the likeliest was taken: chance gains that much,
    and 3 more once in twenty lists.
    """
    amplitude = math.hypot(*theta)
    along = theta / max(amplitude, 1e-300)
    stderr = math.sqrt(float(along @ covariance @ along))
    across = math.sqrt(float(along[::-1] * (1.0, -1.0) @ covariance @ (along[::-1] * (1.0, -1.0))))
    low, low_95 = (max(amplitude - far * stderr, 0.0) for far in (1.0, 1.96))
    limit = None if amplitude > math.sqrt(2.0 * (looked + 3.0)) * stderr else amplitude + 1.645 * stderr
    if limit is not None:
        low = low_95 = 0.0
    ends = (low, amplitude + stderr), (low_95, amplitude + 1.96 * stderr)
    found = [FittedParameter("mains_amplitude", "A", amplitude, stderr, *ends, limit, price=price)]
    if limit is None:
        phase, error = math.atan2(*theta), across / amplitude
        ends = (phase - error, phase + error), (phase - 1.96 * error, phase + 1.96 * error)
        found.append(FittedParameter("mains_phase", "rad", phase, error, *ends, price=price))
    else:
        found.append(FittedParameter("mains_phase", "rad", None, identifiable=False, price=price))
    return found


def _distance_at_edges(
    rounding: Rounding, taken: Array, recorded: RecordedHistogram, law: RecordedLaw
) -> tuple[float, Array]:
    """Return distance and law at the ends of the intervals, where the rounded values' counts are known."""
    edges, below = rounding.edges()
    parts = np.array_split(np.sort(taken), min(LEVELS, taken.size))
    share = np.array([part.size for part in parts]) / taken.size
    expected = share @ np.array([recorded.distribution(law, edges - float(part.mean())) for part in parts])
    return float(np.abs(below / taken.size - expected).max()), expected


def _sentences(found: Shifts, histogram: Histogram) -> list[str]:
    """Say what was taken out, and what it cost."""
    named = {one.name: one for one in found.parameters if not one.fixed}
    said = []
    drift, amplitude = named.get("drift"), named.get("mains_amplitude")
    if drift is not None and drift.value is not None:
        said.append(f"a linear drift of {quantity(drift.value, 'A', drift.stderr)} from the first ramp to the last")
    steps = [one for name, one in named.items() if name.startswith("drift_step")]
    said += [
        f"a step of {quantity(one.value, 'A', one.stderr)} before switch {at + 1}"
        for one, at in zip(steps, found.steps, strict=True)
    ]
    if amplitude is not None and found.frequency is not None:
        size = quantity(amplitude.value, "A", amplitude.stderr)
        if amplitude.upper_95 is not None:
            size = f"below {readable(amplitude.upper_95, 'A')} (95 %)"
        said.append(f"a modulation of {size} at {found.frequency:.6g} Hz")
    flags = (
        [f"{' and '.join(said)} {'was' if len(said) == 1 else 'were'} taken out: a gain of {found.gain:.1f} in ln L"]
        if said
        else []
    )
    if not said and not found.taken.any():
        flags.append("no step of the current was found")
    price = max((one.price or 1.0 for one in named.values()), default=1.0)
    if price > WORTH_SAYING:
        flags.append(f"for these shifts the standard error of the temperature is {price:.3g} times as large")
    if amplitude is not None and amplitude.value is not None and found.frequency is not None:
        change = 2.0 * math.pi * found.frequency * amplitude.value / histogram.ramp.rate
        if change > QUASI_STATIC:
            flags.append(
                f"the modulation changes the ramp rate by up to {100.0 * change:.0f} %: it is not constant during an"
                " escape, as the fit takes it to be"
            )
    return flags
