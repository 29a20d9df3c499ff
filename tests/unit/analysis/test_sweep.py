from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from mqtctl.analysis import fit_sweep
from mqtctl.analysis.sweep.saturation import AGREES, HOTTER, NOT_IDENTIFIABLE
from mqtctl.errors import InputError
from mqtctl.physics import Escape, Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, Sweep

MakeSweep = Callable[..., Sweep]
HistogramOf = Callable[..., Histogram]
TEMPERATURES = (0.015, 0.017, 0.03, 0.05, 0.15, 0.2, 0.3, 0.5, 0.8)
POINT_KEYS = {
    "temperature_K",
    "switches",
    "censored",
    "mean_switching_current_A",
    "std_switching_current_A",
    "skewness",
    "escape_temperature_K",
    "escape_temperature_stderr_K",
    "critical_current_free_A",
    "escape_temperature_free_K",
    "escape_temperature_free_stderr_K",
    "run_id",
}
SWEEP_KEYS = {
    "points",
    "critical_current_A",
    "critical_current_stderr_A",
    "capacitance_F",
    "capacitance_stderr_F",
    "quality_factor",
    "crossover_temperature_K",
    "crossover_temperature_stderr_K",
    "saturation_escape_temperature_K",
    "lab_time_s",
    "wall_time_s",
    "live_fraction",
    "database",
    "report",
}


def test_a_sweep_gives_critical_current_saturation_and_crossover(sweep_of: MakeSweep) -> None:
    fit = fit_sweep(sweep_of(TEMPERATURES))
    assert fit.critical_current is not None
    assert fit.critical_current_stderr is not None
    assert fit.saturation is not None
    assert fit.crossover_temperature is not None
    assert fit.crossover_temperature_stderr is not None
    assert fit.reasons == {}
    assert fit.flags == ()
    assert fit.thermal_points == (4, 5, 6, 7, 8)
    assert fit.saturation.points == (0, 1)
    assert abs(fit.critical_current - 9.489e-6) < 3 * fit.critical_current_stderr
    # docs/analysis.md: 36.07 mK at the mean for 1 mA/s; T0 = hbar wR/(2 pi k) = 29.6 mK and Q = wp R C = 29.9 there
    assert abs(fit.saturation.escape_temperature - 36.2e-3) < 3 * fit.saturation.escape_temperature_stderr
    assert abs(fit.crossover_temperature - 29.6e-3) < 3 * fit.crossover_temperature_stderr
    assert fit.quality_factor == pytest.approx(29.9, abs=0.5)
    assert fit.tunnelling.verdict == AGREES
    assert fit.thermometry is not None
    assert abs(fit.thermometry.slope - 1.0) < 3 * fit.thermometry.slope_stderr
    assert fit.width_exponent is not None
    # docs/analysis.md: 0.643, not 2/3; here 4 sigma of 2000 switches per point
    assert fit.width_exponent.exponent == pytest.approx(0.641, abs=0.08)


def test_the_json_holds_the_contract_and_nothing_json_cannot_say(sweep_of: MakeSweep) -> None:
    for temperatures in (TEMPERATURES, (0.3,), (0.015,)):
        result = fit_sweep(sweep_of(temperatures, number=300)).to_dict()
        assert set(result) >= SWEEP_KEYS
        assert all(set(point) >= POINT_KEYS for point in result["points"])
        json.loads(json.dumps(result, allow_nan=False))


def test_noise_that_feigns_a_plateau_is_not_taken_for_tunnelling(sweep_of: MakeSweep) -> None:
    fit = fit_sweep(sweep_of(TEMPERATURES, noise=0.08))
    assert fit.saturation is not None
    assert fit.saturation.escape_temperature == pytest.approx(0.083, rel=0.1)
    assert fit.tunnelling.verdict == HOTTER
    assert fit.tunnelling.sigmas is not None
    assert fit.tunnelling.sigmas > 10


def test_without_a_thermal_point_there_is_no_critical_current_and_a_reason(sweep_of: MakeSweep) -> None:
    fit = fit_sweep(sweep_of((0.015, 0.03, 0.05)))
    assert fit.critical_current is None
    assert fit.saturation is None
    assert fit.crossover_temperature is None
    assert fit.tunnelling.verdict == NOT_IDENTIFIABLE
    assert "3 times the crossover" in fit.reasons["critical_current_A"]
    assert all(point.shared is None for point in fit.points)
    assert all(point.alone is not None for point in fit.points)


