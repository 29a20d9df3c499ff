"""What one histogram from elsewhere lets its owner conclude, and what it does not, in sentences."""

from __future__ import annotations

import math
from dataclasses import replace

from mqtctl.analysis import HistogramFit, PointFit, fit_histogram
from mqtctl.errors import InputError
from mqtctl.notation import quantity
from mqtctl.physics import EscapeModel
from mqtctl.quantities import readable
from mqtctl.records import Histogram, JunctionEstimate

__all__ = ["conclusions"]

ANOTHER_CAPACITANCE = 1.2  # an estimate of it is hardly better
FEW = 200  # switches, of which a goodness of fit sees only gross departures
COARSE = 0.1  # relative error of the temperature
WANTED = 0.05
ABOVE_TUNNELLING = 1.5  # times the crossover temperature; tunnelling itself looks like 0.87 times it
SIGMAS = 2.0


def conclusions(
    histogram: Histogram, point: PointFit, junction: JunctionEstimate, model: EscapeModel
) -> dict[str, list[str]]:
    """Return what can and what cannot be concluded from one histogram and its fit, as sentences.

    Parameters
    ----------
    histogram, point
        What was fitted, with critical current and temperature free and nothing else, and the fit.
    junction
        Capacitance, an estimate perhaps, and resistance, inf where nobody knows it.
    model
        What the fit was made with.
    """
    fit = point.alone
    if fit is None or not fit.converged or not math.isfinite(fit.critical_current_stderr):
        return {"can": [], "cannot": ["critical current and temperature: the notes say why"]}
    can = [_both(histogram, fit, junction, model)]
    cannot: list[str] = []
    error = fit.escape_temperature_stderr
    if math.isfinite(error):
        _about_tunnelling(fit, point.crossover_temperature, can, cannot)
        _about_bath(fit, histogram.temperature, can, cannot)
        share = error / fit.escape_temperature
        if share > COARSE:
            needed = float(f"{fit.switches * (share / WANTED) ** 2:.1g}")
            better = f"to better than {100 * share:.0f} %: {100 * WANTED:.0f} % takes some {needed:.0f} switches"
            cannot.append(f"the temperature {better}")
    else:
        cannot.append("whether it is tunnelling or heat: the temperature itself is not known")
    if fit.switches < FEW:
        cannot.append(f"whether the law of escape holds in detail: {fit.switches} switches show gross departures only")
    if math.isinf(junction.resistance):
        cannot.append("the damping: no resistance is known, and switching currents at one ramp rate do not show it")
    return {"can": can, "cannot": cannot}


def _both(histogram: Histogram, fit: HistogramFit, junction: JunctionEstimate, model: EscapeModel) -> str:
    """Say what was found, and how much of it hangs on the capacitance."""
    said = f"for a capacitance of {readable(junction.capacitance, 'F')}: {_in_words(fit)}"
    larger = replace(junction, capacitance=ANOTHER_CAPACITANCE * junction.capacitance)
    try:
        other = fit_histogram(histogram, larger, model)
    except InputError:  # these data can just be fitted with the given one
        return said
    return (
        f"{said}; if it is {100.0 * (ANOTHER_CAPACITANCE - 1.0):.0f} % larger: {_in_words(other)}"
        if other.converged
        else said
    )


def _in_words(fit: HistogramFit) -> str:
    current = f"Ic = {quantity(fit.critical_current, 'A', fit.critical_current_stderr)}"
    if math.isfinite(fit.escape_temperature_stderr):
        return f"{current}, T_esc = {quantity(fit.escape_temperature, 'K', fit.escape_temperature_stderr)}"
    limit = fit.escape_temperature_limit
    return current if limit is None else f"{current}, T_esc below {quantity(limit, 'K')} (95 %)"


def _about_tunnelling(fit: HistogramFit, crossover: float | None, can: list[str], cannot: list[str]) -> None:
    if crossover is None:
        return
    lowest = fit.escape_temperature - SIGMAS * fit.escape_temperature_stderr
    known = f"the crossover temperature {quantity(crossover, 'K')} that Ic and capacitance give"
    if lowest > ABOVE_TUNNELLING * crossover:
        can.append(f"it is no tunnelling: T_esc lies above {known}; heat or noise ends the ramps")
    else:
        cannot.append(
            f"whether it is tunnelling, heat or noise: T_esc is not clearly above {known}; several bath temperatures,"
            " down to well below it, would tell"
        )


def _about_bath(fit: HistogramFit, bath: float, can: list[str], cannot: list[str]) -> None:
    if math.isnan(bath):
        cannot.append("whether the junction is as cold as its bath: give the bath temperature (--temperature)")
        return
    away = (fit.escape_temperature - bath) / fit.escape_temperature_stderr
    at = f"the bath, {quantity(bath, 'K')}"
    if abs(away) <= SIGMAS:
        can.append(f"T_esc agrees with {at} ({away:+.1f} standard errors): heat of the bath alone explains it")
    elif away > 0.0:
        can.append(f"T_esc lies {away:.1f} standard errors above {at}: noise, heating, or tunnelling")
    else:
        can.append(
            f"T_esc lies {-away:.1f} standard errors below {at}, as no junction can: unit, ramp rate, capacitance or"
            " the thermometer is wrong"
        )
