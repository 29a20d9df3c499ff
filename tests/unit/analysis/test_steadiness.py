"""A critical current that is not the same at all points is named, and no verdict is drawn from it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from mqtctl.analysis import fit_sweep
from mqtctl.analysis.hypotheses.results import Precondition, Verdict
from mqtctl.physics import AmbegaokarBaratoff, Escape, Junction, SwitchingDistribution
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
ESTIMATE = JunctionEstimate(9.6e-6, 6.4e-12, 190.0, 0.13e-12)
RATE, PERIOD, SWITCHES, PAUSE = 1e-3, 12e-3, 3000, 400.0
BATHS = (0.015, 0.02, 0.028, 0.04, 0.06, 0.1, 0.2, 0.4)
STEADY, SAME = "critical current steady", "critical current same at all temperatures"


def sweep(drift: float = 0.0, transition: float | None = None, seed: int = 1) -> Sweep:
    """Draw a sweep whose Ic drifts (relative, 1/h), also within a point, or falls towards a transition (K)."""
    rng = np.random.default_rng(seed)
    ramp = MeasuredRamp(0.0, 9.7e-6, RATE, PERIOD, 0.0)
    histograms = []
    for point, bath in enumerate(BATHS):
        share = 1.0 + drift / 3600.0 * PAUSE * point
        if transition is not None:
            share *= float(AmbegaokarBaratoff(transition).ratio(bath))
        own = replace(JUNCTION, critical_current=share * JUNCTION.critical_current)
        currents = SwitchingDistribution(own, bath, RATE, Escape()).sample(SWITCHES, rng)
        currents *= 1.0 + drift / 3600.0 * PERIOD * (np.arange(SWITCHES) - 0.5 * SWITCHES)
        histograms.append(Histogram(currents, currents / RATE, ramp, 0, bath, 0.0, point, time=PAUSE * point))
    return Sweep(tuple(histograms), ESTIMATE)


def verdict(data: Sweep) -> Verdict:
    found = fit_sweep(data, power=False).conclusion
    assert found is not None
    return found


def precondition(found: Verdict, name: str) -> Precondition:
    return next(each for each in found.preconditions if each.name == name)


def test_a_steady_critical_current_passes() -> None:
    found = verdict(sweep())
    assert found.verdict == "tunnelling"
    assert precondition(found, STEADY).state == precondition(found, SAME).state == "passed"


@pytest.mark.slow
def test_without_times_no_drift_is_looked_for() -> None:
    data = sweep()
    unknown = replace(data, histograms=tuple(replace(each, time=math.nan) for each in data.histograms))
    assert STEADY not in [each.name for each in verdict(unknown).preconditions]


@pytest.mark.parametrize("drift", [-2e-3, pytest.param(2e-3, marks=pytest.mark.slow)])
def test_a_drift_from_point_to_point_is_named_with_its_sign_and_forbids_a_verdict(drift: float) -> None:
    found = verdict(sweep(drift))
    said = precondition(found, STEADY)
    assert said.state == "failed"
    assert said.forbids
    assert said.text.startswith(f"the critical current seems to drift by {'-' if drift < 0 else '+'}0.")
    assert found.verdict == "not identifiable"
    assert "seems to drift" in found.sentence


@pytest.mark.parametrize("transition", [pytest.param(1.2, marks=pytest.mark.slow), 1.8])
def test_a_critical_current_that_falls_with_temperature_is_named(transition: float) -> None:
    found = verdict(sweep(transition=transition))
    said = precondition(found, SAME)
    assert said.state == "failed"
    assert said.forbids
    assert "at the hottest bath (400 mK" in said.text
    assert found.verdict == "not identifiable"
    assert "towards the transition" in found.sentence


@pytest.mark.slow
def test_a_transition_far_above_the_hottest_bath_is_no_fault() -> None:
    found = verdict(sweep(transition=9.2))
    assert found.verdict == "tunnelling"
    assert precondition(found, SAME).state == "passed"