def test_without_a_saturated_point_there_is_no_saturation_and_a_reason(sweep_of: MakeSweep) -> None:
    fit = fit_sweep(sweep_of((0.05, 0.2, 0.3, 0.5)))
    assert fit.critical_current is not None
    assert fit.saturation is None
    assert fit.crossover_temperature is None
    assert "0.6 times the crossover" in fit.reasons["saturation_escape_temperature_K"]
    assert all(point.shared is not None for point in fit.points)


def test_a_single_thermal_point_is_used_and_flagged(sweep_of: MakeSweep) -> None:
    fit = fit_sweep(sweep_of((0.015, 0.3), number=10_000))
    assert fit.critical_current is not None
    assert fit.thermal_pvalue is None
    assert any("single thermal" in flag for flag in fit.flags)
    assert "width_exponent" in fit.reasons


def test_the_order_of_points_does_not_matter(sweep_of: MakeSweep) -> None:
    sweep = sweep_of(TEMPERATURES)
    backwards = replace(sweep, histograms=sweep.histograms[::-1])
    first, second = fit_sweep(sweep), fit_sweep(backwards)
    assert second.critical_current == pytest.approx(first.critical_current, rel=1e-9)
    assert sorted(second.thermal_points) == sorted(first.thermal_points)
    assert second.saturation is not None
    assert first.saturation is not None
    assert second.saturation.escape_temperature == pytest.approx(first.saturation.escape_temperature, rel=1e-6)
    assert second.measured_crossover is not None
    assert first.measured_crossover is not None
    assert second.measured_crossover.temperature == pytest.approx(first.measured_crossover.temperature, rel=1e-6)


def test_points_without_switches_stay_in_the_sweep_with_a_flag(sweep_of: MakeSweep) -> None:
    sweep = sweep_of((0.015, 0.2, 0.3, 0.5))
    empty = replace(sweep.histograms[0], switching_currents=np.empty(0), intervals=np.empty(0), censored=500, point=4)
    equal = replace(sweep.histograms[0], switching_currents=np.full(100, 9.3e-6), point=5)
    fit = fit_sweep(replace(sweep, histograms=(*sweep.histograms, empty, equal)))
    assert len(fit.points) == 6
    assert fit.points[4].shared is None
    assert any("too few" in flag or "no moments" in flag for flag in fit.points[4].flags)
    assert any("equal" in flag for flag in fit.points[5].flags)
    assert fit.critical_current is not None


def test_a_corrupted_thermal_point_is_flagged_and_not_dropped(sweep_of: MakeSweep, junction: Junction) -> None:
    sweep = sweep_of((0.15, 0.2, 0.3, 0.5, 0.8), number=5000)
    shifted = replace(sweep.histograms[2], switching_currents=sweep.histograms[2].switching_currents + 2e-7)
    fit = fit_sweep(replace(sweep, histograms=(*sweep.histograms[:2], shifted, *sweep.histograms[3:])))
    assert 2 in fit.thermal_points
    assert any("standard errors" in flag for flag in fit.points[2].flags)
    assert any("disagree" in flag for flag in fit.flags)


@pytest.mark.slow
def test_stated_errors_contain_the_critical_current_and_the_capacitance(
    sweep_of: MakeSweep, estimate: JunctionEstimate
) -> None:
    sweep = sweep_of(TEMPERATURES)
    exact = fit_sweep(replace(sweep, junction=replace(estimate, capacitance_stderr=None)))
    stated = fit_sweep(sweep)
    relative = 0.4 / 6.35

    def at(factor: float) -> float:
        other = replace(estimate, capacitance=estimate.capacitance * factor)
        found = fit_sweep(replace(sweep, junction=other))
        assert found.critical_current is not None
        return found.critical_current

    assert exact.critical_current_stderr is not None
    assert stated.critical_current_stderr is not None
    by_capacitance = (at(1.02) - at(1 / 1.02)) / (2 * math.log(1.02)) * relative
    expected = math.hypot(exact.critical_current_stderr, by_capacitance)
    assert stated.critical_current_stderr == pytest.approx(expected, rel=0.02)
    assert stated.critical_current_statistical_stderr == pytest.approx(exact.critical_current_stderr, rel=1e-6)
    for point, other in zip(stated.points, exact.points, strict=True):
        assert point.shared is not None
        assert other.shared is not None
        slope = point.shared.critical_current_slope
        # Ic's share is close to all of it: dT/dIc times its error, up to the correlation with the point's own data
        assert other.shared.escape_temperature_stderr == pytest.approx(
            math.hypot(other.shared.statistical_stderr, slope * exact.critical_current_stderr), rel=0.15
        )


