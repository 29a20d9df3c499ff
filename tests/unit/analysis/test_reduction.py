from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.analysis.histogram.likelihood import log_likelihood, observed_information, scores, slope
from mqtctl.analysis.histogram.reduced_histogram import EXACT_LIMIT, expected_histogram, reduce_histogram
from mqtctl.errors import InputError
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, MeasuredRamp

MODEL = TransitionState()
Draw = Callable[..., NDArray[np.float64]]


def reduced_log_likelihood(histogram: Histogram, junction: Junction, temperature: float) -> float:
    reduced = reduce_histogram(histogram)
    return log_likelihood(reduced, MODEL.log_rate(junction, reduced.currents, temperature))


def direct_log_likelihood(histogram: Histogram, junction: Junction, temperature: float) -> float:
    distribution = SwitchingDistribution(junction, temperature, histogram.ramp.rate, model=MODEL)
    found = float(np.log(distribution.pdf(histogram.switching_currents)).sum())
    if histogram.censored:
        found += histogram.censored * math.log(float(distribution.survival(histogram.ramp.stop_current)))
    return found


@pytest.mark.parametrize("number", [10, 1000, 10_000])
@pytest.mark.parametrize(("critical_current", "temperature"), [(9.489e-6, 0.3), (9.55e-6, 0.4), (9.45e-6, 0.26)])
def test_the_reduced_likelihood_is_the_sum_over_single_events(
    number: int,
    critical_current: float,
    temperature: float,
    thermal_currents: Draw,
    histogram_of: Callable[..., Histogram],
) -> None:
    histogram = histogram_of(thermal_currents(number=number))
    junction = Junction(critical_current, 6.35e-12, 190.0)
    direct = direct_log_likelihood(histogram, junction, temperature)
    # rounding of 1e4 terms; 1e-6 would be 1e-3 standard errors of the parameters
    assert reduced_log_likelihood(histogram, junction, temperature) == pytest.approx(direct, abs=1e-7)


def test_censored_ramps_enter_with_their_survival_to_the_top(
    junction: Junction, thermal_currents: Draw, histogram_of: Callable[..., Histogram]
) -> None:
    currents = thermal_currents()
    top = float(np.quantile(currents, 0.6))
    histogram = histogram_of(currents[currents <= top], censored=int((currents > top).sum()), top=top)
    direct = direct_log_likelihood(histogram, junction, 0.3)
    reduced = reduce_histogram(histogram).with_survivors()
    found = log_likelihood(reduced, MODEL.log_rate(junction, reduced.currents, 0.3))
    assert found == pytest.approx(direct, abs=1e-6)


@pytest.mark.parametrize("missed", [0, 50, 2000])
def test_survivors_and_missed_stops_have_the_likelihood_of_the_most_probable_share(
    missed: int, junction: Junction, thermal_currents: Draw, histogram_of: Callable[..., Histogram]
) -> None:
    currents = thermal_currents(number=3000)
    top = float(np.quantile(currents, 0.8))
    seen = histogram_of(currents[currents < top])
    histogram = histogram_of(currents[currents < top], censored=500 + missed, top=top)  # 600 would survive
    survival = float(SwitchingDistribution(junction, 0.3, 1e-3, model=MODEL).survival(top))
    share = np.linspace(0.0, 0.999, 100_000)
    empty = histogram.censored * np.log(share + (1.0 - share) * survival) + 2400 * np.log1p(-share)
    direct = direct_log_likelihood(seen, junction, 0.3) + float(empty.max())
    # the largest of a grid of 1e-5 is that much below the largest of all, squared, times some 1e4 ramps
    assert reduced_log_likelihood(histogram, junction, 0.3) == pytest.approx(direct, abs=1e-5)


def test_a_single_switch_far_below_the_others_costs_no_accuracy(
    junction: Junction, thermal_currents: Draw, histogram_of: Callable[..., Histogram]
) -> None:
    currents = np.append(thermal_currents(number=500), 8.4e-6)  # 30 widths away
    histogram = histogram_of(currents)
    direct = direct_log_likelihood(histogram, junction, 0.3)
    assert reduced_log_likelihood(histogram, junction, 0.3) == pytest.approx(direct, abs=1e-6)


def test_cells_for_large_histograms_change_likelihood_ratios_by_less_than_a_tenth(
    junction: Junction, thermal_currents: Draw, histogram_of: Callable[..., Histogram]
) -> None:
    histogram = histogram_of(thermal_currents(number=200_000))
    assert histogram.switching_currents.size > EXACT_LIMIT
    other = Junction(9.487e-6, 6.35e-12, 190.0)  # 1 standard error of 1e4, 3 of these switches
    direct = direct_log_likelihood(histogram, junction, 0.3) - direct_log_likelihood(histogram, other, 0.298)
    cells = reduced_log_likelihood(histogram, junction, 0.3) - reduced_log_likelihood(histogram, other, 0.298)
    assert cells == pytest.approx(direct, abs=0.01)


