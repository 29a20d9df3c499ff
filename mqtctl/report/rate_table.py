"""Escape rate against bias current as numbers: Fulton-Dunkelberger rates of every histogram in one CSV file.

Bins of rounded currents, or of somebody else's histogram, are whole steps, so that no bin holds one step more than its
neighbour. A bin in which all remaining ramps switched has no rate but a lower limit.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.fulton_dunkelberger import fulton_dunkelberger
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.results import PointFit
from mqtctl.analysis.histogram.rounding import rounding_of
from mqtctl.errors import InputError, StorageError
from mqtctl.physics import EscapeModel, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep
from mqtctl.whole_files import write_whole

__all__ = ["COLUMNS", "bins_for", "rate_rows", "write_rates"]

Floats = NDArray[np.float64]

#: Of the file; one row for each bin of each histogram.
COLUMNS = (
    "histogram",
    "data",
    "bath_temperature_K",
    "ramp_rate_A_per_s",
    "polarity",
    "current_A",
    "current_low_A",
    "current_high_A",
    "switched",
    "at_risk",
    "rate_per_s",
    "rate_stderr_per_s",
    "rate_lower_per_s",
    "rate_upper_per_s",
    "rate_poisson_lower_per_s",
    "rate_poisson_upper_per_s",
    "critical_current_A",
    "escape_temperature_K",
    "escape_temperature_lower_K",
    "escape_temperature_upper_K",
)
COLDEST, HOTTEST = 1e-5, 100.0  # K, between which the escape temperature of a bin is looked for


def write_rates(
    sweep: Sweep, points: Sequence[PointFit], target: Path, names: Sequence[str], model: EscapeModel | None = None
) -> Path:
    """Write the escape rates of all histograms as CSV and return the file's path.

    Parameters
    ----------
    sweep
        The histograms, and what is known of the junction.
    points
        Their fits, which give the critical current behind the escape temperature of each bin.
    target
        The file; one that is there is replaced.
    names
        Where each histogram comes from.
    model
        Defines the escape temperature; transition state (a_t = 1) if None.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, (histogram, point, name) in enumerate(zip(sweep.histograms, points, names, strict=True), 1):
        ahead = (number, name, histogram.temperature, histogram.ramp.rate, histogram.polarity)
        for row in rate_rows(histogram, sweep.junction, _critical_current(point), model):
            writer.writerow([_cell(value) for value in (*ahead, *row)])
    try:
        write_whole(target, text.getvalue().encode())
    except OSError as error:
        raise StorageError(f"the rates cannot be written to {target} ({error.strerror or error})") from error
    return target


def rate_rows(
    histogram: Histogram, junction: JunctionEstimate, critical_current: float, model: EscapeModel | None = None
) -> Iterator[tuple[float, ...]]:
    """Yield the numbers of each bin, under `COLUMNS` from `current_A` on; nothing where no bins can be made."""
    edges = bins_for(histogram)
    if edges is None:
        return
    low, high = edges[:-1], edges[1:]
    cell = np.clip(np.searchsorted(edges, _middles(histogram), side="right") - 1, 0, low.size - 1)
    place = cell.astype(np.float64) + 0.5
    place[np.argmin(place)] = 0.0  # the bins run from the smallest to the largest number
    place[np.argmax(place)] = float(low.size)
    ramp = MeasuredRamp(0.0, float(low.size), 1.0, float(low.size), 0.0)
    counted = replace(histogram, switching_currents=place, ramp=ramp)
    found, poisson = (fulton_dunkelberger(counted, low.size, kind) for kind in ("binomial", "poisson"))
    rows = {}
    for k, *numbers in zip(
        np.floor(found.bias_current).astype(np.int64).tolist(),
        found.switched,
        found.at_risk,
        found.rate,
        found.rate_stderr,
        found.rate_lower,
        found.rate_upper,
        poisson.rate_lower,
        poisson.rate_upper,
        strict=True,
    ):
        scale = histogram.ramp.rate / (high[k] - low[k])
        rows[k] = np.array([*numbers[:2], *(scale * number for number in numbers[2:])])
    if found.last_bias_current is not None and found.last_rate_lower is not None:  # all that were left switched
        k, left = int(found.last_bias_current), histogram.switching_currents.size - int(found.switched.sum())
        limit = histogram.ramp.rate / (high[k] - low[k]) * found.last_rate_lower
        rows[k] = np.array([left, left, math.inf, math.nan, limit, math.inf, math.nan, math.inf])
    current = 0.5 * (low + high)
    order = sorted(rows)
    table = np.array([rows[k] for k in order])
    temperature = _escape_temperatures(junction, critical_current, current[order], table[:, [2, 4, 5]], model)
    for k, numbers, escape in zip(order, table, temperature, strict=True):
        yield (current[k], low[k], high[k], *numbers, critical_current, *escape)


