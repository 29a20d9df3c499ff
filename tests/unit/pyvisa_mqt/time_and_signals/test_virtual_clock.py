"""The bench's time."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pyvisa_mqt.time_and_signals.clock import VirtualClock


def test_time_stands_still_until_somebody_sleeps() -> None:
    clock = VirtualClock()
    assert (clock.now(), clock.utc()) == (0.0, datetime(2000, 1, 1, tzinfo=UTC))
    clock.sleep(1.5)
    assert clock.now() == 1.5
    assert clock.utc() == datetime(2000, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


def test_an_epoch_in_another_zone_is_shown_in_utc_and_one_without_zone_is_refused() -> None:
    assert VirtualClock(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))).utc() == datetime(
        2026, 1, 1, tzinfo=UTC
    )
    with pytest.raises(ValueError, match="time zone"):
        VirtualClock(datetime(2026, 1, 1))


@pytest.mark.parametrize("duration", [-1.0, math.inf, math.nan])
def test_impossible_durations_are_refused(duration: float) -> None:
    with pytest.raises(ValueError, match="finite duration"):
        VirtualClock().sleep(duration)


def test_listeners_hear_of_each_advance_in_order_and_see_the_new_time() -> None:
    clock = VirtualClock()
    heard: list[tuple[str, float, float]] = []
    clock.on_advance(lambda now: heard.append(("first", now, clock.now())))
    clock.on_advance(lambda now: heard.append(("second", now, clock.now())))
    clock.advance_to(2.0)
    clock.advance_to(1.0)  # the past is past
    assert heard == [("first", 2.0, 2.0), ("second", 2.0, 2.0)]
    with pytest.raises(ValueError, match="finite bench time"):
        clock.advance_to(math.inf)
