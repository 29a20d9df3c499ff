"""What is left of the jump to the start current when the junction switches."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mqtctl.instruments.ramp.filter_tail import filter_findings
from mqtctl.instruments.ramp.sawtooth import sawtooth
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.instruments.roles.findings import Finding
from mqtctl.quantities import parse_quantity

LAG = 10e-6


def found(start: float, stop: float, rise: float, period: float, lag: float | None = LAG) -> list[Finding]:
    program = RampProgram(start, stop, (stop - start) / rise, period)
    return filter_findings(program, sawtooth(program, 10_000, 1e7), lag)


def test_a_ramp_from_zero_in_time_or_behind_an_unknown_filter_has_nothing_to_be_said() -> None:
    assert found(0.0, 10e-6, 180e-6, 200e-6) == []
    assert found(8e-6, 10e-6, 30e-6, 200e-6, lag=None) == []


def test_a_slow_ramp_from_a_high_start_has_settled() -> None:
    assert found(8e-6, 10e-6, 5e-3, 12.5e-3) == []


def measured_error(program: RampProgram) -> tuple[float, float]:
    """Return by how much (A) currents are off at 0.9 of the rise, from the filter's equation step by step."""
    wave = sawtooth(program, 4000, 2e7)
    current = wave.offset + wave.amplitude * wave.samples
    step = program.period / wave.samples.size
    behind, passed = 0.0, []
    for value in np.tile(current, 4):  # periodic after a few ramps
        behind = value + (behind - value) * math.exp(-step / LAG)
        passed.append(behind)
    late = round(0.9 * wave.rise_points)
    ideal = program.start_current + program.rate * ((late + 1) * step - LAG)  # behind the filter it is late by its lag
    return abs(ideal - np.array(passed)[-wave.samples.size + late]), abs(program.rate) * step


@pytest.mark.parametrize(
    ("start", "rise", "words"),
    [
        (8e-6, 30e-6, "the onset of the ramp"),
        (9.7e-6, 50e-6, "the jump to the start current"),
        (0.0, 60e-6, "the onset of the ramp"),
    ],
)
def test_a_fast_ramp_is_off_by_what_the_filter_remembers(start: float, rise: float, words: str) -> None:
    period = 200e-6 if rise < 50e-6 else 100e-6
    program = RampProgram(start, 9.8e-6, (9.8e-6 - start) / rise, period)
    bias = next(finding for finding in found(start, 9.8e-6, rise, period) if finding.subject == "start of the ramp")
    assert words in bias.text
    said = parse_quantity(bias.text.rpartition("off by ")[2], "A")
    error, step = measured_error(program)
    # the first-order formulas against the filter itself: within a step of the staircase, and what the rest before
    # the jump has left over
    assert said == pytest.approx(error, rel=0.2, abs=step)


def test_too_short_a_rest_may_keep_the_junction_in_the_voltage_state() -> None:
    subjects = {finding.subject for finding in found(8e-6, 10e-6, 120e-6, 200e-6)}
    assert subjects == {"rest of the ramp"}


def test_a_retrapping_ramp_needs_no_rest_at_zero() -> None:
    assert found(9.8e-6, 0.0, 150e-6, 200e-6) == []
