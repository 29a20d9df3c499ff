"""What a file does not say by itself, or not so that a program could be sure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EMPTY_RAMPS", "POLARITIES", "QUANTITIES", "ReadOptions"]

EMPTY_RAMPS = ("missed", "survived")
QUANTITIES = ("current", "time", "voltage")
POLARITIES = ("positive", "negative", "both")


@dataclass(frozen=True)
class ReadOptions:
    """How a file is to be read; None: told by the file, or refused with the option that decides.

    Attributes
    ----------
    column
        Switching values: a column's name, its number from 1, or the path of an array.
    unit
        Of the switching values.
    quantity
        "current", "time" or "voltage", where columns of several kinds are there.
    bias_resistance
        In Ohm: voltages across it become currents.
    polarity
        "positive", "negative" or "both", for currents of either sign.
    empty
        "missed" or "survived": what NaN, 0 and 9.91E37 stand for.
    temperature_column, rate_column
        Bath temperature and ramp rate of each row, like `column`.
    counts_column
        Makes the file a histogram: how many switches each bin holds, or their density.
    switches
        Number of switches behind a density.
    delimiter, decimal, encoding
        Of text files.
    """

    column: str | None = None
    unit: str | None = None
    quantity: str | None = None
    bias_resistance: float | None = None
    polarity: str | None = None
    empty: str | None = None
    temperature_column: str | None = None
    rate_column: str | None = None
    counts_column: str | None = None
    switches: int | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
