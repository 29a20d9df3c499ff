"""Draws what is known of a running measurement in as many columns and rows as the terminal has."""

from __future__ import annotations

import math

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from mqtctl.acquisition import BlockStored
from mqtctl.cli.live.glyphs import bars, share_bar, sparkline
from mqtctl.cli.live.state import LiveState
from mqtctl.cli.tables import quantity
from mqtctl.notation import rough_duration
from mqtctl.quantities import readable

__all__ = ["View", "render"]

#: Widest picture; a wider terminal leaves the rest empty.
_WIDEST = 100
#: Rows of the histogram on a high terminal and on a low one, and the rows below which a terminal is low.
_ROWS, _FEW_ROWS, _LOW = 6, 3, 20
_LABEL = 10


class View:
    """A state as rich can draw it; it fits itself to the width it is given."""

    def __init__(self, state: LiveState) -> None:
        self._state = state

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the lines one by one: none is longer than the terminal is wide, none wraps."""
        rows = _ROWS if console.size.height >= _LOW else _FEW_ROWS
        for line in render(self._state, min(options.max_width, _WIDEST), rows):
            line.no_wrap, line.overflow = True, "ellipsis"
            yield line


def render(state: LiveState, width: int, rows: int = _ROWS) -> list[Text]:
    """Return the lines of the view, each at most `width` characters, with a histogram of so many rows."""
    lines = [_headline(state), _bath(state, width)]
    if state.block is not None:
        lines += _histogram(state, width, rows)
        lines += [
            _moment("mean", state.block.mean, state.mean_stderr, state.means, width),
            _moment("width", state.block.std, state.width_stderr, state.widths, width),
            _ramps(state.block),
            *_progress(state, state.block, width),
        ]
    if state.points:
        lines += _time_left(state)
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _labelled(label: str, *parts: tuple[str, str] | str) -> Text:
    return Text.assemble((label.ljust(_LABEL), "dim"), *parts)


def _headline(state: LiveState) -> Text:
    """Say where in the sweep it is."""
    if not state.points:
        return Text("connecting", style="bold")
    place = f"{state.point + 1}/{state.points}  "
    where = "at the present temperature" if state.target is None else f"{readable(state.target, 'K')}"
    if state.settling is not None:
        return Text.assemble(
            (place, "bold"), "settling on ", (where, "bold"), f" for {rough_duration(state.settling.elapsed)}"
        )
    if state.begun is None:
        return Text.assemble((place, "bold"), "next")
    kind = state.begun.purpose if state.begun.polarity > 0 else f"{state.begun.purpose}, negative"
    rate = readable(abs(state.begun.ramp.rate), "A/s")
    return Text.assemble((place, "bold"), (where, "bold"), f"  {kind}, {rate}")


def _bath(state: LiveState, width: int) -> Text:
    """Show the bath beside its target."""
    if not state.temperatures:
        return _labelled("bath", "")
    latest = readable(state.temperatures[-1], "K").ljust(10)
    aim = "" if state.target is None else f"to {readable(state.target, 'K')}".ljust(12)
    goal = math.nan if state.target is None else state.target
    room = width - _LABEL - len(latest) - len(aim) - 1
    low, high = (goal, goal) if state.target is not None else (math.inf, -math.inf)
    return _labelled("bath", latest, aim, (sparkline(state.temperatures, room, low, high), "cyan"))


def _histogram(state: LiveState, width: int, rows: int) -> list[Text]:
    """Draw the switching currents, with the currents at both ends below."""
    columns = width - 1
    counts, low, high = state.histogram.picture(columns)
    if math.isnan(low):
        return []
    left, right = readable(low, "A"), readable(high, "A")
    scale = left + right.rjust(columns - len(left))
    return [Text(row.rstrip(), style="green") for row in bars(counts, rows)] + [Text(scale, style="dim")]


def _moment(label: str, value: float, stderr: float, trace: list[float], width: int) -> Text:
    """Show a quantity with its standard error, and how it converges."""
    text = quantity(value, "A", stderr).ljust(24)
    return _labelled(label, text, (sparkline(trace, width - _LABEL - len(text) - 1), "cyan"))


def _ramps(block: BlockStored) -> Text:
    """Say how the ramps go."""
    rate = block.switches / block.elapsed if block.elapsed > 0.0 else 0.0
    return _labelled("ramps", f"{rate:.4g} switches/s, {block.censored} without a switch, {block.lost} not timed")


def _progress(state: LiveState, block: BlockStored, width: int) -> list[Text]:
    """Show the progress against the number or the precision that is wanted."""
    text = f"  {block.switches}/{block.wanted}"
    room = max(8, width - _LABEL - len(text) - 1)
    lines = [_labelled("switches", (share_bar(state.share, room), "green"), text)]
    if state.begun is not None and state.begun.precision is not None and block.precision is not None:
        asked = readable(state.begun.precision, "1")
        reached = f"{readable(block.precision, '1')} of the {state.begun.precision_of}, wanted {asked}"
        lines.append(_labelled("precision", reached))
    return lines


def _time_left(state: LiveState) -> list[Text]:
    """Say what is left of settling and of ramping, here and in all: on the laboratory's clock, and on this one."""
    left = state.left
    lines = [_spoken("left", left.settling_here, left.ramping_here)]
    if state.points > 1:
        lines.append(_spoken("sweep", left.settling, left.ramping))
    lines[-1].append(" of lab time", style="dim")
    if state.simulated and not math.isnan(state.wall_left):
        lines.append(_labelled("here", f"about {rough_duration(state.wall_left)}, for the bench is simulated"))
    return lines


def _spoken(label: str, settling: float, ramping: float) -> Text:
    return _labelled(label, f"settling {rough_duration(settling)}, ramps {rough_duration(ramping)}")
