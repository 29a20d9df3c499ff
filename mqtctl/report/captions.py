"""The paragraph under each figure: what is seen, and how each number in it is defined.

Captions are HTML made of our own words and formatted numbers only; nothing a user wrote goes in.
"""

from __future__ import annotations

from mqtctl.notation import Estimate, quantity
from mqtctl.report.content import Content
from mqtctl.report.histogram_figure import histogram_points
from mqtctl.report.rate_figure import MOST_TEMPERATURES, rate_points
from mqtctl.report.temperature_figures import guide_line, saturated_width

__all__ = ["escape_temperature_caption", "histogram_caption", "rate_caption", "width_caption"]

IC = "<i>I</i><sub>c</sub>"
T_ESC = "<i>T</i><sub>esc</sub>"
A_T = "<i>a</i><sub>t</sub>&nbsp;=&nbsp;1"
_ESCAPE_LAW = (
    f"Γ = (ω<sub>p</sub>/2π) exp(−Δ<i>U</i>/<i>k</i><sub>B</sub>{T_ESC}) (thermal activation with prefactor {A_T}, "
    "exact barrier, the sample file's capacitance)"
)


def _kelvin(estimate: Estimate) -> str:
    return quantity(estimate, "K")


def histogram_caption(content: Content) -> str:
    """Describe the stacked histograms."""
    points = histogram_points(content)
    if not points:
        return "No point has enough switches for a histogram."
    switches = sorted(p.switching_currents.size for p in points)
    number = f"{switches[0]}" if switches[0] == switches[-1] else f"{switches[0]} to {switches[-1]}"
    censored = sum(p.censored for p in points)
    text = (
        f"Switching-current histograms, {number} switches each, stacked from cold (bottom) to warm (top). Each is "
        "normalised as a probability density and drawn to the same height; its standard deviation stands at the "
        "right. "
    )
    if any(p.density is not None for p in points):
        text += (
            f"Lines: density of the escape law {_ESCAPE_LAW}, fitted by unbinned maximum likelihood to that histogram "
            f"alone with {IC} and {T_ESC} both free. "
        )
    else:
        text += "No fit was made. "
    if censored:
        text += f"{censored} ramps ended without a switch; they are counted as censored and are not drawn. "
    return text.rstrip()


def width_caption(content: Content) -> str:
    """Describe the width over the bath temperature."""
    text = (
        "Standard deviation σ of the switching current against bath temperature; bars are one standard error "
        "(horizontal: scatter of the thermometer during the ramps). "
    )
    if guide_line(content) is not None:
        text += (
            "Dashed: <i>T</i><sup>2/3</sup> through the warmest thermal points, a guide to the eye only; the escape "
            "law itself gives a local exponent near 0.64"
        )
        exponent = content.results["width_exponent"]
        text += f", measured here {quantity(exponent, '')}. " if exponent else ". "
    level = saturated_width(content)
    if level:
        text += f"Dash-dotted: weighted mean width of the saturated points, {quantity(level, 'A')}. "
    else:
        text += "No saturation level is drawn: no point of this sweep was identified as saturated. "
    if content.theory is not None:
        text += (
            f"Solid: width of the full escape model (quantum and damping corrections) with the shared {IC} and the "
            "sample file's <i>C</i> and <i>R</i>; nothing in it is fitted to the cold points. Below: measured "
            "divided by that. "
        )
    return text + _crossover_sentence(content)


def rate_caption(content: Content) -> str:
    """Describe the escape rates over the bias current."""
    points = rate_points(content)
    if not points:
        return "No escape rates: too few switches, or no analysis was made."
    text = (
        "Escape rate against bias current, from the histograms after Fulton and Dunkelberger (survivors include "
        "ramps without a switch; empty bins, and the last one, whose rate is unbounded, are left "
        "out); bars are one-sigma counting errors. "
    )
    if any(p.fitted_rate is not None for p in points):
        text += (
            f"Lines: {_ESCAPE_LAW}, with {IC} and {T_ESC} both free in each histogram. The lines are fitted to the "
            "single switches, not to these binned points. "
        )
    available = sum(1 for p in content.drawn if p.rates is not None and p.rates.bias_current.size)
    if available > MOST_TEMPERATURES:
        text += f"{len(points)} of {available} temperatures are drawn, evenly chosen."
    return text.rstrip()


def escape_temperature_caption(content: Content) -> str:
    """Describe the escape temperature over the bath temperature."""
    if not any(p.results["escape_temperature"] or p.results["escape_temperature_free"] for p in content.points):
        return f"No escape temperatures: {IC} was not identifiable, or no fit was made."
    text = f"Escape temperature against bath temperature, defined by {_ESCAPE_LAW}. "
    if any(p.results["escape_temperature"] for p in content.points):
        text += (
            f"Filled: {IC} shared by the sweep and fixed by its thermal points alone; error bars include that of {IC}, "
            "which all points share. "
        )
    if any(p.results["escape_temperature_free"] for p in content.points):
        text += (
            f"Open: {IC} free in each histogram; on a tunnelling plateau this lies lower by definition (shape against "
            "level of Γ) and is not the number that papers quote. "
        )
    text += f"Dashed: {T_ESC} = <i>T</i>. "
    saturation, predicted = (
        content.results[name] for name in ("saturation_escape_temperature", "tunnelling_escape_temperature")
    )
    if saturation:
        text += f"Dash-dotted: saturation, {_kelvin(saturation)} (shared {IC}, {A_T}). "
    if predicted:
        text += (
            f"Green band: what tunnelling theory predicts for <i>T</i> → 0 from {IC}, <i>C</i> and <i>R</i>, "
            f"{_kelvin(predicted)}. "
        )
    if content.theory is not None:
        text += (
            f"Green line: {T_ESC} of the full escape model at its mean switching current, from {IC}, <i>C</i> and "
            "<i>R</i> at all temperatures; below, measured (shared) divided by it. "
        )
    return text + _crossover_sentence(content)


def _crossover_sentence(content: Content) -> str:
    """Say what the vertical lines are."""
    text = ""
    computed, measured = (content.results[f"{name}_temperature"] for name in ("crossover", "measured_crossover"))
    if computed:
        text += (
            "Dotted: crossover temperature <i>T</i><sub>0</sub> = ħω<sub>R</sub>/2π<i>k</i><sub>B</sub> computed at "
            f"the mean switching current of the saturated points, {_kelvin(computed)}. "
        )
    if measured:
        text += (
            f"Measured crossover, where {T_ESC} {_leaves(content)}: {_kelvin(measured)}; by "
            "definition it is not the same number. "
        )
    return text.rstrip()


def _leaves(content: Content) -> str:
    """Say how leaving the saturation is defined."""
    rise = content.results["measured_crossover_rise"].value
    return "leaves its saturation" if rise is None else f"passes {rise:.3g} times its saturation"
