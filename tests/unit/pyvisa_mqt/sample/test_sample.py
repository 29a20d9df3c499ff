from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from pyvisa_mqt.sample.bias import Stretch
from pyvisa_mqt.sample.junction import Sample
from scipy import stats

from mqtctl.physics import Escape, EscapeModel, Junction, SwitchingDistribution, TransitionState

Array = NDArray[np.float64]
DEVORET = Junction(9.489e-6, 6.35e-12, 190.0)


def make(
    junction: Junction = DEVORET,
    *,
    model: EscapeModel | None = None,
    lag: float = 0.0,
    noise: float = 0.0,
    retrapping: float | None = None,
    seed: int = 0,
) -> Sample:
    return Sample(
        junction,
        model or Escape(),
        gap_voltage=2.7e-3,
        retrapping_current=retrapping,
        lag=lag,
        noise=noise,
        offset=0.0,
        seed=seed,
    )


def sawtooth(top: float, n_step: int = 10_000, rise: float = 0.9, start: float = 0.0) -> Array:
    n_rise = round(rise * n_step)
    back = np.linspace(top, start, 20)
    return np.concatenate([np.linspace(start, top, n_rise), back, np.full(n_step - n_rise - 20, start)])


def ramps(values: Array, period: float, count: float, begin: float = 1.0) -> list[Stretch]:
    end = begin + count * period
    return [Stretch(begin, end, begin, period, values), Stretch.constant(end, math.inf, 0.0)]


def run(sample: Sample, stretches: list[Stretch], temperature: float, until: float) -> Sample:
    sample.draw_until(stretches[0].begin, temperature)
    sample.follow(stretches[0].begin, stretches)
    sample.draw_until(until, temperature)
    return sample


def switching_currents(sample: Sample, values: Array, period: float, begin: float = 1.0) -> tuple[Array, float]:
    """Currents of the straight ramp through the middle of the steps, at the switches."""
    n_rise = int(np.argmax(values)) + 1
    rate = (values[n_rise - 1] - values[0]) / ((n_rise - 1) * period / len(values))
    phase = np.mod(sample.log.begins - begin, period)
    return values[0] + rate * (phase - 0.5 * period / len(values)), rate


@pytest.mark.parametrize(
    ("junction", "temperature"),
    [
        (DEVORET, 0.015),
        (DEVORET, 0.3),
        (Junction(0.5e-6, 0.2e-12, 1000.0), 0.05),
        (Junction(2e-6, 1e-12, 300.0), 0.02),
        (Junction(50e-6, 20e-12, 30.0), 0.1),
    ],
)
def test_switching_currents_follow_the_physics_of_any_junction(junction: Junction, temperature: float) -> None:
    values = sawtooth(1.02 * junction.critical_current)
    period = 2e-3
    sample = run(make(junction), ramps(values, period, 5000), temperature, 12.0)
    currents, rate = switching_currents(sample, values, period)
    assert len(currents) == 5000
    law = SwitchingDistribution(junction, temperature, rate)
    assert stats.kstest(law.cdf(currents), "uniform").pvalue > 1e-3
    # 4 sigma of a mean, and of a standard deviation at kurtosis 5, beside the staircase's own step
    step = values[1] - values[0]
    assert currents.mean() == pytest.approx(law.mean, abs=4 * law.std / math.sqrt(5000) + 0.05 * step)
    assert currents.std() == pytest.approx(law.std, rel=4 * math.sqrt(4 / (4 * 5000)) + 0.1 * (step / law.std) ** 2)


def test_outcomes_do_not_depend_on_how_often_anybody_looks() -> None:
    values, period = sawtooth(9.8e-6, 1000), 3e-3
    once = run(make(noise=1e-9, lag=1e-5), ramps(values, period, 500), 0.1, 3.0)
    often = make(noise=1e-9, lag=1e-5)
    often.draw_until(1.0, 0.1)
    often.follow(1.0, ramps(values, period, 500))
    for time in np.arange(1.0, 3.0, 0.0137):
        often.draw_until(float(time), 0.1)
    often.draw_until(3.0, 0.1)
    np.testing.assert_array_equal(once.log.begins, often.log.begins)
    np.testing.assert_array_equal(once.log.ends, often.log.ends)


