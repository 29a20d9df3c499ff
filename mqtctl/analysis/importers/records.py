"""From a table to records: one for each temperature, ramp rate and polarity that it holds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.importers.columns import found, switching_column, unit_of, without_fault
from mqtctl.analysis.importers.counted import counted, counts_column
from mqtctl.analysis.importers.options import ReadOptions
from mqtctl.analysis.importers.tables import Column, Table
from mqtctl.analysis.importers.values import MINIMUM_VALUES, SwitchingData, switching_data
from mqtctl.analysis.stated_units import kind_of
from mqtctl.errors import InputError
from mqtctl.quantities import UNITS, readable

__all__ = ["SwitchingRecord", "records_of", "temperature_in"]

_TEMPERATURE = re.compile(r"(?<![A-Za-z0-9.,])(?:T[=_ ]?)?(\d+(?:[.,p]\d+)?)\s?(mK|K)(?![A-Za-z])")
NEAR = 0.03  # readings of one set point lie nearer to each other than this part of the temperature


@dataclass(frozen=True)
class SwitchingRecord:
    """The switches of one temperature, ramp rate and polarity, as a file has them.

    Attributes
    ----------
    name
        File, and where in it.
    data
        Switching currents in A or times in s.
    temperature, temperature_std
        Mean and standard deviation of the bath in K, nan and 0 where the file says nothing.
    ramp_rate
        In A/s, None where the file says nothing.
    said
        What was told from the file's look, or chosen among what is there.
    file
        Where it was read; None for what was not.
    """

    name: str
    data: SwitchingData
    temperature: float = math.nan
    temperature_std: float = 0.0
    ramp_rate: float | None = None
    said: tuple[str, ...] = field(default=())
    file: Path | None = None

    def __repr__(self) -> str:
        bath = "" if math.isnan(self.temperature) else f" at {readable(self.temperature, 'K')}"
        return f"<{self.data.values.size} switching {self.data.quantity}s{bath} from {self.name}>"


def records_of(table: Table, options: ReadOptions, *, own: bool = False) -> tuple[SwitchingRecord, ...]:
    """Return what a table holds.

    Parameters
    ----------
    table, options
        What was read, and how it is meant.
    own
        Whether nobody else needs the table's numbers: they may be overwritten.

    Raises
    ------
    InputError
        Columns, units or signs cannot be told, with the option that would decide; or too few switches are there.
    """
    said = tuple(f"{table.name}: {text}" for text in table.assumed)
    bath, named = _temperature_of_all(table)
    counts = counts_column(table, options)
    if counts is not None:
        data, more = counted(table, counts, options)
        return (SwitchingRecord(table.name, data, bath, said=(*said, *named, *_of(table, more))),)
    wide = _wide(table, options)
    if wide:
        return tuple(record for column, at in wide for record in _of_column(table, column, at, options, said))
    column = switching_column(table, options)
    if len(table.columns) > 1 and options.column is None:
        said += (f"{table.name}: the switching values are column {column}",)
    temperatures = _companion(table, column, options.temperature_column, "temperature")
    rates = _companion(table, column, options.rate_column, "rate")
    if temperatures is None:
        said += named
    elif options.temperature_column is None:
        said += (f"{table.name}: the bath temperature is column {temperatures}",)
    unit = unit_of(table, column, options)
    records: list[SwitchingRecord] = []
    for rows, temperature, spread, rate in _groups(table, column, temperatures, rates):
        at = bath if math.isnan(temperature) else temperature
        if rows is None or rows.size == column.values.size:
            where = table.name
            datas, more = switching_data(where, column.values, unit, options, table.place, own=own)
        else:
            where = f"{table.name} at {_where(at, rate)}"
            datas, more = switching_data(where, column.values[rows], unit, options, _PlaceOf(table, rows))
        records += [
            SwitchingRecord(where, data, at, spread, rate, (*said, *_of(table, more)) if not records else ())
            for data in datas
        ]
    return tuple(records)


def _of(table: Table, sentences: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{table.name}: {text}" for text in sentences)


@dataclass(frozen=True)
class _PlaceOf:
    """Says where a value of some of a table's rows stands."""

    table: Table
    rows: NDArray[np.int64]

    def __call__(self, index: int) -> str:
        return self.table.place(int(self.rows[index]))


def _where(temperature: float, rate: float | None) -> str:
    bath = "an unknown temperature" if math.isnan(temperature) else readable(temperature, "K")
    return bath if rate is None else f"{bath} and {readable(rate, 'A/s')}"


def temperature_in(text: str) -> float:
    """Return the one temperature in K that a name states, nan if it states none or several."""
    values = {
        float(number.replace(",", ".").replace("p", ".")) * UNITS["K"][unit]
        for number, unit in _TEMPERATURE.findall(text)
    }
    return values.pop() if len(values) == 1 else math.nan


