"""What older papers print: rates with intervals, T_esc(I), the 2/3 plot, one rate for all ramp rates, T^(2/3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import poisson

from mqtctl.analysis import (
    collapse_of_rates,
    escape_temperature_curve,
    fulton_dunkelberger,
    logarithmic_plot,
    moments,
    two_thirds_law,
)
from mqtctl.errors import InputError
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram

Draw = Callable[..., NDArray[np.float64]]
MakeHistogram = Callable[..., Histogram]
TAIL = 0.158655


def test_poisson_intervals_hold_the_counts_that_they_should(
    thermal_currents: Draw, histogram_of: MakeHistogram
) -> None:
    rates = fulton_dunkelberger(histogram_of(thermal_currents(number=400)), 40, "poisson")
    used = rates.switched > 0
    counts, ratio = rates.switched[used], rates.switched[used] / rates.rate[used]
    assert poisson.sf(counts - 1, rates.rate_lower[used] * ratio) == pytest.approx(TAIL, rel=1e-4)
    assert poisson.cdf(counts, rates.rate_upper[used] * ratio) == pytest.approx(TAIL, rel=1e-4)
    binomial = fulton_dunkelberger(histogram_of(thermal_currents(number=400)), 40)
    rare = binomial.switched < 0.01 * binomial.at_risk
    assert rates.rate_upper[rare] == pytest.approx(binomial.rate_upper[rare], rel=0.01)
    with pytest.raises(InputError, match="binomial or poisson"):
        fulton_dunkelberger(histogram_of(thermal_currents(number=400)), 40, "gaussian")


def test_the_last_bin_has_a_lower_limit(thermal_currents: Draw, histogram_of: MakeHistogram) -> None:
    currents = thermal_currents(number=1000)
    rates = fulton_dunkelberger(histogram_of(currents), 30)
    last = int(rates.at_risk[-1] - rates.switched[-1])
    assert rates.last_bias_current == pytest.approx(rates.bias_current[-1] + rates.bin_width)
    share = -np.expm1(-(rates.last_rate_lower or 0.0) * rates.bin_width / 1e-3)
    assert share**last == pytest.approx(2 * TAIL, rel=1e-6)
    assert fulton_dunkelberger(histogram_of(currents, censored=10), 30).last_rate_lower is None


def test_escape_temperatures_against_current_are_that_of_the_law(
    junction: Junction, thermal_currents: Draw, histogram_of: MakeHistogram
) -> None:
    rates = fulton_dunkelberger(histogram_of(thermal_currents(number=50_000)), 100)
    curve = escape_temperature_curve(rates, junction)
    half = 0.5 * (curve.temperature_upper - curve.temperature_lower)
    used = rates.switched[rates.switched > 0] > 30
    assert used.sum() > 30
    pull = ((curve.temperature - 0.3) / half)[used]
    assert abs(pull.mean()) < 0.6
    assert np.abs(pull).max() < 5.0
    slope = 1.5 * 0.3 / (junction.critical_current - curve.bias_current)
    assert curve.critical_current_slope[used] == pytest.approx(slope[used], rel=0.15)
    with pytest.raises(InputError, match="below the critical current"):
        escape_temperature_curve(rates, replace(junction, critical_current=9.0e-6))


def test_the_two_thirds_plot_gives_critical_current_and_temperature_nearly(
    junction: Junction, thermal_currents: Draw, histogram_of: MakeHistogram
) -> None:
    found = logarithmic_plot(fulton_dunkelberger(histogram_of(thermal_currents(number=50_000)), 100), 6.35e-12)
    assert found.critical_current == pytest.approx(junction.critical_current, abs=4.0 * found.critical_current_stderr)
    assert found.temperature == pytest.approx(0.3, abs=4.0 * found.temperature_stderr)
    assert found.temperature_stderr < 0.01
    assert found.chi_square < 2.0 * found.degrees_of_freedom
    with pytest.raises(InputError, match="make no line"):
        logarithmic_plot(fulton_dunkelberger(histogram_of(thermal_currents(number=20)), 20), 6.35e-12)


@pytest.mark.parametrize("shift", [0.0, 5e-9])
def test_ramp_rates_collapse_unless_a_delay_shifts_one(
    shift: float, junction: Junction, histogram_of: MakeHistogram
) -> None:
    rng = np.random.default_rng(4)
    histograms = []
    for rate in (1e-4, 1e-3, 1e-2):
        currents = np.asarray(SwitchingDistribution(junction, 0.3, rate, model=TransitionState()).sample(4000, rng))
        histograms.append(histogram_of(currents + shift * (rate == 1e-2), rate=rate))
    found = collapse_of_rates(histograms, 40)
    assert found.degrees_of_freedom > 15
    assert (found.pvalue < 1e-3) == (shift > 0.0)
    expected = np.exp(TransitionState().log_rate(junction, found.bias_current, 0.3))
    used = found.rate_stderr < 0.1 * found.rate
    if not shift:
        assert found.rate[used] == pytest.approx(expected[used], rel=0.4)
    with pytest.raises(InputError, match="1 histograms"):
        collapse_of_rates(histograms[:1])


def test_mean_and_width_follow_two_thirds_as_far_as_logarithms_let_them(
    junction: Junction, thermal_currents: Draw
) -> None:
    baths = (0.2, 0.3, 0.4, 0.6)
    found = two_thirds_law(baths, [moments(thermal_currents(bath, 2000, seed=k)) for k, bath in enumerate(baths)])
    assert found.critical_current == pytest.approx(junction.critical_current, rel=5e-3)
    assert found.mean_slope < -100.0 * found.mean_slope_stderr
    assert found.width_slope == pytest.approx(27e-9 / 0.3 ** (2.0 / 3.0), rel=0.1)
    with pytest.raises(InputError, match="at least 3"):
        two_thirds_law(baths[:2], [moments(thermal_currents(bath, 100)) for bath in baths[:2]])
