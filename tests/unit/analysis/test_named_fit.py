"""One histogram with noise, false triggers, and parameters that somebody named."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.analysis import fit_point
from mqtctl.analysis.histogram.nuisances.fit import fit_named
from mqtctl.analysis.histogram.nuisances.parameters import NUISANCES, parameter_name
from mqtctl.analysis.histogram.nuisances.recorded_law import record
from mqtctl.analysis.histogram.reduced_histogram import reduce_histogram
from mqtctl.errors import InputError
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate

MakeHistogram = Callable[..., Histogram]
WIDTH = 27e-9  # of the 300 mK histogram, A
IC, BATH = 9.489e-6, 0.3


@lru_cache(maxsize=8)
def noisy(noise: float) -> SwitchingDistribution:
    return SwitchingDistribution(
        Junction(IC, 6.35e-12, 190.0), BATH, 1e-3, model=TransitionState(), current_noise=noise
    )


def drawn(number: int, seed: int, noise: float = 0.0, false: float = 0.0) -> NDArray[np.float64]:
    """Draw recorded currents; a false trigger comes anywhere on the way to the switch that it hides."""
    rng = np.random.default_rng(seed)
    currents = np.asarray(noisy(noise).sample(number, rng))
    hidden = rng.random(number) < false
    currents[hidden] *= rng.random(int(hidden.sum()))
    return currents


@pytest.mark.parametrize("noise", [0.0, 0.3e-9, 8e-9, 27e-9])
def test_the_recorded_law_is_that_of_the_physics_with_noise(
    noise: float, junction: Junction, histogram_of: MakeHistogram
) -> None:
    currents = drawn(3000, 1, noise)
    recorded = record(currents, reduce_histogram(histogram_of(currents)), 0.0, 9.7e-6)
    law = recorded.law(TransitionState(), junction, BATH, noise)
    assert law.mass.sum() == pytest.approx(1.0, abs=1e-6)
    assert recorded.log_likelihood(law) == pytest.approx(float(noisy(noise).log_pdf(currents).sum()), abs=5e-3)
    exact = noisy(noise).cdf(currents)
    assert np.abs(recorded.distribution(law, currents) - exact).max() < 1e-4


def test_survivors_of_the_top_and_false_triggers_share_all_probability(
    junction: Junction, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    top = float(noisy(0.0).ppf(0.7))
    currents = drawn(3000, 2)
    seen = histogram_of(currents[currents < top], censored=int((currents >= top).sum()), top=top)
    recorded = record(seen.switching_currents, reduce_histogram(seen), 0.0, top)
    law = recorded.law(TransitionState(), junction, BATH, 0.0, 0.05)
    assert math.exp(-law.empty_hazard) == pytest.approx(0.95 * 0.3, rel=1e-3)
    assert law.mass.sum() == pytest.approx(0.95 * 0.7 + 0.05, abs=2e-3)
    found = fit_named(seen, estimate, TransitionState(), (), {"false_triggers": 0.0})
    assert found.fit.converged
    assert abs(found.fit.escape_temperature - BATH) < 4 * found.fit.escape_temperature_stderr


def test_rounded_values_have_the_likelihood_of_their_intervals(junction: Junction, histogram_of: MakeHistogram) -> None:
    step = 0.5 * WIDTH
    currents = np.round(drawn(3000, 3, 8e-9) / step) * step
    histogram = replace(histogram_of(currents), resolution=step)
    recorded = record(currents, reduce_histogram(histogram), 0.0, 9.7e-6)
    law = recorded.law(TransitionState(), junction, BATH, 8e-9)
    ends = noisy(8e-9).cdf(np.unique(currents)[:, np.newaxis] + 0.5 * step * np.array([-1.0, 1.0]).reshape(1, 2))
    counts = np.unique(currents, return_counts=True)[1]
    assert recorded.log_likelihood(law) == pytest.approx(float(counts @ np.log(ends[:, 1] - ends[:, 0])), abs=0.02)


def test_noise_and_false_triggers_that_are_fitted_leave_the_temperature_right(
    histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    histogram = histogram_of(drawn(4000, 4, 0.5 * WIDTH, 0.03))
    found = fit_named(histogram, estimate, TransitionState(), NUISANCES)
    assert found.fit.converged
    assert found.fit.goodness.pvalue > 1e-3
    truth = {"critical_current": IC, "temperature": BATH, "current_noise": 0.5 * WIDTH, "false_triggers": 0.03}
    for name, value in truth.items():
        parameter = found[name]
        assert parameter.value is not None
        assert parameter.stderr is not None
        assert abs(parameter.value - value) < 4 * parameter.stderr, name
    assert 1.3 < (found["current_noise"].price or 0.0) < 3.0
    assert found["false_triggers"].price == pytest.approx(1.0, abs=0.01)
    assert any("times as large as with it known" in flag for flag in found.fit.flags)


def test_a_plain_fit_by_name_is_the_plain_fit(
    thermal_currents: Callable[..., NDArray[np.float64]], histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    histogram = histogram_of(thermal_currents(number=3000))
    plain = fit_point(histogram, estimate).alone
    named = fit_named(histogram, estimate, TransitionState()).fit
    assert plain is not None
    assert named.escape_temperature == pytest.approx(plain.escape_temperature, rel=2e-4)
    assert named.escape_temperature_stderr == pytest.approx(plain.escape_temperature_stderr, rel=0.03)
    assert named.critical_current_stderr == pytest.approx(plain.critical_current_stderr, rel=0.03)
    assert named.log_likelihood == pytest.approx(plain.log_likelihood, abs=0.01)


def test_what_the_data_do_not_determine_is_no_number(
    thermal_currents: Callable[..., NDArray[np.float64]], histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    histogram = histogram_of(thermal_currents(number=2000))
    found = fit_named(histogram, estimate, TransitionState(), ("capacitance",))
    assert (found["capacitance"].value, found["capacitance"].identifiable) == (None, False)
    assert any("capacitance is not identifiable" in flag for flag in found.fit.flags)
    known = fit_named(histogram, estimate, TransitionState(), ("capacitance",), {"temperature": BATH})
    assert known["capacitance"].identifiable
    low, high = known["capacitance"].interval_95 or (math.nan, math.nan)
    assert low < 6.35e-12 < high
    assert known.fit.escape_temperature == BATH
    assert known.fit.escape_temperature_stderr == 0.0
    without = fit_named(histogram, estimate, TransitionState(), ("resistance",))["resistance"]
    assert (without.value, without.identifiable) == (None, False)


def test_noise_that_is_not_there_has_an_upper_limit(histogram_of: MakeHistogram, estimate: JunctionEstimate) -> None:
    noise = fit_named(histogram_of(drawn(4000, 1)), estimate, TransitionState(), ("current_noise",))["current_noise"]
    assert noise.interval_95 is not None
    assert noise.interval_95[0] == 0.0
    assert noise.upper_95 is not None
    assert 1e-9 < noise.upper_95 < noise.interval_95[1] < 0.5 * WIDTH


def test_health_names_the_likeliest_cause_with_its_gain_and_the_option(
    histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    for noise, false, option in ((0.6 * WIDTH, 0.0, "current-noise"), (0.0, 0.01, "false-triggers")):
        flags = fit_point(histogram_of(drawn(4000, 6, noise, false)), estimate).flags
        named = [flag for flag in flags if "would gain" in flag]
        assert len(named) == 1
        assert f"with --{option} auto" in named[0]
        assert "in ln L" in named[0]


def test_health_names_no_cause_where_there_is_none(histogram_of: MakeHistogram, estimate: JunctionEstimate) -> None:
    for seed in range(5):
        assert not any("would gain" in flag for flag in fit_point(histogram_of(drawn(1000, seed)), estimate).flags)


def test_drift_is_not_called_noise(histogram_of: MakeHistogram, estimate: JunctionEstimate) -> None:
    currents = drawn(4000, 7) + 2.0 * WIDTH * np.linspace(0.0, 1.0, 4000)
    flags = fit_point(histogram_of(currents), estimate).flags
    assert any("drifted" in flag for flag in flags)
    assert not any("would gain" in flag for flag in flags)


@pytest.mark.parametrize(
    ("free", "fixed", "words"),
    [
        (("capacitance",), {"capacitance": 1e-12}, "both free and fixed"),
        ((), {"current_noise": -1e-9}, "cannot be fixed at -1e-09 A"),
        ((), {"false_triggers": 0.95}, "cannot be fixed at 0.95"),
        ((), {"temperature": 0.0}, "cannot be fixed at 0 K"),
    ],
)
def test_what_no_fit_can_do_is_refused(
    free: tuple[str, ...], fixed: dict[str, float], words: str, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    with pytest.raises(InputError, match=words):
        fit_point(histogram_of(drawn(100, 1)), estimate, free=free, fixed=fixed)


def test_parameters_are_found_by_the_names_that_people_write() -> None:
    assert parameter_name("Current-Noise") == parameter_name("noise") == "current_noise"
    with pytest.raises(InputError, match="is no parameter of a histogram"):
        parameter_name("colour")
    assert set(NUISANCES) < {parameter_name(name) for name in ("noise", "false-triggers", "capacitance")}
