"""Sweeps to store, and another program that holds the database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from qcodes.station import Station

from mqtctl.plan import ResolvedPlan
from mqtctl.records import MeasuredRamp
from mqtctl.storage import (
    ClosingFacts,
    Database,
    HistogramWriter,
    PlanDocument,
    PointHeader,
    PointVariant,
    RunFacts,
    StoredRamp,
)

RAMP = MeasuredRamp(start_current=0.0, stop_current=9.8e-6, rate=1e-3, period=12.5e-3, delay=1e-5)


def header(plan: ResolvedPlan, point: int = 0, sweep_id: str = "first") -> PointHeader:
    return PointHeader(
        sweep_id=sweep_id,
        point=point,
        points=3,
        set_temperature=0.1,
        ramp=StoredRamp(**asdict(RAMP)),
        plan_digest=plan.digest,
        document=PlanDocument.model_validate(plan.document()),
        facts=RunFacts(seed=1),
        variant=PointVariant(),
    )


def write(database: Database, head: PointHeader, sizes: tuple[int, ...], *, finish: bool = True) -> int:
    """Write blocks of these sizes, seeded by the point; returns the run."""
    rng = np.random.default_rng(head.point)
    with HistogramWriter(database, Station(default=False), "sample", head) as writer:
        for number, size in enumerate(sizes):
            intervals = rng.uniform(5e-3, 6e-3, size)
            writer.add_block(intervals, RAMP.current(intervals), censored=number, temperature=0.1, time=float(number))
        if finish:
            writer.finish(ClosingFacts(temperature=0.101, temperature_std=1e-4, switches=sum(sizes)))
        return writer.run_id


@dataclass
class OtherProgram:
    """Holds a database in a transaction; lets go when it has been waited for some slices of patience."""

    path: Path
    slices: int = 3
    waited: int = 0
    _held: list[sqlite3.Connection] = field(default_factory=list)

    def take(self) -> None:
        """Begin to write."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        self._held.append(connection)

    def let_go(self) -> None:
        """Give the database back."""
        while self._held:
            with closing(self._held.pop()) as connection:
                connection.rollback()

    def watch(self) -> None:
        """Count a slice of somebody's patience."""
        self.waited += 1
        if self.waited >= self.slices:
            self.let_go()
