"""The report's two tables of results: the sweep in a dozen lines, and every point in one line."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from mqtctl.notation import MISSING, Estimate, Scale, number, quantity, scaled_number
from mqtctl.report.content import Content, PointContent
from mqtctl.report.tables import Markup, html_table

__all__ = ["point_notes", "point_table", "summary_table"]

_NOT_IDENTIFIABLE = "not identifiable"
_NOT_FLAT = 0.01  # p-value below which saturated points that scatter this much are called so


def summary_table(content: Content) -> str:
    """Return the sweep's results as an HTML table of name and value."""

    def value(estimate: Estimate, unit: str) -> str:
        return quantity(estimate, unit) if estimate or not content.fitted else _NOT_IDENTIFIABLE

    junction = content.junction
    capacitance = Estimate(junction.capacitance, junction.capacitance_stderr)
    stated = "" if junction.capacitance_stderr is not None else " (no uncertainty stated)"
    rows = [
        ("Critical current, shared by the sweep, from its thermal points", value(content.critical_current, "A")),
        ("Capacitance used, from the sample file", quantity(capacitance, "F") + stated),
        ("Resistance used, from the sample file", _resistance(junction.resistance)),
        ("Potential used, from the sample file", junction.potential),
        ("Quality factor at the saturated points' mean switching current", _quality(content)),
        (
            Markup("Saturation escape temperature (shared critical current, <i>a</i><sub>t</sub> = 1)"),
            _saturation(content),
        ),
        (
            "Tunnelling theory for the same, from critical current, C and R",
            value(content.predicted_saturation, "K"),
        ),
        (
            Markup(
                "Crossover temperature ħω<sub>R</sub>/2π<i>k</i><sub>B</sub>, computed from critical current, "
                "<i>C</i> and <i>R</i>"
            ),
            value(content.crossover, "K"),
        ),
        (_measured_crossover_name(content), value(content.measured_crossover, "K")),
        ("Thermal points: temperature of the full escape model / bath temperature", _thermometry(content)),
        ("Local exponent d ln σ / d ln T of the warm points", value(content.width_exponent, "")),
        ("Saturation against prediction", _verdict(content)),
    ]
    return html_table((), rows, "pairs")


def _saturation(content: Content) -> str:
    """Write the saturation with how well its points agree."""
    if not content.saturation:
        return _NOT_IDENTIFIABLE if content.fitted else MISSING
    text = quantity(content.saturation, "K")
    if content.saturation_flatness is None:
        return text
    finding = "not flat" if content.saturation_flatness < _NOT_FLAT else "flat"
    return f"{text}; its points are {finding}, p = {content.saturation_flatness:.2g}"


def _measured_crossover_name(content: Content) -> str:
    """Say how the measured crossover is defined."""
    if content.measured_crossover_rise is None:
        return "Crossover, measured: where the escape temperature leaves its saturation"
    return (
        f"Crossover, measured: bath temperature where the escape temperature passes "
        f"{content.measured_crossover_rise:.3g} times its saturation"
    )


def _thermometry(content: Content) -> str:
    """Write the noise thermometry's slope and scatter."""
    if not content.thermometry:
        return _NOT_IDENTIFIABLE if content.fitted else MISSING
    text = quantity(content.thermometry, "")
    scatter = content.thermometry_scatter
    return text if scatter is None else f"{text}, scatter {100.0 * scatter:.2g} %"


def _resistance(resistance: float) -> str:
    """Write the shunt resistance; infinite means undamped."""
    return "none (undamped)" if math.isinf(resistance) else quantity(resistance, "Ω")


def _quality(content: Content) -> str:
    """Write the quality factor, which is a computed number without an error of its own."""
    factor = content.quality_factor
    if factor is None:
        return _NOT_IDENTIFIABLE if content.fitted else MISSING
    return "infinite (undamped)" if math.isinf(factor) else f"{factor:.3g}"


def _verdict(content: Content) -> str:
    """Write how saturation and prediction agree, with the standard errors."""
    if content.verdict is None:
        return MISSING
    if content.verdict_sigmas is None:
        return content.verdict
    return f"{content.verdict} ({content.verdict_sigmas:+.1f} standard errors)"


