"""Analyses what was measured elsewhere: one list, or many that are a sweep together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mqtctl.errors import InputError
from mqtctl.workflow.foreign.description import read_description
from mqtctl.workflow.foreign.facts import ForeignFacts, refuse_what_cannot_be
from mqtctl.workflow.foreign.files import gathered, is_foreign
from mqtctl.workflow.foreign.one import analyze_one
from mqtctl.workflow.foreign.outputs import NOTHING, Outputs
from mqtctl.workflow.foreign.sniffed import describe_data
from mqtctl.workflow.foreign.sweep import analyze_several

__all__ = ["ForeignFacts", "Outputs", "analyze_foreign", "describe_data", "is_foreign", "read_description"]


def analyze_foreign(
    paths: Sequence[Path],
    facts: ForeignFacts,
    *,
    run_id: int | None = None,
    outputs: Outputs = NOTHING,
    quick: bool = False,
) -> dict[str, Any]:
    """Fit somebody else's files; returns the keys of a point for one histogram, those of a sweep for several.

    Parameters
    ----------
    paths
        Files, folders of files, and QCoDeS databases of other programs.
    facts
        What they do not say.
    run_id
        Only this run of a database.
    outputs
        What is written besides: a report, a table of rates, runs in a database.
    quick
        Leave out what the data of a sweep could have decided (the key `power`).

    Raises
    ------
    InputError
        In one sentence: what was found, where, and which option would read it.
    """
    if facts.capacitance is None:
        missing = "--capacitance" if facts.ramp_rate is not None else "--ramp-rate and --capacitance"
        raise InputError(f"{paths[0]}: a list of switching values needs {missing} to be fitted")
    refuse_what_cannot_be(paths[0], facts)
    records = gathered(paths, facts, run_id)
    if len(records) == 1:
        return analyze_one(records[0], facts, outputs)
    return analyze_several(records, facts, outputs, quick=quick)
