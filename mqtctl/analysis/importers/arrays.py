"""Arrays of NumPy, alone (.npy) or several in an archive (.npz). Never pickles; headers are not believed."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.importers.tables import LARGEST_FILE, Column, Table, setting, short
from mqtctl.errors import InputError

__all__ = ["NPY", "columns_of", "read_npy", "read_npz"]

NPY = b"\x93NUMPY"
MOST_COLUMNS = 64  # of one array; more are channels of a recorder, not columns of a table
#: Versions of the .npy format and what reads their headers; the last differs in the encoding of field names only.
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(file: Path, content: bytes) -> Table:
    """Return the array of a `.npy` file, or its columns.

    Raises
    ------
    InputError
        The header is damaged or forged, or the array holds no real numbers.
    """
    array = load_array(str(file), content)
    if not array.ndim or array.ndim > 2 or (array.ndim == 2 and min(array.shape) > MOST_COLUMNS) or not array.size:
        raise InputError(f"{file} has the shape {short(str(array.shape))}: one column, or a table, is expected")
    return Table(file, "a NumPy array", tuple(columns_of([("", "", array)])))


def read_npz(file: Path, content: bytes) -> Table:
    """Return the arrays of a `.npz` archive under their names; those that hold no numbers are passed over.

    Raises
    ------
    InputError
        It is another kind of archive, damaged, or grows beyond every measure when it is unpacked.
    """
    found, settings = [], []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
            if sum(member.file_size for member in members) > LARGEST_FILE:
                raise InputError(f"{file} unpacks to more than {LARGEST_FILE} bytes: split it into histograms")
            for member in members:
                name = member.filename.removesuffix(".npy")
                unpacked = archive.read(member)
                array = load_array(f"{name} in {file}", unpacked, numbers_only=False)
                if array.size == 1:
                    settings.append(setting(name, float(array.ravel()[0])))
                elif array.size:
                    found.append((name, "", array))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"{file} is a damaged archive ({short(str(error))}): save it again with numpy.savez"
        ) from error
    if not members:
        raise InputError(
            f"{file} is an archive, but not one of numpy.savez (.npz): unpack it, or export the sheet as text (.csv)"
        )
    return Table(file, "an archive of NumPy arrays", tuple(columns_of(found)), settings=tuple(settings))


def load_array(where: str, content: bytes, *, numbers_only: bool = True) -> NDArray[np.float64]:
    """Return the values of a `.npy` file's bytes; empty if they are no real numbers and need not be."""
    wrong = f"{where} is not a plain .npy array of numbers"
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        reader = _HEADERS.get(version)
        if reader is None:
            raise InputError(f"{wrong}: version {version} of the format is not known")
        shape, fortran, kind = reader(stream)
    # a forged header goes through Python's parser, which has its own ways to refuse
    except (
        ValueError,
        LookupError,
        TypeError,
        EOFError,
        SyntaxError,
        TokenError,
        RecursionError,
        MemoryError,
        OverflowError,
    ) as error:
        raise InputError(f"{wrong}: its header is damaged; save it again with numpy.save") from error
    if kind.kind not in "iuf":
        if not numbers_only:
            return np.empty(0)
        raise InputError(f"{where} holds {short(str(kind))} values: real numbers are expected")
    if any(size < 0 for size in shape):
        raise InputError(f"{where} has the shape {short(str(shape))}: one column is expected")
    number, there = math.prod(shape), len(content) - stream.tell()
    if number * kind.itemsize != there:
        raise InputError(f"{wrong}: {there} bytes follow a header that announces {number} values of {kind.itemsize}")
    values = np.frombuffer(content, kind, number, stream.tell()).astype(np.float64)
    return values.reshape(shape, order="F" if fortran else "C")


def columns_of(arrays: Iterable[tuple[str, str, NDArray[np.float64]]]) -> list[Column]:
    """Return the columns of named arrays with their units; a table's are named `name:1`, `name:2`, ...

    Single numbers are settings, and arrays of more than two dimensions pictures: both are passed over.
    """
    found: list[Column] = []
    for name, unit, array in arrays:
        values = np.squeeze(array)
        if values.ndim == 1:
            found.append(Column(len(found) + 1, name, unit, values))
        elif values.ndim == 2 and min(values.shape) <= MOST_COLUMNS:
            tall = values if values.shape[0] >= values.shape[1] else values.T
            for k, column in enumerate(tall.T, 1):
                found.append(Column(len(found) + 1, f"{name}:{k}" if name else "", unit, np.ascontiguousarray(column)))
    return found
