"""Collect what the report shows from a sweep and its analysis.

Without a fit the moments and the escape rates are still computed from the data. Curves of the
fitted law and of the escape model are evaluated here, never in the drawing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.fulton_dunkelberger import fulton_dunkelberger
from mqtctl.analysis.histogram.moments import moments
from mqtctl.analysis.histogram.results import POINT, EscapeRates, HistogramFit, PointFit
from mqtctl.analysis.hypotheses.results import HypothesisResult, Verdict
from mqtctl.analysis.quantity import estimates
from mqtctl.analysis.sweep.results import SWEEP, SweepFit
from mqtctl.errors import InputError
from mqtctl.notation import MISSING, quantity
from mqtctl.records import Histogram, JunctionEstimate, Sweep
from mqtctl.report.content import Content, Curve, PointContent, RatePoints, TheoryCurves
from mqtctl.report.curves import law_curves, theory_curves

__all__ = ["gather"]

_LEAST_SWITCHES = 10  # fewer make neither a rate nor a histogram
_LEAST_CURVE = 2  # points that make a line
#: What can have a reason not to be there, as a sentence calls it.
_WORDS = {row.key: row.in_words for row in SWEEP} | {"saturation_test": "whether the saturation is that of tunnelling"}


def gather(sweep: Sweep, fit: SweepFit | None) -> Content:
    """Return the content of the report of `sweep`, with the results of `fit` where there is one."""
    fits = _matched(sweep, fit)
    points = tuple(_point(h, p, sweep.junction) for h, p in zip(sweep.histograms, fits, strict=True))
    known = fit or SweepFit(title=sweep.title, junction=sweep.junction, points=())
    content = Content(sweep.title, points, estimates(SWEEP, known), potential=sweep.junction.potential)
    if fit is None:
        return replace(content, warnings=("No analysis was made: only the data are shown.",))
    content = replace(
        content,
        fitted=True,
        verdict=fit.tunnelling.verdict,
        unidentified=_unidentified(fit.reasons),
        warnings=tuple(_sentence(flag) for flag in fit.flags),
        impossible=_sentence(fit.impossible) if fit.impossible else "",
        theory=_theory(sweep, content),
    )
    return _with_conclusion(content, fit.conclusion, sweep.junction)


def _matched(sweep: Sweep, fit: SweepFit | None) -> list[PointFit | None]:
    """Return the fit of each histogram: by position, or by index where the fit has another number of points."""
    if fit is None:
        return [None] * len(sweep.histograms)
    if len(fit.points) == len(sweep.histograms):
        return list(fit.points)
    by_index = {point.point: point for point in fit.points}
    return [by_index.get(histogram.point) for histogram in sweep.histograms]


def _point(histogram: Histogram, fit: PointFit | None, junction: JunctionEstimate) -> PointContent:
    """Return what is shown of one histogram."""
    currents = np.asarray(histogram.switching_currents, dtype=np.float64)
    currents = currents[np.isfinite(currents)]
    known = _known(histogram, currents, fit)
    doubts = (known.flags, *(found.flags for found in (known.shared, known.alone) if found is not None))
    point = PointContent(
        index=histogram.point,
        run_id=histogram.run_id,
        temperature=histogram.temperature,
        temperature_std=histogram.temperature_std,
        switching_currents=currents,
        censored=histogram.censored,
        results=estimates(POINT, known),
        ramp_rate=histogram.ramp.rate,
        polarity=histogram.polarity,
        rates=_rates(histogram),
        thermal=known.regime == "thermal",
        saturated=known.regime == "saturated",
        remarks=tuple(dict.fromkeys(flag for flags in doubts for flag in flags)),
    )
    return point if known.alone is None else _with_curves(point, known.alone, histogram, junction)


def _known(histogram: Histogram, currents: NDArray[np.float64], fit: PointFit | None) -> PointFit:
    """Return the fit of a histogram, or what is known of it without one; with moments, if there are enough switches."""
    known = fit or PointFit(
        histogram.point,
        histogram.run_id,
        histogram.temperature,
        histogram.temperature_std,
        switches=currents.size,
        censored=histogram.censored,
    )
    if known.moments is None and currents.size >= _LEAST_SWITCHES:
        known = replace(known, moments=moments(currents))
    return known


def _with_curves(
    point: PointContent, alone: HistogramFit, histogram: Histogram, junction: JunctionEstimate
) -> PointContent:
    """Add density and rate of the law with the histogram's own critical current and temperature."""
    known = (alone.critical_current, alone.escape_temperature)
    if not all(math.isfinite(v) and v > 0.0 for v in known) or point.switching_currents.size < _LEAST_SWITCHES:
        return point
    counted = histogram.censored - alone.missed
    switched = point.switching_currents.size / (point.switching_currents.size + counted)
    try:
        density, rate = law_curves(point.switching_currents, known, junction, histogram.ramp)
    except InputError:  # the fit stands outside what the law accepts; its remarks say so
        return point
    if density.x.size < _LEAST_CURVE:
        return point
    # the histogram is normalised to the switches alone
    return replace(point, density=Curve(density.x, density.y / switched), fitted_rate=rate)


