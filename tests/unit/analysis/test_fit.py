from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.analysis import fit_escape_temperature, fit_histogram
from mqtctl.analysis.histogram import reduced_histogram
from mqtctl.errors import InputError
from mqtctl.physics import (
    Escape,
    Junction,
    Kramers,
    SwitchingDistribution,
    TransitionState,
    Tunneling,
    WeakDampingTunneling,
)
from mqtctl.records import Histogram, JunctionEstimate

Draw = Callable[..., NDArray[np.float64]]
MakeHistogram = Callable[..., Histogram]
SLOW = [pytest.mark.slow, pytest.mark.timeout(600)]
#: Shares of survivors and of missed stops, and whether Ic is known: what CI looks at, the worst before among them.
SOME_CELLS = {(0.6, 0.02, True), (0.3, 0.1, False), (0.1, 0.3, True)}


def test_critical_current_and_temperature_are_recovered(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    fit = fit_histogram(histogram_of(thermal_currents()), estimate)
    assert fit.converged
    assert fit.flags == ()
    assert abs(fit.critical_current - 9.489e-6) < 4 * fit.critical_current_stderr
    assert abs(fit.escape_temperature - 0.3) < 4 * fit.escape_temperature_stderr
    # Cramer-Rao bound: 1.17 % of T for 1e4 switches (docs/analysis.md), correlation .997
    assert fit.escape_temperature_stderr / fit.escape_temperature == pytest.approx(0.0117, rel=0.05)
    assert fit.correlation == pytest.approx(0.9975, abs=0.001)
    assert fit.goodness.pvalue > 1e-3


@pytest.mark.parametrize("wrong", [0.8, 1.2])
def test_a_wrong_guess_of_the_critical_current_changes_nothing(
    wrong: float, thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    histogram = histogram_of(thermal_currents())
    guess = JunctionEstimate(wrong * estimate.critical_current, estimate.capacitance, estimate.resistance)
    assert fit_histogram(histogram, guess) == fit_histogram(histogram, estimate)


def test_few_evaluations_of_the_rate_suffice(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    # 30 ms for 1e4 switches at 0.1 ms per evaluation leaves room for a hundred
    assert fit_histogram(histogram_of(thermal_currents()), estimate).evaluations <= 60


def test_the_maximum_is_a_maximum_and_does_not_depend_on_the_order_of_events(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    currents = thermal_currents()
    fit = fit_histogram(histogram_of(currents), estimate)
    again = fit_histogram(histogram_of(currents[::-1].copy()), estimate)
    assert again.critical_current == pytest.approx(fit.critical_current, rel=1e-12)
    for relative, factor in ((1e-4, 1.0), (-1e-4, 1.0), (0.0, 1.003), (0.0, 0.997)):
        junction = Junction(fit.critical_current * (1 + relative), 6.35e-12, 190.0)
        other = SwitchingDistribution(junction, fit.escape_temperature * factor, 1e-3, model=TransitionState())
        assert float(np.log(other.pdf(currents)).sum()) < fit.log_likelihood


@pytest.mark.parametrize("model", [TransitionState(), Kramers(), Escape()])
@pytest.mark.parametrize("temperature", [0.1, 0.8])
def test_every_model_fits_its_own_switches(
    model: TransitionState | Kramers | Escape,
    temperature: float,
    junction: Junction,
    histogram_of: MakeHistogram,
    estimate: JunctionEstimate,
) -> None:
    distribution = SwitchingDistribution(junction, temperature, 1e-3, model=model)
    fit = fit_histogram(histogram_of(distribution.sample(10_000, np.random.default_rng(5))), estimate, model)
    assert fit.model == type(model).__name__
    assert abs(fit.critical_current - 9.489e-6) < 4 * fit.critical_current_stderr
    assert abs(fit.escape_temperature - temperature) < 4 * fit.escape_temperature_stderr


@pytest.mark.parametrize(
    ("critical_current", "capacitance", "rate", "temperature"),
    [
        (0.5e-6, 1e-12, 1e-5, 0.05),
        (0.5e-6, 1e-13, 1e-3, 0.3),
        (50e-6, 50e-12, 1e-2, 0.1),
        (9.489e-6, 6.35e-12, 10.0, 0.8),
        (9.489e-6, 6.35e-12, 1e-8, 0.03),
    ],
)
def test_junctions_and_ramps_of_other_scales_are_fitted(
    critical_current: float, capacitance: float, rate: float, temperature: float, histogram_of: MakeHistogram
) -> None:
    junction = Junction(critical_current, capacitance, 190.0)
    currents = SwitchingDistribution(junction, temperature, rate, model=TransitionState()).sample(
        5000, np.random.default_rng(2)
    )
    fit = fit_histogram(
        histogram_of(currents, rate=rate, top=1.5 * critical_current),
        JunctionEstimate(1.2 * critical_current, capacitance, 190.0),
    )
    assert fit.converged
    assert abs(fit.critical_current - critical_current) < 4 * fit.critical_current_stderr
    assert abs(fit.escape_temperature - temperature) < 4 * fit.escape_temperature_stderr


def test_a_tunnelling_histogram_alone_looks_colder_and_weaker_than_it_is(
    junction: Junction, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    # docs/analysis.md, "Two escape temperatures": 30.3 mK, and Ic low by 0.103 %;
    # the quantiles stand for an infinite histogram
    distribution = SwitchingDistribution(junction, 0.0, 1e-3, model=WeakDampingTunneling())
    currents = distribution.ppf((np.arange(20_000) + 0.5) / 20_000)
    fit = fit_histogram(histogram_of(currents), estimate)
    assert fit.escape_temperature == pytest.approx(30.3e-3, abs=0.1e-3)
    assert fit.critical_current / 9.489e-6 - 1.0 == pytest.approx(-1.03e-3, abs=0.02e-3)


@pytest.mark.parametrize("fraction", [0.02, 0.5, 0.9])
def test_censored_ramps_are_used_as_survivors(
    fraction: float, thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    currents = thermal_currents(seed=4)
    top = float(np.quantile(currents, 1.0 - fraction))
    kept = currents[currents <= top]
    fit = fit_histogram(histogram_of(kept, censored=currents.size - kept.size, top=top), estimate)
    assert not fit.censored_as_missed
    assert abs(fit.critical_current - 9.489e-6) < 4 * fit.critical_current_stderr
    assert abs(fit.escape_temperature - 0.3) < 4 * fit.escape_temperature_stderr
    assert fit.goodness.pvalue > 1e-3


@pytest.mark.shown(2)
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("missed", [0.0, 0.02, 0.3])
@pytest.mark.parametrize(("fraction", "seeds"), [(0.1, 12), pytest.param(0.1, 200, marks=pytest.mark.campaign),
                                                 pytest.param(0.5, 200, marks=pytest.mark.campaign)])  # fmt: skip
def test_missed_stops_among_survivors_leave_no_bias(
    known: bool,
    missed: float,
    fraction: float,
    seeds: int,
    thermal_currents: Draw,
    histogram_of: MakeHistogram,
    estimate: JunctionEstimate,
) -> None:
    """Taking all empty ramps for survivors makes 3 standard errors of 2 % missed, at one in ten that survives."""
    pulls = []
    for seed in range(seeds):
        currents = thermal_currents(number=4000, seed=seed)
        seen = currents[np.random.default_rng(seed).random(4000) >= missed]
        top = float(np.quantile(thermal_currents(number=100_000, seed=99), 1.0 - fraction))
        kept = seen[seen < top]
        histogram = histogram_of(kept, censored=4000 - kept.size, top=top)
        fit = fit_escape_temperature(histogram, estimate, 9.489e-6) if known else fit_histogram(histogram, estimate)
        pulls.append((fit.escape_temperature - 0.3) / fit.escape_temperature_stderr)
    # at 0 % half of the fits take a few survivors for missed and stand low, by 0.5 on the average of all
    low = -0.75 if missed == 0.0 else -0.3
    assert low - 3.0 / np.sqrt(seeds) < np.mean(pulls) < 0.3 + 3.0 / np.sqrt(seeds)
    assert np.std(pulls) < 1.15 + 3.0 / np.sqrt(2.0 * seeds)
    if seeds > 100:  # twelve say nothing of a coverage
        assert np.mean(np.abs(pulls) < 1.96) > 0.92 - 2.0 * np.sqrt(0.05 / seeds)


@pytest.mark.parametrize("known", [True, False])
def test_errors_do_not_jump_where_missed_stops_are_fitted_at_none(
    known: bool, thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    """Half of all histograms put e at its bound; with Ic known, 60 % survivors had an error 4 times smaller there."""
    currents = thermal_currents(number=4000, seed=3)
    top = float(np.quantile(currents, 0.4))
    kept = currents[currents < top]
    errors = []
    for empty in (80, 200) if known else (1300, 1500):  # none of them seems to be missed, and some
        histogram = histogram_of(kept, censored=4000 - kept.size + empty, top=top)
        fit = fit_escape_temperature(histogram, estimate, 9.489e-6) if known else fit_histogram(histogram, estimate)
        errors.append(fit.escape_temperature_stderr / fit.escape_temperature)
    assert errors[0] == pytest.approx(errors[1], rel=0.05)  # the temperature itself moves a little


@pytest.mark.parametrize(
    ("surviving", "missed", "known"),
    [
        pytest.param(*cell, marks=SLOW if cell in SOME_CELLS else pytest.mark.campaign)
        for cell in product((0.0, 0.1, 0.3, 0.6), (0.0, 0.02, 0.1, 0.3), (True, False))
    ],
)
def test_pulls_have_width_one_for_any_share_of_survivors_and_of_missed_stops(
    surviving: float,
    missed: float,
    known: bool,
    thermal_currents: Draw,
    histogram_of: MakeHistogram,
    estimate: JunctionEstimate,
) -> None:
    top = float(np.quantile(thermal_currents(number=400_000, seed=99), 1.0 - surviving)) if surviving else 9.7e-6
    pulls = []
    for seed in range(200):
        currents = thermal_currents(number=4000, seed=seed)
        kept = currents[(currents < top) & (np.random.default_rng([seed, 1]).random(4000) >= missed)]
        histogram = histogram_of(kept, censored=4000 - kept.size, top=top)
        fit = fit_escape_temperature(histogram, estimate, 9.489e-6) if known else fit_histogram(histogram, estimate)
        pulls.append((fit.escape_temperature - 0.3) / fit.escape_temperature_stderr)
    # e >= 0 cuts one side of the scatter off where few are missed among many survivors: errors are large there
    least = 0.85 if missed >= 0.1 or surviving == 0.0 else 0.6
    assert least < np.std(pulls) < 1.15
    assert np.max(np.abs(pulls)) < 5.0
    assert np.mean(np.abs(pulls) < 1.96) > 0.95 - 4.0 * np.sqrt(0.95 * 0.05 / 200)


def test_missed_stops_among_survivors_are_told_with_their_number(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    currents = thermal_currents(seed=4)
    top = float(np.quantile(currents, 0.9))
    kept = currents[currents < top]
    fit = fit_histogram(histogram_of(kept[:8000], censored=2000, top=top), estimate)  # 1111 survivors' worth were lost
    assert fit.missed == pytest.approx(2000 - 8000 / 9, abs=300)  # survivors of a tail that is not seen: 10 %
    assert any(flag.startswith("about ") and "of 2000 empty ramps" in flag for flag in fit.flags)


def test_empty_ramps_that_cannot_be_survivors_are_counted_as_missed_and_said_so(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    currents = thermal_currents()
    fit = fit_histogram(histogram_of(currents, censored=7, top=9.6e-6), estimate)
    clean = fit_histogram(histogram_of(currents), estimate)
    assert fit.censored_as_missed
    assert fit.censored == 7
    assert any("missed" in flag for flag in fit.flags)
    assert fit.critical_current == pytest.approx(clean.critical_current, rel=1e-12)


def test_a_far_outlier_is_kept_and_flagged(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    fit = fit_histogram(histogram_of(np.append(thermal_currents(), [1e-6, 5e-6])), estimate)
    assert fit.switches == 10_002
    assert any("do not follow" in flag for flag in fit.flags)


def test_below_the_crossover_the_full_model_says_that_the_temperature_is_open(
    junction: Junction, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    currents = SwitchingDistribution(junction, 0.0, 1e-3, model=Escape()).sample(10_000, np.random.default_rng(8))
    fit = fit_histogram(histogram_of(currents, 0.0), estimate, Tunneling())
    assert fit.escape_temperature_stderr == math.inf
    assert any("leave the temperature open" in flag for flag in fit.flags)
    assert abs(fit.critical_current - 9.489e-6) < 4 * fit.critical_current_stderr


def test_few_switches_are_fitted_with_a_warning_flag(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    fit = fit_histogram(histogram_of(thermal_currents(number=12)), estimate)
    assert fit.converged
    assert any("12 switches" in flag for flag in fit.flags)


def test_coarsely_digitised_currents_are_fitted(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    currents = thermal_currents()
    step = 5e-9  # a fifth of the width
    fit = fit_histogram(histogram_of(np.round(currents / step) * step), estimate)
    assert abs(fit.escape_temperature - 0.3) < 5 * fit.escape_temperature_stderr


def test_gathering_many_switches_in_cells_moves_no_estimate(
    thermal_currents: Draw,
    histogram_of: MakeHistogram,
    estimate: JunctionEstimate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    histogram = histogram_of(thermal_currents(number=300_000))
    cells = fit_histogram(histogram, estimate)
    monkeypatch.setattr(reduced_histogram, "EXACT_LIMIT", 10**9)
    exact = fit_histogram(histogram, estimate)
    # measured: 1e-4 standard errors; what matters is that it stays far below one
    assert abs(cells.critical_current - exact.critical_current) < 1e-3 * exact.critical_current_stderr
    assert abs(cells.escape_temperature - exact.escape_temperature) < 1e-3 * exact.escape_temperature_stderr
    assert cells.escape_temperature_stderr == pytest.approx(exact.escape_temperature_stderr, rel=1e-5)
    # cells of 1e-4 of the probability cannot resolve the distance any finer
    assert cells.goodness.distance == pytest.approx(exact.goodness.distance, abs=3e-4)


def test_a_wrong_unit_of_the_ramp_rate_is_named(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    with pytest.raises(InputError, match="check the units"):
        fit_histogram(histogram_of(thermal_currents(), rate=1e6), estimate)


@pytest.mark.shown(1)
@pytest.mark.parametrize(
    ("kelvin", "seeds"),
    [
        (0.015, 2),
        (0.03, 2),
        pytest.param(0.035, 12, marks=SLOW),
        *(pytest.param(kelvin, 40, marks=pytest.mark.campaign) for kelvin in (0.02, 0.035)),
        *(pytest.param(kelvin, 60, marks=pytest.mark.campaign) for kelvin in (0.015, 0.02, 0.025)),
        *(pytest.param(kelvin, 200, marks=pytest.mark.campaign) for kelvin in (0.03, 0.035, 0.04)),
    ],
)
def test_below_the_crossover_a_free_temperature_has_a_limit_and_above_it_an_honest_error(
    kelvin: float, seeds: int, junction: Junction, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    """T = 25.9(1.5) mK was quoted for 15 mK: the curvature of a chance maximum, one flat side away from T = 0."""
    law, fits = SwitchingDistribution(junction, kelvin, 1e-3, model=Escape()), []
    for seed in range(seeds):
        drawn = np.asarray(law.sample(10_000, np.random.default_rng(seed)))
        fits.append(fit_histogram(histogram_of(drawn, kelvin), estimate, Escape()))
    closed = [fit for fit in fits if math.isfinite(fit.escape_temperature_stderr)]
    if kelvin <= 0.025:
        assert len(closed) <= 0.05 * seeds  # three are told from zero by chance at 25 mK, of a hundred
        limits = [fit.escape_temperature_limit for fit in fits if fit.escape_temperature_limit is not None]
        assert len(limits) == seeds - len(closed)
        assert np.mean(np.array(limits) > kelvin) > 0.95 - 3.0 * np.sqrt(0.05 / seeds)
        assert np.median(limits) < 0.029
        flags = [
            flag for fit in fits if fit not in closed for flag in fit.flags if "leave the temperature open" in flag
        ]
        assert all("(95 %)" in flag for flag in flags)
        assert len(flags) == seeds - len(closed)
    else:
        assert len(closed) == seeds
        pulls = np.array([(fit.escape_temperature - kelvin) / fit.escape_temperature_stderr for fit in fits])
        assert np.abs(pulls).max() < 4.0
        if seeds >= 40:
            slack = 1.0 / np.sqrt(2.0 * seeds)  # a width is known to that: 5 % from 200 replicas
            assert 0.9 - slack < pulls.std() < 1.1 + slack
            assert abs(pulls.mean()) < 2.8 / np.sqrt(seeds)
    centre = np.array([(fit.critical_current - 9.489e-6) / fit.critical_current_stderr for fit in fits])
    assert np.std(centre) < 1.2 + 3.0 / np.sqrt(2.0 * seeds)


@pytest.mark.parametrize(
    ("kelvin", "replicas"),
    [
        (0.015, 3),
        *(
            pytest.param(kelvin, 200, marks=[pytest.mark.campaign, pytest.mark.timeout(1200)])
            for kelvin in (0.015, 0.03, 0.1)
        ),
    ],
)
def test_intervals_of_a_free_temperature_cover_it_as_often_as_they_say(
    kelvin: float, replicas: int, junction: Junction, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    """At 15 mK 19 of 60 intervals of 68 % did: errors came from the curvature of a maximum that means nothing."""
    law = SwitchingDistribution(junction, kelvin, 1e-3, model=Escape())
    inside = np.zeros(2)
    for seed in range(replicas):
        drawn = np.asarray(law.sample(3000, np.random.default_rng([5, seed])))
        found = fit_histogram(histogram_of(drawn, kelvin), estimate, Escape()).escape_temperature_interval
        assert found is not None
        assert 0.0 <= found.low_95 <= found.low < found.high < found.high_95
        inside += (found.low < kelvin < found.high, found.low_95 < kelvin < found.high_95)
    share = inside / replicas
    for found_share, nominal in zip(share, (0.683, 0.95), strict=True):
        slack = 3.0 * math.sqrt(nominal * (1.0 - nominal) / replicas)
        assert found_share > nominal - slack
        if kelvin > 0.05:  # below it the interval ends at zero, which no temperature is below
            assert found_share < nominal + slack
