"""Analyses what was measured elsewhere: one list, or many that are a sweep together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mqtctl.errors import InputError
from mqtctl.workflow.file_analysis.description import read_description
from mqtctl.workflow.file_analysis.facts import ForeignFacts, refuse_what_cannot_be
from mqtctl.workflow.file_analysis.files import gathered, is_foreign
from mqtctl.workflow.file_analysis.one import analyze_one
from mqtctl.workflow.file_analysis.outputs import NOTHING, Outputs
from mqtctl.workflow.file_analysis.sniffed import describe_data
from mqtctl.workflow.file_analysis.sweep import analyze_several

__all__ = ["ForeignFacts", "Outputs", "analyze_foreign", "describe_data", "is_foreign", "read_description"]


def analyze_foreign(
    paths: Sequence[Path],
    facts: ForeignFacts,
    *,
    run_id: int | None = None,
    outputs: Outputs = NOTHING,
    quick: bool = False,
    control: Sequence[Path] = (),
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
    control
        Files of a second sweep of the same junction at another critical current, for which the same facts hold.

    Raises
    ------
    InputError
        In one sentence: what was found, where, and which option would read it.
    """
    known = facts.capacitance is not None or any(fact.name == "capacitance" for fact in facts.known)
    if not known:
        missing = "--capacitance" if facts.ramp_rate is not None else "--ramp-rate and --capacitance"
        raise InputError(f"{paths[0]}: a list of switching values needs {missing} to be fitted")
    refuse_what_cannot_be(paths[0], facts)
    records = gathered(paths, facts, run_id)
    if len(records) == 1 and (control or facts.known):
        what = "control" if control else "known"
        raise InputError(f"{paths[0]}: --{what} is for a sweep, and this is one histogram")
    if len(records) == 1:
        return analyze_one(records[0], facts, outputs)
    return analyze_several(records, facts, outputs, quick=quick, control=gathered(control, facts))
