"""The page: first whether all is well, then the facts, plots and points; one file, nothing from elsewhere.

It works without JavaScript; with it, it says how old it is, and a served one changes by itself. Everything that came
from a user, a file or an instrument is escaped on its way in.
"""

from __future__ import annotations

import base64
import hashlib
import html
from datetime import datetime, timedelta
from string import Template

from mqtctl.notation import MISSING, quantity, rough_duration
from mqtctl.status_page.drawing import Line, bars, lines
from mqtctl.status_page.follow import Facts
from mqtctl.status_page.headline import headline
from mqtctl.status_page.looks import SCRIPT, STYLE
from mqtctl.status_page.points import point_table

__all__ = ["CONTENT_POLICY", "fragment", "whole_page"]


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


#: Only the style sheet and the script that stand here are obeyed, and only the page's own address is spoken to.
CONTENT_POLICY = (
    f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="referrer" content="no-referrer">
$refresh<link rel="icon" href="data:,">
<title>$title</title>
<style>$style</style>
</head>
<body$events>
<p id="cut" class="head bad" hidden>No connection to mqtctl watch: what stands here is old.</p>
<main>
$fragment
</main>
<footer><p>$footer</p></footer>
<script>$script</script>
</body>
</html>
""")


def whole_page(facts: Facts, now: datetime, *, events: str = "") -> str:
    """Return the page as HTML.

    Parameters
    ----------
    facts
        What it shows.
    now
        The time, with its zone.
    events
        Address of the stream of its changes; "" for a page that is a file, which is read again every minute while the
        run goes on.
    """
    made = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if events:
        refresh = '<noscript><meta http-equiv="refresh" content="10"></noscript>\n'
        footer = f"Read-only page of mqtctl watch, begun at {made}. Times are UTC."
    else:
        refresh = '<meta http-equiv="refresh" content="60">\n' if facts.status["state"] == "running" else ""
        since = f'<span data-since="{now.isoformat()}"></span>'
        footer = (
            f"Written at {made}{since}, after each finished histogram and at the end: if it should have changed and did"
            " not, ask <code>mqtctl status</code>. Times are UTC."
        )
    return _PAGE.substitute(
        policy=html.escape(CONTENT_POLICY, quote=True).replace("&#x27;", "'"),
        refresh=refresh,
        title=html.escape(headline(facts.status, now, facts.lost).text),
        style=STYLE,
        script=SCRIPT,
        events=f' data-events="{html.escape(events)}" data-now="{now.isoformat()}"' if events else "",
        fragment=fragment(facts, now),
        footer=footer,
    )


def fragment(facts: Facts, now: datetime) -> str:
    """Return what changes of the page: the same text as long as nothing has changed."""
    level, text = headline(facts.status, now, facts.lost)
    return "\n".join(
        part
        for part in (
            f'<h1 class="head {level}">{_marked(text)}</h1>',
            _simulated(facts),
            _facts(facts),
            _remarks(facts),
            f'<div class="plots">{_plots(facts)}</div>',
            "<h2>Points</h2>",
            point_table(facts),
            f'<p><a href="{html.escape(facts.report)}">The report</a>, as far as it was written.</p>'
            if facts.report
            else "<p>No report was written yet.</p>",
        )
        if part
    )


def _marked(text: str) -> str:
    """Escape a sentence; what stands between backquotes is a command."""
    pieces = html.escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))


def _simulated(facts: Facts) -> str:
    if not facts.status["simulated"]:
        return ""
    seed = "" if facts.status["seed"] is None else f", seed {facts.status['seed']}"
    rest = "." if facts.status["state"] == "running" else ", and nothing real is in use."
    return f'<p class="simulated"><strong>SIMULATED</strong> bench{html.escape(seed)}: no instrument is here{rest}</p>'


def _facts(facts: Facts) -> str:
    """Return outputs, bath, counts and times as a list."""
    status, current = facts.status, facts.status["current"]
    since = f", since {_clock(status['outputs_since'])}" if status["outputs_since"] else ""
    running = status["state"] == "running"
    last = "" if running else ", last known"
    rows = [(f"Source and heater{last}", f"<strong>{html.escape(status['outputs'])}</strong>{since}")]
    if current.get("temperature_K") is not None:
        target = current.get("target_K")
        to = "" if target is None else f", set point {quantity(target, 'K')}"
        rows.append((f"Bath{last}", f"{quantity(current['temperature_K'], 'K')}{to}"))
    if current.get("switches") is not None:
        censored = f", {current['censored']} ramps without" if current.get("censored") else ""
        rows.append(("This histogram", f"{current['switches']} of {current['wanted']} switches{censored}"))
    if running and status["left_s"] is not None:
        rows.append(("The whole run ends", _left(facts)))
    if status["state"] == "dead":
        rows.append(("Data", "what was measured is stored; <code>mqtctl resume</code> goes on once outputs are safe"))
    heard = f'{_clock(status["updated"])}<span data-since="{html.escape(status["updated"])}"></span>'
    rows += [
        ("Last heard", heard),
        ("Begun", _clock(status["begun"])),
        ("Run", f"{html.escape(status['folder'])} <small>mqtctl {html.escape(status['command'])}</small>"),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    return f"<dl>{listed}</dl>"


def _left(facts: Facts) -> str:
    """Return when it ends at the pace so far, and the time left on the laboratory's clock."""
    left, history = facts.status["left_s"], facts.history
    laboratory = f"{rough_duration(left)} of laboratory time"
    if history.wall_s < 1.0 or history.laboratory_s < 1.0:
        return f"in about {laboratory}"
    wall = left * history.wall_s / history.laboratory_s
    until = datetime.fromisoformat(facts.status["updated"]) + timedelta(seconds=wall)
    return f"about {until:%a %H:%M}, in {rough_duration(wall)} ({laboratory})"


def _clock(stamp: str) -> str:
    """Return a time as people read it."""
    return f"{datetime.fromisoformat(stamp):%Y-%m-%d %H:%M:%S}" if stamp else MISSING


def _remarks(facts: Facts) -> str:
    remarks = facts.status["remarks"]
    if not remarks:
        return ""
    listed = "".join(
        f"<li><time>{_clock(remark['time'])}</time> {_marked(remark['text'])}</li>" for remark in reversed(remarks)
    )
    return f'<h2>Remarks, the latest first</h2><ul class="remarks">{listed}</ul>'


def _plots(facts: Facts) -> str:
    """Return bath, histogram, and mean and width as they converge, each in a figure of its own."""
    drawn = [_bath(facts), *_histogram(facts), *_convergence(facts)]
    return "".join(
        f"<figure>{picture}<figcaption>{caption}</figcaption></figure>" for picture, caption in drawn if picture
    )


def _bath(facts: Facts) -> tuple[str, str]:
    bath = facts.history.bath
    hours = facts.history.laboratory_s > 7200.0
    unit = ("h", 3600.0) if hours else ("min", 60.0)
    measured = [(reading.time / unit[1], reading.temperature) for reading in bath if reading.temperature > 0.0]
    wanted = [(reading.time / unit[1], reading.target) for reading in bath if reading.target]
    seen = [value for _, value in (*measured, *wanted)]
    picture = lines(
        [Line(wanted, "target"), Line(measured, "trace")],
        (f"laboratory time / {unit[0]}", ""),
        ("bath", "K"),
        logarithmic=bool(seen) and max(seen) > 5.0 * min(seen),
    )
    return picture, "Temperature of the bath; dashed: set point."


def _histogram(facts: Facts) -> list[tuple[str, str]]:
    """Return the histogram of the database, or why there is none."""
    if facts.trouble:
        return [("<p></p>", f"The histogram cannot be shown: {_marked(facts.trouble)}")]
    if facts.stored is None:
        return []
    counts, edges = facts.stored.bars()
    caption = (
        f"The newest histogram in the database: {facts.stored.currents.size} switches at set point"
        f" {quantity(facts.stored.set_temperature, 'K')} (run {facts.stored.run_id})."
    )
    return [(bars(counts, edges, ("switching current", "A"), "switches"), caption)]


def _convergence(facts: Facts) -> list[tuple[str, str]]:
    seen = facts.history.convergence
    if not seen:
        return []
    switches = ("switches", "")
    error = seen[-1].width / seen[-1].switches ** 0.5 if seen[-1].switches else None
    return [
        (
            lines([Line([(c.switches, c.mean) for c in seen], "trace")], switches, ("mean", "A")),
            f"Mean switching current as it converges: {quantity(seen[-1].mean, 'A', error)}.",
        ),
        (
            lines([Line([(c.switches, c.width) for c in seen], "trace")], switches, ("width", "A")),
            f"Width (standard deviation) as it converges: {quantity(seen[-1].width, 'A')}.",
        ),
    ]
