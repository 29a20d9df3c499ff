from __future__ import annotations

import io
import sys

import pytest

from mqtctl.acquisition import Event, PointFinished, Remark
from mqtctl.cli.live.progress import PlainLines, watching
from mqtctl.workflow import PointFitted


def test_plain_lines_tell_each_set_point_each_quarter_and_each_result(sweep_events: list[Event]) -> None:
    lines: list[str] = []
    plain = PlainLines(lines.append)
    for event in sweep_events:
        plain(event)
    assert sum("settling on" in line for line in lines) == 3
    assert sum("switches at" in line for line in lines) == 9
    assert sum("10000 switches, 20 ramps without, mean 9." in line for line in lines) == 3
    assert lines[0] == "[1/3] settling on 50 mK, bath at 25 mK"
    assert lines[1].startswith("[1/3] 2500/10000 switches at 79/s, 5 ramps without, width ")
    assert "95 s of laboratory time left, sweep 8 min of settling and 6 min of ramps" in lines[1]


def test_plain_lines_say_how_precise_it_is(precise_events: list[Event]) -> None:
    lines: list[str] = []
    plain = PlainLines(lines.append)
    for event in precise_events:
        plain(event)
    assert "about 2.36 %" in lines[1]


def test_remarks_fits_and_other_ramps_have_their_lines() -> None:
    lines: list[str] = []
    plain = PlainLines(lines.append)
    plain(Remark("so it is"))
    plain(Remark("the bath drifts", 3))
    plain(PointFitted(0, 9.489e-6, 1e-9, 0.1, 0.001))
    plain(PointFinished(0, 1, 1, 100, 2, 0.1, 3e-6, 1e-9, 0.9, "retrapping"))
    assert lines == [
        "       note: so it is",
        "       note: point 3: the bath drifts",
        "       fitted alone: escape temperature 100.0(1.0) mK, Ic 9.4890(10) uA",
        "[1/1] retrapping, 100 mK: 100 switches, 2 ramps without, mean 3.00000(10) uA, width 1 nA; ramps counted "
        "only 90 % of the time",
    ]


class Terminal(io.StringIO):
    """A terminal of a certain kind."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class OldTerminal(Terminal):
    encoding = "ascii"


@pytest.mark.parametrize(
    ("stream", "term", "live"),
    [
        (Terminal, "xterm", True),
        (Terminal, "dumb", False),
        (OldTerminal, "xterm", False),
        (io.StringIO, "xterm", False),
    ],
)
def test_a_live_view_only_where_it_can_be_drawn(
    stream: type[io.StringIO],
    term: str,
    live: bool,
    sweep_events: list[Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = stream()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", "60")
    with watching() as notify:
        for event in sweep_events:
            notify(event)
    written = terminal.getvalue()
    assert ("\x1b[" in written) == live
    assert written.count("10000 switches, 20 ramps without") == 3


def test_no_color_is_respected(sweep_events: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    with watching() as notify:
        for event in sweep_events:
            notify(event)
    assert "\x1b[3" not in terminal.getvalue()