def point_table(content: Content) -> str:
    """Return one row for each histogram of the sweep, in its order, each column in one unit.

    Ramp rate and polarity have a column where they differ.
    """
    points = content.points
    title, ramps = _ramp_cells(points)
    bath = Scale.of([p.temperature for p in points], "K")
    escape = Scale.of([v.value for p in points for v in (p.escape_temperature, p.escape_temperature_free)], "K")
    current = Scale.of([v.value for p in points for v in (p.mean, p.critical_current_free)], "A")
    width = Scale.of([p.std.value for p in points], "A")
    header = (
        "#",
        *((title,) if ramps else ()),
        f"<i>T</i><sub>bath</sub><br>({html.escape(bath.name)})",
        "switches",
        "no<br>switch",
        f"mean <i>I</i><sub>sw</sub><br>({html.escape(current.name)})",
        f"σ<br>({html.escape(width.name)})",
        "skewness",
        f"<i>T</i><sub>esc</sub>,<br>shared <i>I</i><sub>c</sub><br>({html.escape(escape.name)})",
        f"free <i>I</i><sub>c</sub><br>({html.escape(current.name)})",
        f"<i>T</i><sub>esc</sub>,<br>free <i>I</i><sub>c</sub><br>({html.escape(escape.name)})",
        "run",
    )
    rows = [_point_row(p, (bath, current, width, escape)) for p in points]
    if ramps:
        rows = [(row[0], ramp, *row[1:]) for row, ramp in zip(rows, ramps, strict=True)]
    return html_table(header, rows, "points")


def _ramp_cells(points: Sequence[PointContent]) -> tuple[str, list[str]]:
    """Return title and cells of a column with what differs between the ramps; no cells where all are the same."""
    rates = {f"{p.ramp_rate:.2g}" for p in points if p.ramp_rate is not None}
    signs = {p.polarity for p in points}
    if len(rates) < 2 and len(signs) < 2:
        return "", []
    scale = Scale.of([p.ramp_rate for p in points], "A/s")
    cells = [
        ("+" if p.polarity > 0 else "\u2212" if len(signs) > 1 else "")
        + (MISSING if p.ramp_rate is None else f"{p.ramp_rate / scale.factor:.3g}")
        for p in points
    ]
    return f"ramp<br>({html.escape(scale.name)})", cells


def _point_row(point: PointContent, scales: tuple[Scale, Scale, Scale, Scale]) -> tuple[str, ...]:
    """Write one point's cells; a star marks a remark below the table."""
    bath, current, width, escape = scales
    spread = point.temperature_std if point.temperature_std > 0.0 else None
    return (
        f"{point.index}{'*' if point.remarks else ''}",
        scaled_number(Estimate(point.temperature, spread), bath),
        str(point.switching_currents.size),
        str(point.censored),
        scaled_number(point.mean, current),
        scaled_number(point.std, width),
        number(point.skewness.value, point.skewness.stderr),
        scaled_number(point.escape_temperature, escape),
        scaled_number(point.critical_current_free, current),
        scaled_number(point.escape_temperature_free, escape),
        MISSING if point.run_id is None else str(point.run_id),
    )


def point_notes(content: Content) -> str:
    """Say under the table what its columns mean, and what is doubtful about single points."""
    notes = [
        "Numbers in parentheses are one standard error in the last digits; that of the bath temperature is the scatter "
        "of its readings during the ramps. “No switch”: ramps that reached the top without one; the fits count them "
        "as censored. Escape temperatures are those of the law Γ = (ω<sub>p</sub>/2π) "
        "exp(−Δ<i>U</i>/<i>k</i><sub>B</sub><i>T</i><sub>esc</sub>), <i>a</i><sub>t</sub> = 1: once with the critical "
        "current shared by the sweep, once with both free in the histogram alone. On a tunnelling plateau the two "
        "differ by definition."
    ]
    notes += [f"* Point {p.index}: {html.escape(remark)}" for p in content.points for remark in p.remarks]
    return "".join(f'<p class="note">{note}</p>' for note in notes)