def test_the_convention_of_the_escape_temperature_shows_at_high_temperature(sweep_of: MakeSweep) -> None:
    # with a_t = 1, T_esc is high by the quantum corrections (Wolynes, PRL 47, 968 (1981) [M]) and low by damping
    # and depletion; without depletion in the well it is 103.6 mK
    fit = fit_sweep(sweep_of((0.1, 0.15, 0.2, 0.3, 0.5, 0.8), number=10_000))
    point = fit.points[0]
    assert point.predicted_escape_temperature == pytest.approx(0.1001, abs=0.001)
    for point in fit.points:
        if point.model_temperature is not None:
            assert point.model_temperature_stderr is not None
            assert abs(point.model_temperature - point.temperature) < 4 * point.model_temperature_stderr


def test_a_model_that_does_not_hold_at_the_thermal_points_is_named(sweep_of: MakeSweep) -> None:
    sweep = sweep_of((0.015, 0.2, 0.3))
    doubts = [
        flag for flag in fit_sweep(sweep, Escape(depletion=False)).flags if "does not hold at points 1, 2" in flag
    ]
    assert len(doubts) == 1
    assert "energy loss per swing" in doubts[0]
    same = replace(sweep, histograms=tuple(replace(each, point=7) for each in sweep.histograms))
    assert any("does not hold at point 7: " in flag for flag in fit_sweep(same, Escape(depletion=False)).flags)
    assert not any("does not hold" in flag for flag in fit_sweep(sweep).flags)


def test_repeated_temperatures_and_unknown_baths_are_tolerated(sweep_of: MakeSweep) -> None:
    sweep = sweep_of((0.015, 0.2, 0.2, 0.3, 0.4))
    unknown = replace(sweep.histograms[4], temperature=math.nan)
    fit = fit_sweep(replace(sweep, histograms=(*sweep.histograms[:4], unknown)))
    assert fit.thermal_points == (1, 2, 3)
    assert any("bath temperature" in flag for flag in fit.points[4].flags)
    json.dumps(fit.to_dict(), allow_nan=False)


def test_switches_above_the_shared_critical_current_are_named(sweep_of: MakeSweep) -> None:
    sweep = sweep_of((0.015, 0.2, 0.3, 0.5))
    cold = sweep.histograms[0]
    with_stray = replace(cold, switching_currents=np.append(cold.switching_currents, 9.65e-6))
    fit = fit_sweep(replace(sweep, histograms=(with_stray, *sweep.histograms[1:])))
    assert any("at or above" in flag for flag in fit.points[0].flags)
    shared = fit.points[0].shared
    assert shared is not None
    assert math.isfinite(shared.escape_temperature)


def test_points_need_no_distinct_indices(sweep_of: MakeSweep) -> None:
    sweep = sweep_of(TEMPERATURES)
    unnumbered = replace(sweep, histograms=tuple(replace(each, point=0) for each in sweep.histograms))
    first, second = fit_sweep(sweep), fit_sweep(unnumbered)
    assert second.critical_current == first.critical_current
    assert second.saturation is not None
    assert first.saturation is not None
    assert second.saturation.escape_temperature == first.saturation.escape_temperature
    assert second.measured_crossover == first.measured_crossover


def test_the_measured_crossover_is_where_the_predicted_curve_leaves_its_plateau(sweep_of: MakeSweep) -> None:
    fit = fit_sweep(sweep_of((0.015, 0.02, 0.025, 0.03, 0.035, 0.2, 0.3, 0.5)))
    measured = fit.measured_crossover
    assert measured is not None
    assert measured.predicted is not None
    assert abs(measured.temperature - measured.predicted) < 4 * measured.temperature_stderr
    # ten per cent above the plateau is close to the crossover temperature for this junction
    assert measured.predicted == pytest.approx(29.6e-3, rel=0.05)


