from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.analysis import check_health
from mqtctl.analysis.histogram.rounding import find_rounding
from mqtctl.errors import InputError
from mqtctl.physics import Escape, Junction, SwitchingDistribution
from mqtctl.quantities import parse_quantity

Draw = Callable[..., NDArray[np.float64]]


@pytest.mark.parametrize("temperature", [0.0, 0.03, 0.1, 0.3, 0.8])
@pytest.mark.parametrize("number", [10, 100, 10_000])
def test_a_healthy_histogram_raises_no_flag(temperature: float, number: int, junction: Junction) -> None:
    distribution = SwitchingDistribution(junction, temperature, 1e-3, model=Escape())
    for seed in range(5):
        assert check_health(distribution.sample(number, np.random.default_rng(seed))).flags == ()


def test_ramps_that_disturb_each_other_are_found(thermal_currents: Draw) -> None:
    currents = thermal_currents()
    echo = currents.copy()
    echo[1:] += 0.1 * (currents[:-1] - currents.mean())
    health = check_health(echo)
    assert health.autocorrelation == pytest.approx(0.1, abs=0.04)
    assert any("correlated" in flag for flag in health.flags)


def test_drift_is_found(thermal_currents: Draw) -> None:
    currents = thermal_currents() + np.linspace(0.0, 10e-9, 10_000)
    assert any("drifted" in flag for flag in check_health(currents).flags)


@pytest.mark.parametrize("stray", [5e-6, 9.48e-6])
def test_stray_switches_on_either_side_are_counted(stray: float, thermal_currents: Draw) -> None:
    health = check_health(np.append(thermal_currents(), [stray, stray]))
    assert health.outliers == 2
    assert any("far outside" in flag for flag in health.flags)


def test_a_symmetric_histogram_is_not_an_escape_process() -> None:
    currents = 9.1e-6 + 2e-8 * np.random.default_rng(2).normal(size=10_000)
    assert any("skewness" in flag for flag in check_health(currents).flags)


def test_a_truncated_histogram_is_not_blamed_for_its_shape(thermal_currents: Draw) -> None:
    currents = thermal_currents()
    kept = currents[currents < np.median(currents)]
    assert check_health(kept, censored=currents.size - kept.size).flags == ()


@pytest.mark.parametrize("values", [np.empty(0), np.full(100, 9e-6), np.append(np.linspace(1, 2, 20), np.nan)])
def test_what_cannot_be_checked_is_refused(values: NDArray[np.float64]) -> None:
    with pytest.raises(InputError):
        check_health(values)


def test_equal_values_have_no_order_of_time(thermal_currents: Draw) -> None:
    currents = np.ceil(thermal_currents(number=2000) / 3e-8) * 3e-8
    health = check_health(currents, rounding=find_rounding(currents))
    assert abs(health.autocorrelation) < 4.0 / np.sqrt(currents.size)
    assert health.flags == ()


@pytest.mark.parametrize("step", [0.0, 2e-8])
def test_a_sorted_list_is_said_to_be_one_instead_of_drifting(step: float, thermal_currents: Draw) -> None:
    currents = np.sort(thermal_currents(number=800))
    if step:
        currents = np.rint(currents / step) * step
    for values in (currents, currents[::-1]):
        health = check_health(values, rounding=find_rounding(values))
        assert health.ordered
        (flag,) = health.flags
        assert "the list is sorted" in flag


def test_many_values_at_the_largest_are_named(thermal_currents: Draw) -> None:
    currents = thermal_currents(number=800)
    top = float(np.quantile(currents, 0.8))
    for step in (0.0, 2e-9):
        values = np.rint(currents / step) * step if step else currents
        flags = check_health(np.minimum(values, top), rounding=find_rounding(np.minimum(values, top))).flags
        (flag,) = (flag for flag in flags if "values are equal to the largest" in flag)
        assert parse_quantity(flag.split("'")[1], "A") == np.minimum(values, top).max()  # as it is to be given back


WIDTH = 27e-9
TIMES = 12.3e-3 * np.arange(4000) + 0.7 * (np.arange(4000) // 200)  # a pause after every 200 ramps
IN_TIME = {
    "drift": 0.6 * WIDTH * np.arange(4000) / 4000,
    "steps": 0.4 * WIDTH * (np.arange(4000) > 1300),
    "mains": 0.3 * WIDTH * np.sin(2.0 * np.pi * 50.03 * TIMES),
    "start": -2.0 * WIDTH * (np.arange(4000) % 200 < 10),
}


@pytest.mark.parametrize("step", [0.0, 0.6 * WIDTH])
@pytest.mark.parametrize("cause", [*IN_TIME, "correlation", ""])
def test_of_what_goes_with_time_only_the_likeliest_is_named(cause: str, step: float, thermal_currents: Draw) -> None:
    for currents in thermal_currents(number=12_000, seed=21).reshape(3, 4000):
        values = currents + IN_TIME.get(cause, 0.0)
        if cause == "correlation":
            values[1:] += 0.2 * (currents[:-1] - currents.mean())
        if step:
            values = np.rint(values / step) * step
        health = check_health(values, rounding=find_rounding(values), times=TIMES + values / 1e-3)
        assert health.causes == ((cause,) if cause else ())
        assert len(health.flags) == (cause != "")


def test_a_drift_and_the_mains_are_both_named(thermal_currents: Draw) -> None:
    values = thermal_currents(number=4000) + IN_TIME["drift"] + IN_TIME["mains"]
    assert set(check_health(values, times=TIMES).causes) == {"drift", "mains"}


def test_runs_above_and_below_the_median_leave_out_what_equals_it() -> None:
    telegraph = np.tile(np.repeat([9.0e-6, 9.1e-6, 9.2e-6], 40), 10)  # 20 sides: each level stays for 40 ramps
    health = check_health(telegraph)
    assert health.in_time is not None
    assert health.in_time.runs == 20
    assert health.in_time.runs_pvalue < 1e-10


@pytest.mark.parametrize("number", [10, 50, 400])
def test_each_check_keeps_its_level_for_few_switches(number: int, thermal_currents: Draw) -> None:
    drawn = thermal_currents(number=400 * number, seed=13).reshape(400, number)
    flagged = sum(bool(check_health(currents).flags) for currents in drawn)
    assert flagged <= 2  # 400 times four checks at 1e-4 are 0.16; outliers came 9 times with 12, skewness 2 with 400
