"""What the estimate predicts: moments with a cut top, draws, filter, calibration, the number that a precision takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqtctl.acquisition.goal import PrecisionGoal
from mqtctl.physics import Escape
from mqtctl.plan import ResolvedPlan, load_plan
from mqtctl.rehearsal.prediction.expectation import Circumstances, Expected, draw_sweep, expect, switches_for
from mqtctl.rehearsal.prediction.line import Line
from mqtctl.rehearsal.prediction.precision import predict_precision


@pytest.fixture(scope="module")
def plan(build_laboratory: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> ResolvedPlan:
    """The example's plan and sample: Ic 9.5 uA, ramp of 1 mA/s to 9.8 uA."""
    laboratory = build_laboratory(tmp_path_factory.mktemp("expectation") / "lab")
    return load_plan(laboratory.folder / "plan.yaml")


def law(plan: ResolvedPlan, temperature: float = 0.1, stop: float = 9.8e-6, **facts: Any) -> Expected:
    """Return what a ramp to `stop` (A) gives."""
    line = Line(**{key: facts.pop(key) for key in ("noise", "lag") if key in facts})
    circumstances = Circumstances(plan.sample, Escape(), line, **facts)
    variant = replace(plan.variants(temperature)[0], stop_current=stop)
    found = expect(circumstances, variant, temperature)
    assert found is not None
    return found


@pytest.mark.parametrize("stop", [9.8e-6, 9.31e-6, 9.30e-6])
def test_moments_are_those_of_the_switches_that_are_drawn(plan: ResolvedPlan, stop: float) -> None:
    found = law(plan, stop=stop, noise=1e-9)
    drawn = found.draw(40_000, np.random.default_rng(1))
    mean, std = found.moments
    assert drawn.switching_currents.size == 40_000
    assert drawn.switching_currents.mean() == pytest.approx(mean, abs=5 * std / 200)  # 5 standard errors
    assert drawn.switching_currents.std() == pytest.approx(std, rel=0.04)  # kurtosis 5: 5 standard errors are 0.025
    share = drawn.censored / (drawn.censored + 40_000)
    assert share == pytest.approx(found.survivors, abs=5 * 0.5 / np.sqrt(40_000))


def test_a_ramp_beyond_the_critical_current_leaves_no_survivors(plan: ResolvedPlan) -> None:
    assert law(plan).survivors == 0.0
    assert law(plan).draw(100, np.random.default_rng(0)).censored == 0


def test_the_filter_keeps_the_junction_from_the_top(plan: ResolvedPlan) -> None:
    """At 1 mA/s a lag of 10 us is 10 nA."""
    assert law(plan, stop=9.32e-6, lag=1e-5).survivors == pytest.approx(law(plan, stop=9.31e-6).survivors, rel=1e-6)


def test_intervals_give_the_currents_back(plan: ResolvedPlan) -> None:
    drawn = law(plan, offset_current=5e-8).draw(50, np.random.default_rng(2))
    np.testing.assert_allclose(drawn.ramp.current(drawn.intervals), drawn.switching_currents, rtol=1e-12)


def test_a_negative_ramp_is_mirrored(plan: ResolvedPlan) -> None:
    up = plan.variants(0.1)[0]
    down = replace(up, polarity=-1, start_current=-up.start_current, stop_current=-up.stop_current, rate=-up.rate)
    circumstances = Circumstances(plan.sample, Escape())
    mirrored = expect(circumstances, down, 0.1)
    assert mirrored is not None
    assert mirrored.moments == pytest.approx(law(plan).moments, rel=1e-12)


@pytest.mark.parametrize(("start", "stop"), [(9.6e-6, 9.8e-6), (0.0, 7e-6)])
def test_a_ramp_that_gives_nothing_has_no_law(plan: ResolvedPlan, start: float, stop: float) -> None:
    variant = replace(plan.variants(0.1)[0], start_current=start, stop_current=stop)
    assert expect(Circumstances(plan.sample, Escape()), variant, 0.1) is None


@pytest.mark.parametrize("quantity", ["escape temperature", "width"])
def test_the_number_for_a_precision_reaches_it(plan: ResolvedPlan, quantity: Any) -> None:
    asked = plan.plan.model_copy(update={"switches": None, "precision": 0.02, "precision_of": quantity})
    rng = np.random.default_rng(3)
    junction = plan.sample.junction.estimate
    number = switches_for(asked, law(plan), junction, rng)
    drawn = law(plan).draw(number, rng)
    reached = PrecisionGoal(0.02, quantity, junction).relative_error(drawn.switching_currents, 0, drawn.ramp)
    assert reached == pytest.approx(0.02, rel=0.1)  # a kurtosis from 3000 switches has 8 %, and it enters halved


def test_a_number_of_switches_limits_what_a_precision_may_cost(plan: ResolvedPlan) -> None:
    asked = plan.plan.model_copy(update={"switches": 500, "precision": 0.01})
    assert switches_for(asked, law(plan), plan.sample.junction.estimate, np.random.default_rng(4)) == 500


@pytest.mark.slow
def test_histograms_beyond_what_is_drawn_have_smaller_errors(plan: ResolvedPlan) -> None:
    laws = [(place, law(plan, temperature), 400_000) for place, temperature in enumerate((0.015, 0.15, 0.3))]
    exact = replace(plan.sample.junction.estimate, capacitance_stderr=None)
    drawn = draw_sweep(laws, exact, np.random.default_rng(5))
    assert {histogram.switching_currents.size for histogram in drawn.histograms} == {100_000}
    few = [(place, expected, 10_000) for place, expected, _ in laws]
    long, short = (predict_precision(case, exact, 0).points for case in (laws, few))
    for one, other in zip(long, short, strict=True):
        assert one.free_stderr is not None
        assert one.stderr is not None
        assert other.free_stderr is not None
        assert other.stderr is not None
        # 40 times the switches; a standard error from 10 000 is itself known to 1 %
        assert other.free_stderr / one.free_stderr == pytest.approx(np.sqrt(40), rel=0.05)
        assert other.stderr / one.stderr == pytest.approx(np.sqrt(40), rel=0.05)


@pytest.mark.slow
def test_the_spread_of_rehearsals_is_what_their_standard_errors_say(plan: ResolvedPlan) -> None:
    laws = [(place, law(plan, temperature), 1000) for place, temperature in enumerate((0.015, 0.15, 0.3))]
    found = predict_precision(laws, plan.sample.junction.estimate, 6, repeat=15)
    assert found.spread is not None
    assert found.spread["rehearsals"] == 15
    for point, scatter in zip(found.points, found.spread["escape_temperature_free_std_K"], strict=True):
        assert scatter == pytest.approx(point.free_stderr, rel=0.5)  # 15 draws know it to 19 %
    assert found.resolution.resolved is (found.spread["resolved"] > 0.5)
