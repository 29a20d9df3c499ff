"""One histogram looked at by itself: moments, health, and the fit with critical current and temperature free."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mqtctl.analysis.histogram.escape_temperature import A_T_ONE, fit_escape_temperature
from mqtctl.analysis.histogram.fit import fit_reduced
from mqtctl.analysis.histogram.health.checks import SORTED, Health, check_health
from mqtctl.analysis.histogram.health.plausibility import NO_RESISTANCE, implausibly_hot, not_valid
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.moments import moments
from mqtctl.analysis.histogram.nuisances.fit import (
    NamedFit,
    check_named,
    fit_named,
    fit_named_reduced,
    with_known_current,
)
from mqtctl.analysis.histogram.nuisances.fit_in_time import fit_in_time
from mqtctl.analysis.histogram.nuisances.in_time import InTime, switch_times
from mqtctl.analysis.histogram.nuisances.suggestion import suggested_in_time, suggested_nuisance
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram, reduce_histogram
from mqtctl.analysis.histogram.results import EscapeTemperatureFit, HistogramFit, Moments, PointFit
from mqtctl.analysis.histogram.rounding import REMARKABLE, Rounding
from mqtctl.errors import InputError
from mqtctl.physics import EscapeModel
from mqtctl.quantities import readable
from mqtctl.records import Histogram, JunctionEstimate

__all__ = ["PreparedPoint", "fit_point", "prepare_point"]

_ROUNDED = {"nearest": "to the nearest step", "up": "up to the next step", "down": "down to the last step"}


@dataclass(frozen=True)
class PreparedPoint:
    """A histogram with what it says alone; None where it says nothing, with a flag that says why."""

    histogram: Histogram
    moments: Moments | None
    reduced: ReducedHistogram | None
    alone: HistogramFit | None
    flags: tuple[str, ...]
    health: Health | None = None

    def crossover_temperature(self, estimate: JunctionEstimate, critical_current: float | None) -> float | None:
        """Return ħ ω_R/(2 π k_B) in K at the mean switching current, with this Ic (A) or the histogram's own."""
        if critical_current is None:
            critical_current = self.alone.critical_current if self.alone else None
        if critical_current is None or self.moments is None or not self.moments.mean < critical_current:
            return None
        junction = junction_of(estimate, critical_current)
        return float(junction.crossover_temperature(self.moments.mean))

    def result(
        self, regime: str, crossover: float | None, shared: EscapeTemperatureFit | None, flags: tuple[str, ...] = ()
    ) -> PointFit:
        """Return the point's results."""
        histogram = self.histogram
        return PointFit(
            point=histogram.point,
            run_id=histogram.run_id,
            temperature=float(histogram.temperature),
            temperature_std=float(histogram.temperature_std),
            switches=int(np.size(histogram.switching_currents)),
            censored=histogram.censored,
            ramp_rate=histogram.ramp.rate,
            polarity=histogram.polarity,
            moments=self.moments,
            regime=regime,
            crossover_temperature=crossover,
            shared=shared,
            alone=self.alone,
            resolution=self.reduced.rounding.step if self.reduced and self.reduced.rounding else None,
            flags=self.flags + flags,
        )


def prepare_point(
    histogram: Histogram,
    estimate: JunctionEstimate,
    model: EscapeModel = A_T_ONE,
    bath_needed: bool = True,
    fit: Callable[[ReducedHistogram], HistogramFit] | None = None,
) -> PreparedPoint:
    """Look at one histogram alone; whatever cannot be done becomes a flag, never an error.

    Where the bath is not needed, one that nobody stated (nan) is no fault. `fit` stands in for that with critical
    current and temperature free and nothing else.
    """
    flags: list[str] = []
    found = reduced = alone = health = None
    try:
        found = moments(histogram.switching_currents)
        reduced = reduce_histogram(histogram)
        if reduced.rounding is not None:
            found = moments(histogram.switching_currents, reduced.rounding)
            flags += [] if histogram.binned else _about_rounding(histogram, reduced.rounding)
        times = None if histogram.times is None else switch_times(histogram)
        health = check_health(histogram.switching_currents, histogram.censored, reduced.rounding, times)
        flags += [flag for flag in health.flags if not (histogram.binned and flag == SORTED)]
        alone = fit_reduced(reduced, estimate, model) if fit is None else fit(reduced)
        flags += alone.flags
        flags += implausibly_hot(alone.escape_temperature, histogram.temperature)
    except InputError as error:
        flags.append(str(error))
    stated = bath_needed or not math.isnan(histogram.temperature)
    if stated and not (math.isfinite(histogram.temperature) and histogram.temperature >= 0.0):
        known = not math.isnan(histogram.temperature)
        bath = f"{histogram.temperature!r} K cannot be used" if known else "is not known"
        flags.append(f"the bath temperature {bath}")
    return PreparedPoint(histogram, found, reduced, alone, tuple(flags), health)


