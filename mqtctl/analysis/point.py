"""One histogram looked at by itself: moments, health, and the fit with critical current and temperature free."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mqtctl.analysis.escape_temperature import A_T_ONE, fit_escape_temperature
from mqtctl.analysis.fit import fit_reduced
from mqtctl.analysis.health import check_health
from mqtctl.analysis.likelihood import EscapeModel
from mqtctl.analysis.moments import moments
from mqtctl.analysis.reduction import ReducedHistogram, reduce_histogram
from mqtctl.analysis.results import EscapeTemperatureFit, HistogramFit, Moments, PointFit
from mqtctl.errors import InputError
from mqtctl.physics import Junction
from mqtctl.records import Histogram, JunctionEstimate

__all__ = ["PreparedPoint", "fit_point", "prepare_point"]


@dataclass(frozen=True)
class PreparedPoint:
    """A histogram with what it says alone; None where it says nothing, with a flag that says why."""

    histogram: Histogram
    moments: Moments | None
    reduced: ReducedHistogram | None
    alone: HistogramFit | None
    flags: tuple[str, ...]

    def crossover_temperature(self, estimate: JunctionEstimate, critical_current: float | None) -> float | None:
        """Return ħ ω_R/(2 π k_B) in K at the mean switching current, with this Ic (A) or the histogram's own."""
        if critical_current is None:
            critical_current = self.alone.critical_current if self.alone else None
        if critical_current is None or self.moments is None or not self.moments.mean < critical_current:
            return None
        junction = Junction(critical_current, estimate.capacitance, estimate.resistance)
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
            flags=self.flags + flags,
        )


def prepare_point(
    histogram: Histogram, estimate: JunctionEstimate, model: EscapeModel = A_T_ONE, bath_needed: bool = True
) -> PreparedPoint:
    """Look at one histogram alone; whatever cannot be done becomes a flag, never an error.

    Where the bath is not needed, one that nobody stated (nan) is no fault.
    """
    flags: list[str] = []
    found = reduced = alone = None
    try:
        found = moments(histogram.switching_currents)
        reduced = reduce_histogram(histogram)
        flags += check_health(histogram.switching_currents, histogram.censored).flags
        alone = fit_reduced(reduced, estimate, model)
        flags += alone.flags
        if alone.censored_as_missed:
            reduced = reduced.without_censored()
    except InputError as error:
        flags.append(str(error))
    stated = bath_needed or not math.isnan(histogram.temperature)
    if stated and not (math.isfinite(histogram.temperature) and histogram.temperature >= 0.0):
        flags.append(f"the bath temperature {histogram.temperature!r} K cannot be used")
    return PreparedPoint(histogram, found, reduced, alone, tuple(flags))


def fit_point(
    histogram: Histogram,
    junction: JunctionEstimate,
    critical_current: float | None = None,
    critical_current_stderr: float | None = None,
    model: EscapeModel = A_T_ONE,
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
    """
    prepared = prepare_point(histogram, junction, model, bath_needed=False)
    shared = None
    flags: tuple[str, ...] = ()
    if critical_current is not None:
        try:
            shared = fit_escape_temperature(histogram, junction, critical_current, critical_current_stderr, model)
            flags = shared.flags
        except InputError as error:
            flags = (f"no escape temperature with this critical current: {error}",)
    return prepared.result("unknown", prepared.crossover_temperature(junction, critical_current), shared, flags)
