"""The report of a campaign: one HTML file that opens with a picture."""

from __future__ import annotations

import base64
import html
import math
from pathlib import Path
from string import Template

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from mqtctl.campaign.summary import COMPARED, Summary
from mqtctl.errors import StorageError
from mqtctl.notation import Scale
from mqtctl.report.style import COLD, GUIDE, INK, MARK, THEORY, render, tidy
from mqtctl.report.tables import html_table
from mqtctl.whole_files import write_whole

__all__ = ["draw_summary", "write_page"]

_STYLE = """\
body { font: 10.5pt/1.45 "DejaVu Sans", Arial, sans-serif; color: #1a1a1a;
  max-width: 24cm; margin: 1.2cm auto; padding: 0 0.6cm; }
h1 { font-size: 17pt; } h2 { font-size: 12.5pt; border-bottom: 1px solid #b8b8b8; }
img { width: 100%; height: auto; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 9pt; } th, td { padding: 2pt 8pt 2pt 0;
  text-align: left; border-bottom: 0.5pt solid #d5d5d5; }
"""
#: With more plans than these their numbers stand in the picture.
_MOST_NAMED = 6
_COLORS = {
    "tunnelling": THEORY,
    "thermal": MARK,
    "decoupled": "#E69F00",
    "heated": "#CC79A7",
    "cannot be told apart": "#bdbdbd",
    "not identifiable": "#8c8c8c",
}


_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Campaign</title>
<style>
$style</style>
</head>
<body>
<h1>$count virtual experiments whose truth is known</h1>
<p><strong>$advice</strong> No instrument and no junction was here; the table is $table.</p>
<figure><img alt="Verdicts by truth, deviations of the estimates, right verdicts and crossover against time in the cold"
src="data:image/png;base64,$picture"></figure>
""")


def write_page(found: Summary, path: Path) -> Path:
    """Write the report of a campaign and return its path; raises `StorageError` where it cannot be written."""
    picture = base64.b64encode(render(lambda figure: draw_summary(figure, found), 24.0, 18.0, "SIMULATED")).decode(
        "ascii"
    )
    tables = "".join(
        f"<h2>{html.escape(table.title)}</h2>{html_table([html.escape(h) for h in table.heads], table.rows, 'points')}"
        for table in found.tables()
    )
    text = (
        _PAGE.substitute(
            style=_STYLE,
            count=len(found.rows),
            advice=html.escape(found.advice()),
            table=html.escape(found.source.name),
            picture=picture,
        )
        + tables
        + "</body></html>\n"
    )
    try:
        write_whole(path, text.encode())
    except OSError as exc:
        raise StorageError(f"{path} cannot be written ({exc.strerror}); choose another place with --output") from exc
    return path


def draw_summary(figure: Figure, found: Summary) -> None:
    """Draw verdicts by truth, the estimates' deviations, and what more time in the cold brings."""
    (verdicts, pulls), (rates, crossovers) = figure.subplots(2, 2)
    _verdicts(verdicts, found)
    _pulls(pulls, found)
    _rates(rates, found)
    _crossovers(crossovers, found)