def at_rates(rates: Sequence[float], junction: Junction, histogram_of: HistogramOf, seed: int = 2) -> list[Histogram]:
    """Draw 2000 switches at each temperature with each ramp rate; bath readings differ a little."""
    rng = np.random.default_rng(seed)
    found = []
    for point, bath in enumerate((0.015, 0.02, 0.025, 0.03, 0.035, 0.2, 0.3)):
        for rate in rates:
            currents = SwitchingDistribution(junction, bath, rate, model=Escape()).sample(2000, rng)
            reading = bath * (1.0 + 1e-3 * rng.standard_normal())
            found.append(histogram_of(np.asarray(currents), reading, point=point, rate=rate))
    return found


@pytest.mark.shown(1)
@pytest.mark.parametrize("rates", [(1e-4, 1e-2), (1e-3, 1e-3)])
def test_several_ramps_at_each_temperature_give_one_crossover(
    rates: tuple[float, ...], junction: Junction, estimate: JunctionEstimate, histogram_of: HistogramOf
) -> None:
    """Two rates have a curve each; two polarities, which are records of one rate, are one curve."""
    fit = fit_sweep(Sweep(tuple(at_rates(rates, junction, histogram_of)), estimate))
    measured = fit.measured_crossover
    assert measured is not None, fit.reasons
    assert measured.predicted is not None
    # 0.3 mK from 2000 switches and two thermal temperatures: an error of noise over noise would be far less or more
    assert 0.1e-3 < measured.temperature_stderr < 0.6e-3
    assert abs(measured.temperature - measured.predicted) < 4 * measured.temperature_stderr
    assert [each.ramp_rate for each in measured.by_rate] == pytest.approx(sorted(set(rates)))


def test_a_rate_that_was_used_in_the_cold_only_is_no_reason_to_lose_the_other(
    junction: Junction, estimate: JunctionEstimate, histogram_of: HistogramOf
) -> None:
    both = at_rates((1e-4, 1e-2), junction, histogram_of)
    cold = [each for each in both if each.ramp.rate > 1e-3 or each.temperature < 0.018]
    found = fit_sweep(Sweep(tuple(cold), estimate)).measured_crossover
    assert found is not None
    assert [each.ramp_rate for each in found.by_rate] == [1e-2]
    apart = [each for each in both if (each.ramp.rate > 1e-3) == (each.temperature < 0.018)]
    fit = fit_sweep(Sweep(tuple(apart), estimate))
    assert fit.measured_crossover is None
    assert "at no ramp rate" in fit.reasons["measured_crossover_temperature_K"]


@pytest.mark.parametrize("cold", [0.0, -0.01, math.inf])
def test_odd_bath_temperatures_break_nothing(cold: float, sweep_of: MakeSweep) -> None:
    sweep = sweep_of((0.015, 0.2, 0.3))
    odd = replace(sweep.histograms[0], temperature=cold, temperature_std=math.nan)
    fit = fit_sweep(replace(sweep, histograms=(odd, *sweep.histograms[1:])))
    assert fit.critical_current is not None
    assert (fit.saturation is not None) == (cold == 0.0)
    json.dumps(fit.to_dict(), allow_nan=False)


def test_an_empty_sweep_is_refused(estimate: JunctionEstimate) -> None:
    with pytest.raises(InputError, match="no histogram"):
        fit_sweep(Sweep((), estimate))


@pytest.mark.parametrize("critical_current", [0.5e-6, 3e-6, 50e-6])
def test_other_junctions_give_their_own_critical_current(
    critical_current: float, histogram_of: Callable[..., Histogram]
) -> None:
    capacitance = 6.35e-12 * critical_current / 9.489e-6  # keeps the plasma frequency
    junction = Junction(critical_current, capacitance, 1e3)
    rng = np.random.default_rng(9)
    histograms = []
    for point, temperature in enumerate((0.2, 0.3, 0.5)):
        distribution = SwitchingDistribution(junction, temperature, 1e-4, model=TransitionState())
        currents = distribution.sample(3000, rng)
        histograms.append(histogram_of(currents, temperature, point=point, rate=1e-4, top=1.2 * critical_current))
    estimate = JunctionEstimate(critical_current, capacitance, 1e3)
    fit = fit_sweep(Sweep(tuple(histograms), estimate), model=TransitionState())
    assert fit.critical_current is not None
    assert fit.critical_current_stderr is not None
    assert abs(fit.critical_current - critical_current) < 4 * fit.critical_current_stderr
