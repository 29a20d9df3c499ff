"""Reads array blobs that anybody may have written: what they claim is checked before it is believed."""

from __future__ import annotations

import io
import math
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError

__all__ = ["read_array"]

#: Versions of the .npy format and what reads their headers; QCoDeS writes the last, older ones wrote the first.
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # differs in the encoding of field names, of which there are none
}


def read_array(blob: object, where: str) -> NDArray[np.float64]:
    """Return the one-dimensional array of numbers in a .npy blob.

    Parameters
    ----------
    blob
        As it stands in a database or file.
    where
        What it is, for the error.

    Raises
    ------
    InputError
        Not a .npy array, one of another kind or shape, or one that claims more than it holds.
    """
    if not isinstance(blob, bytes):
        raise InputError(f"{where}: is damaged (no array but {type(blob).__name__})")
    stream = io.BytesIO(blob)
    try:
        version = np.lib.format.read_magic(stream)
        shape, _, dtype = _HEADERS[version](stream)
    # a forged header goes through Python's parser, which has its own ways to refuse
    except (
        ValueError,
        LookupError,
        TypeError,
        SyntaxError,
        TokenError,
        RecursionError,
        MemoryError,
        OverflowError,
    ) as exc:
        raise InputError(f"{where}: is damaged (not an array: its header cannot be read)") from exc
    if dtype.kind not in "fiu" or len(shape) != 1:
        raise InputError(f"{where}: is damaged (an array of {dtype}, shape {shape}, where a list of numbers belongs)")
    held = len(blob) - stream.tell()
    if math.prod(shape) * dtype.itemsize != held:
        raise InputError(f"{where}: is damaged ({held} bytes do not hold the {shape[0]} numbers that it claims)")
    return np.frombuffer(blob, dtype=dtype, offset=stream.tell()).astype(np.float64)
