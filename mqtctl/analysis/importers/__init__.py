"""Reads what laboratories write: `read` returns one record for each temperature, ramp rate and polarity in a file.

`opening` tells the kind of a file; `text`, `arrays` and `containers` return its columns as a `Table`; `columns` and
`counted` tell which of them hold the switches, `values` what they are in A or s, and `records` what belongs together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mqtctl.analysis.importers.opening import read_table
from mqtctl.analysis.importers.options import EMPTY_RAMPS, ReadOptions
from mqtctl.analysis.importers.records import SwitchingRecord, records_of
from mqtctl.analysis.importers.tables import Column, Table
from mqtctl.analysis.importers.values import MINIMUM_VALUES, SwitchingData

__all__ = [
    "EMPTY_RAMPS",
    "MINIMUM_VALUES",
    "Column",
    "ReadOptions",
    "SwitchingData",
    "SwitchingRecord",
    "Table",
    "read",
    "read_table",
    "records_of",
]


def read(path: str | Path, **options: Any) -> tuple[SwitchingRecord, ...]:
    """Return the switching records of a file: text, NumPy, HDF5, MATLAB, netCDF, Parquet or LabVIEW.

    Parameters
    ----------
    path
        The file.
    options
        Fields of `ReadOptions`: column, unit, quantity, bias_resistance (Ohm), polarity, empty, temperature_column,
        rate_column, counts_column, switches, delimiter, decimal, encoding.

    Raises
    ------
    InputError
        In one sentence: what was found, where, and which option would read it.
    """
    given = ReadOptions(**options)
    return records_of(read_table(Path(path), given), given, own=True)
