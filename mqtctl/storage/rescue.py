"""The rescue file: what was measured and could not be stored, so that it can be put back when the database is free.

A numpy .npz file without pickles: the arrays of a block, and one entry `facts` with JSON that says where they belong.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mqtctl.errors import InputError, StorageError
from mqtctl.storage.arrays import read_array
from mqtctl.storage.blocks import StoredBlock
from mqtctl.storage.headers import ClosingFacts, CurveFacts

__all__ = ["Rescued", "RescuedCurve", "read_rescue", "rescuing", "write_rescue"]

#: A rescue file holds one block; nothing of this size (bytes) is one.
_LARGEST = 1 << 30


class _Block(BaseModel):
    """What belongs to a block besides its arrays."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    index: Annotated[int, Field(ge=0)]
    censored: int
    temperature: float
    time: float


class RescuedCurve(BaseModel):
    """An I-V curve, as `write_curve` takes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample_name: str
    facts: CurveFacts
    rows: list[tuple[float, float, float]]


class _Facts(BaseModel):
    """The JSON of a rescue file; one that does not look so is none."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Literal[1]
    database: str
    guid: str
    run_id: int
    block: _Block | None
    result: ClosingFacts | None
    curve: RescuedCurve | None


@dataclass(frozen=True)
class Rescued:
    """What a rescue file holds, and where it belongs.

    Attributes
    ----------
    database
        Where the database was.
    guid, run_id
        The run, by QCoDeS's identifier and by its number in that database.
    block
        A block that was not acknowledged, if any.
    result
        Closing facts of the histogram that were not stored, if any.
    curve
        An I-V curve that was not stored, if that is what it is. It has no run yet.
    """

    database: Path
    guid: str
    run_id: int
    block: StoredBlock | None = None
    result: ClosingFacts | None = None
    curve: RescuedCurve | None = None


@contextmanager
def rescuing(rescued: Callable[[], Rescued], tell: Callable[[str], None]) -> Iterator[None]:
    """Put what the block fails to store, for whatever reason, into a rescue file, and say where it is.

    Parameters
    ----------
    rescued
        Returns what is to be kept.
    tell
        Called with a sentence where the fault is another one than that it could not be stored.

    Raises
    ------
    StorageError
        The one of the block, with the file and the command in its sentence.
    """
    try:
        yield
    except BaseException as exc:
        try:
            file = write_rescue(rescued())
            sentence = f"it is kept in {file}; `mqtctl rescue {file}` puts it back when the database is free"
        except OSError as fault:
            sentence = f"no rescue file could be written either ({fault.strerror or fault})"
        if isinstance(exc, StorageError):
            raise StorageError(f"{exc}; {sentence}") from exc
        tell(f"what was measured last is not in the database yet: {sentence}")
        raise


def write_rescue(rescued: Rescued) -> Path:
    """Write a rescue file beside the database, or in the folder for temporary files where that fails.

    Raises
    ------
    OSError
        Neither can be written.
    """
    block = rescued.block
    arrays = {} if block is None else {"intervals": block.intervals, "currents": block.currents}
    facts = {
        "format": 1,
        "database": str(rescued.database.resolve()),
        "guid": rescued.guid,
        "run_id": rescued.run_id,
        "block": block
        and {"index": block.index, "censored": block.censored, "temperature": block.temperature, "time": block.time},
        "result": rescued.result and _plain(rescued.result),
        "curve": rescued.curve and _plain(rescued.curve),
    }
    content = {"facts": json.dumps(facts).encode(), **{name: _as_bytes(array) for name, array in arrays.items()}}
    content["digest"] = _digest(content).encode()
    what = "curve" if rescued.curve else f"run{rescued.run_id}"
    name = f"{rescued.database.name}-{what}-rescue"
    try:
        return _write_new(rescued.database.parent, name, content)
    except OSError:
        return _write_new(Path(tempfile.gettempdir()), name, content)


def _plain(content: BaseModel) -> dict[str, Any]:
    """Return it as JSON has it."""
    return content.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _as_bytes(array: Any) -> bytes:
    """Return an array as a .npy file."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array, dtype=np.float64), allow_pickle=False)
    return stream.getvalue()


def _digest(content: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of all entries but the digest itself."""
    found = hashlib.sha256()
    for name in sorted(content.keys() - {"digest"}):
        found.update(f"{name} {len(content[name])}\n".encode() + content[name])
    return found.hexdigest()


def _names(folder: Path, name: str) -> Iterator[Path]:
    """Return names of files, one after the other, until one is free."""
    yield folder / f"{name}.npz"
    number = 2
    while True:
        yield folder / f"{name}-{number}.npz"
        number += 1


def _write_new(folder: Path, name: str, content: Mapping[str, bytes]) -> Path:
    """Write a file that was not there before, onto the disk."""
    for path in _names(folder, name):
        try:
            file = path.open("xb")
        except FileExistsError:
            continue
        try:
            with file:
                with zipfile.ZipFile(file, "w") as archive:
                    for entry, data in content.items():
                        archive.writestr(entry if entry in ("facts", "digest") else f"{entry}.npy", data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise
        return path
    raise AssertionError  # the names do not end


def read_rescue(path: Path) -> Rescued:
    """Read a rescue file.

    Raises
    ------
    InputError
        No such file, not a rescue file, or one that has changed since it was written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
                raise InputError(f"{path}: is too large for a rescue file")
            content = {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    # the last ones: encrypted or of an unknown compression
    except (OSError, zipfile.BadZipFile, EOFError, ValueError, RuntimeError, NotImplementedError) as exc:
        if isinstance(exc, InputError):
            raise
        raise InputError(f"{path}: is not a rescue file ({exc})") from exc
    if "facts" not in content or content.get("digest") != _digest(content).encode():
        raise InputError(f"{path}: is not a rescue file, or has been changed since it was written (its digest differs)")
    try:
        facts = _Facts.model_validate(json.loads(content["facts"]))
        block = (
            None
            if facts.block is None
            else StoredBlock(
                intervals=read_array(content["intervals"], f"{path}: intervals"),
                currents=read_array(content["currents"], f"{path}: currents"),
                **facts.block.model_dump(),
            )
        )
    except (ValidationError, KeyError, RecursionError) as exc:
        raise InputError(f"{path}: is not a rescue file of this version of mqtctl") from exc
    return Rescued(Path(facts.database), facts.guid, facts.run_id, block, facts.result, facts.curve)
