"""The report's two tables of results: the sweep in a dozen lines, and every point in one line."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence

from mqtctl.analysis.histogram.results import POINT, PointFit
from mqtctl.analysis.quantity import Quantity
from mqtctl.analysis.sweep.results import SWEEP, SweepFit
from mqtctl.notation import MISSING, Estimate, Scale, quantity, scaled_number
from mqtctl.report.content import SAMPLE_FILE, Content, PointContent
from mqtctl.report.tables import Markup, html_table

__all__ = ["point_notes", "point_table", "summary_table"]

_NOT_IDENTIFIABLE = "not identifiable"
_NOT_FLAT = 0.01  # p-value below which saturated points that scatter this much are called so


def summary_table(content: Content) -> str:
    """Return the sweep's results as an HTML table of name and value."""
    rows = [(Markup(_heading(row, content)), _value(row, content)) for row in SWEEP if row.heading]
    words = (
        (f"Potential used, {content.source}", content.potential),
        ("Saturation against prediction", _verdict(content)),
    )
    return html_table((), [*rows, *words], "pairs")


def _heading(row: Quantity[SweepFit], content: Content) -> str:
    """Return what a quantity is called; the measured crossover with how it is defined, where that is known."""
    rise = content.results["measured_crossover_rise"].value
    if row.name != "measured_crossover_temperature" or rise is None:
        return row.heading.replace(SAMPLE_FILE, content.source)
    return f"Crossover, measured: bath temperature where the escape temperature passes {rise:.3g} times its saturation"


def _value(row: Quantity[SweepFit], content: Content) -> str:
    """Write a quantity, and what is to be known beside it."""
    estimate = content.results[row.name]
    if row.infinite and estimate.value is not None and math.isinf(estimate.value):
        return row.infinite
    if not estimate:
        return _NOT_IDENTIFIABLE if content.fitted else MISSING
    if row.name == "quality_factor":  # computed, from numbers that are not known better
        return f"{estimate.value:.3g}"
    note = _NOTES.get(row.name)
    return quantity(estimate, row.unit) + (note(content.results) if note else "")


def _flatness(results: Mapping[str, Estimate]) -> str:
    """Say how well the saturated points agree."""
    pvalue = results["saturation_flatness_pvalue"].value
    if pvalue is None:
        return ""
    return f"; its points are {'not flat' if pvalue < _NOT_FLAT else 'flat'}, p = {pvalue:.2g}"


def _scatter(results: Mapping[str, Estimate]) -> str:
    """Say how much the thermal points scatter about the slope."""
    scatter = results["noise_thermometry_scatter"].value
    return "" if scatter is None else f", scatter {100.0 * scatter:.2g} %"


def _unstated(estimate: Estimate) -> str:
    """Say where a number of the sample file has no error."""
    return "" if estimate.stderr is not None else " (no uncertainty stated)"


#: What stands behind a number, from the other numbers.
_NOTES: Mapping[str, Callable[[Mapping[str, Estimate]], str]] = {
    "capacitance": lambda results: _unstated(results["capacitance"]),
    "resistance": lambda results: _unstated(results["resistance"]),
    "saturation_escape_temperature": _flatness,
    "noise_thermometry_slope": _scatter,
}


def _verdict(content: Content) -> str:
    """Write how saturation and prediction agree, with the standard errors."""
    if content.verdict is None:
        return MISSING
    if content.sigmas is None:
        return content.verdict
    return f"{content.verdict} ({content.sigmas:+.1f} standard errors)"


def point_table(content: Content) -> str:
    """Return one row for each histogram of the sweep, in its order, each column in one unit.

    Ramp rate and polarity have a column where they differ.
    """
    points = content.points
    title, ramps = _ramp_cells(points)
    columns = [row for row in POINT if row.head]
    scales = {row.name: _scale(row, columns, points) for row in columns}
    header = (
        "#",
        *((title,) if ramps else ()),
        *(row.head + (f"<br>({html.escape(scales[row.name].name)})" if row.unit else "") for row in columns),
        "run",
    )
    rows = [
        (
            f"{point.index}{'°' if point.cold else ''}{'*' if point.remarks else ''}",
            *((ramps[place],) if ramps else ()),
            *(_cell(point.results[row.name], scales[row.name]) for row in columns),
            MISSING if point.run_id is None else str(point.run_id),
        )
        for place, point in enumerate(points)
    ]
    return html_table(header, rows, "points")


def _scale(row: Quantity[PointFit], columns: Sequence[Quantity[PointFit]], points: Sequence[PointContent]) -> Scale:
    """Return the prefix of a column, which it may share with others."""
    if not row.unit:
        return Scale("", 1.0)
    shared = [other.name for other in columns if other is row or (row.scale and other.scale == row.scale)]
    return Scale.of([point.results[name].value for point in points for name in shared], row.unit)


def _cell(estimate: Estimate, scale: Scale) -> str:
    """Write a number in the unit of its column; a count as it is."""
    return str(estimate.value) if isinstance(estimate.value, int) else scaled_number(estimate, scale)


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
    if any(point.cold for point in content.points):
        notes.append(
            "° Cold: the bath is below three times the crossover temperature at the current of that histogram;"
            " the explanations differ in these."
        )
    notes += [f"* Point {p.index}: {html.escape(remark)}" for p in content.points for remark in p.remarks]
    return "".join(f'<p class="note">{note}</p>' for note in notes)
