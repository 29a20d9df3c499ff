"""The dummy resistor and what a counter sees of it, against integration step by step."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyvisa_mqt.sample.bias import bias_stretches
from pyvisa_mqt.sample.dummy_resistor import DummyResistor
from pyvisa_mqt.sample.resistor_readout import ResistorReadout
from pyvisa_mqt.sample.voltage_steps import EventLog
from pyvisa_mqt.time_and_signals.signals import Waveform

Array = NDArray[np.float64]

TAU = 0.5e-6
RISE_TIME = TAU * math.log(9.0)


def resistor(lag: float = 0.0, noise: float = 0.0, offset: float = 0.0) -> DummyResistor:
    return DummyResistor(100.0, lag=lag, noise=noise, offset=offset, seed=1)


def readout(**changes: float) -> ResistorReadout:
    settings: dict[str, Any] = {"gain": 1000.0, "rise_time": 0.0, "noise": 0.0, "delay": 0.0, "offset": 0.0, "seed": 1}
    return ResistorReadout(**(settings | changes))


def burst(values: Array, start: float, period: float, cycles: float, idle: float = 0.0) -> Waveform:
    return Waveform(start, period, cycles, values, idle, 0.0)


def triangle(top: float = 10e-6, points: int = 100) -> Array:
    phase = (np.arange(points) + 0.5) / points
    return top * (1.0 - np.abs(2.0 * phase - 1.0))


def integrated(source: Array, step: float, lag: float, constant: float, at_first: float) -> Array:
    """Return the amplifier's output (A) after each of many short steps in which the source is held."""
    current = output = at_first
    outputs = np.empty(len(source))
    keep_current = math.exp(-step / lag) if lag else 0.0
    keep_output = math.exp(-step / constant) if constant else 0.0
    for k, target in enumerate(source.tolist()):
        before, current = current, target + (current - target) * keep_current
        fed = 0.5 * (before + current)
        output = fed + (output - fed) * keep_output if constant else current
        outputs[k] = output
    return outputs


@pytest.mark.parametrize("lag", [0.0, 2e-6, TAU])
@pytest.mark.parametrize("constant", [0.0, TAU])
def test_crossings_are_those_of_an_integration_step_by_step(lag: float, constant: float) -> None:
    sample = resistor(lag, offset=0.2e-6)
    first, second = triangle(), np.linspace(1e-6, 8e-6, 40)
    sample.follow(10e-6, bias_stretches(10e-6, [(1.0, burst(first, 20e-6, 100e-6, 2.5, idle=0.5e-6))], 0.2e-6))
    sample.follow(200e-6, bias_stretches(200e-6, [(1.0, burst(second, 205e-6, 50e-6, math.inf))], 0.2e-6))
    step = 5e-9
    times = step * (np.arange(60_000) + 1)
    middle = times - 0.5 * step
    source = np.where(middle < 10e-6, 0.0, 0.5e-6)
    playing = (middle > 20e-6) & (middle < 200e-6)
    source[playing] = first[(((middle[playing] - 20e-6) % 100e-6) / 1e-6).astype(int)]
    source[middle > 200e-6] = 0.0
    playing = middle > 205e-6
    source[playing] = second[(((middle[playing] - 205e-6) % 50e-6) / 1.25e-6).astype(int)]
    outputs = integrated(source + 0.2e-6, step, lag, constant, 0.2e-6)
    counter = readout(rise_time=constant * math.log(9.0))
    for level in (0.35e-6, 2.03e-6, 5.51e-6):
        above = np.concatenate([[False], outputs >= level])
        for rising in (True, False):
            here = above[1:] & ~above[:-1] if rising else ~above[1:] & above[:-1]
            edges = counter.edges(sample.log, level * 1e5, rising, 0.0, times[-1])
            assert edges == pytest.approx(times[here], abs=1.5 * step), (level, rising)


@pytest.mark.slow
def test_windows_cut_the_crossings_without_loss_or_doubling() -> None:
    for noise, bias_noise in ((0.0, 0.0), (2e-6, 1e-9)):
        sample = resistor(1e-6, bias_noise)
        sample.follow(1e-3, bias_stretches(1e-3, [(1.0, burst(triangle(), 2e-3, 1e-3, 150))], 0.0))
        counter = readout(rise_time=RISE_TIME, noise=noise, delay=3e-7)
        for rising in (True, False):
            whole = counter.edges(sample.log, 0.5, rising, 0.0, 0.31)
            cuts = np.linspace(0.0, 0.31, 303)
            parts = [counter.edges(sample.log, 0.5, rising, a, b) for a, b in pairwise(cuts)]
            np.testing.assert_array_equal(np.concatenate(parts), whole)
            assert len(whole) >= 150


def test_a_negative_gain_and_a_negative_current_turn_the_slopes_round() -> None:
    for top, gain, level, rising in (
        (1e-5, 1e3, 0.5, True),
        (-1e-5, 1e3, -0.5, False),
        (1e-5, -1e3, -0.5, False),
        (-1e-5, -1e3, 0.5, True),
    ):
        sample = resistor()
        sample.follow(0.0, bias_stretches(0.0, [(1.0, burst(triangle(top), 1e-3, 1e-3, 1))], 0.0))
        (first,) = readout(gain=gain).edges(sample.log, level, rising, 0.0, 1.0)
        (second,) = readout(gain=gain).edges(sample.log, level, not rising, 0.0, 1.0)
        assert first == pytest.approx(1.25e-3, abs=1.1e-5)
        assert second == pytest.approx(1.75e-3, abs=1.1e-5)


