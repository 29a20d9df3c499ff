"""Containers of named arrays: HDF5 (plain, Labber, netCDF 4, MATLAB 7.3), MATLAB, netCDF 3, Parquet and TDMS."""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.importers.arrays import columns_of
from mqtctl.analysis.importers.tables import MOST_VALUES, Column, Table, setting, short
from mqtctl.analysis.stated_units import spelled, stated_unit
from mqtctl.errors import InputError

__all__ = ["library", "read_hdf5", "read_matlab", "read_netcdf", "read_parquet", "read_tdms", "reading"]

Arrays = list[tuple[str, str, NDArray[np.float64]]]
_UNIT_ATTRIBUTES = ("unit", "units", "Unit", "Units", "unit_string")
_MOST_OBJECTS = 10_000
_MATLAB_NUMBERS = {"double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}


@contextmanager
def reading(file: Path, kind: str) -> Iterator[None]:
    """Turn whatever a library says to a damaged file into one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (InputError, KeyboardInterrupt):
        raise
    except Exception as error:  # another library's parser on somebody else's bytes: it may raise anything
        said = short(str(error)) or type(error).__name__
        raise InputError(f"{file} is {kind}, but damaged or of a layout that is not read ({said})") from error


def library(file: Path, module: str, extra: str) -> Any:
    """Return an optional module that reads `extra`; raises `InputError` with how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{file} is {extra}, which {module.partition('.')[0]} reads, and that is not installed: pip install"
            f" 'mqtctl[reading]', or export the switching values as text"
        ) from error


def _unit_of(attributes: Any, name: str) -> str:
    for key in _UNIT_ATTRIBUTES:
        found = attributes.get(key)
        if found is not None:
            return spelled(_text(found))
    return stated_unit(name.rsplit("/", 1)[-1])


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _sized(file: Path, name: str, number: int) -> None:
    if number > MOST_VALUES:
        raise InputError(
            f"{file}: {short(name)} has {number} values, more than {MOST_VALUES}: split it into histograms"
        )


def read_hdf5(file: Path) -> Table:
    """Return the arrays of an HDF5 file by their paths; Labber's are named by its channels."""
    import h5py

    arrays: Arrays = []
    channels: list[Column] = []
    with reading(file, "an HDF5 file"), h5py.File(file, "r") as opened:
        datasets: list[Any] = []

        def visit(_: str, item: Any) -> bool | None:
            if isinstance(item, h5py.Dataset):
                datasets.append(item)
            return True if len(datasets) > _MOST_OBJECTS else None

        opened.visititems(visit)
        for item in datasets:
            name = item.name.lstrip("/")
            if name == "Data/Data" and "Data/Channel names" in opened:
                _sized(file, name, item.size)
                channels = _labber(opened, item)
                break
            if item.dtype.kind == "V" and item.dtype.names and item.ndim == 1:
                _sized(file, name, item.size)
                whole = item[()]
                fields = [f for f in item.dtype.names if whole.dtype[f].kind in "iuf" and whole[f].ndim == 1]
                arrays += [(f"{name}/{f}", stated_unit(f), whole[f].astype(np.float64)) for f in fields]
            elif item.dtype.kind in "iuf" and item.ndim and item.size:
                _sized(file, name, item.size)
                arrays.append((name, _unit_of(item.attrs, name), np.asarray(item[()], dtype=np.float64)))
    kind = "a Labber log (HDF5)" if channels else "an HDF5 file"
    return Table(file, kind, tuple(channels or columns_of(arrays)))


def _labber(opened: Any, data: Any) -> list[Column]:
    """Return the channels of a Labber log; its data have the shape (row, channel, trace)."""
    names = [
        " ".join(_text(part) for part in entry if _text(part)) for entry in opened["Data/Channel names"][()].tolist()
    ]
    units: dict[str, str] = {}
    if "Channels" in opened and opened["Channels"].dtype.names:
        table = opened["Channels"][()]
        for field in ("unitPhys", "unitInstr"):
            if field in table.dtype.names:
                units = {_text(n): _text(u) for n, u in zip(table["name"], table[field], strict=True)} | units
    values = np.asarray(data[()], dtype=np.float64)
    return [
        Column(k + 1, name, spelled(units.get(name, "")) or stated_unit(name), values[:, k].T.ravel())
        for k, name in enumerate(names)
    ]


def read_matlab(file: Path) -> Table:
    """Return the arrays of a MATLAB file of version 4 to 7.2; later ones are HDF5."""
    from scipy.io import loadmat, whosmat

    with reading(file, "a MATLAB file"):
        listed = whosmat(file)
        numeric = [name for name, _, kind in listed if kind in _MATLAB_NUMBERS]
        for name, shape, _ in listed:
            _sized(file, name, int(np.prod(shape, dtype=object)))
        found = loadmat(file, variable_names=[*numeric, *(name for name, _, kind in listed if kind == "char")])
        single = {name: np.ravel(found[name])[0] for name, _, _ in listed if name in found and found[name].size == 1}
        settings = tuple(setting(name, value.item()) for name, value in single.items())
        arrays = [
            (name, stated_unit(name), np.asarray(found[name], dtype=np.float64))
            for name in numeric
            if found[name].dtype.kind in "iuf" and found[name].size > 1
        ]
    return Table(file, "a MATLAB file", tuple(columns_of(arrays)), settings=settings)


def read_netcdf(file: Path) -> Table:
    """Return the variables of a netCDF 3 file; version 4 is HDF5."""
    from scipy.io import netcdf_file

    with reading(file, "a netCDF file"), netcdf_file(file, "r", mmap=False) as opened:
        arrays = []
        for name, variable in opened.variables.items():
            values = np.array(variable.data)
            if values.dtype.kind in "iuf" and values.ndim and values.size:
                _sized(file, name, values.size)
                arrays.append((name, _unit_of(vars(variable), name), values.astype(np.float64)))
    return Table(file, "a netCDF file", tuple(columns_of(arrays)))


def read_parquet(file: Path, content: bytes) -> Table:
    """Return the columns of a Parquet file that hold numbers."""
    parquet = library(file, "pyarrow.parquet", "a Parquet file")
    with reading(file, "a Parquet file"):
        opened = parquet.ParquetFile(io.BytesIO(content))
        rows = opened.metadata.num_rows
        _sized(file, "a column", rows)
        frame = opened.read()
        arrays: Arrays = []
        for name in frame.column_names:
            column = frame.column(name)
            if str(column.type).rstrip("0123456789") in ("double", "float", "halffloat", "int", "uint"):
                values = np.asarray(column.to_numpy(), dtype=np.float64)
                arrays.append((name, stated_unit(name), values))
    return Table(file, "a Parquet file", tuple(columns_of(arrays)))


def read_tdms(file: Path, content: bytes) -> Table:
    """Return the channels of a LabVIEW TDMS file, named group/channel."""
    nptdms = library(file, "nptdms", "a TDMS file")
    with reading(file, "a TDMS file"):
        opened = nptdms.TdmsFile.read(io.BytesIO(content))
        arrays: Arrays = []
        for group in opened.groups():
            for channel in group.channels():
                if channel.dtype.kind in "iuf" and len(channel):
                    name = f"{group.name}/{channel.name}"
                    attributes = {"unit": channel.properties.get("unit_string")}
                    arrays.append((name, _unit_of(attributes, channel.name), channel[:].astype(np.float64)))
    return Table(file, "a TDMS file", tuple(columns_of(arrays)))
