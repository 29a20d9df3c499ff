"""The report of a campaign: one HTML file that opens with a picture."""

from __future__ import annotations

import base64
import html
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
<p>No instrument and no junction was here; the table is $table.</p>
<figure><img alt="Verdicts by truth, deviations of the estimates, right verdicts against time in the cold"
src="data:image/png;base64,$picture"></figure>
""")


def write_page(found: Summary, path: Path) -> Path:
    """Write the report of a campaign and return its path; raises `StorageError` where it cannot be written."""
    picture = base64.b64encode(render(lambda figure: draw_summary(figure, found), 22.0, 13.0, "SIMULATED")).decode(
        "ascii"
    )
    tables = "".join(
        f"<h2>{html.escape(table.title)}</h2>{html_table([html.escape(h) for h in table.heads], table.rows, 'points')}"
        for table in found.tables()
    )
    text = (
        _PAGE.substitute(style=_STYLE, count=len(found.rows), table=html.escape(found.source.name), picture=picture)
        + tables
        + "</body></html>\n"
    )
    try:
        write_whole(path, text.encode())
    except OSError as exc:
        raise StorageError(f"{path} cannot be written ({exc.strerror}); choose another place with --output") from exc
    return path


def draw_summary(figure: Figure, found: Summary) -> None:
    """Draw verdicts by truth, the estimates' deviations in standard errors, and what more time in the cold brings."""
    left, middle, right = figure.subplots(1, 3)
    _verdicts(left, found)
    _pulls(middle, found)
    _plans(right, found)


def _verdicts(axes: Axes, found: Summary) -> None:
    """Draw a bar for each truth, divided as the verdicts were."""
    names = sorted(found.verdicts(found.rows))
    for place, truth in enumerate(found.truths):
        rows = [row for row in found.rows if row["truth"] == truth]
        said, bottom = found.verdicts(rows), 0.0
        for name in names:
            share = said[name] / len(rows)
            label = f"said: {name}" if place == 0 else None
            axes.bar(place, share, 0.7, bottom=bottom, color=_COLORS.get(name, GUIDE), label=label)
            bottom += share
    axes.set_xticks(range(len(found.truths)), [f"true:\n{truth}" for truth in found.truths])
    axes.set_ylim(0.0, 1.0)
    axes.set_ylabel("share of the experiments")
    axes.set_title("What the analysis says")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=1)


def _pulls(axes: Axes, found: Summary) -> None:
    """Draw (estimate - truth) / standard error of each estimate: median, middle two thirds, and 95 %."""
    for place, (_, _, _, name) in enumerate(reversed(COMPARED)):
        for truth, height in zip(found.truths, np.linspace(0.08, -0.22, len(found.truths)), strict=True):
            _, _, pulls = found.deviations(name, truth)
            if not pulls.size:
                continue
            at, color = place + height, _COLORS.get(truth, COLD)
            low, left, centre, right, high = np.quantile(pulls, [0.023, 0.159, 0.5, 0.841, 0.977])
            axes.plot([low, high], [at, at], color=color, linewidth=1.5)
            axes.plot([left, right], [at, at], color=color, linewidth=6.0, solid_capstyle="butt")
            axes.plot(centre, at, "o", color="white", markeredgecolor=INK, zorder=3)
        axes.text(0.0, place + 0.2, name, ha="center", va="bottom", fontsize=9.4)
    axes.axvspan(-1.0, 1.0, color="#eef5fa", zorder=0)
    axes.axvline(0.0, color=GUIDE, linewidth=0.8)
    widest = max(3.0, *(abs(edge) for edge in axes.get_xlim()))
    axes.set_xlim(-widest, widest)
    axes.set_ylim(-0.5, len(COMPARED) - 0.4)
    axes.set_yticks([])
    axes.set_xlabel("(estimate − truth) / its standard error")
    axes.set_title("Are the errors honest?")
    for truth in found.truths:
        axes.plot([], [], color=_COLORS.get(truth, COLD), linewidth=6.0, label=f"true: {truth}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=1)
    tidy(axes)


def _plans(axes: Axes, found: Summary) -> None:
    """Draw the share of right verdicts of each plan against its time in the cold."""
    times = [plan.cold_time for plan in found.plans]
    scale = Scale("h", 3600.0) if np.nanmedian(times) > 5400.0 else Scale("min", 60.0)
    for plan in found.plans:
        at = plan.cold_time / scale.factor
        axes.errorbar(at, plan.right.value, plan.right.stderr, fmt="o", color=THEORY, capsize=3)
        axes.errorbar(at, plan.wrong.value, plan.wrong.stderr, fmt="s", color=MARK, capsize=3)
        place: dict[str, Any] = {
            "xycoords": ("data", "axes fraction"),
            "textcoords": "offset points",
            "va": "center",
            "ha": "right",
        }
        axes.annotate(plan.plan, (at, 0.5), (-4, 0), rotation=90, fontsize=9.4, **place)
    axes.plot([], [], "o", color=THEORY, label="right verdict")
    axes.plot([], [], "s", color=MARK, label="wrong verdict")
    axes.set_ylim(-0.05, 1.08)
    axes.margins(x=0.4)
    axes.set_xlabel(f"time in the cold ({scale.name})")
    axes.set_ylabel("share of the experiments")
    axes.set_title("Which plan is worth its time")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=1)
    tidy(axes)
