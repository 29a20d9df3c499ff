from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.analysis import fulton_dunkelberger
from mqtctl.errors import InputError
from mqtctl.physics import Junction, TransitionState
from mqtctl.records import Histogram

Draw = Callable[..., NDArray[np.float64]]
MakeHistogram = Callable[..., Histogram]


@pytest.mark.parametrize("bins", [20, 50, 200])
def test_rates_agree_with_the_law_within_their_errors(
    bins: int, junction: Junction, thermal_currents: Draw, histogram_of: MakeHistogram
) -> None:
    rates = fulton_dunkelberger(histogram_of(thermal_currents(number=50_000)), bins)
    expected = np.exp(TransitionState().log_rate(junction, rates.bias_current, 0.3))
    used = rates.switched >= 20
    pull = (rates.rate[used] - expected[used]) / rates.rate_stderr[used]
    # wide bins see the mean of an exponential, a little above its centre
    assert abs(pull.mean()) < 0.5 + 20.0 / bins
    assert np.abs(pull).max() < 5.0 + 30.0 / bins


def test_the_last_bin_is_dropped_only_if_nothing_survives_it(
    thermal_currents: Draw, histogram_of: MakeHistogram
) -> None:
    currents = thermal_currents(number=1000)
    complete = fulton_dunkelberger(histogram_of(currents), 30)
    censored = fulton_dunkelberger(histogram_of(currents, censored=100), 30)
    assert complete.rate.size == 29
    assert censored.rate.size == 30
    assert np.isfinite(complete.rate).all()
    assert np.isfinite(censored.rate).all()
    assert censored.at_risk[0] == 1100


def test_censored_ramps_lower_the_rate(thermal_currents: Draw, histogram_of: MakeHistogram) -> None:
    currents = thermal_currents(number=1000)
    without, with_ = (fulton_dunkelberger(histogram_of(currents, censored=c), 30) for c in (0, 500))
    assert (with_.rate[:29] <= without.rate).all()


def test_an_empty_bin_has_rate_zero_and_an_upper_limit(histogram_of: MakeHistogram) -> None:
    currents = np.concatenate([np.linspace(9.0e-6, 9.1e-6, 50), np.linspace(9.3e-6, 9.4e-6, 50)])
    rates = fulton_dunkelberger(histogram_of(currents), 40)
    empty = rates.switched == 0
    assert empty.any()
    assert (rates.rate[empty] == 0.0).all()
    assert (rates.rate_lower[empty] == 0.0).all()
    # no switch of 50 ramps: 1 - (1 - p)^50 = 0.683, so p = 0.0227; times ramp rate over bin width
    limit = -np.log(0.31731) / 50 * 1e-3 / rates.bin_width
    assert rates.rate_upper[empty] == pytest.approx(limit, rel=1e-3)
    assert np.isnan(rates.rate_stderr[empty]).all()


def test_intervals_contain_the_rate(thermal_currents: Draw, histogram_of: MakeHistogram) -> None:
    rates = fulton_dunkelberger(histogram_of(thermal_currents(number=300)), 60)
    assert (rates.rate_lower <= rates.rate).all()
    assert (rates.rate <= rates.rate_upper).all()


def test_all_switches_but_the_dropped_are_counted(thermal_currents: Draw, histogram_of: MakeHistogram) -> None:
    rates = fulton_dunkelberger(histogram_of(thermal_currents(number=500), censored=5), 25)
    assert rates.switched.sum() == 500
    assert (rates.at_risk[1:] == rates.at_risk[0] - np.cumsum(rates.switched)[:-1]).all()


@pytest.mark.parametrize(
    ("currents", "bins", "words"),
    [
        (np.linspace(9e-6, 9.1e-6, 20), 1, "bins"),
        (np.linspace(9e-6, 9.1e-6, 20), 10**7, "bins"),
        (np.full(20, 9e-6), 20, "equal"),
        (np.array([9e-6]), 20, "at least 2"),
        (np.array([9e-6, np.nan, 9.1e-6]), 20, "finite"),
    ],
)
def test_unusable_input_is_refused(
    currents: NDArray[np.float64], bins: int, words: str, histogram_of: MakeHistogram
) -> None:
    with pytest.raises(InputError, match=words):
        fulton_dunkelberger(histogram_of(currents), bins)
