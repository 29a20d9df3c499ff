"""What a rehearsal finds wrong with ramp, temperature and delay, on data that are known to have the fault, or not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqtctl.instruments.roles.findings import Finding
from mqtctl.physics import Escape
from mqtctl.plan import ResolvedPlan, load_plan
from mqtctl.quantities import parse_quantity
from mqtctl.records import Histogram
from mqtctl.rehearsal.findings.comparison import compare, comparison_findings
from mqtctl.rehearsal.findings.point_findings import ramp_findings, settling_findings
from mqtctl.rehearsal.prediction.expectation import Circumstances, Expected, expect
from mqtctl.rehearsal.prediction.line import Line

GAP = 2.7e-3


@pytest.fixture(scope="module")
def plan(build_laboratory: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> ResolvedPlan:
    """The example's plan and sample: Ic 9.5 uA, ramp of 1 mA/s from 0 to 9.8 uA, 80 times a second."""
    laboratory = build_laboratory(tmp_path_factory.mktemp("findings") / "lab")
    return load_plan(laboratory.folder / "plan.yaml")


def with_ramp(plan: ResolvedPlan, **changes: float) -> ResolvedPlan:
    return replace(plan, plan=plan.plan.model_copy(update={"ramp": plan.plan.ramp.model_copy(update=changes)}))


def of_ramp(plan: ResolvedPlan, temperature: float = 0.1, **facts: Any) -> list[Finding]:
    return list(ramp_findings(plan, Circumstances(plan.sample, Escape(), Line(**facts)), temperature))


def test_a_ramp_that_fits_is_not_blamed(plan: ResolvedPlan) -> None:
    for temperature in (0.015, 0.1, 0.8):
        assert of_ramp(plan, temperature, lag=1e-5) == []


@pytest.mark.parametrize(
    ("stop", "verdict"), [(9.36e-6, None), (9.335e-6, "warning"), (9.31e-6, "fault"), (8e-6, "fault")]
)
def test_a_ramp_that_ends_within_the_distribution_is_too_short(
    plan: ResolvedPlan, stop: float, verdict: str | None
) -> None:
    found = of_ramp(with_ramp(plan, stop_current=stop))
    assert [finding.verdict for finding in found] == ([] if verdict is None else [verdict])
    if found:
        assert "too short" in found[0].text
        assert "raise ramp.stop_current to 9.34" in found[0].advice


def test_the_filter_counts_as_a_shorter_ramp(plan: ResolvedPlan) -> None:
    """A lag of 10 us at 1 mA/s keeps the junction 10 nA from the top."""
    short = with_ramp(plan, stop_current=9.345e-6)
    assert of_ramp(short) == []
    assert [finding.subject for finding in of_ramp(short, lag=1e-5)] == ["ramp.stop_current"]


def test_advice_beyond_the_samples_limit_names_the_limit(plan: ResolvedPlan) -> None:
    limits = plan.sample.limits.model_copy(update={"max_current": 9.32e-6})
    limited = replace(plan, sample=plan.sample.model_copy(update={"limits": limits}))
    (found,) = of_ramp(with_ramp(limited, stop_current=9.31e-6))
    assert "the sample's limit is 9.32 uA" in found.advice
    assert "raise" not in found.advice, "no advice leads beyond the sample's limit"


@pytest.mark.parametrize("critical", [0.5, 0.98, 1.0, 1.02, 3.0])
@pytest.mark.parametrize("changes", [{"stop_current": 9.31e-6}, {"start_current": 9.22e-6}, {"repetition": 100.0},
                                     {"rate": 60e-3, "repetition": 5e3}, {"start_current": 30e-6}])  # fmt: skip
def test_no_advice_names_a_current_beyond_the_samples_limit(
    plan: ResolvedPlan, critical: float, changes: dict[str, float]
) -> None:
    """Whatever is wrong with the ramp, and however wrong the estimate of the critical current is."""
    junction = plan.sample.junction.model_copy(update={"critical_current": critical * 9.5e-6})
    limits = plan.sample.limits.model_copy(update={"max_current": 9.4e-6})
    sample = plan.sample.model_copy(update={"junction": junction, "limits": limits})
    for finding in of_ramp(replace(with_ramp(plan, **changes), sample=sample), lag=1e-5):
        named = re.findall(r"(\d[\d.]*) ([mun]?A)\b", finding.advice)
        assert all(parse_quantity(" ".join(quantity), "A") <= 9.4e-6 for quantity in named), finding.advice


