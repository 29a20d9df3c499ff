"""Switching times for many bias cycles at once, at temperatures and bias offsets that wander.

The exact tables of `hazard` are inverted once per node: temperatures 0.5 % apart, offsets of the
bias current a third of the histogram's width apart, ln H in steps of 0.02. Between the nodes switching
times are interpolated linearly. They move smoothly with all three, so that the error stays far below a
hundredth of the histogram's width (tests/unit/pyvisa_mqt/sample/test_sample_switch_times.py measures it).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mqtctl.physics import EscapeModel, Junction
from pyvisa_mqt.sample.hazard import HazardTable, RateTable
from pyvisa_mqt.sample.staircase import Cycle, Excursion

__all__ = ["SwitchTimes"]

Array = NDArray[np.float64]
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_TEMPERATURE_NODE = 0.005  # spacing of ln T
_LEAST_SHARE = 1e-3  # of the critical current that is left near the transition, and what stands for none
_COLDEST = 1e-4  # K; below this nothing changes any more
_FIRST, _SPACING = -20.0, 0.02  # grid of ln H; a smaller unit exponential comes once in 5e8 ramps
_LAST = math.log(45.0)  # -ln(1 - u) of a 53-bit u is at most 36.7
_GRID = np.arange(_FIRST, _LAST + _SPACING, _SPACING)
_LARGEST_OFFSET = 5.0  # standard deviations
_MOST_NODES = 64  # of offset on each side


@dataclass(frozen=True)
class _Nodes:
    """Inverted hazards of one excursion at one temperature, for all nodes of bias offset.

    Attributes
    ----------
    times
        Switching times in s, shape (n_offset, n_grid); beyond the end of the excursion they are continued.
    log_totals
        ln H at the excursion's end, shape (n_offset,); above the grid where a switch is certain.
    spacing
        Of the offset nodes, in standard deviations of the offset; n_offset is odd, the middle one is 0.
    """

    times: Array
    log_totals: Array
    spacing: float

    @cached_property
    def possible(self) -> bool:
        """Whether a switch is likelier than once in 1e8 cycles."""
        return bool(self.log_totals.max() > _FIRST)

    def lookup(self, logs: Array, cell: NDArray[np.int64], weight: Array, normals: Array) -> Array:
        """Return switching times in s, NaN where there is no switch.

        Parameters
        ----------
        logs, cell, weight
            ln E of each ramp, its cell in the grid of ln H and its place in the cell, shape (n_cycle,).
        normals
            Bias offset of each ramp in standard deviations, shape (n_cycle,).
        """
        table = self.times.ravel()
        n_offset = len(self.log_totals)
        if n_offset == 1:
            times = table.take(cell)
            times += weight * (table.take(cell + 1) - times)
            times[logs >= self.log_totals[0]] = np.nan
            return times
        place = np.clip(normals, -_LARGEST_OFFSET, _LARGEST_OFFSET) / self.spacing + n_offset // 2
        below = np.minimum(place.astype(np.int64), n_offset - 2)
        part = place - below
        flat = cell + below * len(_GRID)
        low, high = _along(table, flat, weight), _along(table, flat + len(_GRID), weight)
        totals = self.log_totals.take(below)
        totals += part * (self.log_totals.take(below + 1) - totals)
        low += part * (high - low)
        low[logs >= totals] = np.nan
        return low


def _along(table: Array, flat: NDArray[np.int64], weight: Array) -> Array:
    """Interpolate between neighbouring entries of a table."""
    value = table.take(flat)
    value += weight * (table.take(flat + 1) - value)
    return value


class SwitchTimes:
    """Switching times of one junction for any cycle, temperature and bias offset.

    Parameters
    ----------
    junction, model
        The junction and its escape model.
    offset_deviation
        Standard deviation in A of the slow current noise whose value each ramp adds to the bias.
    share
        Critical current at a temperature in K over the junction's own; default 1 at all temperatures.
    """

    def __init__(
        self,
        junction: Junction,
        model: EscapeModel,
        offset_deviation: float,
        share: Callable[[float], float] = lambda _temperature: 1.0,
    ) -> None:
        self._junction = junction
        self._share = share
        self._model = model
        self._deviation = offset_deviation
        self._rates: OrderedDict[int, RateTable] = OrderedDict()
        self._nodes: OrderedDict[tuple[Hashable, Excursion, int], _Nodes] = OrderedDict()
        self._last: tuple[tuple[Hashable, Excursion, int], tuple[_Nodes, _Nodes]] | None = None

    def possible(self, key: Hashable, cycle: Cycle, excursion: Excursion, temperature: float) -> bool:
        """Return whether a switch in this excursion is likelier than once in 1e8 cycles."""
        node = math.floor(math.log(max(temperature, _COLDEST)) / _TEMPERATURE_NODE)
        return any(nodes.possible for nodes in self._around(key, node, cycle, excursion))

    def draw(
        self,
        key: Hashable,
        cycle: Cycle,
        excursion: Excursion,
        temperature: float,
        exponentials: Array,
        normals: Array,
    ) -> Array:
        """Return switching times in s from the cycle's start, inf where there is no switch.

        Parameters
        ----------
        key
            Identifies the cycle among all that were ever given.
        temperature
            Junction temperature in K.
        exponentials, normals
            A unit exponential number and the bias offset in standard deviations for each cycle, shape (n_cycle,).
        """
        position = math.log(max(temperature, _COLDEST)) / _TEMPERATURE_NODE
        node = math.floor(position)
        logs = np.log(np.maximum(exponentials, 1e-300))
        place = np.clip((logs - _FIRST) / _SPACING, 0.0, len(_GRID) - 1.001)
        cell = place.astype(np.int64)
        weight = place - cell
        around = self._around(key, node, cycle, excursion)
        low, high = (nodes.lookup(logs, cell, weight, normals) for nodes in around)
        # A ramp that switches at one node only, at the very end of the excursion: the nearer node decides.
        nearer = low if position - node < 0.5 else high
        times = low + (position - node) * (high - low)
        return np.where(np.isnan(times), np.where(np.isnan(nearer), np.inf, nearer), times)

    def _around(self, key: Hashable, node: int, cycle: Cycle, excursion: Excursion) -> tuple[_Nodes, _Nodes]:
        """Return the inverted hazards at a temperature node and the next, which are asked for again and again."""
        asked = (key, excursion, node)
        if self._last is None or self._last[0] != asked:
            low, high = (self._nodes_at(key, node + n, cycle, excursion) for n in (0, 1))
            self._last = (asked, (low, high))
        return self._last[1]

    def _nodes_at(self, key: Hashable, node: int, cycle: Cycle, excursion: Excursion) -> _Nodes:
        """Return the inverted hazards at one temperature node, from the cache if possible."""
        full_key = (key, excursion, node)
        nodes = _recall(self._nodes, full_key)
        if nodes is None:
            rates = _recall(self._rates, node)
            if rates is None:
                temperature = math.exp(node * _TEMPERATURE_NODE)
                share = max(self._share(temperature), _LEAST_SHARE)
                own = replace(self._junction, critical_current=share * self._junction.critical_current)
                rates = RateTable(own, self._model, temperature)
                _keep(self._rates, node, rates, 64)
            nodes = self._invert(rates, cycle, excursion)
            _keep(self._nodes, full_key, nodes, 64)
        return nodes

    def _invert(self, rates: RateTable, cycle: Cycle, excursion: Excursion) -> _Nodes:
        """Invert the hazard of each offset on the grid of ln H."""
        spacing = self._offset_spacing(rates, excursion)
        count = math.ceil(_LARGEST_OFFSET / spacing) if self._deviation else 0
        offsets = self._deviation * spacing * np.arange(-count, count + 1)
        times = np.full((len(offsets), len(_GRID)), excursion.end)
        log_totals = np.full(len(offsets), _FIRST)
        # A current that cannot switch even with the largest offset needs no inversion.
        if HazardTable(cycle, excursion, rates, excursion.polarity * float(offsets[-1])).total > math.exp(_FIRST):
            for row in range(len(offsets)):
                table = HazardTable(cycle, excursion, rates, float(offsets[row]))
                times[row] = table.invert(np.exp(_GRID))
                log_totals[row] = _log_total(table.total)
                self._continue(times[row], log_totals[row], excursion.end)
        return _Nodes(times, log_totals, spacing)

    def _offset_spacing(self, rates: RateTable, excursion: Excursion) -> float:
        """Return the spacing of offset nodes in standard deviations."""
        if self._deviation == 0.0:
            return 1.0
        width = rates.current_scale(3.0 - math.log(excursion.end - excursion.begin))
        return min(max(width / 3.0 / self._deviation, _LARGEST_OFFSET / _MOST_NODES), _LARGEST_OFFSET)

    @staticmethod
    def _continue(times: Array, log_total: float, end: float) -> None:
        """Fill the grid beyond the excursion's end so that the cell with the end in it interpolates to `end` there."""
        lost = np.flatnonzero(np.isinf(times))
        if lost.size == 0:
            return
        first = int(lost[0])
        times[first:] = end
        inside = log_total - _GRID[first - 1] if first else 0.0
        if inside > 1e-6:
            slope = (end - times[first - 1]) / inside
            times[first] = times[first - 1] + slope * _SPACING


def _log_total(total: float) -> float:
    """Return ln H at an excursion's end, kept on the grid: a bit above it where the switch is certain."""
    if total == 0.0:
        return _FIRST
    return _LAST + 5.0 if math.isinf(total) else max(math.log(total), _FIRST)


def _recall(cache: OrderedDict[K, V], key: K) -> V | None:
    """Return what the cache holds and mark it as used."""
    if key not in cache:
        return None
    cache.move_to_end(key)
    return cache[key]


def _keep(cache: OrderedDict[K, V], key: K, value: V, limit: int) -> None:
    """Put a value into the cache; the one unused for longest makes room."""
    cache[key] = value
    if len(cache) > limit:
        cache.popitem(last=False)
