"""Switching currents or times that were measured elsewhere, and the histogram that they make.

Files of known kinds are read by `read`; any other format is read by a function of another package, see
`read_switching_data`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from mqtctl.analysis.histogram.rounding import find_rounding
from mqtctl.analysis.importers import MINIMUM_VALUES, ReadOptions, SwitchingData, read_table, records_of
from mqtctl.analysis.importers.tables import short
from mqtctl.analysis.importers.values import switching_data
from mqtctl.errors import InputError
from mqtctl.named import named, registered
from mqtctl.records import Histogram, MeasuredRamp

__all__ = ["ENTRY_POINT_GROUP", "imported_by", "imported_histogram", "importer_of", "read_switching_data"]

ENTRY_POINT_GROUP = "mqtctl.importers"
SAME = 1e-7  # relative; a current that went through a text or single precision


def read_switching_data(
    path: str | Path, unit: str | None = None, empty: str | None = None, importer: str | None = None
) -> SwitchingData:
    """Read a file of switching currents or times.

    Parameters
    ----------
    path
        Text file with one column, or a `.npy` array.
    unit
        "A", "mA", "uA", "nA", "pA" for currents, "s", "ms", "us", "ns", "ps" for times; needed where no header
        states it, and must agree with a header that does.
    empty
        What NaN, 0 and readings of 9.9E37 or more mean: "missed" (lost, left out) or "survived" (the ramp reached
        its top). Infinite values are survivors unless this says otherwise.
    importer
        `package.module:function` that is called with the path and returns `SwitchingData`, in SI units. Not given:
        the entry point of the group `mqtctl.importers` whose name is the file's suffix without the dot, if there is
        one. Neither unit nor empty may then be given, for the function knows them.

    Raises
    ------
    InputError
        If the file cannot be read, holds fewer than 10 values, anything but positive numbers, or equal ones only,
        holds empty readings that nobody explained, or if the unit is missing, unknown or contradictory.
    """
    file = Path(path)
    importer = importer_of(file, importer)
    if importer is not None:
        if unit is not None or empty is not None:
            raise InputError(f"{file} is read by {importer}, which knows unit and empty readings: leave them out")
        return imported_by(importer, file)
    options = ReadOptions(unit=unit, empty=empty)
    found = records_of(read_table(file, options), options)
    if len(found) > 1:
        raise InputError(f"{file} holds {len(found)} histograms: `mqtctl.analysis.read` returns them all")
    return found[0].data


def importer_of(file: Path, importer: str | None) -> str | None:
    """Return the function of another package that reads a file: the given one, or that of its suffix."""
    return importer or registered(ENTRY_POINT_GROUP).get(file.suffix.lower().removeprefix("."))


def imported_by(importer: str, file: Path) -> SwitchingData:
    """Return what a function of another package reads, checked as if it had been read here.

    Raises
    ------
    InputError
        There is no such function, it refuses the file, or returns something else.
    """
    function = named(importer)
    if not callable(function):
        raise InputError(f"{importer!r} is no function; name one that returns SwitchingData for a path")
    try:
        data = function(file)
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read by {importer}: {error}") from error
    if not isinstance(data, SwitchingData) or data.quantity not in ("current", "time"):
        raise InputError(f"{importer} returned {short(repr(data))} for {file}: it must return SwitchingData")
    values = np.asarray(data.values)
    if values.ndim != 1 or values.dtype.kind not in "iuf" or not (np.isfinite(values) & (values > 0.0)).all():
        raise InputError(f"{importer} returned values for {file} that are not one column of positive, finite numbers")
    unit = "A" if data.quantity == "current" else "s"
    (checked,), _ = switching_data(
        str(file), values.astype(np.float64), unit, ReadOptions(), lambda k: f"value {k + 1}"
    )
    return replace(data, values=checked.values)


def imported_histogram(
    data: SwitchingData,
    ramp_rate: float,
    start_current: float = 0.0,
    stop_current: float | None = None,
    delay: float = 0.0,
    temperature: float = math.nan,
    censored: int = 0,
    resolution: float | None = None,
    rounding: str = "nearest",
) -> Histogram:
    """Return a histogram made of imported values.

    Parameters
    ----------
    data
        What `read_switching_data` returned.
    ramp_rate
        dI/dt in A/s, positive.
    start_current, stop_current
        Ends of the ramp in A; the top is needed only with censored ramps (None: the largest current). Currents that
        equal the top are ramps that did not switch.
    delay
        Time in s by which recorded times lag the switch; not used for currents.
    temperature
        Bath in K, nan if not known.
    censored
        Ramps without a switch besides those in the data.
    resolution, rounding
        Step in A to which the values were rounded, and how; see `Histogram`.

    Raises
    ------
    InputError
        If the ramp cannot be used, a time lies before the ramp's start, the top is needed and missing, or the values
        do not lie on the steps of the resolution.
    """
    if not (math.isfinite(ramp_rate) and ramp_rate > 0.0):
        raise InputError(f"ramp rate {ramp_rate!r} A/s cannot be used: give a positive rate")
    ramp = MeasuredRamp(start_current, math.inf, ramp_rate, math.inf, delay)
    currents = data.values if data.quantity == "current" else ramp.current(data.values)
    at_top = np.zeros(currents.size, dtype=bool)
    if stop_current is not None:
        at_top = np.abs(currents - stop_current) <= SAME * abs(stop_current)
        currents = currents[~at_top]
        if currents.size < MINIMUM_VALUES:
            raise InputError(
                f"{np.count_nonzero(at_top)} of {at_top.size} values equal the stop current {stop_current:.6g} A: too"
                " few switched below it"
            )
    smallest, largest = float(currents.min()), float(currents.max())
    if smallest <= start_current:
        raise InputError(
            f"a switching current of {smallest:.6g} A lies at or below the ramp's start {start_current:.6g} A:"
            " check unit, start current, ramp rate and delay"
        )
    total = data.censored + censored + int(np.count_nonzero(at_top))
    if total and stop_current is None:
        raise InputError(f"{total} ramps did not switch: give the stop current that they reached (--stop-current)")
    top = largest if stop_current is None else stop_current
    if top < largest:
        raise InputError(f"the largest switching current {largest:.6g} A exceeds the stop current {top:.6g} A")
    if resolution is None and data.resolution is not None:  # counted in bins
        resolution, rounding = data.resolution * (1.0 if data.quantity == "current" else ramp_rate), "nearest"
    edges = None
    if data.edges is not None and resolution is None:
        edges = data.edges if data.quantity == "current" else ramp.current(data.edges)
    else:
        find_rounding(currents, resolution, rounding)  # refuses a resolution that the values do not have
    rise = (top - start_current) / ramp_rate
    return Histogram(
        switching_currents=currents,
        intervals=(currents - start_current) / ramp_rate + delay,
        ramp=MeasuredRamp(start_current, top, ramp_rate, rise, delay),
        censored=total,
        temperature=temperature,
        resolution=resolution,
        polarity=data.polarity,
        rounding=rounding,
        edges=edges,
    )
