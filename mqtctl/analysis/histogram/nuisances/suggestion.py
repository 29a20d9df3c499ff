"""Say whether noise of the current or false triggers are in the data, though nobody said so.

What goes with time is fitted where the ranks have named it (`order_in_time`), and told with the option that does so. Of
noise and a modulation whose phase nobody knows both are named where the data do not tell them apart.

A score test at the plain fit, which costs a few evaluations, decides whether to look; what is named is the likeliest of
those that were then fitted, if it gains as much as chance does once in 1e4 histograms. Noise that is not that certain,
but makes the temperature wrong by several standard errors all the same, is told with how often chance does as much.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from mqtctl.analysis.histogram.nuisances.fit import named_space
from mqtctl.analysis.histogram.nuisances.fit_in_time import fit_in_time
from mqtctl.analysis.histogram.nuisances.in_time import MAINS, InTime
from mqtctl.analysis.histogram.nuisances.parameters import NUISANCES, STEP, NamedSpace
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram
from mqtctl.analysis.histogram.scoring import Maximum
from mqtctl.errors import InputError
from mqtctl.notation import quantity
from mqtctl.physics import EscapeModel
from mqtctl.quantities import readable
from mqtctl.records import Histogram, JunctionEstimate

__all__ = ["GAIN", "suggested_in_time", "suggested_nuisance"]

GAIN = 6.9  # in ln L for one parameter at its bound: p = 1e-4
PERHAPS = 2.4  # for noise: once in 70
LOOK = 2.0  # gain that the score test must promise
APART = 3.0  # in ln L, from which one of two shapes is the likelier
MODULATION = ("mains_amplitude",)
PROBES = {"current_noise": 0.2, "false_triggers": 1e-3}  # of the scale, and a share


def suggested_nuisance(
    histogram: Histogram,
    reduced: ReducedHistogram,
    estimate: JunctionEstimate,
    model: EscapeModel,
    changed: bool = False,
) -> tuple[str, ...]:
    """Return a sentence on the likeliest of noise of the current and false triggers, if the data speak for one.

    Parameters
    ----------
    histogram, reduced
        The same switches.
    estimate, model
        As for the plain fit.
    changed
        Whether the switches changed in time, which widens a histogram as noise does: noise is not named then.
    """
    try:
        plain = named_space(histogram, reduced, estimate, model)
        base = plain.climb()
        if not base.converged or not _worth_a_look(plain, base):
            return ()
        spaces: dict[tuple[str, ...], NamedSpace] = {}
        found: dict[tuple[str, ...], Maximum] = {}
        gains: dict[tuple[str, ...], float] = {}

        def try_with(names: tuple[str, ...]) -> None:
            spaces[names] = named_space(histogram, reduced, estimate, model, names)
            found[names] = spaces[names].climb()
            gains[names] = found[names].value - base.value if found[names].converged else 0.0

        for name in NUISANCES:
            try_with((name,))
        best = max(gains, key=lambda names: gains[names])
        if gains[best] < (GAIN if best == ("false_triggers",) else PERHAPS):
            return ()
        alone = gains[best]
        try_with(NUISANCES)  # the dearest fit, and where neither gains alone there is nothing to share
    except InputError:
        return ()  # the plain fit has said it
    if gains[NUISANCES] > alone + GAIN:
        best = NUISANCES
    if "current_noise" in best and changed:
        return ()
    if best == ("current_noise",):
        try_with(MODULATION)
        if gains[MODULATION] > gains[best] + APART:
            best = MODULATION
    return (_sentence(spaces[best], found[best], gains, best),)


def _sentence(space: NamedSpace, found: Maximum, gains: dict[tuple[str, ...], float], best: tuple[str, ...]) -> str:
    values = space.values(found.parameters)
    causes = {
        "current_noise": f"a Gaussian noise of the current of {readable(values['current_noise'], 'A')}",
        "false_triggers": f"a share of {values['false_triggers']:.2g} of false triggers",
        "mains_amplitude": f"a modulation by {readable(values['mains_amplitude'], 'A')}, as by the mains,",
    }
    if best == ("current_noise",) and gains.get(MODULATION, 0.0) > gains[best] - APART:
        causes["current_noise"] += ", or as likely a modulation (--free mains-amplitude),"
    others = [name for name in NUISANCES if name not in best and best != MODULATION]
    beside = f" ({others[0].replace('_', ' ')} alone would gain {max(gains[(others[0],)], 0.0):.1f})" if others else ""
    options = " ".join(f"--{name.replace('_', '-')} auto" for name in best)
    if best == MODULATION:
        options = "--free mains-amplitude"
    derivative = space.derivative(found.parameters, "temperature")
    stderr = float(np.sqrt(derivative @ np.linalg.lstsq(space.slope(found.parameters)[1], derivative)[0]))
    temperature = quantity(values["temperature"], "K", stderr * values["temperature"])
    named = " and ".join(causes[name] for name in best)
    chance = float(ndtr(-math.sqrt(2.0 * gains[best])))
    if gains[best] < GAIN:
        beside += f", as chance does once in {1.0 / chance:.2g} lists"
    return (
        f"{named} would gain {gains[best]:.1f} in ln L{beside}: with {options} the escape temperature (free) is"
        f" {temperature}"
    )


def suggested_in_time(
    histogram: Histogram, estimate: JunctionEstimate, model: EscapeModel, cause: str
) -> tuple[str, ...]:
    """Return what a fit finds of a cause in time (one of `Health.causes`) and the option for it; () for others."""
    mains = histogram.times is not None and cause == "mains"
    if cause not in ("drift", "steps") and not mains:
        return ()
    if mains:
        tried = {f"--mains '{frequency:.0f} Hz'": InTime(mains=frequency) for frequency in MAINS}
    else:
        tried = {"--drift auto": InTime("linear"), "--drift steps": InTime("steps")}
    found = {}
    for name, spec in tried.items():
        try:
            found[name] = fit_in_time(histogram, estimate, model, spec).fit
        except InputError:
            continue  # locked to this frequency, or rounded to a staircase
    if not found:
        return ()
    option = max(found, key=lambda name: found[name].log_likelihood - (name == "--drift steps") * APART)
    fit = found[option]
    temperature = quantity(fit.escape_temperature, "K", fit.escape_temperature_stderr)
    what = fit.flags[0].replace(" was taken out: ", ", ")
    return (f"{option} takes out {what}; the escape temperature (free) is then {temperature}",)


def _worth_a_look(space: NamedSpace, base: Maximum) -> bool:
    """Return whether a nuisance may gain something; always true for rounded values, whose scores are not kept."""
    recorded = space.recorded
    if recorded.cells is not None:
        return True
    centre = space.law(base.parameters)
    rows = [
        (space.law(base.parameters + shift).log_density - space.law(base.parameters - shift).log_density) / (2.0 * STEP)
        for shift in STEP * np.eye(base.parameters.size)
    ]
    expected = recorded.reduced.switches * centre.mass
    known = np.array(rows)
    information = (known * expected) @ known.T
    for name in NUISANCES:
        probe = PROBES[name] * (recorded.scale if name == "current_noise" else 1.0)
        row = space.fixing(name, probe).law(base.parameters).log_density - centre.log_density
        cross = (known * expected) @ row
        score = float(
            (recorded.weight - expected) @ row - cross @ np.linalg.lstsq(information, known @ recorded.weight)[0]
        )
        left = float(expected @ row**2 - cross @ np.linalg.lstsq(information, cross)[0])
        if score > 0.0 and score**2 > 2.0 * LOOK * max(left, 1e-12):
            return True
    return False
