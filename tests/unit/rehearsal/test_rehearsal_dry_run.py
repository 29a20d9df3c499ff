"""How much is rehearsed, what follows from a point that fails, and how durations grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqtctl.errors import CryostatError, HardwareError, MqtctlError
from mqtctl.plan import ResolvedPlan, load_plan
from mqtctl.records import Histogram, MeasuredRamp
from mqtctl.rehearsal.dry_run import QUICK, STREAMED, Failure, doomed
from mqtctl.rehearsal.prediction.timing import Growth, ramps_of
from mqtctl.storage import ClosingFacts, PointHeader, StoredPoint

TEMPERATURES = (0.02, 0.1, 0.5, 0.03, 0.8)


@pytest.fixture(scope="module")
def plan(build_laboratory: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> ResolvedPlan:
    laboratory = build_laboratory(tmp_path_factory.mktemp("dry") / "lab")
    plan = load_plan(laboratory.folder / "plan.yaml")
    return replace(plan, plan=plan.plan.model_copy(update={"temperatures": TEMPERATURES}))


def failed(point: int, error: type[MqtctlError]) -> Failure:
    return Failure(point, error("x"), "x")


def test_a_bath_that_stays_too_warm_spares_only_warmer_points(plan: ResolvedPlan) -> None:
    assert doomed(plan, [failed(1, CryostatError)], [2, 3, 4], bath=0.12) == [3]


def test_a_bath_that_stays_too_cold_spares_only_colder_points(plan: ResolvedPlan) -> None:
    assert doomed(plan, [failed(1, CryostatError)], [2, 3, 4], bath=0.09) == [2, 4]


def test_a_point_that_is_in_its_band_but_not_settled_dooms_no_other(plan: ResolvedPlan) -> None:
    assert doomed(plan, [failed(1, CryostatError)], [2, 3, 4], bath=0.0999) == []


def test_an_overheated_bath_spares_only_colder_points(plan: ResolvedPlan) -> None:
    assert doomed(plan, [failed(2, CryostatError)], [3, 4], bath=1.1) == [4]


def test_three_points_in_a_row_without_data_doom_the_others(plan: ResolvedPlan) -> None:
    fault = HardwareError
    assert doomed(plan, [failed(0, fault), failed(1, fault)], [2, 3, 4], bath=0.02) == []
    assert doomed(plan, [failed(0, fault), failed(1, fault), failed(2, fault)], [3, 4], bath=0.1) == [3, 4]
    assert doomed(plan, [failed(0, fault), failed(1, fault), failed(3, fault)], [4], bath=0.03) == []


def test_short_histograms_are_rehearsed_whole_and_long_ones_in_part(plan: ResolvedPlan) -> None:
    assert QUICK.switches(plan, 300) == 300
    assert QUICK.switches(plan, 1_000_000) == QUICK.most
    assert STREAMED.switches(plan, 1_000_000) == STREAMED.most
    many = replace(plan, plan=plan.plan.model_copy(update={"temperatures": tuple(np.linspace(0.02, 0.9, 60))}))
    assert QUICK.switches(many, 1_000_000) == max(QUICK.few, QUICK.together // 60)


def test_slow_ramps_are_rehearsed_for_a_limited_time(plan: ResolvedPlan) -> None:
    slow = replace(
        plan, plan=plan.plan.model_copy(update={"ramp": plan.plan.ramp.model_copy(update={"repetition": 0.1})})
    )
    assert QUICK.switches(slow, 1000) == 60
    slowest = plan.plan.ramp.model_copy(update={"repetition": 1e-3})
    assert QUICK.switches(replace(plan, plan=plan.plan.model_copy(update={"ramp": slowest})), 1000) == 10


def stored(switches: int, duration: float, censored: int = 0) -> StoredPoint:
    ramp = MeasuredRamp(0.0, 1e-5, 1e-3, 0.0125, 0.0)
    histogram = Histogram(np.full(switches, 9e-6), np.full(switches, 9e-3), ramp, censored, 0.1)
    return StoredPoint(histogram, PointHeader.model_construct(), ClosingFacts(duration=duration, complete=True))


def test_durations_grow_with_the_switches_and_with_what_long_histograms_cost_beside() -> None:
    """12.6 s for 1000 switches and 127 s for 10 000: 0.1 ms more a ramp in long ones."""
    growth = Growth(stored(1000, 12.6), stored(10_000, 127.0))
    assert growth.duration(stored(1000, 12.6), 10_000) == pytest.approx(127.0)
    assert growth.duration(stored(1000, 25.2, censored=1000), 10_000) == pytest.approx(254.0)


def test_what_was_rehearsed_whole_is_not_extrapolated() -> None:
    growth = Growth(stored(1000, 12.6), stored(10_000, 127.0))
    assert growth.duration(stored(500, 6.4), 500) == 6.4
    assert Growth(None, None).duration(stored(500, 6.4), 1000) == pytest.approx(12.8)


def test_ramps_are_those_with_a_switch_and_those_without() -> None:
    assert ramps_of(stored(10, 1.0, censored=5)) == 15
