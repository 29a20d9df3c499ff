"""Switches that somebody else counted in bins: edges or centres with counts or densities."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.importers.columns import found, unit_of, wanted_kinds, without_fault
from mqtctl.analysis.importers.options import ReadOptions
from mqtctl.analysis.importers.tables import MOST_VALUES, Column, Table
from mqtctl.analysis.importers.values import SwitchingData, switching_data
from mqtctl.analysis.stated_units import kind_of
from mqtctl.errors import InputError

__all__ = ["counted", "counts_column"]

_COUNTS = re.compile(r"(^|[\W_])(counts?|hits|occurrences|density|densities|pdf|anzahl)($|[\W_\d])", re.IGNORECASE)
_NOT_BINS = re.compile(r"err|std|sigma|uncert", re.IGNORECASE)
_LOW = re.compile(r"low|left|from|begin|start", re.IGNORECASE)
_HIGH = re.compile(r"high|right|upp|end|stop", re.IGNORECASE)
_EDGE = re.compile(r"edge", re.IGNORECASE)
EVEN = 0.02  # of a bin; edges are printed with few digits
WHOLE = 0.02  # how near to a whole number a density times the number of switches must be
MOST_SWITCHES = 10_000_000


def counts_column(table: Table, options: ReadOptions) -> Column | None:
    """Return the column that holds counts or densities, None if the file is no histogram."""
    if options.counts_column is not None:
        return found(table, options.counts_column, "--counts-column")
    named = [
        c for c in table.columns if _COUNTS.search(c.name) and not _NOT_BINS.search(c.name) and not kind_of(c.unit)
    ]
    if options.column is None and len(table.columns) > 1 and len(named) == 1:
        return without_fault(table, named[0])
    return None


def counted(table: Table, counts: Column, options: ReadOptions) -> tuple[SwitchingData, tuple[str, ...]]:
    """Return one value for each switch, the middle of its bin, with the bins' width as resolution, or their edges.

    Raises
    ------
    InputError
        The bins cannot be told, do not rise or overlap; counts are negative, or the number of switches behind a
        density cannot be told.
    """
    columns = _bins(table, counts, options)
    unit = unit_of(table, columns[0], options)
    edges, said = _edges(table, counts, columns)
    centres, widths = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    width = float(edges[-1] - edges[0]) / widths.size
    even = bool(np.abs(widths - width).max() <= EVEN * width)
    number, more = _whole(table, counts.values, options, None if even else widths)
    values = np.repeat(centres, number)
    (data, *others), about = switching_data(table.name, values, unit, options, lambda index: f"switch {index + 1}")
    if others:
        raise InputError(f"{table.name} is a histogram of both polarities: say --polarity positive or negative")
    whole = f"a histogram of {values.size} switches in {centres.size} bins{'' if even else ' of unequal width'}, {said}"
    mine = values if data.quantity == "time" else values[data.polarity * values > 0.0]
    factor = float(data.values[0] / abs(mine[0]))
    if even:
        return replace(data, resolution=width * factor), (whole, *more, *about)
    return replace(data, edges=np.sort(factor * data.polarity * edges)), (whole, *more, *about)


def _bins(table: Table, counts: Column, options: ReadOptions) -> list[Column]:
    """Return the column of centres or edges, or those of lower and upper edges."""
    if options.column is not None:
        return [found(table, options.column, "--column")]
    kinds = wanted_kinds(options) | {"voltage"}
    others = [c for c in table.columns if c.number != counts.number and not _NOT_BINS.search(c.name)]
    columns = [c for c in others if kind_of(c.unit) in kinds] or [c for c in others if not c.unit]
    if len(columns) == 2 and columns[0].values.size == columns[1].values.size == counts.values.size:
        swapped = _LOW.search(columns[1].name) or _HIGH.search(columns[0].name)
        return columns[::-1] if swapped else columns
    if len(columns) != 1:
        raise InputError(
            f"{table.name} is a histogram (counts in column {counts}), and {len(columns)} columns may be its bins: say"
            f" with --column which holds their centres or edges: {table.listed()}"
        )
    return columns


def _edges(table: Table, counts: Column, columns: list[Column]) -> tuple[NDArray[np.float64], str]:
    """Return the edges of the bins in the file's unit, shape (n_bin + 1,), and how they were told."""
    first = without_fault(table, columns[0]).values
    number = counts.values.size
    if len(columns) == 2:
        low, high, said = first, without_fault(table, columns[1]).values, "from lower and upper edges"
        wrong = np.flatnonzero(~(high > low))
        if wrong.size:
            at = int(wrong[0])
            raise InputError(
                f"{table.name}, {table.place(at)}: the bin from {low[at]:g} to {high[at]:g} does not rise: edges must"
            )
        apart = np.flatnonzero(np.abs(low[1:] - high[:-1]) > EVEN * (high - low)[1:])
        if apart.size and (np.diff(low) > 0.0).all():
            at = int(apart[0]) + 1
            raise InputError(
                f"{table.name}, {table.place(at)}: the bin begins at {low[at]:g}, and the one before ends at"
                f" {high[at - 1]:g}: bins must follow each other; write those without a switch, too"
            )
        edges = np.append(low, high[-1])
    elif first.size == number + 1:
        edges, said = first, "from its edges"
    elif first.size == number:
        edges, said = _around(table, first, columns[0].name)
    else:
        raise InputError(
            f"{table.name}: {number} counts and {first.size} edges or centres do not belong together: as many as counts"
            " are centres, one more are edges"
        )
    step = np.diff(edges)
    if number < 3 or not (step > 0.0).all():
        at = min(int(np.flatnonzero(~(step > 0.0))[0]) + 1, number - 1) if number > 2 else 0
        raise InputError(f"{table.name}, {table.place(at)}: {number} bins whose edges do not rise: no histogram")
    return edges, said


