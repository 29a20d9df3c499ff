"""What is written of an analysis besides its result: a report, a table of rates, runs in a database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mqtctl.analysis import PointFit, SwitchingRecord
from mqtctl.physics.models.names import escape_model
from mqtctl.records import Sweep
from mqtctl.report import write_rates
from mqtctl.storage import load_sweep
from mqtctl.workflow.file_analysis.facts import ForeignFacts
from mqtctl.workflow.file_analysis.into import taken_into
from mqtctl.workflow.overview import store_overview

__all__ = ["NOTHING", "Outputs", "tables_of"]


@dataclass(frozen=True)
class Outputs:
    """Where what is asked for goes; None: not asked for.

    Attributes
    ----------
    report
        Folder of the report.
    formats
        What is written beside the report: see `mqtctl.report.write_report`.
    rates
        CSV file of the escape rates.
    into
        QCoDeS database into which the histograms are taken.
    """

    report: Path | None = None
    rates: Path | None = None
    into: Path | None = None
    formats: Collection[str] = ()


NOTHING = Outputs()


def tables_of(
    outputs: Outputs,
    sweep: Sweep,
    points: Sequence[PointFit],
    records: Sequence[SwitchingRecord],
    facts: ForeignFacts,
    raw: Sweep | None = None,
) -> tuple[Mapping[str, Any], list[str]]:
    """Write the rates and fill the database; returns the keys of the JSON that say where they are, and what failed.

    Parameters
    ----------
    sweep, points, records
        The histograms as they were fitted, their fits, and where they were read.
    raw
        The same before an offset current was taken out, which goes into the database; None: `sweep` itself.
    """
    said: dict[str, Any] = {}
    faults: list[str] = []
    if outputs.rates is not None:
        names = [record.name for record in records]
        said["rates"] = str(write_rates(sweep, points, outputs.rates, names, escape_model(facts.model)))
    if outputs.into is not None:
        said |= taken_into(outputs.into, raw or sweep, records, facts)
        fits = [point.to_dict() | {"run_id": run} for point, run in zip(points, said["run_ids"], strict=True)]
        stored = load_sweep(outputs.into, sweep_id=said["sweep_id"])
        store_overview(stored, {"points": fits}, outputs.into, faults.append)
    return said, faults
