"""When the junction switches: exact inversion of the integrated escape rate over one bias cycle.

Within one excursion of the current above the retrapping current, the probability of still being
in the zero-voltage state is exp(-H(t)), H(t) = integral of Gamma(I(t')) dt'. With E a unit
exponential random number the switch happens where H(t) = E, and never if E > H(end).

`RateTable` tabulates ln Gamma(I) at one temperature, `HazardTable` integrates it along a cycle. For
drawing many ramps at temperatures and offsets that wander see `switch_times`.

The experiment integrates rates by a method of its own (`mqtctl.physics.ramp.hazard`). Do not merge the two: that they
have no line in common is what makes a rehearsal evidence (docs/decisions/0016-two-hazard-modules.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.physics import EscapeModel, Junction
from pyvisa_mqt.sample.staircase import Cycle, Excursion

__all__ = ["HazardTable", "RateTable"]

Array = NDArray[np.float64]

_NEGLIGIBLE = -30.0  # ln of a hazard below which a stretch of the ramp is left out: 1e-13
_NEVER_LATER = 60.0  # hazard that nothing survives: -ln(1 - u) of a 53-bit u is at most 36.7
_CURVATURE = 2e-3  # largest departure of ln Gamma from a straight line between grid points
_RATE_FLOOR = -1e4  # stands for ln 0, so that differences stay finite
# x = 1 - I/Ic where ln Gamma is tabulated. 4e-3 in ln x keeps linear interpolation of a barrier of
# 40 kT within 2e-4; closer to Ic than 1e-6 the rate hardly changes before the current is over.
_GRID = np.concatenate([np.linspace(math.log(1e-10), math.log(1e-6), 60, endpoint=False),
                        np.linspace(math.log(1e-6), 0.0, 3500)])  # fmt: skip


class RateTable:
    """ln Gamma of one junction at one temperature (K), both directions of escape together.

    The reverse escape, over the barrier against the tilt, counts too: it matters for small
    junctions near zero current. Under bias the phase then runs down the tilt all the same.
    """

    def __init__(self, junction: Junction, model: EscapeModel, temperature: float) -> None:
        self.critical_current = junction.critical_current
        current = self.critical_current * -np.expm1(_GRID)
        total = np.maximum(model.log_rate(junction, current, temperature), _RATE_FLOOR)
        if total[-1] > _NEGLIGIBLE - 30.0:  # the reverse rate is largest at zero current, where both are equal
            reverse = np.maximum(model.log_rate(junction, -current, temperature), _RATE_FLOOR)
            total = np.logaddexp(total, reverse)
        self._log_rates = np.nan_to_num(np.asarray(total), nan=_RATE_FLOOR)

    def log_rate(self, current: Array) -> Array:
        """Return ln(Gamma / 1 s^-1) at currents in A, 0 <= I <= Ic."""
        x = np.maximum(1.0 - current / self.critical_current, 1e-10)
        return np.asarray(np.interp(np.log(x), _GRID, self._log_rates))

    def current_where(self, log_rate: float) -> float:
        """Return the smallest current in A at which ln Gamma reaches a value; Ic if it never does."""
        reached = np.flatnonzero(self._log_rates >= log_rate)
        if reached.size == 0:
            return self.critical_current
        edge = min(int(reached[-1]) + 1, len(_GRID) - 1)
        return float(self.critical_current * -math.expm1(_GRID[edge]))

    def current_scale(self, log_rate: float) -> float:
        """Return dI / d(ln Gamma) in A near this rate: how far a shift of current moves the histogram."""
        current = self.current_where(log_rate)
        x = 1.0 - current / self.critical_current
        near = np.array([x * 0.97, x * 1.03 + 1e-9])
        low, high = self.log_rate(self.critical_current * (1.0 - near[::-1]))
        width = float(near[1] - near[0]) * self.critical_current
        return width / max(float(high - low), 1e-3)


@dataclass
class _Pieces:
    """Parts of a cycle in each of which the current relaxes from `start` towards `target` (arrays, SI units)."""

    begin: Array
    span: Array
    target: Array
    start: Array
    lag: float

    def at(self, fraction: float) -> Array:
        """Return the current in A after a fraction of each piece."""
        if self.lag == 0.0:
            return self.target
        fading = np.exp(self.span * (-fraction / self.lag))
        return np.asarray(self.target + (self.start - self.target) * fading)

    def pick(self, keep: NDArray[np.bool_]) -> _Pieces:
        """Return some of the pieces."""
        return _Pieces(self.begin[keep], self.span[keep], self.target[keep], self.start[keep], self.lag)

    def halves(self, chosen: NDArray[np.bool_]) -> _Pieces:
        """Return these pieces with the chosen ones cut in two, in order of time."""
        half = np.where(chosen, 0.5, 1.0) * self.span
        order = np.argsort(np.concatenate([self.begin, (self.begin + half)[chosen]]), kind="stable")

        def merged(first: Array, second: Array) -> Array:
            return np.concatenate([first, second[chosen]])[order]

        return _Pieces(
            merged(self.begin, self.begin + half),
            merged(half, half),
            merged(self.target, self.target),
            merged(self.start, self.at(0.5)),
            self.lag,
        )


class HazardTable:
    """Integrated escape rate along one excursion of one cycle, ready to be inverted.

    Parameters
    ----------
    cycle, excursion
        The current, and the part of it in which the junction can leave the zero-voltage state.
    rates
        ln Gamma at the junction's temperature.
    offset
        Current in A added to the cycle's.
    """

    def __init__(self, cycle: Cycle, excursion: Excursion, rates: RateTable, offset: float = 0.0) -> None:
        pieces = _pieces(cycle, excursion, offset)
        # Where the rate over the whole excursion is negligible nothing needs to be integrated.
        floor = rates.current_where(_NEGLIGIBLE - math.log(max(excursion.end - excursion.begin, 1e-12)))
        pieces = pieces.pick(np.maximum(pieces.at(0.0), pieces.at(1.0)) >= floor)
        pieces, self.certain = _up_to_critical_current(pieces, rates.critical_current)
        pieces = _refined(pieces, rates)
        self._begin, self._span = pieces.begin, pieces.span
        self._log_rate = rates.log_rate(pieces.at(0.0))
        self._change = rates.log_rate(pieces.at(1.0)) - self._log_rate
        self._hazards = self._span * _mean_rate(self._log_rate, self._change)
        self._hazard = np.concatenate([[0.0], np.cumsum(self._hazards)])

    @property
    def total(self) -> float:
        """H at the end of the excursion, exact as long as anything survives; infinite if the current exceeds Ic."""
        return float(self._hazard[-1]) if math.isinf(self.certain) else math.inf

    def invert(self, exponentials: Array) -> Array:
        """Return the times in s from the cycle's start where H equals these numbers, inf where it never does."""
        if self._span.size == 0:
            return np.full(len(exponentials), self.certain)
        k = np.searchsorted(self._hazard, exponentials, side="right") - 1
        beyond = k >= self._span.size
        k[beyond] = 0
        part = np.clip((exponentials - self._hazard[k]) / np.maximum(self._hazards[k], 1e-300), 0.0, 1.0)
        times = self._begin[k] + self._span[k] * _elapsed(part, self._change[k])
        times[beyond] = self.certain
        return np.asarray(times)


