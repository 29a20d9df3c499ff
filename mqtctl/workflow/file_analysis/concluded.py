"""What one histogram from elsewhere lets its owner conclude, and what it does not, in sentences."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace

from mqtctl.analysis import HistogramFit, PointFit, fit_escape_temperature, fit_histogram
from mqtctl.analysis.histogram.health.plausibility import TOO_COLD, far_below
from mqtctl.analysis.histogram.results import EscapeTemperatureFit
from mqtctl.errors import InputError
from mqtctl.notation import quantity
from mqtctl.physics import EscapeModel
from mqtctl.quantities import readable
from mqtctl.records import Histogram, JunctionEstimate

__all__ = ["conclusions", "too_cold"]

OTHER_CAPACITANCES = (("half as large", 0.5), ("twice as large", 2.0))  # an estimate of it is hardly better
FEW = 200  # switches, of which a goodness of fit sees only gross departures
COARSE = 0.1  # relative error of the temperature
WANTED = 0.05
ABOVE_TUNNELLING = 1.5  # times the crossover temperature; tunnelling itself looks like 0.87 times it
SIGMAS = 2.0

Found = HistogramFit | EscapeTemperatureFit


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
    best = _best(point) or fit
    if too_cold(point, histogram.temperature):
        return {"can": [], "cannot": ["anything of this junction: it seems colder than its bath"]}
    can = [_both(histogram, point, fit, junction, model)]
    cannot: list[str] = []
    error = best.escape_temperature_stderr
    if math.isfinite(error):
        _about_tunnelling(best, point.crossover_temperature, can, cannot)
        _about_bath(best, histogram.temperature, can, cannot)
        share = error / best.escape_temperature
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


def too_cold(point: PointFit, bath: float) -> str:
    """Return a sentence if the temperature of a fit lies far below its bath (K, nan if not known), else nothing."""
    best = _best(point)
    if best is None or not (bath > 0.0 and math.isfinite(best.escape_temperature_stderr)):
        return ""
    found, error = best.escape_temperature, best.escape_temperature_stderr
    if not far_below(found / bath, error / bath, best is point.alone):  # the law of the other has a_t = 1
        return ""
    which = "T_esc"
    if best is not point.alone:
        which = (
            f"with the given critical current {readable(best.critical_current, 'A')}, if it is this junction's, T_esc"
        )
    return (
        f"{which} lies {(bath - found) / error:.1f} standard errors below the bath, {quantity(bath, 'K')}, {TOO_COLD}"
    )


def _best(point: PointFit) -> Found | None:
    """Return the fit that knows the temperature best: with the critical current that was given, if it was."""
    given = point.shared
    return given if given is not None and given.converged and given.escape_temperature > 0.0 else point.alone


def _both(
    histogram: Histogram, point: PointFit, own: HistogramFit, junction: JunctionEstimate, model: EscapeModel
) -> str:
    """Say what was found, and how much of it hangs on the capacitance."""
    capacitance, given = junction.capacitance, point.shared
    if given is None or _best(point) is not given:
        told, first = "", _in_words(own)
    else:
        told = f" and the given critical current {readable(given.critical_current, 'A')}"
        first = f"{_temperature(given)}, with Ic fitted too: {_in_words(own)}"
    parts = [f"for a capacitance of {readable(capacitance, 'F')}{told}: {first}"]
    for words, factor in OTHER_CAPACITANCES:
        other = replace(junction, capacitance=factor * capacitance)
        with suppress(InputError):  # these data can just be fitted with the given one
            if told and given is not None:
                current, error = given.critical_current, given.critical_current_stderr
                parts.append(
                    f"if it is {words}: {_temperature(fit_escape_temperature(histogram, other, current, error, model))}"
                )
            elif (found := fit_histogram(histogram, other, model)).converged:
                parts.append(f"if it is {words}: {_in_words(found)}")
    return "; ".join(parts)


def _temperature(fit: EscapeTemperatureFit) -> str:
    return f"T_esc = {quantity(fit.escape_temperature, 'K', fit.escape_temperature_stderr)}"


def _in_words(fit: HistogramFit) -> str:
    current = f"Ic = {quantity(fit.critical_current, 'A', fit.critical_current_stderr)}"
    if math.isfinite(fit.escape_temperature_stderr):
        return f"{current}, T_esc = {quantity(fit.escape_temperature, 'K', fit.escape_temperature_stderr)}"
    limit = fit.escape_temperature_limit
    return current if limit is None else f"{current}, T_esc below {quantity(limit, 'K')} (95 %)"


def _about_tunnelling(fit: Found, crossover: float | None, can: list[str], cannot: list[str]) -> None:
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


def _about_bath(fit: Found, bath: float, can: list[str], cannot: list[str]) -> None:
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
        short = 100.0 * (1.0 - fit.escape_temperature / bath)
        can.append(
            f"T_esc lies {-away:.1f} standard errors below {at}, by {short:.2g} %: chance, or what is not known so"
            " well of capacitance, damping, critical current, ramp rate and thermometer"
        )
