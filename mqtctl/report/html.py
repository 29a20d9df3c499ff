"""The report as one HTML file: no scripts, no links to elsewhere, images inside; prints on A4.

Everything that came from a user, a file or an instrument is escaped on its way in.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any

from mqtctl.analysis.sweep.saturation import AGREES
from mqtctl.report.content import Content
from mqtctl.report.facts import fact_rows
from mqtctl.report.summary import point_notes, point_table, summary_table
from mqtctl.report.tables import html_table

__all__ = ["Picture", "page", "simulated_mark"]


@dataclass(frozen=True)
class Picture:
    """A rendered figure: file name without suffix, heading, caption as HTML, PNG bytes; format -> other bytes."""

    name: str
    heading: str
    caption: str
    png: bytes
    others: Mapping[str, bytes] = field(default_factory=dict)


_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>
$style
</style>
</head>
<body>
<h1>$title</h1>
<p class="kind">$subtitle</p>
$notices
$verdict
$warnings
$sections
</body>
</html>
""")

_EXPLANATIONS = (
    "explanation",
    "ln <i>L</i> relative to the first",
    "score: ½ ln <i>N</i> less for each own parameter",
    "goodness of fit <i>p</i>",
)
_STYLE = """\
:root { color-scheme: light; }
body { font: 10.5pt/1.45 "DejaVu Sans", "Helvetica Neue", Arial, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 19cm; margin: 1.2cm auto; padding: 0 0.6cm; }
h1 { font-size: 17pt; line-height: 1.2; margin: 0 0 0.1cm; overflow-wrap: anywhere; }
h2 { font-size: 12.5pt; margin: 0.8cm 0 0.2cm; border-bottom: 1px solid #b8b8b8; }
p.kind { color: #555; margin: 0 0 0.4cm; }
.box { border-left: 5px solid #0072B2; background: #eef5fa; padding: 0.25cm 0.4cm; margin: 0.3cm 0; }
.box p { margin: 0.1cm 0; }
.box.warning { border-color: #D55E00; background: #fdf0e7; }
.box.unknown { border-color: #E69F00; background: #fff7e3; }
.box.simulated { border: 2px solid #D55E00; border-left-width: 5px; background: #fdf0e7; }
.box ul { margin: 0.1cm 0; padding-left: 0.6cm; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 8.5pt; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 1.5pt 4pt; text-align: right; border-bottom: 0.5pt solid #d5d5d5; vertical-align: top; }
th { border-bottom: 1pt solid #1a1a1a; font-weight: 600; vertical-align: bottom; }
thead { display: table-header-group; }
tr, section.whole { break-inside: avoid; }
table.points th, table.points td { white-space: nowrap; }
table.explanations td:first-child, table.explanations th:first-child { text-align: left; white-space: normal; }
table.pairs td { text-align: left; overflow-wrap: anywhere; }
table.pairs td:first-child { width: 62%; color: #333; }
figure { margin: 0.5cm 0; break-inside: avoid; }
figure img { width: 16cm; max-width: 100%; height: auto; display: block; margin: 0 auto 0.2cm; }
figcaption, p.note { font-size: 8.5pt; color: #333; }
@page { size: A4; margin: 1.3cm 1.5cm; }
@media print { body { margin: 0; padding: 0; max-width: none; }
  .scroll { overflow: visible; } table.points { font-size: 7.6pt; }
  figure img { width: 12.4cm; }
  figure { margin: 0.2cm 0 0.4cm; } figcaption, p.note { font-size: 8pt; line-height: 1.35; } h2 { break-after: avoid; }
  .box { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def page(
    content: Content,
    pictures: Sequence[Picture],
    facts: Mapping[str, Any],
    besides: Mapping[str, Any] | None = None,
    state: str = "",
) -> str:
    """Return the whole report as HTML text."""
    sections = [
        "<h2>Summary</h2>",
        summary_table(content),
        "<h2>Points</h2>",
        point_table(content),
        point_notes(content),
        *(["<h2>Measured besides</h2>", html_table((), fact_rows(besides), "pairs")] if besides else []),
        *(_figure(number, picture) for number, picture in enumerate(pictures, start=1)),
        '<section class="whole"><h2>Provenance</h2>',
        html_table((), fact_rows(facts), "pairs") if facts else "<p>Nothing was recorded.</p>",
        "</section>",
    ]
    return _PAGE.substitute(
        title=html.escape(content.title or "Switching-current measurement"),
        subtitle=_subtitle(content),
        notices=_notices(facts, state),
        verdict=_impossible(content) + _verdict(content),
        warnings=_warnings(content),
        sections="\n".join(sections),
        style=_STYLE,
    )


def simulated_mark(facts: Mapping[str, Any]) -> str:
    """Return the word that stands across every figure of what no real instrument measured; empty else."""
    return "SIMULATED" if facts.get("simulated") else ""


def _notices(facts: Mapping[str, Any], state: str) -> str:
    """Return the boxes with what must be known before anything is believed."""
    boxes = ""
    if simulated_mark(facts):
        seed = "" if facts.get("seed") is None else f", seed {html.escape(str(facts['seed']))}"
        boxes += (
            f'<div class="box simulated"><p><strong>SIMULATED.</strong> No instrument and no junction was here: these '
            f"numbers come from the simulated bench{seed}.</p></div>"
        )
    if state:
        boxes += f'<div class="box warning"><p><strong>{html.escape(state[:1].upper() + state[1:])}.</strong></p></div>'
    return boxes


def _subtitle(content: Content) -> str:
    """Say in one line what was measured."""
    switches = sum(p.switching_currents.size for p in content.points)
    grouped = f"{switches:,}".replace(",", " ")  # narrow no-break space
    count, histograms = len({p.index for p in content.points}), len(content.points)
    several = "" if histograms == count else f" in {histograms} histograms"
    return f"Switching-current report: {count} bath temperature{'' if count == 1 else 's'}, {grouped} switches{several}"


def _verdict(content: Content) -> str:
    """Return the box with the main conclusion, empty where none was drawn."""
    if content.sentence:
        kind = "box" if content.concluded else "box warning"
        said = f"<p><strong>{html.escape(content.sentence)}</strong></p>"
        if content.explanations:
            said += "<p>Explanations of all histograms together, by score:</p>"
            said += html_table(_EXPLANATIONS, content.explanations, "explanations")
        for title, lines in (("What it rests on", content.reasons), ("What would change it", content.changes)):
            items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
            said += f"<p>{title}:</p><ul>{items}</ul>" if lines else ""
        return f'<div class="{kind}">{said}</div>'
    if content.verdict is None:
        return ""
    sigmas = ""
    if content.sigmas is not None:
        sigmas = f" Saturation less prediction: {content.sigmas:+.1f} standard errors."
    kind = "box" if content.verdict == AGREES else "box warning"
    return f'<div class="{kind}"><p><strong>Verdict: {html.escape(content.verdict)}.</strong>{sigmas}</p></div>'


def _impossible(content: Content) -> str:
    """Return a box with what makes all of it wrong, which stands before the verdict."""
    if not content.impossible:
        return ""
    return f'<div class="box warning"><p><strong>{html.escape(content.impossible)}</strong></p></div>'


def _warnings(content: Content) -> str:
    """Return the boxes with what could not be determined and what is doubtful."""
    boxes = ""
    if content.unidentified:
        items = "".join(
            f"<li><strong>{html.escape(name)}: not identifiable.</strong> {html.escape(reason)}</li>"
            for name, reason in content.unidentified
        )
        boxes += f'<div class="box unknown"><ul>{items}</ul></div>'
    if content.warnings:
        items = "".join(f"<li>{html.escape(text)}</li>" for text in content.warnings)
        boxes += f'<div class="box warning"><p><strong>Look at this</strong></p><ul>{items}</ul></div>'
    return boxes


def _figure(number: int, picture: Picture) -> str:
    """Return a figure with its heading and caption, the image inside the file."""
    data = base64.b64encode(picture.png).decode("ascii")
    return (
        f'<figure><img alt="{html.escape(picture.heading)}" src="data:image/png;base64,{data}">\n'
        f"<figcaption><strong>Figure {number}. {html.escape(picture.heading)}.</strong> {picture.caption}"
        "</figcaption></figure>"
    )
