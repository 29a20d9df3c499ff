from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from pyvisa_mqt.sample.bias import bias_stretches
from pyvisa_mqt.sample.cables import MarkerLine, MarkerRecord, Readout
from pyvisa_mqt.sample.voltage_steps import EventLog
from pyvisa_mqt.time_and_signals.signals import Waveform

TAU = 0.5e-6 / math.log(9.0)


def wave(
    values: Sequence[float] = (0.0, 1.0),
    start: float = 0.0,
    period: float = 1.0,
    cycles: float = math.inf,
    idle: float = 0.0,
    marker: float = 0.0,
) -> Waveform:
    return Waveform(start, period, cycles, np.array(values, dtype=float), idle, marker)


def log(begins: ArrayLike, ends: ArrayLike, polarity: float = 1.0) -> EventLog:
    events = EventLog()
    starts = np.asarray(begins, dtype=float)
    events.append(starts, np.asarray(ends, dtype=float), np.full(len(starts), polarity))
    return events


def readout(**changes: float) -> Readout:
    settings: dict[str, Any] = {
        "gain": 1000.0,
        "rise_time": 0.5e-6,
        "noise": 0.0,
        "delay": 0.0,
        "gap_voltage": 2.7e-3,
        "offset": 0.0,
        "seed": 0,
    }
    return Readout(**(settings | changes))


def test_bias_before_during_and_after_a_burst() -> None:
    before, during, after = bias_stretches(1.0, [(1e-6, wave(start=2.0, cycles=3, idle=0.5))], 0.1e-6)
    assert (before.begin, before.end) == (1.0, 2.0)
    assert before.values[0] == pytest.approx(0.6e-6)
    assert (during.origin, during.period, during.end) == (2.0, 1.0, 5.0)
    np.testing.assert_allclose(during.values, [0.1e-6, 1.1e-6])
    assert after.values[0] == pytest.approx(0.6e-6)
    assert math.isinf(after.end)


def test_currents_of_several_sources_add_up() -> None:
    ramp = wave(cycles=10)
    (first, *_rest) = bias_stretches(0.0, [(1.0, ramp), (2.0, wave((3.0,)))], 0.0)
    np.testing.assert_allclose(first.values, [6.0, 7.0])


def test_of_two_simultaneous_ramps_the_later_one_runs_and_the_other_holds() -> None:
    (first, *_rest) = bias_stretches(0.6, [(1.0, wave((0.0, 5.0))), (1.0, wave((0.0, 1.0), start=0.1))], 0.0)
    np.testing.assert_allclose(first.values, [5.0, 6.0])
    assert first.origin == 0.1


def test_marker_pulses_go_down_and_up_again_at_their_phase() -> None:
    record = MarkerRecord(MarkerLine("counter.input1", delay=2e-9))
    record.drive(0.0, wave(start=1.0, period=0.01, cycles=5, marker=0.25))
    falling = record.edges(1.0, False, 0.0, 10.0)
    np.testing.assert_allclose(falling, 1.0025 + 0.01 * np.arange(5) + 2e-9, rtol=0, atol=1e-15)
    rising = record.edges(1.0, True, 0.0, 10.0)
    np.testing.assert_allclose(rising - falling, 1e-6, rtol=1e-6)


@pytest.mark.parametrize("threshold", [-0.1, 0.0, 5.0, 7.0])
def test_a_threshold_outside_the_markers_levels_sees_nothing(threshold: float) -> None:
    record = MarkerRecord(MarkerLine("counter.input1"))
    record.drive(0.0, wave())
    assert record.edges(threshold, False, 0.0, 10.0).size == 0


def test_marker_windows_are_open_below_and_closed_above() -> None:
    record = MarkerRecord(MarkerLine("counter.input1"))
    record.drive(0.0, wave(start=0.0, period=0.25, cycles=1000))
    np.testing.assert_array_equal(record.edges(1.0, False, 0.25, 0.75), [0.5, 0.75])
    joined = np.concatenate([record.edges(1.0, False, 0.1 * k, 0.1 * (k + 1)) for k in range(1000)])
    np.testing.assert_array_equal(joined, record.edges(1.0, False, 0.0, 100.0))


def test_a_burst_of_n_periods_has_n_markers_wherever_it_starts() -> None:
    rng = np.random.default_rng(0)
    for start, period in zip(rng.uniform(0, 1e5, 200), rng.uniform(1e-4, 1, 200), strict=True):
        record = MarkerRecord(MarkerLine("counter.input1"))
        record.drive(0.0, wave(start=start, period=period, cycles=137))
        assert record.edges(1.0, False, 0.0, 1e9 if period > 0.1 else start + 200 * period).size == 137


def test_markers_stop_when_the_waveform_is_replaced() -> None:
    record = MarkerRecord(MarkerLine("counter.input1"))
    record.drive(0.0, wave(period=1.0))
    record.drive(4.5, None)
    np.testing.assert_array_equal(record.edges(1.0, False, -1.0, 100.0), [0, 1, 2, 3, 4])


