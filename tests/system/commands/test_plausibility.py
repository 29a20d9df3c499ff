"""A sample file that is a factor of a thousand out is told: by check and rehearse before, by the result behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mqtctl.analysis.histogram.health.plausibility import implausible_junction, implausible_measurement
from mqtctl.records import JunctionEstimate


@pytest.mark.parametrize("command", ["check", "rehearse", "sweep"])
def test_a_critical_current_that_the_sample_may_not_see_contradicts_itself(laboratory: Any, command: str) -> None:
    laboratory.change("sample.yaml", "critical_current: 9.5 uA", "critical_current: 9.5 mA")
    outcome = laboratory.run(command, laboratory.folder / "plan.yaml")
    assert outcome.exit_code == 2
    told = " ".join((outcome.stderr + outcome.stdout).split())
    assert "junction.critical_current is 9.5 mA, but limits.max_current" in told
    assert "12 uA" in told


@pytest.mark.shown(1)
@pytest.mark.parametrize("command", ["check", "rehearse", "sweep"])
def test_a_ramp_that_goes_a_hundred_times_beyond_the_critical_current_is_a_fault(laboratory: Any, command: str) -> None:
    laboratory.change("sample.yaml", "critical_current: 9.5 uA", "critical_current: 95 nA")
    outcome = laboratory.run(command, laboratory.folder / "plan.yaml")
    assert outcome.exit_code == 2
    text = " ".join((outcome.stderr + outcome.stdout).split())
    assert "103 times the critical current" in text
    assert "junction.critical_current" in text


@pytest.mark.shown(1)
@pytest.mark.parametrize("command", ["check", "rehearse"])
def test_a_capacitance_that_no_junction_has_is_told_before(laboratory: Any, command: str) -> None:
    laboratory.change("sample.yaml", "capacitance: 6.35 pF", "capacitance: 6.35 nF")
    result = json.loads(laboratory.run(command, laboratory.folder / "plan.yaml", "--json").stdout)
    (found,) = [finding for finding in result["findings"] if finding["subject"] == "junction"]
    assert found["verdict"] == "warning"
    assert "plasma frequency of 339" in found["text"]
    assert "junction.capacitance" in found["text"]


@pytest.mark.parametrize(
    ("critical_current", "capacitance", "resistance"),
    [(9.489e-6, 6.35e-12, 190.0), (30.57e-6, 47e-12, 80.0), (24.873e-6, 4.28e-12, 9.3), (200e-9, 30e-15, 1e3)],
)
def test_the_junctions_of_the_papers_are_plausible_and_a_wrong_prefix_is_not(
    critical_current: float, capacitance: float, resistance: float
) -> None:
    def estimate(scale: float = 1.0, current: float = 1.0) -> JunctionEstimate:
        return JunctionEstimate(critical_current * current, capacitance * scale, resistance)

    assert implausible_junction(estimate()) == ()
    assert implausible_measurement(estimate(current=1.3), critical_current) == ()
    assert implausible_junction(estimate(1e3)) or implausible_junction(estimate(1e-3))
    (flag, *_) = implausible_measurement(estimate(current=1e-2), critical_current)
    assert "junction.critical_current" in flag