def _about_rounding(histogram: Histogram, rounding: Rounding) -> list[str]:
    """Say what the step is and what it does, where that is worth a word."""
    ratio = rounding.step / rounding.std if rounding.std > 0.0 else math.inf
    flags = []
    if ratio >= REMARKABLE:
        steps = f"steps of {readable(rounding.step, 'A')}"
        if not rounding.uniform:
            steps = f"steps of about {readable(rounding.step, 'A')} that are not all equal"
        sentence = (
            f"the values are rounded to {steps}, {ratio:.2g} times the histogram's width: the fit takes each as the"
            " interval that it stands for"
        )
        if histogram.resolution is None:
            sentence += f", rounded {_ROUNDED[histogram.rounding]}; if they were not, Ic is off by up to half a step"
        flags.append(sentence)
    smallest = float(np.diff(rounding.middle).min())
    if histogram.resolution and smallest > 1.5 * rounding.step and rounding.counts.min() > 1.0:
        flags.append(
            f"no two values lie nearer than {readable(smallest, 'A')}: the resolution {readable(rounding.step, 'A')}"
            " that was given looks too fine"
        )
    return flags


def fit_point(
    histogram: Histogram,
    junction: JunctionEstimate,
    critical_current: float | None = None,
    critical_current_stderr: float | None = None,
    model: EscapeModel = A_T_ONE,
    free: Sequence[str] = (),
    fixed: Mapping[str, float] | None = None,
    in_time: InTime | None = None,
) -> PointFit:
    """Analyse one list of switching currents; its `to_dict` has the keys of a sweep's point.

    Parameters
    ----------
    histogram
        Its temperature may be nan where it is not known.
    junction
        Capacitance and resistance are used.
    critical_current, critical_current_stderr
        In A, if known from elsewhere; otherwise there is no escape temperature but the free one.
    model
        What both escape temperatures refer to; default a_t = 1.
    free, fixed
        Names of parameters that are fitted too, and values in SI units of some that are not (see
        `nuisances.parameters.UNITS`).
    in_time
        What is fitted of the order of the switches. Mains without times are a modulation of unknown phase.

    Raises
    ------
    InputError
        If a parameter is not known, or fixed at what it cannot be.
    """
    if in_time is not None and in_time.mains is not None and histogram.times is None:
        in_time = replace(in_time, mains=None)
        free = [*free, *(name for name in ("mains_amplitude",) if name not in (*free, *(fixed or {})))]
    check_named(free, fixed or {})
    named: list[NamedFit] = []
    ordered = in_time if in_time is not None and in_time != InTime() else None

    def fit(reduced: ReducedHistogram) -> HistogramFit:
        if ordered is not None:
            named.append(fit_in_time(histogram, junction, model, ordered, free, fixed))
        else:
            named.append(fit_named_reduced(histogram, reduced, junction, model, free, fixed))
        return named[0].fit

    asked = bool(free or fixed or ordered)
    prepared = prepare_point(histogram, junction, model, bath_needed=False, fit=fit if asked else None)
    shared = None
    flags: tuple[str, ...] = ()
    if not asked and prepared.reduced is not None:
        causes = prepared.health.causes if prepared.health else ()
        flags += suggested_nuisance(histogram, prepared.reduced, junction, model, bool(causes))
        for cause in causes:
            flags += suggested_in_time(histogram, junction, model, cause)
    if critical_current is not None and asked:
        known = {**(fixed or {}), "critical_current": critical_current}
        others = [name for name in free if name != "critical_current"]
        if ordered is not None:
            other = fit_in_time(histogram, junction, model, ordered, others, known).fit
        else:
            other = fit_named(histogram, junction, model, others, known).fit
        shared = with_known_current(other, prepared.moments, critical_current, critical_current_stderr)
    elif critical_current is not None:
        try:
            shared = fit_escape_temperature(histogram, junction, critical_current, critical_current_stderr, model)
            flags += shared.flags
        except InputError as error:
            flags += (f"no escape temperature with this critical current: {error}",)
    alone = prepared.alone
    known_alone = alone is not None and math.isfinite(alone.critical_current + alone.escape_temperature)
    if (
        alone is not None and known_alone and prepared.moments is not None and model != A_T_ONE
    ):  # a_t = 1 is a convention, not a claim
        fitted = junction_of(junction, alone.critical_current)
        flags += tuple(
            sentence if sentence == NO_RESISTANCE else f"the escape model does not hold where it was fitted: {sentence}"
            for sentence in not_valid(model, fitted, prepared.moments.mean, alone.escape_temperature)
        )
    point = prepared.result("unknown", prepared.crossover_temperature(junction, critical_current), shared, flags)
    return replace(point, parameters=named[0].parameters) if named else point
