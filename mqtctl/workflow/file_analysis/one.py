"""Fits one list of switching currents or times that was measured elsewhere."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis import SwitchingData, SwitchingRecord, fit_point, fit_sweep, imported_histogram
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.nuisances.in_time import InTime
from mqtctl.errors import InputError
from mqtctl.physics.models.names import escape_model
from mqtctl.quantities import readable
from mqtctl.records import Histogram, Sweep
from mqtctl.report import write_report
from mqtctl.workflow.file_analysis.concluded import conclusions, too_cold
from mqtctl.workflow.file_analysis.facts import ForeignFacts, resolution_of
from mqtctl.workflow.file_analysis.outputs import NOTHING, Outputs, tables_of
from mqtctl.workflow.file_analysis.plausible import doubtful, refuse_impossible, refuse_other_critical_current
from mqtctl.workflow.file_analysis.ramp_rates import other_named_rate, ramp_rate_of

__all__ = ["analyze_one", "counted", "histogram_of"]


def analyze_one(record: SwitchingRecord, facts: ForeignFacts, outputs: Outputs = NOTHING) -> dict[str, Any]:
    """Fit one list of switching currents or times; returns the keys of a point of the JSON contract.

    Parameters
    ----------
    record
        What was read.
    facts
        What the file does not say.
    outputs
        What is written besides.

    Raises
    ------
    InputError
        A fault in the file, the ramp rate or the capacitance is missing, a fact does not apply to these data, or the
        result cannot be one of a junction.
    """
    histogram = histogram_of(record, facts)
    currents = histogram.switching_currents
    for name, known in (("critical-current", facts.critical_current), ("fix", facts.fixed.get("critical_current"))):
        if known is not None:
            refuse_other_critical_current(known, currents, name)
    guess = facts.critical_current or 1.02 * float(currents.max())
    junction = facts.junction(guess)
    junction_of(junction)  # a potential that does not exist is no flag of the fit
    point = fit_point(
        histogram,
        junction,
        facts.critical_current,
        facts.critical_current_stderr,
        escape_model(facts.model),
        facts.free,
        facts.fixed,
        InTime(facts.drift, facts.known_drift, facts.mains),
    )
    refuse_impossible(point)
    flags = (*counted(record.data, histogram, facts), *doubtful(point, histogram.temperature))
    result = {
        **point.to_dict(),
        "missed": record.data.missed,
        "model": facts.model,
        "potential": facts.potential,
        "data": record.name,
    }
    result["impossible"] = too_cold(point, histogram.temperature) or None
    result["flags"] = [*flags, *result["flags"]]
    result["assumed"] = [*record.said, *other_named_rate(record, histogram.ramp.rate)]
    if not point.parameters:  # those were fitted with critical current and temperature alone
        result["conclusions"] = conclusions(histogram, point, junction, escape_model(facts.model))
    sweep = Sweep((histogram,), junction)
    tables, faults = tables_of(outputs, sweep, [point], [record], facts)
    result |= tables
    result["flags"] += faults
    if outputs.report is not None:
        fit = fit_sweep(sweep, hypotheses=False)
        told = {"data": record.name, "ramp rate": readable(histogram.ramp.rate, "A/s")}
        result["report"] = str(write_report(sweep, fit, outputs.report, told, formats=outputs.formats))
    return result


def histogram_of(record: SwitchingRecord, facts: ForeignFacts) -> Histogram:
    """Return the histogram that a record makes with the facts about its ramp.

    Raises
    ------
    InputError
        The ramp rate is missing or another one is stated, or a fact does not apply to these data.
    """
    data = Path(record.name)
    ramp_rate = ramp_rate_of(record, facts.ramp_rate, columns=facts.read.rate_column != "none")
    values = record.data
    if facts.delay and values.quantity == "current":
        raise InputError(f"{data} holds currents: a delay (--delay) applies to times only")
    sign = values.polarity
    stop = None if facts.stop_current is None else _rising(facts.stop_current, sign)
    histogram = imported_histogram(
        values,
        ramp_rate,
        _rising(facts.start_current, sign),
        stop,
        facts.delay,
        record.temperature if math.isnan(facts.temperature) else facts.temperature,
        facts.censored,
        resolution_of(data, replace(facts, ramp_rate=ramp_rate), values.quantity),
        facts.rounding,
    )
    return replace(
        histogram,
        temperature_std=record.temperature_std if math.isnan(facts.temperature) else 0.0,
        times=None if facts.period is None else _times(data, histogram, values.missed, facts.period),
    )


def _times(data: Path, histogram: Histogram, missed: int, period: float) -> NDArray[np.float64]:
    """Return when the ramps began, the first at 0; raises `InputError` where that cannot be told."""
    lost, last = missed + histogram.censored, float(histogram.intervals.max())
    if lost:
        raise InputError(
            f"{data}: {lost} ramps have no switching current in the list, so that --period does not say when the others"
            " began"
        )
    if period < last:
        raise InputError(
            f"{data}: --period is {readable(period, 's')}, but a ramp took {readable(last, 's')} to switch"
        )
    return period * np.arange(histogram.intervals.size, dtype=np.float64)


def _rising(current: float, sign: int) -> float:
    """Return a ramp's end as the magnitude rises: that of a negative ramp may be given with its sign or without."""
    return abs(current) if sign < 0 else current


def counted(values: SwitchingData, histogram: Histogram, facts: ForeignFacts) -> list[str]:
    """Say which entries of the file did not count as switches."""
    flags = []
    if values.missed:
        flags.append(
            f"{values.missed} entries of the file are no readings and were left out as missed (--empty missed)"
        )
    if values.censored:
        flags.append(f"{values.censored} entries of the file are no readings and count as ramps that did not switch")
    at_top = histogram.censored - values.censored - facts.censored
    if at_top:
        flags.append(f"{at_top} values equal the stop current and count as ramps that did not switch")
    return flags