def test_same_seed_same_switches_and_other_seed_others() -> None:
    values, period = sawtooth(9.8e-6, 1000), 3e-3
    runs = [run(make(seed=s), ramps(values, period, 100), 0.1, 2.0).log.begins.copy() for s in (4, 4, 5)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.any(runs[0] == runs[2])


def test_successive_ramps_are_independent() -> None:
    values, period = sawtooth(9.8e-6), 3e-3
    sample = run(make(), ramps(values, period, 4000), 0.3, 14.0)
    currents, _ = switching_currents(sample, values, period)
    assert abs(np.corrcoef(currents[:-1], currents[1:])[0, 1]) < 4 / math.sqrt(4000)  # 4 sigma


def test_each_ramp_switches_once_and_retraps_where_the_current_falls_low() -> None:
    values, period = sawtooth(9.8e-6), 3e-3
    sample = run(make(), ramps(values, period, 100), 0.3, 2.0)
    assert np.array_equal(np.floor((sample.log.begins - 1.0) / period), np.arange(100))
    fall = 1.0 + np.arange(100) * period + period * 9000 / 10_000
    assert np.all(sample.log.ends > fall)
    assert np.all(sample.log.ends < fall + period * 21 / 10_000)


def test_a_ramp_that_never_falls_below_retrapping_switches_only_once() -> None:
    values, period = sawtooth(9.8e-6, start=2e-6), 3e-3
    sample = run(make(retrapping=1e-6), ramps(values, period, 100), 0.3, 1.3)
    assert len(sample.log.begins) == 1
    assert sample.log.open_polarity == 1
    sample.draw_until(2.0, 0.3)  # the burst is over, the current back at zero
    assert sample.log.ends[0] == pytest.approx(1.3)
    retrapping = run(make(retrapping=3e-6), ramps(values, period, 100), 0.3, 2.0)
    assert len(retrapping.log.begins) == 100


def test_a_voltage_state_that_lasts_into_the_next_ramp_costs_that_ramp_only_if_it_does_not_retrap() -> None:
    # The current comes back below retrapping only after the start of the next period.
    phase = np.arange(1000) / 1000
    values = np.where(phase < 0.1, 1e-6 * (1 - phase * 10), 9.8e-6 * np.maximum(phase - 0.3, 0.0) / 0.7 + 1e-9)
    values = np.where(phase >= 0.99, 1e-6, values)
    sample = run(make(retrapping=0.2e-6), ramps(values, 3e-3, 50), 0.3, 2.0)
    assert len(sample.log.begins) == 50
    gone_on = sample.log.ends[:-1] - (1.0 + np.arange(1, 50) * 3e-3)
    np.testing.assert_allclose(gone_on, 0.081 * 3e-3, atol=3e-6 + 1e-12)


def test_a_ramp_through_both_signs_switches_once_in_each() -> None:
    phase = np.arange(4000) / 4000
    values = 9.8e-6 * np.interp(phase, [0, 0.25, 0.75, 1.0], [0, 1, -1, 0])
    sample = run(make(), ramps(values, 10e-3, 1000), 0.3, 12.0)
    assert len(sample.log.begins) == 2000
    np.testing.assert_array_equal(sample.log.polarities[:4], [1, -1, 1, -1])
    assert np.all(np.diff(sample.log.begins) > 0)
    phase_up = np.mod(sample.log.begins[::2] - 1.0, 10e-3)
    phase_down = np.mod(sample.log.begins[1::2] - 1.0, 10e-3) - 5e-3
    assert stats.ks_2samp(phase_up, phase_down).pvalue > 1e-3


def test_a_ramp_that_stops_short_never_switches() -> None:
    sample = run(make(), ramps(sawtooth(8e-6), 3e-3, 500), 0.015, 3.0)
    assert len(sample.log.begins) == 0


def test_a_constant_current_escapes_exponentially() -> None:
    current, temperature = 9.2e-6, 0.1
    model = TransitionState()
    rate = float(np.exp(model.log_rate(DEVORET, np.array([current]), temperature))[0])
    assert 1e-3 < rate < 1e4
    waits = []
    for seed in range(150):
        sample = make(model=model, seed=seed)
        sample.follow(0.0, [Stretch.constant(0.0, math.inf, current)])
        for tick in range(1, 200):
            sample.draw_until(0.25 * tick, temperature)
            if sample.log.begins.size:
                break
        waits.append(sample.log.begins[0])
    assert stats.kstest(np.array(waits) * rate, "expon").pvalue > 1e-3


def test_switching_off_in_the_middle_of_a_ramp_takes_the_rest_back() -> None:
    values, period = sawtooth(9.8e-6), 1.0
    sample = make()
    sample.follow(0.0, ramps(values, period, 10, begin=0.0))
    sample.draw_until(0.5, 0.3)
    assert sample.log.begins.size == 1  # foreseen near the top
    sample.follow(0.5, [Stretch.constant(0.5, math.inf, 0.0)])
    sample.draw_until(20.0, 0.3)
    assert sample.log.begins.size == 0


def test_switching_off_in_the_voltage_state_ends_it() -> None:
    values, period = sawtooth(9.8e-6), 1.0
    sample = make()
    sample.follow(0.0, ramps(values, period, 10, begin=0.0))
    sample.draw_until(0.5, 0.3)
    off = float(sample.log.begins[0]) + 1e-3
    sample.follow(off, [Stretch.constant(off, math.inf, 0.0)])
    sample.draw_until(20.0, 0.3)
    assert sample.log.ends[0] == pytest.approx(off)
    assert len(sample.log.begins) == 1


def test_with_a_filter_the_voltage_state_outlives_the_switch_off_by_the_decay() -> None:
    values, period, lag = sawtooth(9.8e-6), 1.0, 1e-3
    sample = make(lag=lag, retrapping=1e-6)
    sample.follow(0.0, ramps(values, period, 10, begin=0.0))
    sample.draw_until(0.5, 0.3)
    off = float(sample.log.begins[0]) + 1e-2
    current = sample.current(off)
    sample.follow(off, [Stretch.constant(off, math.inf, 0.0)])
    sample.draw_until(20.0, 0.3)
    assert sample.log.ends[0] - off == pytest.approx(lag * math.log(current / 1e-6), rel=1e-3)


def test_filter_delays_the_switches_by_its_lag() -> None:
    values, period = sawtooth(9.8e-6), 3e-3
    plain = run(make(), ramps(values, period, 2000), 0.015, 8.0)
    lagging = run(make(lag=10e-6), ramps(values, period, 2000), 0.015, 8.0)
    delay = np.mean(lagging.log.begins - plain.log.begins)
    # The same random numbers; what is left is the staircase that the filter smooths.
    assert delay == pytest.approx(10e-6, rel=5e-3)


@pytest.mark.parametrize("period", [0.1e-3, 50e-3])
def test_the_first_cycles_start_from_the_idle_current(period: float) -> None:
    # A slow filter: the current creeps up over many cycles, or within one.
    lag, level = 2e-3, 9.9e-6
    values = np.full(100, level)
    values[-1] *= 1.0001  # so that it counts as a ramp
    sample = run(make(lag=lag), ramps(values, period, 50e-3 / period), 0.015, 1.05)
    reached = level * -math.expm1(-(float(sample.log.begins[0]) - 1.0) / lag)
    law = SwitchingDistribution(DEVORET, 0.015, level / lag * 0.05)
    assert reached == pytest.approx(law.mean, abs=6 * law.std)  # one draw
    assert len(sample.log.begins) == 1


def test_noise_widens_the_histogram_and_is_absent_at_zero() -> None:
    values, period = sawtooth(9.8e-6), 3e-3
    temperature = 0.05
    for noise in (0.0, 10e-9):
        sample = run(make(noise=noise), ramps(values, period, 4000), temperature, 14.0)
        currents, rate = switching_currents(sample, values, period)
        law = SwitchingDistribution(DEVORET, temperature, rate)
        # 4 sigma at kurtosis 5 without noise; the noise makes it more Gaussian
        assert currents.std() == pytest.approx(math.hypot(law.std, noise), rel=4 * math.sqrt(4 / (4 * 4000)))


def test_hotter_junctions_switch_earlier_and_wider() -> None:
    values, period = sawtooth(9.8e-6), 3e-3
    cold = run(make(), ramps(values, period, 1000), 0.05, 5.0)
    hot = run(make(), ramps(values, period, 1000), 0.5, 5.0)
    assert hot.log.begins[0] - 1.0 < cold.log.begins[0] - 1.0
    assert np.std(np.mod(hot.log.begins - 1, period)) > 3 * np.std(np.mod(cold.log.begins - 1, period))


def test_heat_is_gap_voltage_times_charge() -> None:
    values, period = sawtooth(9.8e-6), 3e-3
    sample = run(make(), ramps(values, period, 100), 0.3, 2.0)
    energy = sample.heat.release(2.0)
    times = np.linspace(0, period, 400_001)
    current = values[np.minimum((times / period * len(values)).astype(int), len(values) - 1)]
    cumulative = np.cumsum(current) * (times[1] - times[0])
    begins = np.mod(sample.log.begins - 1.0, period)
    expected = 2.7e-3 * np.sum(np.interp(0.95 * period, times, cumulative) - np.interp(begins, times, cumulative))
    assert energy == pytest.approx(expected, rel=2e-3)


def test_heat_of_a_latched_junction_goes_on() -> None:
    sample = make(retrapping=1e-6)
    sample.follow(0.0, [Stretch.constant(0.0, math.inf, 12e-6)])
    for tick in range(1, 9):
        sample.draw_until(0.25 * tick, 0.1)
        assert sample.heat.release(0.25 * tick) == pytest.approx(2.7e-3 * 12e-6 * 0.25, rel=1e-6)


def test_retrapping_defaults_to_four_critical_currents_over_pi_quality_factor() -> None:
    assert make().retrapping_current == pytest.approx(
        4 * 9.489e-6 / (math.pi * DEVORET.zero_bias_quality_factor), rel=1e-12
    )
    undamped = make(Junction(1e-6, 1e-12))
    assert 0.0 < undamped.retrapping_current < 1e-9


def test_a_junction_at_rest_need_foresee_nothing_whatever_happens_next() -> None:
    class Restless(Sample):
        """It looks ahead also where nothing can happen."""

        _quiet = property(lambda _self: False, lambda _self, _value: None)

    def live(kind: type[Sample]) -> tuple[list[float], list[float], float]:
        sample = kind(
            DEVORET, Escape(), gap_voltage=2.7e-3, retrapping_current=None, lag=2e-6, noise=1e-9, offset=0.0, seed=3
        )
        values, heat, time = sawtooth(10e-6), 0.0, 0.0
        for part in range(6):
            rest_until = time + 30.0
            while time < rest_until + 10.0:
                time += 0.25
                temperature = 0.05 + 1e-4 * time
                sample.draw_until(time, temperature)
                heat += sample.heat.release(time)
                if time == rest_until:
                    sample.follow(time, ramps(values, 0.0125, 400, begin=time))
                if part == 2 and time == rest_until - 10.0:
                    sample.hold_voltage_state(time)
                if part == 2 and time == rest_until - 5.0:
                    sample.release_voltage_state(time)
                if part == 3 and time == rest_until - 5.0:
                    sample.change_critical_current(time, 9e-6)
                if part == 4 and time == rest_until - 5.0:  # a constant current at which it does switch
                    sample.follow(time, [Stretch.constant(time, math.inf, 8.95e-6)])
                sample.foresee(time, temperature)
        return sample.log.begins.tolist(), sample.log.ends.tolist(), heat

    assert live(Sample) == live(Restless)
    assert len(live(Sample)[0]) > 2300