def _mean_rate(log_rate: Array, change: Array) -> Array:
    """Return the mean of exp(log_rate + change s) over s in 0..1, from the larger end so that nothing overflows."""
    size = np.abs(change)
    safe = np.where(size < 1e-9, 1.0, size)
    falling = np.where(size < 1e-9, 1.0, -np.expm1(-safe) / safe)
    return np.asarray(np.exp(log_rate + np.maximum(change, 0.0)) * falling)


def _elapsed(part: Array, change: Array) -> Array:
    """Return the fraction s of a piece after which a part r of its hazard has gone by.

    With ln Gamma linear, r (e^b - 1) = e^{b s} - 1; for b > 0 the solution is written with e^{-b}.
    """
    straight = np.abs(change) < 1e-9
    safe = np.where(straight, 1.0, change)
    fading = np.exp(-np.abs(safe))
    with np.errstate(divide="ignore"):
        rising = 1.0 + np.log(part + (1.0 - part) * fading) / safe
        falling = np.log1p(part * (fading - 1.0)) / safe
    return np.clip(np.where(straight, part, np.where(safe > 0.0, rising, falling)), 0.0, 1.0)


def _pieces(cycle: Cycle, excursion: Excursion, offset: float) -> _Pieces:
    """Return the steps of an excursion; currents count in its own polarity."""
    first = int(cycle.step_of(excursion.begin))
    last = math.ceil(excursion.end / cycle.step - 1e-9)
    k = np.arange(first, max(last, first + 1))
    begin = k * cycle.step
    begin[0] = max(begin[0], excursion.begin)
    end = np.minimum((k + 1) * cycle.step, excursion.end)
    start = cycle.starts[k].copy()
    start[0] = cycle.relax(cycle.targets[k[:1]], start[:1], begin[0] - first * cycle.step)[0]
    sign = excursion.polarity
    span = np.maximum(end - begin, 0.0)
    shifted = (sign * (cycle.targets[k] + offset), sign * (start + offset))
    whole = _Pieces(np.asarray(begin, dtype=np.float64), span, *shifted, cycle.lag)
    return whole.pick(span > 0.0)


def _up_to_critical_current(pieces: _Pieces, critical_current: float) -> tuple[_Pieces, float]:
    """Cut the pieces where the current reaches Ic; return also that time in s, inf if it never does.

    At Ic the barrier is gone and the junction switches at once. (The formulae for Gamma vanish
    there with the plasma frequency, so they may not be asked.)
    """
    start, end = pieces.at(0.0), pieces.at(1.0)
    over = np.flatnonzero(np.maximum(start, end) >= critical_current)
    if over.size == 0:
        return pieces, math.inf
    j = int(over[0])
    if start[j] >= critical_current:
        kept = pieces.pick(np.arange(len(start)) < j)
        return kept, float(pieces.begin[j])
    ratio = (critical_current - pieces.target[j]) / (pieces.start[j] - pieces.target[j])
    # with Ic itself for a target the current is there when rounding says so, which is at the piece's end
    span = min(-pieces.lag * math.log(ratio), float(pieces.span[j])) if ratio > 0.0 else float(pieces.span[j])
    kept = pieces.pick(np.arange(len(start)) <= j)
    kept.span = np.concatenate([kept.span[:-1], [span]])
    return kept, float(pieces.begin[j]) + span


def _refined(pieces: _Pieces, rates: RateTable) -> _Pieces:
    """Halve pieces until ln Gamma is straight in each of them, wherever the hazard matters."""
    for _ in range(40):
        start, middle, end = (rates.log_rate(pieces.at(f)) for f in (0.0, 0.5, 1.0))
        hazards = pieces.span * _mean_rate(start, end - start)
        before = np.cumsum(hazards) - hazards
        matters = (np.maximum(start, end) + np.log(pieces.span) > _NEGLIGIBLE) & (before < _NEVER_LATER)
        bent = np.abs(middle - 0.5 * (start + end)) > _CURVATURE
        if not np.any(matters & bent):
            break
        pieces = pieces.halves(matters & bent)
    return pieces
