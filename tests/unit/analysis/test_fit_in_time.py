"""One histogram whose currents drift, step or follow the mains: what goes with the order of the ramps is taken out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.analysis import fit_point
from mqtctl.analysis.histogram.nuisances.fit import fit_named
from mqtctl.analysis.histogram.nuisances.fit_in_time import fit_in_time
from mqtctl.analysis.histogram.nuisances.in_time import InTime
from mqtctl.errors import InputError
from mqtctl.physics import TransitionState
from mqtctl.records import Histogram, JunctionEstimate

Draw = Callable[..., NDArray[np.float64]]
MakeHistogram = Callable[..., Histogram]
WIDTH, BATH, NUMBER, PERIOD = 27e-9, 0.3, 3000, 12.3e-3
PLACE = np.arange(NUMBER) / (NUMBER - 1)
TIMES = PERIOD * np.arange(NUMBER, dtype=np.float64)
LAW = TransitionState()
WAVE = np.sin(2.0 * np.pi * 50.02 * TIMES + 1.0)


def close(found: float | None, expected: float, stderr: float | None) -> bool:
    return found is not None and stderr is not None and abs(found - expected) < 4.0 * stderr


@pytest.mark.parametrize("step", [0.0, 0.5 * WIDTH])
def test_a_linear_drift_is_found_and_costs_no_precision(
    step: float, thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    still = thermal_currents(number=NUMBER)
    values = still + 2.0 * WIDTH * PLACE
    if step:
        values = np.rint(values / step) * step
    found = fit_in_time(replace(histogram_of(values), resolution=step), estimate, LAW, InTime("linear"))
    plain = fit_named(histogram_of(still), estimate, LAW)
    drift, temperature = found["drift"], found["temperature"]
    assert close(drift.value, 2.0 * WIDTH, drift.stderr)
    assert close(temperature.value, BATH, temperature.stderr)
    assert temperature.stderr == pytest.approx(plain["temperature"].stderr, rel=0.06)
    assert drift.price == pytest.approx(1.0, abs=1e-3)
    assert found.fit.goodness.pvalue > 1e-3
    assert "a linear drift of" in found.fit.flags[0]


def test_steps_are_found_where_they_are(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    values = thermal_currents(number=NUMBER) + WIDTH * ((PLACE > 0.3) - 0.6 * (PLACE > 0.7))
    found = fit_in_time(histogram_of(values), estimate, LAW, InTime("steps"))
    steps = [one for one in found.parameters if one.name.startswith("drift_step")]
    assert [close(one.value, size * WIDTH, one.stderr) for one, size in zip(steps, (1.0, -0.6), strict=True)] == [
        True
    ] * 2
    assert close(found["temperature"].value, BATH, found["temperature"].stderr)
    still = fit_in_time(histogram_of(thermal_currents(number=NUMBER)), estimate, LAW, InTime("steps"))
    assert still.fit.flags == ("no step of the current was found",)


def test_mains_of_known_phase_are_taken_out_and_their_frequency_is_found(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    values = thermal_currents(number=NUMBER) + WIDTH * WAVE
    found = fit_in_time(replace(histogram_of(values), times=TIMES), estimate, LAW, InTime(mains=50.0))
    amplitude = found["mains_amplitude"]
    assert close(amplitude.value, WIDTH, amplitude.stderr)
    assert close(found["temperature"].value, BATH, found["temperature"].stderr)
    assert amplitude.price == pytest.approx(1.0, abs=1e-3)
    assert "at 50.02" in found.fit.flags[0]


def test_mains_of_unknown_phase_are_an_arcsine_law_and_cost_precision(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    values = thermal_currents(number=NUMBER) + WIDTH * WAVE
    point = fit_point(histogram_of(values), estimate, model=LAW, in_time=InTime(mains=50.0))
    named = {one.name: one for one in point.parameters}
    for name, truth in (("mains_amplitude", WIDTH), ("temperature", BATH)):
        assert close(named[name].value, truth, named[name].stderr)
    assert 1.3 < (named["mains_amplitude"].price or 0.0) < 3.0


def test_mains_that_are_not_there_have_a_limit(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    histogram = replace(histogram_of(thermal_currents(number=NUMBER, seed=2)), times=TIMES)
    found = fit_in_time(histogram, estimate, LAW, InTime(mains=50.0))
    assert 0.0 < (found["mains_amplitude"].upper_95 or 0.0) < 0.2 * WIDTH
    assert found["mains_phase"].value is None


def test_a_known_drift_is_taken_out_as_it_was_given(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    still = thermal_currents(number=NUMBER)
    found = fit_in_time(histogram_of(still + WIDTH * (PLACE - 0.5)), estimate, LAW, InTime(known_drift=WIDTH))
    assert found["drift"].fixed
    plain = fit_named(histogram_of(still), estimate, LAW)
    assert found["temperature"].value == pytest.approx(plain["temperature"].value, rel=1e-6)


@pytest.mark.parametrize(
    ("shift", "option"),
    [
        (WIDTH * PLACE, "--drift auto"),
        (WIDTH * (PLACE > 0.4), "--drift steps"),
        (0.5 * WIDTH * WAVE, "--mains '50 Hz'"),
    ],
)
def test_health_names_what_goes_with_time_and_the_option_that_takes_it_out(
    shift: NDArray[np.float64],
    option: str,
    thermal_currents: Draw,
    histogram_of: MakeHistogram,
    estimate: JunctionEstimate,
) -> None:
    histogram = replace(histogram_of(thermal_currents(number=NUMBER) + shift), times=TIMES)
    flags = fit_point(histogram, estimate, model=LAW).flags
    (named,) = (flag for flag in flags if "takes out" in flag)
    assert named.startswith(option)
    assert not any("would gain" in flag for flag in flags)


def test_ramps_that_are_locked_to_the_mains_and_unknown_times_are_refused(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    histogram = histogram_of(thermal_currents(number=500))
    with pytest.raises(InputError, match="locked to 50 Hz"):
        fit_in_time(
            replace(histogram, times=0.02 * np.arange(500, dtype=np.float64)), estimate, LAW, InTime(mains=50.0)
        )
    with pytest.raises(InputError, match="need the times"):
        fit_in_time(histogram, estimate, LAW, InTime(mains=50.0))
    with pytest.raises(InputError, match="linear or steps"):
        InTime("sideways")
