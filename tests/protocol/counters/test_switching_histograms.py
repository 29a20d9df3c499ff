"""Switching histograms through three pairs of instruments agree with the physics behind the calibrated delay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mqtctl.physics import Junction, SwitchingDistribution
from tests.protocol.counters.chain import Array, Chain, sawtooth

Open = Callable[..., Chain]

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
PAIRS = [
    ("keithley-6221", "keysight-53230a"),
    ("keysight-33512b", "keysight-53230a"),
    ("keysight-33512b", "srs-sr620"),
]
DELAY = 10.105e-6  # of the built-in bench with a threshold at 1 V; docs/bench.md
FREQUENCY, RISE, TOP = 400.0, 0.9, 10.5e-6
RATE = TOP * FREQUENCY / RISE


def probabilities(chain: Open, source: str, counter: str, temperature: float, seed: int, number: int) -> Array:
    """Return the distribution function at the measured switching currents: uniform if they follow the physics."""
    cold = {"base_temperature: 12 mK": f"base_temperature: {temperature} K", "noise: 0.1 nA": "noise: 0 nA"}
    opened = chain(source, counter, cold, seed)
    intervals = opened.measure(sawtooth(TOP, RISE, fall=0.02), FREQUENCY, number)
    assert np.all(intervals < 1.0 / FREQUENCY)
    law = SwitchingDistribution(JUNCTION, opened.bench.cryostat.sample, RATE)
    return np.asarray(law.cdf(RATE * (intervals - DELAY)))


@pytest.mark.shown(2)
@pytest.mark.parametrize("temperature", [0.012, 0.3])
@pytest.mark.parametrize(("source", "counter"), PAIRS)
def test_switches_follow_the_physics(chain: Open, source: str, counter: str, temperature: float) -> None:
    # The SR620 gives its samples one by one, which costs the test time: its 20 000 are among the slow tests.
    number = 1500 if counter == "srs-sr620" else 20_000
    found = probabilities(chain, source, counter, temperature, 1, number)
    assert stats.kstest(found, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("source", "counter"), PAIRS[:2])
def test_a_delay_wrong_by_a_tenth_of_the_width_is_seen(chain: Open, source: str, counter: str) -> None:
    found = probabilities(chain, source, counter, 0.3, 1, 6000)
    law = SwitchingDistribution(JUNCTION, 0.3, RATE)
    shifted = law.cdf(law.ppf(np.clip(found, 1e-12, 1 - 1e-12)) + 0.1 * law.std)
    assert stats.kstest(shifted, "uniform").pvalue < 1e-6


def test_the_thermometers_heater_warms_the_junction_and_the_histogram_follows(chain: Open) -> None:
    opened = chain()
    thermometer: Any = opened.manager.open_resource(
        "TCPIP0::192.0.2.72::7777::SOCKET", read_termination="\r\n", write_termination="\r\n"
    )
    for command in ("SCAN 6,0", "OUTMODE 0,5,6,0,0,0,1", "PID 0,10,20,0", "SETP 0,0.3", "RANGE 0,6"):
        thermometer.write(command)
    opened.bench.clock.sleep(300.0)
    assert opened.bench.cryostat.sample == pytest.approx(0.3, rel=2e-3)
    assert float(thermometer.query("KRDG? 6")) == pytest.approx(0.3, rel=5e-3)
    currents = RATE * (opened.measure(sawtooth(TOP, RISE, fall=0.02), FREQUENCY, 4000) - DELAY)
    law = SwitchingDistribution(JUNCTION, 0.3, RATE)
    assert stats.kstest(law.cdf(currents), "uniform").pvalue > 1e-3


@pytest.mark.shown(1)
@pytest.mark.parametrize(("source", "counter"), PAIRS)
def test_the_same_seed_gives_the_same_bytes_through_visa(chain: Open, source: str, counter: str) -> None:
    results = [
        chain(source, counter, seed=seed).measure(sawtooth(TOP, RISE, fall=0.02), FREQUENCY, 200) for seed in (3, 3, 4)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.012, 0.3])
def test_twenty_thousand_samples_of_the_sr620_follow_the_physics(chain: Open, temperature: float) -> None:
    found = probabilities(chain, "keysight-33512b", "srs-sr620", temperature, 1, 20_000)
    assert stats.kstest(found, "uniform").pvalue > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "counter"), [PAIRS[0], pytest.param(*PAIRS[1], marks=pytest.mark.campaign), PAIRS[2]]
)
def test_p_values_of_many_seeds_are_uniform(chain: Open, source: str, counter: str) -> None:
    number = 3000 if counter == "srs-sr620" else 20_000
    values = [
        stats.kstest(probabilities(chain, source, counter, temperature, seed, number), "uniform").pvalue
        for seed in range(10)
        for temperature in (0.012, 0.3)
    ]
    assert stats.kstest(values, "uniform").pvalue > 1e-3
    assert min(values) > 1e-4