def test_switches_above_a_known_critical_current_count_as_survivors(
    thermal_currents: Draw, histogram_of: Callable[..., Histogram]
) -> None:
    currents = thermal_currents(number=1000)
    ceiling = float(np.quantile(currents, 0.9))
    reduced = reduce_histogram(histogram_of(currents, censored=3), ceiling=ceiling)
    assert reduced.switches == np.count_nonzero(currents < ceiling)
    assert reduced.switches + reduced.censored == 1003
    assert reduced.currents.max() <= ceiling


@pytest.mark.parametrize("missed", [0, 100, 3000])
def test_gradient_and_information_agree_with_differences_of_the_likelihood(
    missed: int, thermal_currents: Draw, histogram_of: Callable[..., Histogram]
) -> None:
    currents = thermal_currents(number=3000)
    top = float(np.quantile(currents, 0.8))
    reduced = reduce_histogram(histogram_of(currents[currents < top], censored=600 + missed, top=top))
    reduced = reduced if missed else reduced.with_survivors()

    def rates(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        junction = Junction(9.489e-6 + 4e-7 * parameters[0], 6.35e-12, 190.0)
        return np.asarray(MODEL.log_rate(junction, reduced.currents, 0.3 * math.exp(parameters[1])))

    def value(a: float, b: float) -> float:
        return log_likelihood(reduced, rates(np.array([a, b])))

    centre = np.zeros(2)
    first = slope(reduced, rates, centre)
    h = 1e-5
    gradient = [(value(h, 0) - value(-h, 0)) / (2 * h), (value(0, h) - value(0, -h)) / (2 * h)]
    assert first.gradient == pytest.approx(gradient, rel=1e-4)
    h = 1e-3
    information = observed_information(reduced, rates, centre)
    cross = -(value(h, h) + value(-h, -h) - value(h, -h) - value(-h, h)) / (4 * h * h)
    diagonal = [
        -(value(h, 0) + value(-h, 0) - 2 * value(0, 0)) / h**2,
        -(value(0, h) + value(0, -h) - 2 * value(0, 0)) / h**2,
    ]
    assert np.diag(information) == pytest.approx(diagonal, rel=1e-3)
    assert information[0, 1] == pytest.approx(cross, rel=1e-3)
    event, censored = scores(reduced, first)
    total = event @ reduced.event_weight[reduced.body] + reduced.censored * censored
    assert total == pytest.approx(first.gradient, rel=1e-8)  # the scores of single ramps add up to the gradient


def test_the_expected_histogram_has_the_moments_of_the_theory(junction: Junction) -> None:
    distribution = SwitchingDistribution(junction, 0.3, 1e-3, model=MODEL)
    low, high = (float(value) for value in distribution.ppf(np.array([1e-9, 1 - 1e-10])))
    expected = expected_histogram(lambda i: np.exp(MODEL.log_rate(junction, i, 0.3)), low, high, 1e-3)
    weight = expected.event_weight / expected.event_weight.sum()
    mean = float(weight @ expected.currents)
    assert mean == pytest.approx(distribution.mean, rel=1e-10)
    assert math.sqrt(float(weight @ (expected.currents - mean) ** 2)) == pytest.approx(distribution.std, rel=1e-6)


@pytest.mark.parametrize(
    ("currents", "rate", "words"),
    [
        (np.full(50, 9e-6), 1e-3, "equal"),
        (np.linspace(9e-6, 9.1e-6, 9), 1e-3, "at least 10"),
        (np.append(np.linspace(9e-6, 9.1e-6, 20), np.inf), 1e-3, "not finite"),
        (np.append(np.linspace(9e-6, 9.1e-6, 20), np.nan), 1e-3, "not finite"),
        (np.linspace(9e-6, 9.1e-6, 20), 0.0, "ramp rate"),
        (np.linspace(9e-6, 9.1e-6, 20), -1e-3, "ramp rate"),
        (np.linspace(9e-6, 9.1e-6, 20), math.nan, "ramp rate"),
        (np.empty(0), 1e-3, "0 switches"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_sentence(
    currents: NDArray[np.float64], rate: float, words: str
) -> None:
    histogram = Histogram(currents, currents, MeasuredRamp(0.0, 1e-5, rate, 1.0, 0.0), 0, 0.3)
    with pytest.raises(InputError, match=words) as caught:
        reduce_histogram(histogram)
    assert "\n" not in str(caught.value)