def _temperature_of_all(table: Table) -> tuple[float, tuple[str, ...]]:
    """Return the temperature that the file's name states."""
    bath = temperature_in(table.file.stem)
    if math.isnan(bath):
        return bath, ()
    return bath, (f"{table.name}: the bath temperature {readable(bath, 'K')} is that of the file's name",)


def _wide(table: Table, options: ReadOptions) -> list[tuple[Column, float]]:
    """Return the columns of a table that has one for each temperature, empty if it is none."""
    if options.column is not None:
        return []
    values = [column for column in table.columns if kind_of(column.unit) in ("current", "time", "voltage")]
    columns = values or [column for column in table.columns if not column.unit]
    named = [(column, temperature_in(column.name)) for column in columns]
    wide = [(column, bath) for column, bath in named if not math.isnan(bath)]
    return wide if len(wide) > 1 and len({bath for _, bath in wide}) == len(wide) else []


def _of_column(
    table: Table, column: Column, bath: float, options: ReadOptions, said: tuple[str, ...]
) -> Iterator[SwitchingRecord]:
    """Yield the records of one column of a wide table, whose end may be filled up with nothing."""
    values = without_fault(table, column).values
    there = np.flatnonzero(~np.isnan(values))
    end = int(there[-1]) + 1 if there.size else 0
    if end < values.size:
        said += (f"{table.name}: {values.size - end} empty cells at the end of column {column} only fill it up",)
    where = f"{table.name}, column {column}"
    datas, more = switching_data(where, values[:end], unit_of(table, column, options), options, table.place)
    for place, data in enumerate(datas):
        yield SwitchingRecord(where, data, bath, said=(*said, *_of(table, more)) if not place else ())


def _companion(table: Table, column: Column, given: str | None, kind: str) -> Column | None:
    """Return the column with the temperature or ramp rate of each row, None if there is none."""
    option = f"--{kind}-column"
    if given == "none":
        return None
    base = "K" if kind == "temperature" else "A/s"
    if given is not None:
        companion = found(table, given, option)
        if kind_of(companion.unit) != kind:
            raise InputError(
                f"{table.name}: column {companion} ({option}) states no unit such as {'mK' if base == 'K' else 'mA/s'}:"
                f" add it in brackets, {option} '{given} ({'mK' if base == 'K' else 'mA/s'})'"
            )
    else:
        same = [c for c in table.columns if kind_of(c.unit) == kind and c.values.size == column.values.size]
        if len(same) != 1 or same[0].number == column.number:
            return None
        companion = without_fault(table, same[0])
    if companion.values.size != column.values.size:
        raise InputError(
            f"{table.name}: column {companion} ({option}) has {companion.values.size} values, column {column}"
            f" {column.values.size}: one for each row is expected"
        )
    wrong = np.flatnonzero(~(companion.values > 0.0) | ~np.isfinite(companion.values))
    if wrong.size:
        at = int(wrong[0])
        raise InputError(
            f"{table.name}, {table.place(at)}: the {'bath temperature' if kind == 'temperature' else 'ramp rate'}"
            f" {companion.values[at]:g} {companion.unit} of column {companion} cannot be used; {option} none leaves the"
            " column aside"
        )
    return Column(companion.number, companion.name, base, companion.values * UNITS[base][companion.unit])


def _groups(
    table: Table, column: Column, temperatures: Column | None, rates: Column | None
) -> Iterator[tuple[NDArray[np.int64] | None, float, float, float | None]]:
    """Yield rows (None: all), mean and standard deviation of their temperature (K), and their ramp rate (A/s)."""
    if temperatures is None and rates is None:
        yield None, math.nan, 0.0, None
        return
    everything = np.arange(column.values.size)
    baths = _clusters(temperatures.values) if temperatures is not None else [everything]
    for bath in baths:
        for rows in [bath[part] for part in _clusters(rates.values[bath])] if rates is not None else [bath]:
            if rows.size < MINIMUM_VALUES and rows.size < everything.size:
                raise InputError(
                    f"{table.name}, {table.place(int(rows[0]))}: only {rows.size} rows share one temperature"
                    f" {'' if rates is None else 'and ramp rate '}with this one: at least {MINIMUM_VALUES} are needed"
                )
            rate = None if rates is None else float(rates.values[rows].mean())
            if temperatures is None:
                yield rows, math.nan, 0.0, rate
            else:
                readings = temperatures.values[rows]
                yield rows, float(readings.mean()), float(readings.std()), rate


def _clusters(values: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Return the rows of each set point (values in blocks of equal ones), or of each heap of near readings."""
    different, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    blocks = 1 + int(np.count_nonzero(np.diff(values)))
    if blocks > different.size or counts.min() < MINIMUM_VALUES:
        heap = np.concatenate([[0], np.cumsum(np.diff(different) > NEAR * different[1:])])
        place = heap[place]
    return [np.flatnonzero(place == k) for k in range(int(place.max()) + 1)]