@pytest.mark.parametrize(("start", "verdict"), [(9.15e-6, None), (9.22e-6, "warning"), (9.28e-6, "fault")])
def test_a_ramp_that_starts_within_the_distribution_is_blamed(
    plan: ResolvedPlan, start: float, verdict: str | None
) -> None:
    found = of_ramp(with_ramp(plan, start_current=start))
    assert [finding.verdict for finding in found] == ([] if verdict is None else [verdict])
    if found:
        assert "within the distribution" in found[0].text


def test_a_ramp_that_starts_above_the_critical_current_is_blamed(plan: ResolvedPlan) -> None:
    (found,) = of_ramp(with_ramp(plan, start_current=9.6e-6))
    assert found.verdict == "fault"
    assert "above the junction's critical current" in found.text


def test_a_filter_that_keeps_the_junction_from_retrapping_is_told_with_numbers(plan: ResolvedPlan) -> None:
    fast = with_ramp(plan, rate=60e-3, repetition=5e3)
    assert of_ramp(fast, lag=5e-6) == []
    (found,) = [finding for finding in of_ramp(fast, lag=1e-5) if finding.subject == "ramp.repetition"]
    # ln(9.8 uA / 149 nA) = 4.19 time constants, and the rest at zero is 3.3
    assert "takes 41.9" in found.text.replace("41.88", "41.9")
    assert "stays in the voltage state" in found.text


def test_settling_close_to_the_deadline_is_told(plan: ResolvedPlan) -> None:
    assert [*settling_findings(plan, 600.0), *settling_findings(plan, None)] == []
    (found,) = settling_findings(plan, 6000.0)
    assert found.verdict == "warning"


def law(plan: ResolvedPlan, temperature: float) -> Expected:
    found = expect(Circumstances(plan.sample, Escape()), plan.variants(0.1)[0], temperature)
    assert found is not None
    return found


def verdicts(plan: ResolvedPlan, histogram: Histogram, bath: float) -> list[str]:
    expected = law(plan, bath)
    comparison = compare(histogram, expected, Circumstances(plan.sample, Escape()))
    return [finding.subject for finding in comparison_findings(histogram, comparison, GAP)]


@pytest.mark.shown(1)
@pytest.mark.parametrize("bath", [0.015, 0.1, 0.8])
def test_a_histogram_of_the_baths_temperature_is_not_blamed(plan: ResolvedPlan, bath: float) -> None:
    """Fifty seeds: a mean off by six standard errors or a width by four is not for chance."""
    for seed in range(50):
        drawn = law(plan, bath).draw(1000, np.random.default_rng(seed))
        assert verdicts(plan, drawn, bath) == []


@pytest.mark.parametrize(("bath", "sample"), [(0.015, 0.06), (0.1, 0.115), (0.3, 0.4)])
def test_a_warmer_sample_is_called_heating_with_its_temperature(plan: ResolvedPlan, bath: float, sample: float) -> None:
    drawn = law(plan, sample).draw(4000, np.random.default_rng(1))
    assert verdicts(plan, drawn, bath) == ["heating"]
    comparison = compare(drawn, law(plan, bath), Circumstances(plan.sample, Escape()))
    assert comparison is not None
    assert comparison.sample_temperature == pytest.approx(sample, rel=0.02)


@pytest.mark.parametrize("shift", [5e-9, -5e-9])
def test_a_shifted_histogram_is_called_a_wrong_delay(plan: ResolvedPlan, shift: float) -> None:
    drawn = law(plan, 0.1).draw(4000, np.random.default_rng(2))
    shifted = replace(drawn, switching_currents=drawn.switching_currents + shift)
    expected = law(plan, 0.1)
    comparison = compare(shifted, expected, Circumstances(plan.sample, Escape()))
    (found,) = comparison_findings(shifted, comparison, GAP)
    assert found.subject == "delay"
    assert ("too high" in found.text) is (shift > 0)


def test_a_handful_of_switches_is_not_compared(plan: ResolvedPlan) -> None:
    drawn = law(plan, 0.4).draw(20, np.random.default_rng(3))
    assert verdicts(plan, drawn, 0.1) == []
