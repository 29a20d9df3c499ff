"""Writes many readings as text at once, several times as fast as one `format` after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["scientific_list"]

_DIGITS = (np.arange(100_000)[:, np.newaxis] // 10 ** np.arange(4, -1, -1) % 10 + ord("0")).astype(np.uint8)
# Five digits each of 0 to 99999, and the same with a point behind the first.
_FIVE_DIGITS = np.ascontiguousarray(_DIGITS).view("V5")[:, 0]
_POINTED = np.insert(_DIGITS, 1, ord("."), axis=1).view("V6")[:, 0]
_LARGEST_EXPONENT = 99
_EXPONENTS = np.array(
    [f"E{exponent:+04d},".encode() for exponent in range(-_LARGEST_EXPONENT, _LARGEST_EXPONENT + 1)], dtype="S6"
).view("V6")
_SIGNS = np.array([b"+", b"-"]).view("V1")
# "+d.ddddddddddddddE+ddd,"
_ITEM = np.dtype([("sign", "V1"), ("high", "V6"), ("middle", "V5"), ("low", "V5"), ("exponent", "V6")])
_POWERS = np.longdouble(10) ** np.arange(14 + _LARGEST_EXPONENT + 2)


def scientific_list(values: NDArray[np.float64]) -> bytes:
    """Return the values in scientific notation with 15 digits and an exponent of three, commas between.

    Parameters
    ----------
    values
        Finite numbers, shape (n_value,).
    """
    count = len(values)
    if count == 0:
        return b""
    magnitudes = np.abs(values)
    exponents = np.zeros(count, dtype=np.int64)
    present = magnitudes > 0.0
    exponents[present] = np.floor(np.log10(magnitudes[present]))
    if np.abs(exponents).max() > _LARGEST_EXPONENT:
        return ",".join([_one(value) for value in values.tolist()]).encode()
    mantissas = _mantissas(magnitudes, exponents)
    # The logarithm may be one off next to a power of ten, and rounding may reach the next one.
    for correction, wrong in ((-1, present & (mantissas < 10**14)), (1, mantissas >= 10**15)):
        if wrong.any():
            exponents[wrong] += correction
            mantissas[wrong] = _mantissas(magnitudes[wrong], exponents[wrong])
    high, rest = np.divmod(mantissas, 10**10)
    middle, low = np.divmod(rest, 10**5)
    text = np.empty(count, dtype=_ITEM)
    text["sign"] = _SIGNS[np.signbit(values).astype(np.intp)]
    text["high"] = _POINTED[high]
    text["middle"] = _FIVE_DIGITS[middle]
    text["low"] = _FIVE_DIGITS[low]
    text["exponent"] = _EXPONENTS[exponents + _LARGEST_EXPONENT]
    return text.tobytes()[:-1]


def _mantissas(magnitudes: NDArray[np.float64], exponents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the 15 digits as integers; the extended precision makes their rounding right."""
    shifts = 14 - exponents
    wide = magnitudes.astype(np.longdouble)
    scaled = wide * _POWERS[np.maximum(shifts, 0)]
    large = shifts < 0
    if large.any():
        scaled[large] = wide[large] / _POWERS[-shifts[large]]
    return np.asarray(np.rint(scaled), dtype=np.int64)


def _one(value: float) -> str:
    mantissa, _, exponent = f"{value:+.14E}".partition("E")
    return f"{mantissa}E{int(exponent):+04d}"
