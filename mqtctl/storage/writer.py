"""Writes one histogram into one QCoDeS run; a block is acknowledged only when it is read back.

QCoDeS swallows failed writes and marks the run completed all the same, so each block is flushed
in the foreground, counted, and compared with what the file holds.
"""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import StorageError
from mqtctl.records import MeasuredRamp
from mqtctl.storage import layout

if TYPE_CHECKING:
    from qcodes.dataset import Measurement
    from qcodes.dataset.data_set import DataSet
    from qcodes.dataset.measurements import DataSaver
    from qcodes.dataset.sqlite.connection import AtomicConnection
    from qcodes.station import Station

__all__ = ["HistogramWriter", "PointHeader"]


@dataclass(frozen=True)
class PointHeader:
    """What identifies a histogram before its first block.

    Attributes
    ----------
    sweep_id
        Identity of the sweep to which the point belongs.
    point, points
        Index of the point, from 0, and their number.
    set_temperature
        Temperature in K that was asked for; NaN for a histogram at the present temperature.
    ramp
        The ramp as measured.
    plan_digest, document
        SHA-256 and plain data of the resolved plan and sample.
    facts
        Further facts as plain data: instruments, seed, software versions.
    variant
        Which of the ramps made at this point, as plain data: number, purpose, polarity, repetition.
    """

    sweep_id: str
    point: int
    points: int
    set_temperature: float
    ramp: MeasuredRamp
    plan_digest: str
    document: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
    variant: Mapping[str, Any] = field(default_factory=dict)


class HistogramWriter:
    """Context in which the blocks of one histogram are written.

    Parameters
    ----------
    connection
        Open database.
    station
        Its snapshot goes into the run.
    sample_name
        Sample under which QCoDeS files the run.
    header
        Identity of the point.

    Raises
    ------
    StorageError
        A block did not reach the file, or the run could not be opened.
    """

    def __init__(self, connection: AtomicConnection, station: Station, sample_name: str, header: PointHeader) -> None:
        self._connection = connection
        self._header = header
        self._measurement = _measurement(connection, station, sample_name)
        self._stack = contextlib.ExitStack()
        self._saver: DataSaver
        self._blocks = 0
        self._rows = 0

    @property
    def _dataset(self) -> DataSet:
        """The dataset as the SQLite one that it is."""
        return cast("DataSet", self._saver.dataset)

    @property
    def run_id(self) -> int:
        """The run in the database."""
        return self._saver.run_id

    def __enter__(self) -> Self:
        runner = self._measurement.run(write_in_background=False, in_memory_cache=False)
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # QCoDeS announces the run on stdout: results go there
                self._saver = self._stack.enter_context(runner)
        except (sqlite3.Error, RuntimeError) as exc:
            raise StorageError(f"a new run could not be opened in the database ({exc})") from exc
        self._describe("header", {**asdict(self._header), "ramp": asdict(self._header.ramp)})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._stack.__exit__(kind, value, traceback)
        except sqlite3.Error as exc:
            if isinstance(value, StorageError):
                return  # that fault is the earlier and the clearer one
            raise StorageError(f"run {self.run_id} could not be closed in the database ({exc})") from exc

    def add_block(
        self,
        intervals: NDArray[np.float64],
        currents: NDArray[np.float64],
        *,
        censored: int,
        temperature: float,
        time: float,
    ) -> None:
        """Store a block and return when it is on disk and reads back as written.

        Parameters
        ----------
        intervals, currents
            Raw intervals in s and switching currents in A, shape (n_reading,) both; NaN current
            where the interval is not a switch on the rise.
        censored
            Ramps of this block that reached the top without a switch.
        temperature
            Bath temperature in K read closest to the block.
        time
            Bench time in s since the first ramp, at the end of the block.
        """
        from qcodes.dataset.sqlite.connection import atomic

        saver = self._saver
        saver.add_result((layout.INTERVAL, intervals), (layout.CURRENT, currents))
        saver.add_result(
            (layout.BLOCK, self._blocks),
            (layout.BLOCK_READINGS, intervals.size),
            (layout.BLOCK_CENSORED, censored),
            (layout.BLOCK_TIME, time),
            (layout.BATH_TEMPERATURE, temperature),
        )
        with atomic(self._connection):  # one commit for a block, where QCoDeS makes one for each parameter
            saver.flush_data_to_database()
        self._blocks += 1
        self._rows += _ROWS_PER_BLOCK
        self._verify(intervals, currents)

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Mark the histogram as complete, with its closing facts; the last thing written."""
        self._describe("result", {**facts, "blocks": self._blocks, "complete": True})

    def _describe(self, tag: str, content: Mapping[str, Any]) -> None:
        """Put plain data into the run's metadata."""
        try:
            self._dataset.add_metadata(layout.METADATA_TAG.format(tag), json.dumps(content))
        except sqlite3.Error as exc:
            raise StorageError(f"run {self.run_id}: its {tag} could not be stored ({exc})") from exc

    def _verify(self, *written: NDArray[np.float64]) -> None:
        """Raise `StorageError` unless the newest rows of the file hold what was just written."""
        if self._saver.points_written != self._rows:
            raise StorageError(
                f"run {self.run_id}: block {self._blocks - 1} did not reach the database "
                f"({self._saver.points_written} of {self._rows} rows are there); look for a full disk or a locked file"
            )
        table = self._dataset.table_name
        for column, expected in zip((layout.INTERVAL, layout.CURRENT), written, strict=True):
            row = self._connection.execute(
                f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL ORDER BY id DESC LIMIT 1'
            ).fetchone()
            if row is None or not np.array_equal(row[0], expected, equal_nan=True):
                raise StorageError(
                    f"run {self.run_id}: block {self._blocks - 1} reads back differently from the database"
                )


#: One row for each array and one for each quantity along `block`.
_ROWS_PER_BLOCK = 6


def _measurement(connection: AtomicConnection, station: Station, sample_name: str) -> Measurement:
    """Return the QCoDeS measurement with all parameters registered."""
    from qcodes.dataset import Measurement, load_or_create_experiment

    experiment = load_or_create_experiment(layout.EXPERIMENT, sample_name, conn=connection)
    measurement = Measurement(exp=experiment, station=station, name=layout.RUN_NAME)
    add = measurement.register_custom_parameter
    add(layout.INTERVAL, label="Start-to-stop interval", unit="s", paramtype="array")
    add(layout.CURRENT, label="Switching current", unit="A", paramtype="array")
    add(layout.BLOCK, label="Block")
    along = (layout.BLOCK,)
    add(layout.BLOCK_READINGS, label="Intervals in the block", setpoints=along)
    add(layout.BLOCK_CENSORED, label="Ramps without a switch", setpoints=along)
    add(layout.BLOCK_TIME, label="Time since the first ramp", unit="s", setpoints=along)
    add(layout.BATH_TEMPERATURE, label="Bath temperature", unit="K", setpoints=along)
    return measurement
