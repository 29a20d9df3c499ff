"""Which kind of file it is, told by how it begins; its size is looked at before it is read."""

from __future__ import annotations

import stat
from pathlib import Path

from mqtctl.analysis.importers.arrays import NPY, read_npy, read_npz
from mqtctl.analysis.importers.containers import read_hdf5, read_matlab, read_netcdf, read_parquet, read_tdms
from mqtctl.analysis.importers.excel import WORKBOOK, read_excel
from mqtctl.analysis.importers.options import ReadOptions
from mqtctl.analysis.importers.tables import LARGEST_FILE, Table
from mqtctl.analysis.importers.text import read_text
from mqtctl.errors import InputError

__all__ = ["read_table"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
#: Beginnings of files that are not read, and what such a file is.
_OTHERS = {
    b"SQLite format 3": "a database: give it under a name that ends in .db",
    b"\x80": "a pickle, which is never read: it may run any program; save the values with numpy.save",
    b"\xd0\xcf\x11\xe0": "an old Excel or OriginLab file: export the sheet as text (.csv)",
    b"CPY": "an OriginLab project: export the sheet as text (.csv)",
    b"%PDF": "a PDF: export the switching values as text (.csv)",
}


def read_table(file: Path, options: ReadOptions) -> Table:
    """Return the columns of a file of any kind.

    Raises
    ------
    InputError
        It cannot be read, is larger than 2 GB, or is of a kind that is not known.
    """
    content = _content(file)
    if content.startswith(NPY):
        return read_npy(file, content)
    if content.startswith(b"PK\x03\x04"):
        return read_excel(file, content, options) if WORKBOOK in content else read_npz(file, content)
    if content.startswith(_HDF5[:4]):
        return read_hdf5(file)
    if content.startswith(b"MATLAB 5.0") or (file.suffix.lower() == ".mat" and b"\x00" in content[:128]):
        return read_matlab(file)
    if content.startswith((b"CDF\x01", b"CDF\x02")):
        return read_netcdf(file)
    if content.startswith(b"PAR1"):
        return read_parquet(file, content)
    if content.startswith(b"TDSm"):
        return read_tdms(file, content)
    other = next((words for magic, words in _OTHERS.items() if content.startswith(magic)), None)
    if other is None and content.lstrip()[:2] in (b'{"', b"[{", b"[["):
        other = (
            "JSON, which has many layouts: export the switching values as text (.csv), or name a reader (--importer)"
        )
    if other is not None:
        raise InputError(f"{file} is {other}")
    return read_text(file, content, options)


def _content(file: Path) -> bytes:
    """Return a file's bytes, or say why there are none, before a large file is read whole."""
    try:
        status = file.stat()
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            raise InputError(f"{file} is a device, not a file of numbers")
        if status.st_size > LARGEST_FILE:
            raise InputError(f"{file} has {status.st_size} bytes, more than {LARGEST_FILE}: split it into histograms")
        with file.open("rb") as stream:
            beginning = stream.read(65536)
            if not beginning.strip(b"\x00"):
                raise InputError(f"{file} {'holds zero bytes only' if beginning else 'is empty'}: no switching values")
            if stream.seekable():  # no second copy of a large file
                stream.seek(0)
                return stream.read(LARGEST_FILE)
            return beginning + stream.read(LARGEST_FILE)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