def test_noise_on_a_steep_edge_is_one_gaussian_crossing() -> None:
    sample = resistor()
    # 10 uA in 1 us: 1 V/us, so that 2 mV of noise are 2 ns, while the amplifier's time constant is 0.5 us.
    values = np.concatenate([np.linspace(0.0, 1e-5, 1000), np.full(9000, 1e-5), np.linspace(1e-5, 0.0, 10_000)])
    sample.follow(0.0, bias_stretches(0.0, [(1.0, burst(values, 0.0, 2e-5, 4000))], 0.0))
    clean = readout(rise_time=RISE_TIME).edges(sample.log, 0.5, True, 0.0, 1.0)
    noisy = readout(rise_time=RISE_TIME, noise=2e-6).edges(sample.log, 0.5, True, 0.0, 1.0)
    assert len(clean) == len(noisy) == 4000
    # The output passes 0.5 V 0.9 us after the ramp began, where its slope is 1 V/us (1 - exp(-0.9 / 0.5)).
    width = 2e-3 / (1e6 * -math.expm1(-0.9 / 0.5))
    assert (noisy - clean).std() == pytest.approx(width, rel=0.05)  # 4 sigma for n = 4000 are 4.5 %
    assert abs((noisy - clean).mean()) < 4 * width / math.sqrt(4000)


def test_noise_on_a_slow_ramp_stops_early_as_a_simulation_of_the_noise_does() -> None:
    slope, sigma, cycles = 1e3, 2e-3, 300  # V/s and V: the ramp needs 2 us, four time constants, for one sigma
    values = np.linspace(0.0, 1e-6, 1000)  # 0.1 V in 0.1 ms
    sample = resistor()
    sample.follow(0.0, bias_stretches(0.0, [(1.0, burst(values, 0.0, 1e-4, cycles))], 0.0))
    counter = readout(rise_time=RISE_TIME, noise=2e-6)
    edges = counter.edges(sample.log, 0.05, True, 0.0, 1.0)
    cycle = np.floor(edges / 1e-4).astype(int)
    first = edges[np.unique(cycle, return_index=True)[1]] % 1e-4 - 0.05 / slope - TAU
    simulated = first_passages(sigma, slope)
    # The rate counts crossings as if they came independently: right to a fifth of a width.
    assert simulated.mean() < -1e-6
    assert first.mean() == pytest.approx(simulated.mean(), abs=0.2 * sigma / slope)
    assert first.std() == pytest.approx(simulated.std(), rel=0.2)


def first_passages(sigma: float, slope: float) -> Array:
    """Return when smooth noise on a straight line first passes 0, in s from the line's own passage, shape (2000,)."""
    rng, step = np.random.default_rng(1), 0.02 * TAU
    times = np.arange(-16e-6, 12e-6, step)
    kept = math.exp(-step / TAU)
    rough = smooth = np.zeros(2000)
    noise = np.empty((2000, len(times)))
    for k in range(len(times)):  # white noise through two equal poles: its derivative has the deviation sigma / tau
        rough = kept * rough + (1.0 - kept) * rng.standard_normal(2000)
        smooth = kept * smooth + (1.0 - kept) * rough
        noise[:, k] = smooth
    noise *= sigma / noise[:, 400:].std()
    return np.asarray(times[400:][np.argmax((noise + slope * times)[:, 400:] > 0.0, axis=1)])


def test_its_heat_is_the_resistance_times_the_mean_square_of_the_current() -> None:
    sample = resistor()
    sample.follow(1.0, bias_stretches(1.0, [(1.0, burst(np.array([1e-5, -1e-5]), 1.0, 1e-3, 2000))], 0.0))
    assert sample.heat.release(1.0) == 0.0
    assert sample.heat.release(2.0) == pytest.approx(100.0 * 1e-10)
    assert sample.heat.release(10.0) == pytest.approx(100.0 * 1e-10)
    assert sample.heat.release(11.0) == 0.0


def test_thousands_of_changes_are_forgotten_and_the_newest_are_right() -> None:
    sample = resistor(1e-6)
    for n in range(3000):
        sample.follow(
            n * 1e-3, bias_stretches(n * 1e-3, [(1.0, burst(np.array([(n % 2) * 1e-5]), n * 1e-3, 1.0, math.inf))], 0.0)
        )
    assert len(sample.log.passages) == 1000
    edges = readout(rise_time=RISE_TIME).edges(sample.log, 0.5, True, 2.9895, 2.9955)
    assert len(edges) == 3
    assert sample.current(2.9999) == pytest.approx(1e-5)


def test_as_a_log_of_voltage_states_it_stays_empty_and_another_log_is_refused() -> None:
    assert len(resistor().log.begins) == 0
    with pytest.raises(TypeError, match="dummy resistor"):
        readout().edges(EventLog(), 0.5, True, 0.0, 1.0)
