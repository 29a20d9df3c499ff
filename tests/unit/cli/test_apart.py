from __future__ import annotations

import threading

import pytest

from mqtctl.cli.live.apart import Apart


def test_everything_is_shown_in_order_on_one_other_thread() -> None:
    shown: list[tuple[object, str]] = []
    display = Apart(lambda event: shown.append((event, threading.current_thread().name)))
    for event in (*range(100), None, ()):
        display(event)
    assert display.close()
    assert shown == [(event, "display") for event in (*range(100), None, ())]


def test_a_display_that_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqtctl.cli.live.apart._PATIENCE", 0.01)
    reads = threading.Event()

    def hang(_event: object) -> None:
        reads.wait()

    display = Apart(hang)
    for event in range(100):
        display(event)
    assert not display.close()
    reads.set()
    monkeypatch.setattr("mqtctl.cli.live.apart._PATIENCE", 60.0)
    assert display.close()


def test_a_display_that_fails_ends_by_itself() -> None:
    def fail(_event: object) -> None:
        raise OSError(5, "Input/output error")

    display = Apart(fail)
    for event in range(3):
        display(event)
    assert display.close()