def test_an_active_high_sync_rises_first() -> None:
    record = MarkerRecord(MarkerLine("counter.input1", active_low=False, width=0.1))
    record.drive(0.0, wave(start=1.0, cycles=1))
    np.testing.assert_allclose(record.edges(2.0, True, 0, 10), [1.0])
    np.testing.assert_allclose(record.edges(2.0, False, 0, 10), [1.1])


@pytest.mark.parametrize("threshold", [0.1, 1.0, 2.6])
def test_the_amplifier_delays_the_step_by_its_rise(threshold: float) -> None:
    (edge,) = readout(delay=3e-9).edges(log([1.0], [1.001]), threshold, True, 0.0, 2.0)
    assert edge - 1.0 == pytest.approx(3e-9 + TAU * math.log(2.7 / (2.7 - threshold)), abs=1e-15)


def test_the_other_slope_sees_the_way_back() -> None:
    (edge,) = readout().edges(log([1.0], [1.001]), 1.0, False, 0.0, 2.0)
    assert edge - 1.001 == pytest.approx(TAU * math.log(2.7 / 1.0), abs=1e-15)


@pytest.mark.parametrize("threshold", [2.7, 3.0, -0.5])
def test_a_wrong_threshold_gives_no_stop(threshold: float) -> None:
    assert readout().edges(log([1.0], [1.001]), threshold, True, 0.0, 2.0).size == 0


def test_a_step_shorter_than_the_rise_never_reaches_the_threshold() -> None:
    events = log([1.0], [1.0 + 0.2 * TAU])
    assert readout().edges(events, 1.0, True, 0.0, 2.0).size == 0
    assert readout().edges(events, 0.4, True, 0.0, 2.0).size == 1


def test_negative_steps_cross_negative_thresholds_downwards() -> None:
    events = log([1.0], [1.001], polarity=-1.0)
    assert readout().edges(events, -1.0, False, 0.0, 2.0).size == 1
    assert readout().edges(events, 1.0, True, 0.0, 2.0).size == 0
    assert readout(gain=-1000.0).edges(events, 1.0, True, 0.0, 2.0).size == 1


def test_an_offset_at_the_input_shifts_the_threshold() -> None:
    (edge,) = readout(offset=0.5e-3).edges(log([1.0], [1.001]), 1.0, True, 0.0, 2.0)
    assert edge - 1.0 == pytest.approx(TAU * math.log(2.7 / (2.7 - 0.5)), abs=1e-15)


def test_windows_cut_steps_without_loss_or_doubling() -> None:
    begins = np.sort(np.random.default_rng(1).uniform(0, 100, 2000))
    begins = begins[np.concatenate([[True], np.diff(begins) > 1e-3])]
    events = log(begins, begins + 0.5e-3)
    for rising in (True, False):
        whole = readout(noise=2e-6).edges(events, 1.0, rising, 0.0, 101.0)
        cuts = np.linspace(0.0, 101.0, 777)
        parts = [readout(noise=2e-6).edges(events, 1.0, rising, a, b) for a, b in pairwise(cuts)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
        assert len(whole) == len(begins)


def test_noise_jitters_the_stop_and_is_absent_at_zero() -> None:
    begins = np.arange(4000.0) * 1e-3
    events = log(begins, begins + 0.5e-3)
    clean = readout().edges(events, 1.0, True, -1.0, 5.0) - begins
    assert np.ptp(clean) < 1e-14
    noisy = readout(noise=20e-6).edges(events, 1.0, True, -1.0, 5.0) - begins
    expected = 20e-3 * TAU / 1.7  # noise over the slope (2.7 V - 1 V) / tau
    assert noisy.std() == pytest.approx(expected, rel=4 / math.sqrt(2 * 4000))


def test_a_threshold_inside_the_noise_gives_false_stops() -> None:
    quiet = EventLog()
    sigma = 20e-3
    for threshold, expected in ((4.5 * sigma, math.exp(-0.5 * 4.5**2) / (2 * math.pi * TAU)), (10 * sigma, 0.0)):
        edges = readout(noise=20e-6).edges(quiet, threshold, True, 0.0, 20.0)
        assert edges.size / 20.0 == pytest.approx(expected, abs=5 * math.sqrt(expected / 20.0))
        assert np.all(np.diff(edges) >= 0)
    assert readout().edges(quiet, 1e-6, True, 0.0, 20.0).size == 0


def test_false_stops_are_the_same_however_they_are_asked_for() -> None:
    whole = readout(noise=20e-6).edges(EventLog(), 0.09, True, 0.0, 10.0)
    cuts = np.linspace(0.0, 10.0, 97)
    parts = [readout(noise=20e-6).edges(EventLog(), 0.09, True, a, b) for a, b in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_no_false_stop_falls_into_a_voltage_state() -> None:
    events = log([0.0], [math.inf])
    assert readout(noise=20e-6).edges(events, 0.05, True, 1.0, 2.0).size == 0


def test_a_threshold_at_the_baseline_is_flooded_but_bounded() -> None:
    edges = readout(noise=20e-6).edges(EventLog(), 0.0, True, 0.0, 2.0)
    assert 5e4 < edges.size < 2e5
