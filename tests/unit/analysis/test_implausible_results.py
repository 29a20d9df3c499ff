"""Results that no junction can give are told, whatever they were measured with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mqtctl.analysis.histogram.health.plausibility import HOTTEST_OVER_BATH, implausibly_hot
from mqtctl.analysis.histogram.single_histogram import prepare_point
from mqtctl.records import JunctionEstimate


def test_intervals_of_which_many_are_no_switches_are_told_by_the_temperature_that_comes_out(
    thermal_currents: Any, histogram_of: Any, estimate: JunctionEstimate
) -> None:
    # as at an input that is triggered by anything: a third of the records anywhere on the ramp
    rng = np.random.default_rng(4)
    currents = thermal_currents(number=600).copy()
    currents[::3] = rng.uniform(0.1, 1.0, currents[::3].size) * currents.max()
    flags = prepare_point(histogram_of(currents), estimate).flags
    assert any("times the bath temperature" in flag for flag in flags)


@pytest.mark.parametrize("bath", [math.nan, 0.0, 0.3])
def test_an_ordinary_temperature_is_no_reason_for_a_word(bath: float) -> None:
    assert implausibly_hot(0.9 * HOTTEST_OVER_BATH * 0.3, bath) == ()
