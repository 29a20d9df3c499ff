"""Lag, offset and scale come out of made data as they went in, with errors that cover them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from mqtctl.analysis.calibration.delay import fit_delay
from mqtctl.analysis.calibration.dummy_resistor import Crossing, fit_dummy
from mqtctl.analysis.calibration.first_passage import first_passage
from mqtctl.errors import InputError
from mqtctl.physics import Junction, SwitchingDistribution
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
ESTIMATE = JunctionEstimate(9.5e-6, 6.35e-12, 190.0)
DELAY, OFFSET = 12e-6, -30e-9


def histograms(
    temperature: float, seed: int, rates: tuple[float, ...] = (1e-3, 2.5e-4), polarities: tuple[int, ...] = (1, -1)
) -> list[Histogram]:
    rng = np.random.default_rng(seed)
    found = []
    for rate in rates:
        for polarity in polarities:
            currents = SwitchingDistribution(JUNCTION, temperature, rate).sample(3000, rng)
            intervals = (currents - polarity * OFFSET) / rate + DELAY
            ramp = MeasuredRamp(0.0, 9.8e-6, rate, 9.8e-6 / rate / 0.8, delay=3e-6)  # any former delay will do
            found.append(Histogram(ramp.current(intervals), intervals, ramp, 0, temperature, polarity=polarity))
    return found


# a fit in the cold, where the shape says much of the lag, takes a second
@pytest.mark.shown(1)
@pytest.mark.parametrize(
    ("temperature", "seeds"),
    [(0.3, 4), (0.02, 2), *(pytest.param(kelvin, 8, marks=pytest.mark.campaign) for kelvin in (0.02, 0.3))],
)
def test_two_rates_and_two_polarities_tell_lag_and_offset(temperature: float, seeds: int) -> None:
    pulls = []
    for seed in range(seeds):
        fit = fit_delay(histograms(temperature, seed), ESTIMATE)
        assert fit.offset is not None
        assert fit.offset_stderr is not None
        pulls.append([(fit.delay - DELAY) / fit.delay_stderr, (fit.offset - OFFSET) / fit.offset_stderr])
        assert fit.pvalue > 1e-4
    # the mean of unit normals; a false alarm is a matter of 4 sigma, and the seeds are fixed
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 4.0 / np.sqrt(seeds))
    assert np.max(np.abs(pulls)) < 4.0
    assert fit.delay_stderr < (0.3e-6 if temperature < 0.1 else 1.5e-6)


def test_one_polarity_leaves_the_offset_open() -> None:
    fit = fit_delay(histograms(0.02, 1, polarities=(1,)), ESTIMATE)
    assert fit.offset is None
    # an offset is then part of the critical current, not of the lag
    assert fit.delay == pytest.approx(DELAY, abs=4 * fit.delay_stderr)


def test_a_single_rate_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match="measure at two of them that differ"):
        fit_delay(histograms(0.02, 1, rates=(1e-3,)), ESTIMATE)


def test_the_first_passage_agrees_with_a_simulation_of_its_own_law() -> None:
    rng = np.random.default_rng(5)
    for crossings in (10.0, 50.0, 5000.0):
        # inverse of the survival: Phi(-u) = E / A, where E exceeds A the mean comes first (rare, left out)
        exponential = rng.exponential(size=200_000)
        u = -norm.ppf(np.minimum(exponential / crossings, 1 - 1e-12))
        mean, scatter = first_passage(crossings)
        assert mean == pytest.approx(u.mean(), abs=0.02)
        assert scatter == pytest.approx(u.std(), rel=0.03)


def crossings(noise: float, seed: int, scale: float = 1.0) -> list[Crossing]:
    """Return what a resistor of 200 Ohm behind a gain of 1000 gives, from the first-passage law."""
    rng = np.random.default_rng(seed)
    found = []
    for rate in (1e-3, 2.5e-4):
        for polarity in (1, -1):
            for threshold in (0.2, 0.4, 0.6, 0.8, 1.0):
                expected = np.sqrt(2 * np.pi) * 0.7e6 * noise / (rate * scale * 2e5)
                u = -norm.ppf(np.minimum(rng.exponential(size=200) / expected, 1 - 1e-12)) if noise else np.zeros(200)
                current = (threshold - noise * u) / 2e5 - polarity * OFFSET
                intervals = current / (scale * rate) + DELAY + rng.normal(0, 1e-9, 200)
                found.append(
                    Crossing(threshold, polarity, 0.0, rate, 9.8e-6, intervals.mean(), intervals.std(ddof=1), 200)
                )
    return found


@pytest.mark.shown(1)
@pytest.mark.parametrize(("noise", "seeds"), [(0.0, 1), (2e-3, 4)])
def test_a_dummy_resistor_tells_lag_offset_and_scale_in_spite_of_noise(noise: float, seeds: int) -> None:
    for seed in range(seeds):
        fit = fit_dummy(crossings(noise, seed, scale=1.01))
        assert fit.offset is not None
        assert fit.offset_stderr is not None
        # 4 standard errors; without noise the jitter of 1 ns is taken for some, which moves the lag by less than that
        assert fit.delay == pytest.approx(DELAY, abs=4 * fit.delay_stderr + 1e-9)
        assert 1.01 * fit.offset == pytest.approx(OFFSET, abs=4 * fit.offset_stderr + 1e-12)
        assert fit.transresistance == pytest.approx(1.01 * 2e5, abs=4 * fit.transresistance_stderr + 0.1)
        assert fit.nonlinearity < 1e-3


@pytest.mark.slow
def test_a_ramp_that_bends_shows_as_nonlinearity() -> None:
    bent = [
        Crossing(
            c.threshold,
            c.polarity,
            c.start_current,
            c.rate,
            c.span,
            c.interval * (1 + 0.02 * c.threshold),
            c.interval_std,
            c.ramps,
        )
        for c in crossings(0.0, 1)
    ]
    fit = fit_dummy(bent)
    assert fit.nonlinearity > 5e-4
    assert fit.pvalue < 1e-6


def test_thresholds_that_are_passed_in_the_wrong_order_are_refused() -> None:
    turned = [
        Crossing(1.2 - c.threshold, c.polarity, c.start_current, c.rate, c.span, c.interval, c.interval_std, c.ramps)
        for c in crossings(0.0, 1)
    ]
    with pytest.raises(InputError, match="amplifier's sign"):
        fit_dummy(turned)