def bins_for(histogram: Histogram) -> Floats | None:
    """Return edges of bins in A, about half the root of the number of switches; None for too few or equal values."""
    currents = np.asarray(histogram.switching_currents, dtype=np.float64)
    if currents.size < 2 or not np.isfinite(currents).all() or not np.ptp(currents) > 0.0:
        return None
    wanted = int(np.clip(0.5 * currents.size**0.5, 6, 50))
    if histogram.edges is not None:
        return histogram.edges
    rounding = rounding_of(histogram)
    if rounding is None:
        return np.linspace(float(currents.min()), float(currents.max()), wanted + 1)
    if rounding.uniform:  # steps without a switch, too
        steps = round(float(rounding.high[-1] - rounding.low[0]) / rounding.step)
        edges = rounding.low[0] + rounding.step * np.arange(steps + 1)
    else:
        edges = np.unique(np.concatenate([rounding.low, rounding.high]))
        edges = edges[np.concatenate([[True], np.diff(edges) > 1e-9 * np.abs(edges[1:])])]
    whole = max(1, round((edges.size - 1) / wanted))
    kept = edges[::whole]
    return kept if kept[-1] == edges[-1] else np.append(kept, edges[-1])


def _middles(histogram: Histogram) -> Floats:
    """Return a current of each switch that lies inside the interval that it stands for, in A."""
    currents = np.asarray(histogram.switching_currents, dtype=np.float64)
    rounding = rounding_of(histogram)
    if rounding is None or histogram.edges is not None:
        return currents
    shift = {"nearest": 0.0, "up": -1e-3, "down": 1e-3}[histogram.rounding]
    return currents + shift * float((rounding.high - rounding.low).min())


def _critical_current(point: PointFit) -> float:
    """Return the critical current in A with which a point was fitted: shared or given, else its own."""
    if point.shared is not None and point.shared.converged:
        return point.shared.critical_current
    return point.alone.critical_current if point.alone is not None and point.alone.converged else math.nan


def _escape_temperatures(
    junction: JunctionEstimate, critical_current: float, current: Floats, rate: Floats, model: EscapeModel | None
) -> Floats:
    """Return at which temperature (K) the model has each rate (1/s), shape (n_bin, 3); nan where at none."""
    found = np.full(rate.shape, math.nan)
    below = np.flatnonzero(current < critical_current)
    if not below.size:
        return found
    try:
        known = junction_of(replace(junction, critical_current=critical_current))
        chosen = model or TransitionState()
        bias = np.broadcast_to(current[below, np.newaxis], (below.size, rate.shape[1]))
        with np.errstate(divide="ignore"):
            wanted = np.log(rate[below])
        low, high = np.full(bias.shape, math.log(COLDEST)), np.full(bias.shape, math.log(HOTTEST))
        for _ in range(44):
            middle = 0.5 * (low + high)
            hotter = chosen.log_rate(known, bias, np.exp(middle)) < wanted
            low, high = np.where(hotter, middle, low), np.where(hotter, high, middle)
    except InputError:  # a critical current outside what the model accepts; the point's flags say so
        return found
    temperature = np.exp(0.5 * (low + high))
    inside = (temperature > 1.001 * COLDEST) & (temperature < 0.999 * HOTTEST)
    found[below] = np.where(inside & np.isfinite(wanted), temperature, math.nan)
    return found


def _cell(value: object) -> str:
    """Return a cell of the file; empty for what is not known."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{int(value)}" if value.is_integer() and value < 1e15 else f"{value:.10g}"
    return str(value)
