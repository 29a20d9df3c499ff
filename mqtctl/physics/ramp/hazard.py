"""The integrated hazard of a ramp, on panels that find the distribution wherever it is.

A ramp from I_start to I_stop runs through y = (I - I_start)/Ic and x = (I_stop - I)/Ic, whose sum is its length. The
coordinate z = ln(y/x) is geometric at both ends, so that a distribution 1e-4 Ic wide just below Ic and one that piles
up 1e-12 Ic above the start are resolved alike, and both x and y follow from z without cancellation. Panels
are placed so that the log hazard changes by about 1.5 and the integrated hazard by about 2 in each; on each,
Gauss-Legendre quadrature of 16 nodes gives the hazard and its running integral to 1e-13.

The bench integrates rates by a method of its own (`pyvisa_mqt.sample.hazard`). Do not merge the two: that they have no
line in common is what makes a rehearsal evidence (docs/decisions/0016-two-hazard-modules.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

__all__ = ["HazardPanels", "LogHazard", "integrate_hazard"]

FloatArray = NDArray[np.float64]
LogHazard = Callable[[FloatArray, FloatArray], FloatArray]
"""Log of the hazard per unit of y, as a function of (x, y), both of shape (n,)."""

NODES = 16
LEAST, MOST = 1e-30, 60.0  # integrated hazard between which panels are placed, the first relative to its end value
_LOG_NEGLIGIBLE = -30.0  # ln of a probability that the start of the panels may miss
_ROUGH = 1e-11  # probability in the last Legendre coefficients of a panel at which it is halved
_LOWEST_Z, _HIGHEST_Z = -41.0, 37.0
_CHUNK = 16384

_T, _W = legendre.leggauss(NODES)


def _running_integral() -> FloatArray:
    """Return the matrix that takes node values on [-1, 1] to Legendre coefficients of their integral from -1."""
    values_to_series = np.linalg.inv(legendre.legvander(_T, NODES - 1))
    return np.stack([legendre.legint(column, lbnd=-1) for column in values_to_series.T], axis=1)


_TO_SERIES = _running_integral()  # (NODES + 1, NODES)
_TO_NODES = legendre.legvander(_T, NODES) @ _TO_SERIES
_LAST = np.linalg.inv(legendre.legvander(_T, NODES - 1))[-2:]  # (2, NODES)


@dataclass(frozen=True)
class HazardPanels:
    """Hazard and integrated hazard on consecutive panels in z.

    Attributes
    ----------
    length
        (I_stop - I_start)/Ic.
    edges
        Panel edges in z, shape (n_panel + 1,).
    hazard_at_edges
        Integrated hazard from the start to each edge, same shape.
    x, y
        Coordinates of the nodes, shape (n_panel, 16).
    hazard
        Integrated hazard at the nodes, same shape.
    mass
        Probability that each node stands for, same shape; with `survivors` it sums to 1.
    series
        Legendre coefficients of the integrated hazard within each panel, shape (n_panel, 17).
    survivors
        Probability of reaching the end of the ramp.
    roughness
        Probability in the last two Legendre coefficients of each panel's density, shape (n_panel,).
    """

    length: float
    edges: FloatArray
    hazard_at_edges: FloatArray
    x: FloatArray
    y: FloatArray
    hazard: FloatArray
    mass: FloatArray
    series: FloatArray
    survivors: float
    roughness: FloatArray

    def coordinate(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return z = ln(y/x) cut to the panels."""
        with np.errstate(divide="ignore"):
            z = np.log(np.maximum(y, 0.0)) - np.log(np.maximum(x, 0.0))
        return np.asarray(np.clip(z, self.edges[0], self.edges[-1]))

    def integrated(self, z: FloatArray) -> FloatArray:
        """Return the integrated hazard at z, shape (n,)."""
        return _in_chunks(self._integrated, z)

    def invert(self, hazard: FloatArray) -> FloatArray:
        """Return z where the integrated hazard reaches the given values (n,); cut to the panels."""
        return _in_chunks(self._invert, hazard)

    def _integrated(self, z: FloatArray) -> FloatArray:
        panel = np.clip(np.searchsorted(self.edges, z, side="right") - 1, 0, len(self.edges) - 2)
        left, right = self.edges[panel], self.edges[panel + 1]
        local = (2.0 * z - left - right) / (right - left)
        value = legendre.legval(local, self.series[panel].T, tensor=False)
        return np.asarray(self.hazard_at_edges[panel] + np.maximum(value, 0.0))

    def _invert(self, hazard: FloatArray) -> FloatArray:
        panel = np.clip(np.searchsorted(self.hazard_at_edges, hazard, side="right") - 1, 0, len(self.edges) - 2)
        left, right = self.edges[panel], self.edges[panel + 1]
        target = hazard - self.hazard_at_edges[panel]
        low, high = np.full_like(target, -1.0), np.full_like(target, 1.0)
        series = self.series[panel].T
        slope = legendre.legder(series)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = target / (self.hazard_at_edges[panel + 1] - self.hazard_at_edges[panel])
        local = np.clip(np.nan_to_num(2.0 * share - 1.0), -1.0, 1.0)
        for _ in range(60):
            excess = legendre.legval(local, series, tensor=False) - target
            low, high = np.where(excess < 0.0, local, low), np.where(excess < 0.0, high, local)
            with np.errstate(divide="ignore", invalid="ignore"):
                newton = local - excess / legendre.legval(local, slope, tensor=False)
            usable = (newton >= low) & (newton <= high)
            following = np.where(usable, newton, 0.5 * (low + high))
            done = np.max(np.abs(following - local), initial=0.0) < 1e-11  # Newton: the next error is its square
            local = following
            if done:
                break
        return np.asarray(np.clip(0.5 * (left + right) + 0.5 * (right - left) * local, left, right))

    def refined(self, pieces: NDArray[np.int64], log_hazard: LogHazard) -> HazardPanels:
        """Return the same on panels each cut into the given number of pieces (n_panel,), equal in z."""
        left, step = self.edges[:-1], np.diff(self.edges) / pieces
        cuts = [left[i] + step[i] * np.arange(pieces[i]) for i in range(len(pieces))]
        edges = np.append(np.concatenate(cuts), self.edges[-1])
        return _panels(log_hazard, edges, self.length)[0]

    def position(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (x, y) at z, each with full relative precision."""
        return _position(z, self.length)


def _in_chunks(function: Callable[[FloatArray], FloatArray], values: FloatArray) -> FloatArray:
    """Apply a function of (n,) in pieces whose 17 coefficients per point stay in the cache."""
    if len(values) <= _CHUNK:
        return function(values)
    return np.concatenate([function(values[begin : begin + _CHUNK]) for begin in range(0, len(values), _CHUNK)])


def _position(z: FloatArray, length: float) -> tuple[FloatArray, FloatArray]:
    growth = np.exp(-np.abs(z))
    large, small = length / (1.0 + growth), length * growth / (1.0 + growth)
    below = z < 0.0
    return np.where(below, large, small), np.where(below, small, large)


def integrate_hazard(log_hazard: LogHazard, length: float) -> HazardPanels:
    """Return the integrated hazard of a ramp of the given length.

    Parameters
    ----------
    log_hazard
        ln of the hazard per unit of y, vectorised; -inf where it is zero.
    length
        (I_stop - I_start)/Ic, > 0.
    """
    z = np.linspace(_LOWEST_Z, _HIGHEST_Z, 320)
    logs = _per_z(log_hazard, z, length)
    if logs[0] > _LOG_NEGLIGIBLE:  # it piles up at the very start: there the hazard per z goes as y = length exp(z)
        lower = np.arange(1.0, logs[0] - _LOG_NEGLIGIBLE + 2.0)[::-1]
        z = np.concatenate([np.maximum(z[0] - lower, -600.0), z])
        logs = np.concatenate([_per_z(log_hazard, z[: len(lower)], length), logs])
    for _ in range(16):  # a step in the hazard is narrowed tenfold each time
        edges = _place_edges(z, logs)
        panels, nodes, logs_at_nodes = _panels(log_hazard, edges, length)
        rise = np.diff(panels.hazard_at_edges)
        relevant = panels.hazard_at_edges[:-1] < 40.0
        least = LEAST * min(1.0, panels.hazard_at_edges[-1])
        swing = np.ptp(np.maximum(logs_at_nodes, -80.0), axis=1) * (panels.hazard_at_edges[1:] > least)
        if not np.any(relevant & ((rise > 6.0) | (swing > 5.0))):
            break
        z = np.concatenate([z, nodes.ravel()])
        logs = np.concatenate([logs, logs_at_nodes.ravel()])
        order = np.argsort(z, kind="stable")
        z, logs = z[order], logs[order]
    for _ in range(8):  # where a model has a sharp feature of its own, its panel is halved until it resolves that
        rough = panels.roughness > _ROUGH * min(1.0, panels.hazard_at_edges[-1])
        if not rough.any():
            break
        panels = panels.refined(1 + rough.astype(np.int64), log_hazard)
    return panels


def _per_z(log_hazard: LogHazard, z: FloatArray, length: float) -> FloatArray:
    """Return ln of the hazard per unit of z; dy/dz = x y / length."""
    x, y = _position(z, length)
    return np.asarray(log_hazard(x, y) + np.log(x) + np.log(y) - np.log(length))


def _place_edges(z: FloatArray, logs: FloatArray) -> FloatArray:
    """Return panel edges from samples of the log hazard, taken as linear between them."""
    fine = np.interp(np.arange(0, 8 * (len(z) - 1) + 1) / 8.0, np.arange(len(z)), z)
    value = np.interp(fine, z, np.maximum(logs, -1e4))
    step = np.diff(fine)
    level = np.exp(np.minimum(value, 600.0))
    hazard = np.concatenate([[0.0], np.cumsum(0.5 * (level[1:] + level[:-1]) * step)])
    first = max(int(np.searchsorted(hazard, LEAST * min(1.0, hazard[-1]))) - 2, 0)
    last = min(int(np.searchsorted(hazard, MOST)) + 1, len(fine) - 1)
    if last - first < 1:
        first = last - 1
    middle = np.minimum(0.5 * (hazard[1:] + hazard[:-1]), 2.0 * MOST)
    rise = np.diff(np.minimum(hazard, 2.0 * MOST))
    change = np.minimum(np.abs(np.diff(np.maximum(value, -80.0))), 50.0)
    monitor = change / 1.5 + rise / 2.0 + step / 3.0 + (middle < MOST) * 1e-9
    progress = np.concatenate([[0.0], np.cumsum(monitor[first:last])])
    count = max(int(np.ceil(progress[-1])), 4)
    edges = np.interp(np.linspace(0.0, progress[-1], count + 1), progress, fine[first : last + 1])
    return np.asarray(edges)


def _panels(log_hazard: LogHazard, edges: FloatArray, length: float) -> tuple[HazardPanels, FloatArray, FloatArray]:
    """Return the panels on these edges, with the z of their nodes and the log hazard per z there."""
    half = 0.5 * np.diff(edges)[:, None]
    nodes = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * _T
    logs = _per_z(log_hazard, nodes.ravel(), length).reshape(nodes.shape)
    density = np.exp(np.minimum(logs, 600.0))
    series = half * (density @ _TO_SERIES.T)
    rise = half[:, 0] * (density @ _W)
    at_edges = np.concatenate([[0.0], np.cumsum(rise)])
    hazard = at_edges[:-1, None] + np.maximum(half * (density @ _TO_NODES.T), 0.0)
    mass = half * _W * density * np.exp(-hazard)
    x, y = _position(nodes, length)
    survivors = float(np.exp(-at_edges[-1])) if edges[-1] >= _HIGHEST_Z else 0.0
    roughness = np.abs((mass / _W) @ _LAST.T).max(axis=1)
    panels = HazardPanels(length, edges, at_edges, x, y, hazard, mass, series, survivors, roughness)
    return panels, nodes, logs