def _around(table: Table, values: NDArray[np.float64], name: str) -> tuple[NDArray[np.float64], str]:
    """Return the edges of bins of which one number each is known: equally wide ones, unless it is an edge."""
    number = values.size
    step = np.diff(values)
    width = float(values[-1] - values[0]) / max(number - 1, 1)
    upper = bool(_HIGH.search(name))
    lower = not upper and bool(_LOW.search(name) or _EDGE.search(name))
    uneven = bool(step.size and (step > 0.0).all() and np.abs(step - width).max() > EVEN * width)
    if uneven and not (upper or lower):
        at = int(np.abs(step - width).argmax()) + 1
        raise InputError(
            f"{table.name}, {table.place(at)}: the bins are not equally wide ({step[at - 1]:g} beside {width:g}), and"
            " their centres alone do not tell the edges: give lower and upper edges (columns named low and high)"
        )
    if not uneven:
        shift = -1.0 if upper else 0.0 if lower else -0.5
        said = "upper edges" if upper else "lower edges" if lower else "centres"
        return np.append(values, values[-1:] + width) + shift * width, f"by their {said}"
    if upper:  # of the first or last bin one edge is not told: as wide as its neighbour
        return np.concatenate([[values[0] - step[0]], values]), "by their upper edges, the first as wide as the second"
    return np.append(values, values[-1] + step[-1]), "by their lower edges, the last as wide as the one before"


def _whole(
    table: Table, values: NDArray[np.float64], options: ReadOptions, widths: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return how many switches each bin holds, from counts or a density (per width, where widths are given)."""
    wrong = np.flatnonzero(~(values >= 0.0) | ~np.isfinite(values))
    if wrong.size:
        at = int(wrong[0])
        raise InputError(f"{table.name}, {table.place(at)}: {values[at]:g} is no count of switches")
    total = float(values.sum())
    if not total > 0.0:
        raise InputError(f"{table.name} is a histogram without a switch: all counts are 0")
    whole = bool((values == np.rint(values)).all())
    if whole and options.switches is None:
        if total > MOST_VALUES:
            raise InputError(f"{table.name} counts {total:g} switches, more than {MOST_VALUES}: the counts are wrong")
        return values.astype(np.int64), ()
    share = values / total if widths is None else values * widths / float(values @ widths)
    number = options.switches
    if number is None:
        tried = np.arange(1, 21) / share[share > 0.0].min()
        whole_numbers = [n for n in tried if n < MOST_SWITCHES and np.abs(n * share - np.rint(n * share)).max() < WHOLE]
        if not whole_numbers:
            raise InputError(
                f"{table.name} is a density, and the number of switches behind it cannot be told: give it"
                " with --switches"
            )
        number = round(float(whole_numbers[0]))
    counts = np.rint(number * share).astype(np.int64)
    return counts, (() if options.switches else (f"a density of {int(counts.sum())} switches, by its smallest step",))