def _rates(histogram: Histogram) -> RatePoints | None:
    """Return the Fulton-Dunkelberger rates of the bins that hold switches."""
    currents = histogram.switching_currents
    if currents.size < _LEAST_SWITCHES or not np.all(np.isfinite(currents)) or np.ptp(currents) <= 0.0:
        return None
    bins = int(np.clip(0.5 * currents.size**0.5, 6, 50))
    try:
        found: EscapeRates = fulton_dunkelberger(histogram, bins)
    except InputError:  # too narrow to be divided into bins
        return None
    usable = np.isfinite(found.rate) & (found.rate > 0.0)
    return RatePoints(
        found.bias_current[usable], found.rate[usable], found.rate_lower[usable], found.rate_upper[usable]
    )


def _with_conclusion(content: Content, found: Verdict | None, junction: JunctionEstimate) -> Content:
    """Add what may be concluded, with the explanations that were compared and what it stands on."""
    if found is None:
        return content
    passed = [each.name for each in found.preconditions if each.state == "passed"]
    reasons = [f"{each.name}: {each.state}: {each.text}" for each in found.preconditions if each.state != "passed"]
    if passed:
        reasons.append(f"passed: {', '.join(passed)}")
    if found.power is not None:
        power = found.power
        pair = f"{power.winner} from “{power.rival}”"
        chance = "more than 99.9 %" if power.power > 0.999 else f"{power.power:.1%}"
        reasons.append(f"power: an experiment like this one tells {pair} with a probability of {chance} (calculated)")
    reasons += [*_beside(found), *_about_points(content, found), *_about_damping(junction)]
    return replace(
        content,
        points=tuple(replace(point, cold=point.index in found.cold_points) for point in content.points),
        sentence=found.sentence,
        concluded=found.verdict not in ("not identifiable", "cannot be told apart"),
        explanations=tuple(_explanation(each, found.hypotheses[0]) for each in found.hypotheses),
        reasons=tuple(reasons),
        changes=found.would_change,
    )


def _beside(found: Verdict) -> list[str]:
    """Say what a control sweep and other measurements add."""
    lines = []
    if found.control is not None and found.control.used:
        lines.append(f"control sweep: {found.control.text}")
    for known in found.known:
        unit = "Hz" if known.fact.name == "plasma_frequency" else ""
        name, where = known.fact.name.replace("_", " "), quantity(known.fact.current, "A")
        value = quantity(known.fact.value, unit, known.fact.stderr)
        fitted = f"{quantity(known.fitted, unit)} by the best explanation, {known.pull:+.1f} standard deviations"
        lines.append(f"{name} at {where}, known from elsewhere: {value}; {fitted}")
    return lines


def _about_points(content: Content, found: Verdict) -> list[str]:
    """Say which points are cold, and what the two escape temperatures of the coldest are."""
    lines = []
    if found.cold_points:
        named = ", ".join(map(str, sorted(set(found.cold_points))))
        lines.append(
            "cold points, below three times the crossover temperature at their own current (° in the table of points):"
            f" {named}"
        )
    for point in content.by_temperature[:1]:
        shared, free = point.results["escape_temperature"], point.results["escape_temperature_free"]
        if shared and free:
            lines.append(
                f"escape temperature of the coldest point: {quantity(shared, 'K')} with the shared critical current"
                f" (how high the rate is), {quantity(free, 'K')} with its own (how steep the rate is); thermal"
                " activation makes them nearly the same, tunnelling does not"
            )
    return lines


def _about_damping(junction: JunctionEstimate) -> list[str]:
    """Say what was made of a resistance without an error."""
    if junction.resistance_stderr is not None or math.isinf(junction.resistance):
        return []
    return [
        f"resistance {quantity(junction.resistance, 'Ω')}, no error stated: the explanations fit it, a factor of two"
        " either way; the shared critical current takes it as exact, so that its error is too small where it is wrong"
    ]


def _explanation(one: HypothesisResult, best: HypothesisResult) -> tuple[str, str, str, str]:
    """Return the cells of an explanation: name, ln L less the best's without and with its parameters counted, p."""
    return (
        one.name,
        _minus(one.log_likelihood - best.log_likelihood) + ("" if one.converged else " (fit not finished)"),
        _minus(one.score - best.score),
        MISSING if one.p_value is None else f"{one.p_value:.2g}" if one.p_value > 1e-20 else "< 1e-20",
    )


def _minus(value: float) -> str:
    """Write a difference of logarithms of likelihoods."""
    return f"{value:.1f}".replace("-", "\N{MINUS SIGN}")


def _unidentified(reasons: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return (names, reason), with all that fail for the same reason in one entry."""
    names: dict[str, list[str]] = {}
    for key, reason in reasons.items():
        names.setdefault(reason, []).append(_WORDS.get(key, key.replace("_", " ")))
    return tuple((_sentence(", ".join(found)), reason) for reason, found in names.items())


def _sentence(text: str) -> str:
    """Return `text` with a capital first letter."""
    return text[:1].upper() + text[1:]


def _theory(sweep: Sweep, content: Content) -> TheoryCurves | None:
    """Return the escape model's curves for the shared critical current; None where they cannot be had."""
    critical_current, points = content.results["critical_current"], content.by_temperature
    if not critical_current or not points:
        return None
    # the curves are for one ramp rate; histograms of a sweep share it
    ramp = sweep.histograms[len(sweep.histograms) // 2].ramp
    try:
        return theory_curves(
            float(critical_current.value or 0.0), sweep.junction, ramp, [p.temperature for p in points]
        )
    except InputError:  # a fitted value outside what the model accepts: the data are still worth a report
        return None
