"""How recorded currents are distributed: an escape law, seen through noise of the current and among false triggers.

With f = Γ/v exp(-H) for escape, a Gaussian of standard deviation s for the noise, which is constant during a ramp, and
a share q of ramps that something else ended while the junction had not switched (S = exp(-H)),

    p(I) = (1 - q) ∫ f(J) φ(I - J; s) dJ + q S(I) / ∫S dI.

A modulation of the current whose phase nobody knows, such as the mains, spreads f by the arcsine law besides. Where
values were rounded to equal steps, the probability of the interval about each is the law's mean over a step there: the
law is spread by the step, which holds as well where each value then had a shift of its own taken out (`in_time`).

The density of false triggers is that of a constant rate per ampere: uniform from the ramp's start up to where junctions
switch. All of it lives on a uniform grid, 16 points over the current in which Γ grows e-fold: convolutions of positive
numbers are sums over it, to 1e-7, and Σ ln p(I_i) is a sum over grid points with weights that are computed once (cubic
interpolation of ln p, good to 4e-7 per event). Nothing is binned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray

from mqtctl.analysis.histogram.censoring import log_empty
from mqtctl.analysis.histogram.quadrature import chebyshev_nodes, to_coefficients
from mqtctl.analysis.histogram.reduced_histogram import EXACT_LIMIT, ReducedHistogram
from mqtctl.physics import EscapeModel, Junction

__all__ = ["RecordedHistogram", "RecordedLaw", "record"]

Array = NDArray[np.float64]

FINE = 64  # cells in a grid step in which many currents are gathered
PER_SCALE = 16  # grid points; a law is narrower than the noisy data whose scale this is
BELOW, ABOVE = 32, 12  # scales between the mode and the ends of the grid: the law's tails fall to 1e-14
LAST = 7  # scales above the mode up to which anything survives
NODES = 48  # at which the model is asked; ln Γ is smooth
REACH = 8.5  # standard deviations of noise that are summed
TINY = 1e-300


@dataclass(frozen=True)
class RecordedLaw:
    """A law on the grid.

    Attributes
    ----------
    log_density
        ln p in 1/A, shape (1 + n_grid,); the first is that of all currents below the grid.
    mass
        Probability that each stands for, same shape.
    empty_hazard
        -ln of the probability of a ramp without a switch.
    bare
        The mass before rounding spread it; `mass` itself where nothing was rounded so.
    """

    log_density: Array
    mass: Array
    empty_hazard: float
    bare: Array


@dataclass(frozen=True)
class RecordedHistogram:
    """Switching currents as weights of ln p on a uniform grid.

    Attributes
    ----------
    grid
        Currents in A, shape (n_grid,).
    scale
        Current in A over which the rate grows e-fold, as far as two quantiles tell.
    centre
        Mode in A of the switching currents, likewise.
    weight
        Of ln p at "below the grid" and at each grid point, shape (1 + n_grid,); sums to the number of switches.
    cells
        For values rounded to unequal steps: first grid points and cubic weights of quadrature points, (n_cell, 6) and
        (n_cell, 6, 4), quadrature weights in A, (n_cell, 6), and counts, (n_cell,). None otherwise.
    reduced
        What else is known of the histogram.
    start, top
        Of the ramp, in A.
    step_taken
        Step in A to which the values were rounded, all alike; 0: exact, or unequal.
    """

    grid: Array
    scale: float
    centre: float
    weight: Array
    cells: tuple[NDArray[np.intp], Array, Array, Array] | None
    reduced: ReducedHistogram
    start: float
    top: float
    step_taken: float = 0.0

    @property
    def step(self) -> float:
        """Distance in A of the grid points."""
        return self.scale / PER_SCALE

    def law(
        self,
        model: EscapeModel,
        junction: Junction,
        temperature: float,
        noise: float = 0.0,
        false: float = 0.0,
        modulation: float = 0.0,
    ) -> RecordedLaw:
        """Return the law of a junction at a temperature (K), with noise, a share of false triggers, and modulation.

        Noise is a standard deviation in A, modulation an amplitude in A of unknown phase.
        """
        hazard_density = np.exp(np.minimum(self._log_rate(model, junction, temperature), 600.0)) / (
            self.reduced.ramp_rate
        )
        hazard_density[self.grid < self.start] = 0.0
        hazard = _cumulative(hazard_density) * self.step
        survival = np.exp(-np.minimum(hazard, 700.0))
        density = hazard_density * survival
        within = np.ones(1)
        if self.reduced.censored:  # the share of each grid point's cell below the top
            within = np.clip((self.top - self.grid) / self.step + 0.5, 0.0, 1.0)
        beside = survival * (self.grid >= self.start) * within
        if noise > 0.0:
            density, within = _smeared(density * within, noise / self.step), np.ones(1)
        if modulation > 0.0:
            density, within = _spread(density * within, _arcsine(modulation / self.step)), np.ones(1)
        survivors = float(np.interp(self.top, self.grid, hazard)) if self.top < self.grid[-1] else 700.0
        before = max(float(self.grid[0]) - self.start, 0.0)
        length = before + float(beside.sum()) * self.step
        mass = (1.0 - false) * density * within + false / length * beside
        density = (1.0 - false) * density + false / length * survival
        below = false / length if before else 0.0
        bare = np.concatenate([[below * before], mass * self.step])
        seen = bare
        if self.step_taken:
            even = _even(self.step_taken / self.step)
            density = _spread(density, even)
            seen = np.concatenate([bare[:1], _spread(bare[1:], even)])
        return RecordedLaw(
            np.log(np.maximum(np.concatenate([[below + float(density[0])], density]), TINY)),
            seen,
            survivors - math.log1p(-false),
            bare,
        )

    def log_likelihood(self, law: RecordedLaw) -> float:
        """Return ln L; exact values enter with densities in 1/A, rounded ones with probabilities."""
        reduced = self.reduced
        empty = -reduced.censored * law.empty_hazard
        if reduced.censored and not reduced.all_survived:
            empty = log_empty(reduced.switches, reduced.censored, law.empty_hazard)
        if self.cells is None:
            in_steps = reduced.switches * math.log(self.step_taken) if reduced.rounding is not None else 0.0
            return float(self.weight @ law.log_density) + in_steps + empty
        first, cubic, quadrature, counts = self.cells
        density = np.exp((law.log_density[first[..., np.newaxis] + np.arange(4)] * cubic).sum(axis=2))
        return float(counts @ np.log(np.maximum((density * quadrature).sum(axis=1), TINY))) + empty

    def gain(self, law: RecordedLaw, other: RecordedLaw) -> float:
        """Return ln L of one law less that of another, without the rounding of either where values are exact."""
        if self.cells is not None or self.reduced.censored:
            return self.log_likelihood(law) - self.log_likelihood(other)
        return float(self.weight @ (law.log_density - other.log_density))

    def distribution(self, law: RecordedLaw, currents: Array) -> Array:
        """Return the probability to be recorded below currents in A, among the ramps that switch."""
        below = law.bare[0] + np.cumsum(law.bare[1:]) - 0.5 * law.bare[1:]
        slope = law.bare[1:] / self.step
        nearest = np.clip(np.rint((currents - self.grid[0]) / self.step).astype(np.intp), 0, self.grid.size - 1)
        inside = below[nearest] + slope[nearest] * (currents - self.grid[nearest])
        before = max(float(self.grid[0]) - self.start, 1e-300)
        outside = law.bare[0] * np.clip((currents - self.start) / before, 0.0, 1.0)
        total = float(law.bare.sum())
        return np.asarray(np.clip(np.where(currents < self.grid[0], outside, inside) / total, 0.0, 1.0))

    def _log_rate(self, model: EscapeModel, junction: Junction, temperature: float) -> Array:
        low, high = float(self.grid[0]), self.centre + LAST * self.scale
        nodes = 0.5 * (low + high) + 0.5 * (high - low) * chebyshev_nodes(NODES)
        if nodes[-1] < junction.critical_current - self.scale:
            values = np.asarray(model.log_rate(junction, nodes, temperature))
            if np.isfinite(values).all():
                return _from_nodes() @ values
        values = np.asarray(model.log_rate(junction, self.grid, temperature))
        above = self.grid >= junction.critical_current
        return np.where(above, 600.0, np.where(np.isnan(values), -np.inf, values))


def record(
    currents: Array, reduced: ReducedHistogram, start: float, top: float, step_taken: float = 0.0
) -> RecordedHistogram:
    """Return the switching currents (A, shape (n_switch,)) of a reduced histogram on the grid of their recorded law."""
    (low, first), (high, second) = reduced.quantile_pair
    upper = math.log(-math.log1p(-high))
    scale = (second - first) / (upper - math.log(-math.log1p(-low)))
    centre = second - upper * scale
    grid: Array = centre + scale / PER_SCALE * np.arange(-BELOW * PER_SCALE, ABOVE * PER_SCALE + 1.0)
    weight = np.zeros(1 + grid.size)
    cells = None
    rounding = reduced.rounding
    if rounding is None:
        points, counts = (
            _gathered(currents, grid) if currents.size > EXACT_LIMIT else (currents, np.ones(currents.size))
        )
    elif np.ptp((rounding.high - rounding.low)[rounding.middle >= grid[0]]) < 1e-6 * rounding.step:
        points, counts, step_taken = rounding.middle, rounding.counts, rounding.step
    if rounding is None or step_taken:
        inside = points >= grid[0]
        weight[0] = counts[~inside].sum()
        index, cubic = _cubic(points[inside], grid)
        for k in range(4):
            weight += np.bincount(index + k, weights=cubic[:, k] * counts[inside], minlength=weight.size)
    else:
        node, quadrature = leggauss(6)
        half = 0.5 * (rounding.high - rounding.low)[:, np.newaxis]
        points = rounding.middle[:, np.newaxis] + half * node
        index, cubic = _cubic(points.ravel(), grid)
        index, cubic = index.reshape(points.shape), cubic.reshape(*points.shape, 4)
        outside = points < grid[0]
        index[outside], cubic[outside] = 0, (1.0, 0.0, 0.0, 0.0)
        cells = index, cubic, half * quadrature, rounding.counts
    return RecordedHistogram(grid, scale, centre, weight, cells, reduced, start, top, step_taken)


def _gathered(currents: Array, grid: Array) -> tuple[Array, Array]:
    """Return the middles of cells of 1/1024 scale, and how many currents lie in each; the first is "below the grid"."""
    cell = (grid[1] - grid[0]) / FINE
    number = grid.size * FINE
    place = np.clip((currents - grid[0]) / cell + 1.0, 0.0, number).astype(np.intp)
    counts = np.bincount(place, minlength=number + 1).astype(np.float64)
    filled = counts > 0.0
    return (grid[0] + cell * (np.arange(number + 1) - 0.5))[filled], counts[filled]


@lru_cache(maxsize=1)
def _from_nodes() -> Array:
    """Return the matrix from ln Γ on the nodes to the grid; beyond them nothing has survived."""
    position = 2.0 * np.arange((BELOW + ABOVE) * PER_SCALE + 1) / (PER_SCALE * (BELOW + LAST)) - 1.0
    return np.asarray(chebyshev.chebvander(np.minimum(position, 1.0), NODES - 1) @ to_coefficients(NODES))


def _cubic(currents: Array, grid: Array) -> tuple[NDArray[np.intp], Array]:
    """Return first of four neighbours, counted with "below the grid" as 0, and Lagrange weights, (n,) and (n, 4)."""
    position = np.clip((currents - grid[0]) / (grid[1] - grid[0]), 0.0, grid.size - 1.0)
    first = np.clip(np.floor(position).astype(np.intp) - 1, 0, grid.size - 4)
    x = position - first
    weights = np.column_stack(
        [
            -(x - 1.0) * (x - 2.0) * (x - 3.0) / 6.0,
            x * (x - 2.0) * (x - 3.0) / 2.0,
            -x * (x - 1.0) * (x - 3.0) / 2.0,
            x * (x - 1.0) * (x - 2.0) / 6.0,
        ]
    )
    return first + 1, weights


def _cumulative(values: Array) -> Array:
    """Return the integral of a smooth, rising function up to each grid point, in steps."""
    inner = (13.0 * (values[1:-2] + values[2:-1]) - values[:-3] - values[3:]) / 24.0
    ends = 0.5 * (values[:1] + values[1:2]), 0.5 * (values[-2:-1] + values[-1:])
    parts = np.concatenate([ends[0], np.maximum(inner, 0.0), ends[1]])
    return np.concatenate([[0.0], np.cumsum(parts)])


def _arcsine(steps: float) -> Array:
    """Return the kernel of a sine of this amplitude in grid steps, its phase not known."""
    number = 32 + 16 * math.ceil(steps / PER_SCALE)
    angles = (np.arange(number) + 0.5) * math.pi / number
    return _kernel(steps * np.cos(angles), np.full(number, 1.0 / number))


@lru_cache(maxsize=64)
def _even(steps: float) -> Array:
    """Return the kernel of an even spread over this width in grid steps."""
    nodes, weights = leggauss(24)
    return _kernel(0.5 * steps * nodes, 0.5 * weights)


def _kernel(shifts: Array, weights: Array) -> Array:
    """Return the kernel that shifts by these grid steps, each with its weight; its middle is no shift."""
    reach = math.ceil(float(np.abs(shifts).max())) + 3
    index, cubic = _cubic(shifts, np.arange(-reach, reach + 1.0))
    place = (index - 1 + np.arange(4)[:, np.newaxis]).ravel()
    return np.asarray(np.bincount(place, (cubic.T * weights).ravel(), 2 * reach + 1), dtype=np.float64)


def _spread(density: Array, kernel: Array) -> Array:
    """Return the convolution of a density with a kernel."""
    reach = kernel.size // 2
    if kernel.size <= density.size:
        return np.asarray(np.maximum(np.convolve(density, kernel, "same"), 0.0))
    return np.asarray(np.maximum(np.convolve(density, kernel)[reach : reach + density.size], 0.0))


def _smeared(density: Array, steps: float) -> Array:
    """Return the convolution with a Gaussian of a standard deviation in grid steps."""
    if steps < 1.0:  # three points of the same variance: what else they do is of fourth order
        side = 0.5 * steps * steps
        smeared = (1.0 - 2.0 * side) * density
        smeared[1:] += side * density[:-1]
        smeared[:-1] += side * density[1:]
        return np.asarray(smeared)
    reach = min(math.ceil(REACH * steps), density.size - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / steps) ** 2) / (math.sqrt(2.0 * math.pi) * steps)
    return np.convolve(density, kernel)[reach : reach + density.size]
