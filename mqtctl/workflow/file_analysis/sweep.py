"""Fits several lists that were measured elsewhere as what they are together: a sweep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mqtctl.analysis import SwitchingRecord, fit_sweep
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.errors import InputError
from mqtctl.physics.models.names import escape_model
from mqtctl.quantities import readable
from mqtctl.records import Histogram, JunctionEstimate, Sweep
from mqtctl.report import write_report
from mqtctl.workflow.besides import besides_in_words, centred_sweep
from mqtctl.workflow.control import refuse_no_sweep
from mqtctl.workflow.file_analysis.facts import ForeignFacts
from mqtctl.workflow.file_analysis.one import counted, histogram_of
from mqtctl.workflow.file_analysis.outputs import NOTHING, Outputs, tables_of
from mqtctl.workflow.file_analysis.plausible import doubtful, refuse_impossible, refuse_other_critical_current

__all__ = ["analyze_several"]


def analyze_several(
    records: Sequence[SwitchingRecord],
    facts: ForeignFacts,
    outputs: Outputs = NOTHING,
    *,
    quick: bool = False,
    control: Sequence[SwitchingRecord] = (),
) -> dict[str, Any]:
    """Fit records of several temperatures, rates or polarities together; returns the JSON contract of a sweep.

    Parameters
    ----------
    records
        What was read.
    facts
        What the files do not say; the same for all.
    outputs
        What is written besides.
    quick
        Leave out what these data could have decided (the key `power`).
    control
        Records of a second sweep of the same junction, at another critical current; none: there is none.

    Raises
    ------
    InputError
        As for one list; or a bath temperature is not known.
    """
    for name, given in (
        ("censored", facts.censored),
        ("critical-current-stderr", facts.critical_current_stderr),
        ("free or --fix", facts.free or facts.fixed),
        ("drift or --mains", facts.drift or facts.known_drift or facts.mains),
    ):
        if given:
            raise InputError(f"--{name} is for one histogram, and there are {len(records)}")
    stated = sorted({round(record.temperature, 6) for record in records if not math.isnan(record.temperature)})
    if len(stated) > 1 and not math.isnan(facts.temperature):
        raise InputError(
            f"the data state {len(stated)} bath temperatures, {readable(stated[0], 'K')} to {readable(stated[-1], 'K')}"
            ": leave --temperature out, or say --temperature-column none"
        )
    histograms = _numbered([histogram_of(record, facts) for record in records], records)
    if facts.critical_current is not None:
        for histogram in histograms:
            refuse_other_critical_current(facts.critical_current, histogram.switching_currents, "critical-current")
    largest = max(float(histogram.switching_currents.max()) for histogram in histograms)
    junction = facts.junction(facts.critical_current or 1.02 * largest)
    junction_of(junction)  # a potential that does not exist is no flag of each point
    raw = Sweep(histograms, junction)
    sweep, offset = centred_sweep(raw)
    second = _control(control, facts, junction) if control else None
    fit = fit_sweep(sweep, escape_model=escape_model(facts.model), power=not quick, control=second)
    points = []
    for point, record, histogram in zip(fit.points, records, histograms, strict=True):
        refuse_impossible(point)
        flags = (*counted(record.data, histogram, facts), *doubtful(point, histogram.temperature))
        points.append(replace(point, flags=(*flags, *point.flags)))
    said = list(dict.fromkeys(text for record in records for text in record.said))
    starting = ("the given critical current is where the fit starts; the histograms themselves decide it",)
    fit = replace(fit, points=tuple(points), flags=(*(starting if facts.critical_current else ()), *fit.flags))
    number = len({histogram.point for histogram in histograms})
    result = {
        **fit.to_dict(),
        **offset,
        "points_planned": number,
        "points_done": number,
        "unfinished": [],
        "simulated": False,
        "seed": None,
        "plan_hash": None,
        "data": [record.name for record in records],
        "missed": sum(record.data.missed for record in records),
        "model": facts.model,
        "potential": facts.potential,
        "assumed": said,
    }
    tables, faults = tables_of(outputs, sweep, fit.points, records, facts, raw)
    result |= tables
    result["flags"] += faults
    if outputs.report is not None:
        told = {"data": result["data"], "capacitance_F": facts.capacitance, "read as": said or "stated in the files"}
        words = besides_in_words(result)
        written = write_report(sweep, fit, outputs.report, told, besides=words, formats=outputs.formats)
        result["report"] = str(written)
    return result


def _control(records: Sequence[SwitchingRecord], facts: ForeignFacts, junction: JunctionEstimate) -> Sweep:
    """Return the control sweep, whose critical current is its own; raises `InputError`."""
    histograms = _numbered([histogram_of(record, facts) for record in records], records)
    names = list(dict.fromkeys(record.name for record in records))
    name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    sweep = Sweep(histograms, junction, name)
    refuse_no_sweep(name, sweep)
    return centred_sweep(sweep)[0]


def _numbered(histograms: Sequence[Histogram], records: Sequence[SwitchingRecord]) -> tuple[Histogram, ...]:
    """Return the histograms, numbered by their temperatures from the lowest."""
    baths = np.array([histogram.temperature for histogram in histograms])
    unknown = np.flatnonzero(np.isnan(baths))
    if unknown.size and (unknown.size < baths.size or len({record.data.polarity for record in records}) == 1):
        raise InputError(
            f"{records[unknown[0]].name}: its bath temperature is not known: give it in a column"
            " (--temperature-column), in the name of the file or column ('300 mK'), or for all with --temperature"
        )
    order = {bath: number for number, bath in enumerate(sorted({round(float(b), 12) for b in baths if b == b}))}
    return tuple(
        replace(histogram, point=order.get(round(float(bath), 12), 0))
        for histogram, bath in zip(histograms, baths, strict=True)
    )