def _verdicts(axes: Axes, found: Summary) -> None:
    """Draw a bar for each truth, divided as the verdicts were; a share that is too narrow for its name has none."""
    for place, truth in enumerate(reversed(found.truths)):
        rows = [row for row in found.rows if row["truth"] == truth]
        said, left = found.verdicts(rows), 0.0
        for name in sorted(said, key=lambda name: (name not in (truth, "tunnelling"), name)):
            share = said[name] / len(rows)
            axes.barh(place, share, 0.62, left=left, color=_COLORS.get(name, GUIDE), edgecolor="white")
            text = f"{name}\n{share:.0%}" if share > 0.22 else f"{share:.0%}" if share > 0.06 else ""
            axes.text(left + share / 2, place, text, ha="center", va="center")
            left += share
    names = sorted(found.verdicts(found.rows))
    for name in names:
        axes.barh(0.0, 0.0, color=_COLORS.get(name, GUIDE), label=f"said: {name}")
    axes.set_yticks(
        range(len(found.truths)),
        [f"true:\n{truth}" for truth in reversed(found.truths)],
    )
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(-0.5, len(found.truths) - 0.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("share of the experiments")
    axes.set_title("What the analysis says")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def _pulls(axes: Axes, found: Summary) -> None:
    """Draw (estimate - truth) / standard error of each estimate: median, middle two thirds, and 95 %."""
    for place, (*_, name) in enumerate(reversed(COMPARED)):
        for truth, height in zip(found.truths, np.linspace(0.2, -0.2, len(found.truths)), strict=True):
            _, _, pulls = found.deviations(name, truth)
            if not pulls.size:
                continue
            at, color = place + height, _COLORS.get(truth, COLD)
            low, left, centre, right, high = np.quantile(pulls, [0.023, 0.159, 0.5, 0.841, 0.977])
            axes.plot([low, high], [at, at], color=color, linewidth=1.5)
            axes.plot([left, right], [at, at], color=color, linewidth=6.0, solid_capstyle="butt")
            axes.plot(centre, at, "o", color="white", markeredgecolor=INK, zorder=3)
    axes.axvspan(-1.0, 1.0, color="#eef5fa", zorder=0)
    axes.axvline(0.0, color=GUIDE, linewidth=0.8)
    widest = max(3.0, *(abs(edge) for edge in axes.get_xlim()))
    axes.set_xlim(-widest, widest)
    axes.set_ylim(-0.5, len(COMPARED) - 0.5)
    axes.set_yticks(range(len(COMPARED)), [name.replace(" (", "\n(") for *_, name in reversed(COMPARED)])
    axes.set_xlabel("(estimate − truth) / its standard error")
    axes.set_title("Are the errors honest?")
    for truth in found.truths:
        axes.plot([], [], color=_COLORS.get(truth, COLD), linewidth=6.0, label=f"true: {truth}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    tidy(axes)


def _rates(axes: Axes, found: Summary) -> None:
    """Draw the share of right and wrong verdicts of each plan against its time in the cold."""
    scale = _time_axis(axes, found)
    for plan in found.plans:
        at = plan.cold_time / scale.factor
        for rate, form, color in ((plan.right, "o", THEORY), (plan.wrong, "s", MARK)):
            low, high = min(rate.stderr, rate.value), min(rate.stderr, 1.0 - rate.value)
            axes.errorbar(at, rate.value, [[low], [high]], fmt=form, color=color, capsize=3)
    axes.plot([], [], "o", color=THEORY, label="said rightly whether it tunnels")
    axes.plot([], [], "s", color=MARK, label="said the opposite")
    axes.set_ylim(-0.04, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel("share of the experiments")
    axes.set_title("Does the plan tell tunnelling from noise?")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def _crossovers(axes: Axes, found: Summary) -> None:
    """Draw how well each plan knows the crossover against its time in the cold."""
    scale = _time_axis(axes, found)
    for plan in found.plans:
        at = plan.cold_time / scale.factor
        axes.plot(at, plan.crossover_precision, "o", color=COLD)
        axes.plot(at, plan.crossover_deviation, "x", color=INK)
    axes.plot([], [], "o", color=COLD, label="standard error, as stated")
    axes.plot([], [], "x", color=INK, label="68 % are not further off")
    axes.set_ylim(bottom=0.0)
    axes.margins(y=0.2)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel("of the crossover temperature")
    axes.set_title("How well is the crossover known?")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def _time_axis(axes: Axes, found: Summary) -> Scale:
    """Prepare an axis of time with each plan's name at its time, its number in the table where they are too many.

    A plan of which no experiment came to its end has no time, and no place.
    """
    times = [plan.cold_time for plan in found.plans if not math.isnan(plan.cold_time)]
    scale = Scale("h", 3600.0) if times and np.median(times) > 5400.0 else Scale("min", 60.0)
    span = max(times, default=0.0) - min(times, default=0.0) or max(times, default=0.0)
    crowded = len(times) > _MOST_NAMED or any(np.diff(sorted(times)) < 0.06 * span)
    for number, plan in enumerate(found.plans, start=1):
        if math.isnan(plan.cold_time):
            continue
        at = plan.cold_time / scale.factor
        best = plan is found.choice.best
        text = f"no. {number}" if crowded else plan.plan
        text += " (best)" if best else " (as given)" if plan.as_given else ""
        axes.axvline(at, color=GUIDE, linewidth=2.0 if best else 0.7, alpha=0.35, zorder=0)
        axes.annotate(
            text,
            (at, 0.08),
            (-3, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=90,
            va="bottom",
            ha="right",
            fontweight="bold" if best else "normal",
        )
    axes.margins(x=0.15)
    if span and len(times) == 1:
        axes.set_xlim(0.0, 2.0 * times[0] / scale.factor)
    axes.set_xlabel(f"time in the cold ({scale.name})")
    tidy(axes)
    return scale
