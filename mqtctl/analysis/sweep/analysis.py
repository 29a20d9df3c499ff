"""The analysis of a whole temperature sweep: see docs/analysis.md for the statistics and their reasons.

1. Each histogram alone, Ic and T free (a_t = 1).
2. Points whose bath is at least `THERMAL_RATIO` times the crossover temperature share one Ic: joint fit with the full
   escape model. The set is found again with that Ic until it stays the same.
3. Every point's a_t = 1 escape temperature with the shared Ic, with one covariance for everything.
4. Saturation, crossover, test of the saturation, noise thermometry, exponent of the width.
5. The verdict: competing explanations, fitted to all histograms (`analysis/hypotheses`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

from mqtctl.analysis.histogram.escape_temperature import A_T_ONE
from mqtctl.analysis.histogram.health.plausibility import (
    NO_RESISTANCE,
    TOO_COLD,
    far_below,
    implausible_measurement,
    not_valid,
)
from mqtctl.analysis.histogram.results import PointFit
from mqtctl.analysis.histogram.single_histogram import PreparedPoint, prepare_point
from mqtctl.analysis.hypotheses.control import SecondSweep
from mqtctl.analysis.hypotheses.sentences import nothing
from mqtctl.analysis.hypotheses.verdict import draw_verdict
from mqtctl.analysis.sweep.conclusions import Conclusions, conclude
from mqtctl.analysis.sweep.results import NoiseThermometry, SweepFit
from mqtctl.analysis.sweep.shared_critical_current import SharedFit, share_critical_current
from mqtctl.analysis.sweep.width import width_exponent
from mqtctl.errors import InputError
from mqtctl.physics import Escape, EscapeModel
from mqtctl.records import Sweep

__all__ = ["SATURATION_RATIO", "THERMAL_RATIO", "fit_sweep"]

THERMAL_RATIO = 3.0
SATURATION_RATIO = 0.6
SUSPICIOUS_PULL = 4.0
SUSPICIOUS_PVALUE = 1e-3
FULL_PHYSICS = Escape()
NEEDS_CRITICAL_CURRENT = (
    "critical_current_A",
    "saturation_escape_temperature_K",
    "crossover_temperature_K",
    "measured_crossover_temperature_K",
    "noise_thermometry_slope",
    "saturation_test",
)


def fit_sweep(
    sweep: Sweep,
    model: EscapeModel = FULL_PHYSICS,
    escape_model: EscapeModel = A_T_ONE,
    thermal_ratio: float = THERMAL_RATIO,
    saturation_ratio: float = SATURATION_RATIO,
    *,
    heated: bool | None = None,
    hypotheses: bool = True,
    power: bool = True,
    control: Sweep | None = None,
    control_heated: bool | None = None,
) -> SweepFit:
    """Analyse a sweep: shared critical current, escape temperatures, saturation, crossover, test for tunnelling.

    Parameters
    ----------
    sweep
        At least one histogram; points in any order, repeated temperatures allowed. Points that cannot be fitted stay
        in the result with a flag.
    model
        Full physics, valid thermally and for tunnelling, for the joint fit and the predictions.
    escape_model
        Law that defines the escape temperature; a_t = 1 unless another convention is wanted.
    thermal_ratio, saturation_ratio
        Bath over crossover temperature from which a point is thermal, and up to which it is saturated.

    heated
        What the check with a slower repetition found (`compare_duty_cycles`); None: it was not made.
    hypotheses, power
        Whether the explanations of the sweep are fitted and compared, which gives the verdict, and whether it is
        computed what these data could have decided.
    control, control_heated
        A second sweep of the same junction, at another critical current, and what its own heating check found: it
        enters the comparison of the explanations. Its capacitance and resistance are those of `sweep`.

    Raises
    ------
    InputError
        If the sweep has no histogram.
    """
    if not sweep.histograms:
        raise InputError("the sweep holds no histogram: nothing can be analysed")
    models = (model, escape_model)
    prepared = [prepare_point(histogram, sweep.junction, escape_model) for histogram in sweep.histograms]
    answer = share_critical_current(prepared, sweep.junction, models, thermal_ratio)
    if isinstance(answer, str):
        shared, found = None, Conclusions(reasons=dict.fromkeys(NEEDS_CRITICAL_CURRENT, answer))
    else:
        shared, found = answer, conclude(prepared, sweep.junction, answer, models, saturation_ratio)
    points = tuple(_point(sweep, prepared, place, shared, found) for place in range(len(prepared)))
    exponent = width_exponent(points)
    reasons = dict(found.reasons)
    if exponent is None:
        reasons["width_exponent"] = "fewer than two temperatures lie above 200 mK"
    result = SweepFit(
        title=sweep.title,
        junction=sweep.junction,
        points=points,
        quality_factor=found.quality_factor,
        crossover_temperature=found.crossover[0] if found.crossover else None,
        crossover_temperature_stderr=found.crossover[1] if found.crossover else None,
        saturation=found.saturation,
        tunnelling=found.tunnelling,
        measured_crossover=found.measured,
        thermometry=found.thermometry,
        width_exponent=exponent,
        model_names=(type(model).__name__, type(escape_model).__name__),
        reasons=reasons,
        impossible=_too_cold(sweep, found),
        flags=(*_flags(sweep, shared, found), *(_outside(prepared, shared, model) if shared else ())),
    )
    if hypotheses:
        second = None
        if control is not None:
            points_of_it = tuple(prepare_point(each, sweep.junction, escape_model) for each in control.histograms)
            second = SecondSweep(control.title, points_of_it, control_heated)
        verdict = draw_verdict(prepared, sweep.junction, model, heated, power, second)
        if result.impossible:  # whatever fits best
            verdict = nothing(verdict.preconditions, result.impossible, verdict.hypotheses)
        result = replace(result, conclusion=verdict)
    return result if shared is None else _with_critical_current(result, shared, prepared)


def _with_critical_current(result: SweepFit, shared: SharedFit, prepared: Sequence[PreparedPoint]) -> SweepFit:
    joint = shared.joint
    return replace(
        result,
        critical_current=joint.critical_current,
        critical_current_stderr=shared.critical_current_stderr,
        critical_current_statistical_stderr=shared.critical_current_statistical_stderr,
        thermal_points=tuple(prepared[place].histogram.point for place in shared.thermal),
        thermal_chi2=joint.chi2 if joint.dof else None,
        thermal_dof=joint.dof,
        thermal_pvalue=joint.pvalue,
    )


def _point(
    sweep: Sweep, prepared: Sequence[PreparedPoint], place: int, shared: SharedFit | None, found: Conclusions
) -> PointFit:
    point = prepared[place]
    crossover = point.crossover_temperature(sweep.junction, shared.junction.critical_current if shared else None)
    if crossover is None:
        return point.result("unknown", None, shared.fits.get(place) if shared else None)
    if shared is None:
        return point.result("unknown", crossover, None)
    regime = "thermal" if place in shared.thermal else "saturated" if place in found.saturated else "between"
    fit = shared.fits.get(place)
    flags = fit.flags if fit else ("no escape temperature: too few switches lie below the shared critical current",)
    predicted = found.predicted.get(place, math.nan)
    result = replace(
        point.result(regime, crossover, fit, flags),
        predicted_escape_temperature=predicted if math.isfinite(predicted) else None,
    )
    if place not in shared.thermal:
        return result
    index = shared.thermal.index(place)
    temperature, pull = shared.joint.temperatures[index], shared.joint.pulls[index]
    if abs(pull) > SUSPICIOUS_PULL:
        flag = f"alone it would move the shared critical current by {pull:+.1f} standard errors: do not trust both"
        result = replace(result, flags=(*result.flags, flag))
    stderr = temperature * math.sqrt(shared.joint_covariance[index, index])
    return replace(result, model_temperature=temperature, model_temperature_stderr=stderr)


def _outside(prepared: Sequence[PreparedPoint], shared: SharedFit, model: EscapeModel) -> tuple[str, ...]:
    """Say where the full physics does not hold at the thermal points, which the critical current rests on."""
    worst: dict[str, tuple[str, list[int]]] = {}
    for place, temperature in zip(shared.thermal, shared.joint.temperatures, strict=True):
        for sentence in not_valid(model, shared.junction, shared.reduced[place].centre, float(temperature)):
            worst.setdefault(sentence.partition(" is ")[0], (sentence, []))[1].append(prepared[place].histogram.point)
    return tuple(_named(sentence, dict.fromkeys(points)) for sentence, points in worst.values())


def _named(sentence: str, points: Collection[int]) -> str:
    if sentence == NO_RESISTANCE:  # which says nothing against the model
        return sentence
    where = f"point{'s' * (len(points) > 1)} {', '.join(map(str, points))}"
    return f"the escape model does not hold at {where}: {sentence}"


def _told(thermometry: NoiseThermometry) -> str:
    away = (thermometry.slope - 1.0) / thermometry.slope_stderr
    found_at = f"the junction is at {thermometry.slope:.3f} times the bath temperature above the crossover"
    return f"{found_at} ({away:+.1f} standard errors)"


def _too_cold(sweep: Sweep, found: Conclusions) -> str:
    """Return a sentence if the junction lies so far below its bath as none can, else nothing."""
    thermometry = found.thermometry
    damped = math.isfinite(sweep.junction.resistance)
    if thermometry is None or not far_below(thermometry.slope, thermometry.slope_stderr, damped):
        return ""
    return f"{_told(thermometry)}, {TOO_COLD}"


def _flags(sweep: Sweep, shared: SharedFit | None, found: Conclusions) -> tuple[str, ...]:
    flags = []
    if shared is not None:
        if len(shared.thermal) == 1:
            flags.append("the critical current rests on a single thermal histogram: its errors cannot be checked")
        if shared.joint.pvalue is not None and shared.joint.pvalue < SUSPICIOUS_PVALUE:
            flags.append(f"the thermal histograms disagree on the critical current (p = {shared.joint.pvalue:.1g})")
        flags += implausible_measurement(sweep.junction, shared.joint.critical_current)
    if sweep.junction.capacitance_stderr is None:
        flags.append("the capacitance was taken as exact: no standard error is stated for it")
    thermometry = found.thermometry
    if (
        thermometry is not None
        and abs(thermometry.slope - 1.0) > 3.0 * thermometry.slope_stderr
        and not _too_cold(sweep, found)
    ):
        flags.append(_told(thermometry))
    plateau = found.saturation
    if plateau is not None and plateau.flatness_pvalue is not None:
        best = max(plateau.flatness_pvalue, plateau.shape_pvalue or 0.0)
        if best < SUSPICIOUS_PVALUE:
            flags.append(f"the saturated points follow neither a plateau nor the predicted curve (p = {best:.1g})")
    return tuple(flags)
