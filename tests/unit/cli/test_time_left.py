from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from mqtctl.acquisition import BlockStored, Event, PointFinished, RampsBegin, Settling
from mqtctl.cli.live import TimeLeft
from mqtctl.notation import rough_duration

#: What the fixture's bath and ramps take at each point, in s.
SETTLING = 30.0 * math.log(0.5 / 0.01) + 120.0
RAMPING = 10_000 / 79.0


def after(events: Sequence[Event], kind: type[Event], count: int) -> TimeLeft:
    """Return the estimate after so many events of a kind."""
    left = TimeLeft()
    for event in events:
        left.take(event)
        count -= isinstance(event, kind)
        if count == 0:
            return left
    raise AssertionError


def test_settling_is_an_exponential_to_the_band_and_then_the_dwell(sweep_events: list[Event]) -> None:
    left = after(sweep_events, Settling, 31)
    # an exact exponential is continued exactly
    assert left.settling_here == pytest.approx(SETTLING - 30.0, rel=1e-6)
    assert left.settling == pytest.approx(3 * SETTLING - 30.0, rel=1e-6)
    assert math.isnan(left.ramping)
    left = after(sweep_events, Settling, 201)
    # inside the band readings a second apart say since when
    assert left.settling_here == pytest.approx(SETTLING - 200.0, abs=1.0)


def test_ramping_goes_on_at_the_rate_so_far_here_and_at_the_points_to_come(sweep_events: list[Event]) -> None:
    left = after(sweep_events, BlockStored, 5)
    assert left.settling_here == 0.0
    assert left.ramping_here == pytest.approx(0.75 * RAMPING)
    assert left.ramping == pytest.approx(2.75 * RAMPING)
    assert left.settling == pytest.approx(2 * SETTLING, abs=4.0)


def test_later_points_are_taken_to_last_as_long_as_those_that_are_done(sweep_events: list[Event]) -> None:
    left = after(sweep_events, BlockStored, 45)
    assert left.ramping == pytest.approx(0.75 * RAMPING)
    assert left.settling == 0.0
    left = after(sweep_events, PointFinished, 2)
    assert left.ramping == pytest.approx(RAMPING)


def test_nothing_is_left_at_the_end(sweep_events: list[Event]) -> None:
    left = after(sweep_events, PointFinished, 3)
    assert (left.settling_here, left.ramping_here, left.settling, left.ramping) == (0.0, 0.0, 0.0, 0.0)


def test_further_ramps_at_a_point_count_as_its_time(sweep_events: list[Event]) -> None:
    # two histograms at each point: after the first point it is known that a second comes
    settling = [e for e in sweep_events if isinstance(e, Settling)]
    ramping = [e for e in sweep_events if isinstance(e, RampsBegin | BlockStored | PointFinished)]
    first, second = ([e for e in ramping if e.point == p] for p in (0, 1))
    events = [*first, *first, *(e for e in settling if e.point == 1), *second]
    left = after(events, PointFinished, 3)
    assert left.ramping_here == pytest.approx(RAMPING)


def test_a_bath_that_drifts_away_does_not_make_it_negative_or_infinite() -> None:
    left = TimeLeft()
    for second in range(100):
        left.take(Settling(0, 2, 0.1, 0.2 + 0.001 * second, float(second), 0.01, 120.0))
        assert 0.0 <= left.settling_here < math.inf


@pytest.mark.parametrize(("seconds", "words"), [(3.2, "3 s"), (600.0, "10 min"), (7200.0, "2.0 h"), (math.nan, "?")])
def test_durations_in_words(seconds: float, words: str) -> None:
    assert rough_duration(seconds) == words
