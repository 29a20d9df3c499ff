"""Writes one histogram into one QCoDeS run; a block is acknowledged only when it is read back.

QCoDeS swallows failed writes and marks the run completed all the same, so each block is flushed
in the foreground, counted, and compared with what the file holds.
"""

from __future__ import annotations

import contextlib
import io
import sqlite3
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import StorageError
from mqtctl.storage import layout
from mqtctl.storage.blocks import ROWS_PER_BLOCK, StoredBlock
from mqtctl.storage.connection import Database
from mqtctl.storage.headers import ClosingFacts, PointHeader, stored_text
from mqtctl.storage.naming import marked, ramp_in_words
from mqtctl.storage.qcodes_settings import courtesy_export
from mqtctl.storage.rescue import Rescued, rescuing

if TYPE_CHECKING:
    from qcodes.dataset import AtomicConnection, Measurement
    from qcodes.dataset.data_set import DataSet
    from qcodes.dataset.measurements import DataSaver
    from qcodes.station import Station

__all__ = ["HistogramWriter"]


class HistogramWriter:
    """Context in which the blocks of one histogram are written.

    Parameters
    ----------
    database
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
        A block did not reach the file (then a rescue file has it, which the message names), or the run could not be
        opened or closed.
    """

    def __init__(self, database: Database, station: Station, sample_name: str, header: PointHeader) -> None:
        self._database = database
        self._station = station
        self._sample_name = sample_name
        self._header = header
        self._stack = contextlib.ExitStack()
        self._saver: DataSaver
        self._run_id = 0
        self._guid = ""
        self._blocks = 0

    @property
    def _dataset(self) -> DataSet:
        """The dataset as the SQLite one that it is."""
        return cast("DataSet", self._saver.dataset)

    @property
    def run_id(self) -> int:
        """The run in the database."""
        return self._run_id

    def __enter__(self) -> Self:
        with self._database.transaction("a new run"):
            measurement = _measurement(self._database.connection, self._station, self._sample_name, self._header)
            runner = measurement.run(write_in_background=False, in_memory_cache=False)
            with contextlib.redirect_stdout(io.StringIO()):  # QCoDeS announces the run on stdout: results go there
                self._saver = self._stack.enter_context(runner)
            self._run_id, self._guid = self._saver.run_id, self._dataset.guid
            self._describe("header", self._header)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        patience = self._database.patience if kind is None else self._database.patience.briefly()
        try:
            with self._database.transaction(f"the end of run {self.run_id}", patience):
                self._stack.__exit__(kind, value, traceback)
        except StorageError:
            if kind is None:
                raise
            return  # what ended the run is the earlier and the clearer fault
        if kind is None and self._database.exports:
            courtesy_export(self._dataset, patience.tell)

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
        block = StoredBlock(self._blocks, intervals, currents, censored, temperature, time)
        with self._rescuing(block=block):
            with self._database.transaction(f"run {self.run_id}: block {block.index}"):
                for row in block.rows():
                    self._saver.add_result(*row.items())
                self._saver.flush_data_to_database()
            self._database.patiently(lambda: self._verify(block))
        self._blocks += 1

    def finish(self, facts: ClosingFacts) -> None:
        """Mark the histogram as complete, with its closing facts; the last thing written."""
        result = facts.model_copy(update={"blocks": self._blocks, "complete": True})
        with self._rescuing(result=result), self._database.transaction(f"run {self.run_id}: its result"):
            self._describe("result", result)

    def _describe(self, tag: str, content: PointHeader | ClosingFacts) -> None:
        """Put it into the run's metadata."""
        self._dataset.add_metadata(layout.METADATA_TAG.format(tag), stored_text(content))

    def _rescuing(
        self, block: StoredBlock | None = None, result: ClosingFacts | None = None
    ) -> contextlib.AbstractContextManager[None]:
        """Return the context that puts what it fails to store into a rescue file."""
        return rescuing(
            lambda: Rescued(self._database.path, self._guid, self._run_id, block, result), self._database.patience.tell
        )

    def _verify(self, block: StoredBlock) -> None:
        """Raise `StorageError` unless the newest rows of the file hold what was just written."""
        written, expected = self._saver.points_written, ROWS_PER_BLOCK * (block.index + 1)
        if written != expected:
            raise StorageError(
                f"run {self.run_id}: block {block.index} did not reach the database "
                f"({written} of {expected} rows are there); look for a full disk or a locked file"
            )
        table = self._dataset.table_name
        for column, values in ((layout.INTERVAL, block.intervals), (layout.CURRENT, block.currents)):
            # An expression has no declared type: SQLite gives the bytes as they are, and nothing takes them apart.
            row = self._database.connection.execute(
                f'SELECT +"{column}" FROM "{table}" WHERE "{column}" IS NOT NULL ORDER BY id DESC LIMIT 1'
            ).fetchone()
            if row is None or row[0] != sqlite3.adapt(values, sqlite3.PrepareProtocol):
                raise StorageError(f"run {self.run_id}: block {block.index} reads back differently from the database")


def _run_name(header: PointHeader) -> str:
    """Return what QCoDeS calls the run."""
    what = layout.RUN_NAME.format(header.variant.purpose)
    return marked(
        f"{what} {ramp_in_words(header.set_temperature, header.ramp.rate, header.variant)}", header.facts.simulated
    )


def _measurement(connection: AtomicConnection, station: Station, sample_name: str, header: PointHeader) -> Measurement:
    """Return the QCoDeS measurement with all parameters registered."""
    from qcodes.dataset import Measurement, load_or_create_experiment

    experiment = load_or_create_experiment(layout.EXPERIMENT, sample_name, conn=connection)
    measurement = Measurement(exp=experiment, station=station, name=_run_name(header))
    measurement.write_period = layout.NEVER
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
