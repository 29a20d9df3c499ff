"""From the numbers of one column to switches in A or s: unit, bias resistor, sign, and readings that are none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.importers.options import EMPTY_RAMPS, POLARITIES, ReadOptions
from mqtctl.analysis.stated_units import CURRENT_UNITS, TIME_UNITS, VOLTAGE_UNITS, kind_of
from mqtctl.errors import InputError

__all__ = ["MINIMUM_VALUES", "SCPI_INFINITY", "SwitchingData", "switching_data"]

MINIMUM_VALUES = 10
SCPI_INFINITY = 9.9e37  # SCPI 1999, 7.2.1: infinity; 9.91E37 is not a number, which counters return at a time-out


@dataclass(frozen=True)
class SwitchingData:
    """Imported values.

    Attributes
    ----------
    values
        Switching currents in A or times in s, shape (n_switch,), positive and finite, in the file's order.
    quantity
        "current" or "time".
    censored
        Ramps that reached the top without a switch.
    missed
        Ramps whose reading was lost.
    polarity
        +1, or -1 for currents of negative ramps, whose sign was taken off.
    resolution
        Width of the bins they were counted in, in A or s; None: no bins.
    edges
        Edges of these bins in A or s, ascending, where they are not equally wide.
    """

    values: NDArray[np.float64]
    quantity: str
    censored: int = 0
    missed: int = 0
    polarity: int = 1
    resolution: float | None = None
    edges: NDArray[np.float64] | None = None


def switching_data(
    name: str,
    values: NDArray[np.float64],
    unit: str,
    options: ReadOptions,
    place: Callable[[int], str],
    *,
    own: bool = False,
) -> tuple[tuple[SwitchingData, ...], tuple[str, ...]]:
    """Return the switches of one column, of both polarities if both are asked for, and what was assumed.

    Parameters
    ----------
    name
        Of the file and run, for messages.
    values
        As they stand in the file.
    unit
        A, s or V with a prefix.
    options
        `empty`, `polarity` and `bias_resistance` are looked at.
    place
        Says where the value of an index stands.
    own
        Whether `values` may be overwritten, which saves the time and memory of a copy.

    Raises
    ------
    InputError
        Fewer than 10 switches, values that are equal, signs that nobody explained, or readings that are none.
    """
    if options.empty is not None and options.empty not in EMPTY_RAMPS:
        raise InputError(f"empty readings can be {' or '.join(EMPTY_RAMPS)}, not {options.empty!r}")
    if options.polarity is not None and options.polarity not in POLARITIES:
        raise InputError(f"--polarity can be {', '.join(POLARITIES)}, not {options.polarity!r}")
    if values.size and values.min() > 0.0 and values.max() < SCPI_INFINITY and options.polarity in (None, "positive"):
        return (
            _made(name, values, unit, options, 1, 0, 0, own=own),
        ), ()  # nothing to ask, and no second look at a large file
    nothing = np.isnan(values) | (values == 0.0) | (np.isfinite(values) & (np.abs(values) >= SCPI_INFINITY))
    without = np.flatnonzero(nothing)
    if without.size and options.empty is None:
        first = without[0]
        shown = "NaN" if math.isnan(values[first]) else f"{values[first]:g}"
        raise InputError(
            f"{name}: {without.size} of {values.size} values are no readings, the first in {place(int(first))}"
            f" ({shown}): say with --empty missed that these readings were lost, or with --empty"
            " survived that these ramps reached their top without a switch"
        )
    signs, said = _polarities(name, values, nothing, unit, options, place)
    found = []
    for sign in signs:
        mine = ~nothing & ((values if kind_of(unit) == "time" else sign * values) > 0.0)
        switched = mine & np.isfinite(values)
        lost = int(without.size) if sign == signs[0] else 0  # readings that are none have no sign
        infinite = int(np.count_nonzero(mine & ~switched))
        found.append(_made(name, np.abs(values[switched]), unit, options, sign, lost, infinite))
    return tuple(found), said


def _polarities(
    name: str,
    values: NDArray[np.float64],
    nothing: NDArray[np.bool_],
    unit: str,
    options: ReadOptions,
    place: Callable[[int], str],
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return which signs are read, and what was assumed or left out."""
    kind = kind_of(unit)
    negative = np.flatnonzero(~nothing & (values < 0.0))
    positive = int(np.count_nonzero(~nothing & (values > 0.0)))
    if kind == "time":
        if negative.size:
            at = int(negative[0])
            raise InputError(f"{name}, {place(at)}: the time {values[at]:g} {unit} is not positive")
        if options.polarity == "both":
            raise InputError(f"{name} holds times, which have no sign: --polarity can be positive or negative")
        return (-1 if options.polarity == "negative" else 1,), ()
    if options.polarity == "both":
        if not (negative.size and positive):
            raise InputError(f"{name} holds currents of one sign only: leave --polarity both out")
        return (1, -1), ()
    if options.polarity is not None:
        sign = 1 if options.polarity == "positive" else -1
        left = negative.size if sign > 0 else positive
        return (sign,), ((f"{left} values of the other polarity are left out (--polarity)",) if left else ())
    if negative.size and positive:
        at = int(negative[0])
        raise InputError(
            f"{name}, {place(at)}: the {kind} {values[at]:g} {unit} is not positive, as {positive} others are: say with"
            " --polarity positive, negative or both which ramps are meant"
        )
    if negative.size:
        return (-1,), ("all values are negative: ramps of negative polarity",)
    return (1,), ()


def _made(
    name: str,
    values: NDArray[np.float64],
    unit: str,
    options: ReadOptions,
    sign: int,
    without: int,
    infinite: int,
    *,
    own: bool = False,
) -> SwitchingData:
    """Return positive, finite values in SI units; `without` readings were none, `infinite` ramps did not switch."""
    kind = kind_of(unit)
    factor = (CURRENT_UNITS | TIME_UNITS | VOLTAGE_UNITS)[unit]
    first = float(values[0]) if values.size else math.nan
    found = np.multiply(values, factor, out=values if own and values.flags.writeable else None)
    if kind == "voltage":
        if options.bias_resistance is None or not options.bias_resistance > 0.0:
            raise InputError(f"{name} holds voltages: give a positive --bias-resistance")
        found = found / options.bias_resistance
    if found.size < MINIMUM_VALUES:
        raise InputError(f"{name} holds {found.size} switches: at least {MINIMUM_VALUES} are needed for a histogram")
    if found.max() == found.min():
        raise InputError(f"all {found.size} values in {name} are equal to {first:g} {unit}: no histogram")
    empty = without + infinite
    missed = empty if options.empty == "missed" else 0
    return SwitchingData(found, "time" if kind == "time" else "current", empty - missed, missed, sign)
