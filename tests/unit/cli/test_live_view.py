"""The picture itself, drawn without a terminal."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.live import Live

from mqtctl.acquisition import BlockStored, Event, PointFinished, RampsBegin, Remark, Settling
from mqtctl.cli.live import LiveDisplay, LiveState, render
from mqtctl.cli.live.state import FineHistogram
from mqtctl.cli.live.view import View


def state_after(events: list[Event], kind: type[Event], count: int) -> LiveState:
    state = LiveState()
    for event in events:
        state.take(event)
        count -= isinstance(event, kind)
        if count == 0:
            return state
    raise AssertionError


def picture(state: LiveState, width: int) -> list[str]:
    return [line.plain for line in render(state, width)]


def test_before_anything_is_known_it_says_so() -> None:
    assert picture(LiveState(), 60)[0] == "connecting"


def test_settling_shows_the_bath_against_its_target_and_what_is_left(sweep_events: list[Event]) -> None:
    lines = picture(state_after(sweep_events, Settling, 31), 80)
    assert lines[0] == "1/3  settling on 50 mK for 30 s"
    assert lines[1].startswith("bath      40.8 mK   to 50 mK")
    assert lines[1][-1] in "▅▆▇"
    assert lines[2] == "left      settling 3 min, ramps ?"
    assert lines[3] == "sweep     settling 11 min, ramps ? of lab time"


def test_ramping_shows_everything_that_is_asked_for(precise_events: list[Event]) -> None:
    lines = picture(state_after(precise_events, BlockStored, 10), 80)
    text = "\n".join(lines)
    assert lines[0] == "1/2  100 mK  switching, 1 mA/s"
    assert "█" in text
    assert any(line.startswith("9.35 uA") and line.endswith("9.412 uA") for line in lines)
    assert "mean      9.39647(11) uA" in text
    assert "ramps     79 switches/s, 10 without a switch, 3 not timed" in text
    assert "5000/10000" in text
    assert "precision 1.669 % of the escape temperature, wanted 1 %" in text
    assert "left      settling 0 s, ramps 63 s" in text


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(precise_events: list[Event], width: int) -> None:
    for kind, count in ((Settling, 1), (Settling, 100), (RampsBegin, 1), (BlockStored, 1), (PointFinished, 1)):
        assert max(len(line) for line in picture(state_after(precise_events, kind, count), width)) <= width


def test_at_sixty_columns_nothing_is_cut_off(precise_events: list[Event]) -> None:
    for kind, count in ((Settling, 1), (Settling, 100), (BlockStored, 1), (PointFinished, 1)):
        assert not any("…" in line for line in picture(state_after(precise_events, kind, count), 60))


def test_rich_draws_it_with_and_without_colour_and_as_svg(precise_events: list[Event]) -> None:
    state = state_after(precise_events, BlockStored, 10)
    for colour in (True, False):
        console = Console(
            file=io.StringIO(), force_terminal=True, width=60, height=30, no_color=not colour, record=True
        )
        console.print(View(state))
        drawn = console.file.getvalue()  # type: ignore[attr-defined]
        assert ("\x1b[32m" in drawn) == colour
        assert max(len(line) for line in console.export_text(clear=False).splitlines()) <= 60
        assert "<svg" in console.export_svg()


def test_a_low_terminal_gets_a_low_histogram(precise_events: list[Event]) -> None:
    state = state_after(precise_events, BlockStored, 10)
    heights = []
    for rows in (15, 40):
        console = Console(file=io.StringIO(), width=80, height=rows)
        console.print(View(state))
        heights.append(console.file.getvalue().count("\n"))  # type: ignore[attr-defined]
    assert heights[0] == heights[1] - 3
    assert heights[0] < 15


def test_a_new_histogram_begins_empty(sweep_events: list[Event]) -> None:
    begun = state_after(sweep_events, RampsBegin, 2)
    assert begun.means == []
    assert begun.histogram.picture(10)[0].sum() == 0
    settling = state_after(sweep_events, Settling, 250)
    assert settling.point == 1
    assert settling.block is None
    assert len(settling.temperatures) < 250


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.lists(st.floats(8e-6, 10e-6), min_size=1, max_size=30), min_size=1, max_size=10), st.integers(1, 100)
)
def test_the_picture_holds_all_but_the_outermost_switches(blocks: list[list[float]], columns: int) -> None:
    histogram = FineHistogram()
    for block in blocks:
        histogram.add(np.array(block))
    counts, low, high = histogram.picture(columns)
    total = sum(len(block) for block in blocks)
    assert counts.size == columns
    assert (1 - 2e-3) * total - 1e-6 <= counts.sum() <= total + 1e-6
    assert low < high


def test_the_fine_histogram_has_the_kurtosis_of_the_data() -> None:
    values = 9.4e-6 - 6e-9 * np.random.default_rng(1).gumbel(size=20_000)
    histogram = FineHistogram()
    for block in np.array_split(values, 40):
        histogram.add(block)
    standard = (values - values.mean()) / values.std()
    # bins of a twentieth of the width: rounding changes a fourth moment of 5 by less than 1 %
    assert histogram.kurtosis == pytest.approx(float((standard**4).mean()), rel=0.01)


class StepClock:
    """Each look at it takes what it is told."""

    def __init__(self, step: float) -> None:
        self.time, self.step = 0.0, step

    def now(self) -> float:
        self.time += self.step
        return self.time


class CountingLive(Live):
    drawn = 0

    def refresh(self) -> None:
        CountingLive.drawn += 1


def test_slow_drawing_is_done_seldom(sweep_events: list[Event]) -> None:
    CountingLive.drawn = 0
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=30)
    # looks are 10 ms apart and a drawing takes as long: one in 2 s, in 20 s of looks
    clock = StepClock(0.01)
    display = LiveDisplay(CountingLive(console=console, auto_refresh=False), clock, lambda event: None)  # type: ignore[arg-type]
    for event in sweep_events:
        display(event)
    assert 2 <= CountingLive.drawn <= math.ceil(clock.time / 2.0) + 1


def test_every_result_line_is_written_even_if_the_last_was_not_drawn_yet(sweep_events: list[Event]) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=30, highlight=False)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        display = LiveDisplay(live, StepClock(1e-6), lambda e: e.text if isinstance(e, Remark) else None)  # type: ignore[arg-type]
        for event in [*sweep_events, Remark("first"), Remark("second [with brackets]")]:
            display(event)
        display.close()
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert "first" in written
    assert "second [with brackets]" in written
