"""Another junction, base temperature or wiring in a copy of the bench file changes the results as the physics says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from mqtctl.physics import Junction, SwitchingDistribution
from mqtctl.records import Histogram
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire


@dataclass(frozen=True)
class Case:
    """A junction and a ramp that suits it, as they stand in the files, and the same in SI."""

    critical_current: str
    capacitance: str
    resistance: str
    stop_current: str
    rate: str
    repetition: str
    temperature: str
    values: tuple[float, float, float, float, float]  # Ic, C, R, rate, T


CASES = {
    "0.5 uA": Case("0.5 uA", "80 fF", "1 kOhm", "0.52 uA", "50 uA/s", "80 Hz", "80 mK", (5e-7, 8e-14, 1e3, 5e-5, 0.08)),
    "3 uA": Case("3 uA", "1 pF", "60 Ohm", "3.1 uA", "1 mA/s", "250 Hz", "500 mK", (3e-6, 1e-12, 60.0, 1e-3, 0.5)),
    "50 uA": Case("50 uA", "20 pF", "20 Ohm", "51 uA", "20 mA/s", "320 Hz", "20 mK", (5e-5, 2e-11, 20.0, 2e-2, 0.02)),
}


def put(laboratory: Any, case: Case) -> None:
    laboratory.change("bench.yaml", "critical_current: 9.489 uA", f"critical_current: {case.critical_current}")
    laboratory.change("bench.yaml", "capacitance: 6.35 pF", f"capacitance: {case.capacitance}")
    laboratory.change("bench.yaml", "resistance: 190 Ohm", f"resistance: {case.resistance}")
    laboratory.change("bench.yaml", "noise: 0.1 nA", "noise: 0 A")
    laboratory.change("sample.yaml", "critical_current: 9.5 uA", f"critical_current: {case.critical_current}")
    laboratory.change("sample.yaml", "capacitance: 6.35 pF", f"capacitance: {case.capacitance}")
    laboratory.change("sample.yaml", "resistance: 190 Ohm", f"resistance: {case.resistance}")
    laboratory.change("sample.yaml", "max_current: 12 uA", "max_current: 60 uA")
    laboratory.change("plan.yaml", "stop_current: 9.8 uA", f"stop_current: {case.stop_current}")
    laboratory.change("plan.yaml", "rate: 1 mA/s", f"rate: {case.rate}")
    laboratory.change("plan.yaml", "repetition: 80 Hz", f"repetition: {case.repetition}")
    laboratory.change("plan.yaml", "[100 mK]", f"[{case.temperature}]")


def measured(laboratory: Any) -> Histogram:
    folder = laboratory.folder / f"run{len(list(laboratory.folder.glob('run*')))}"
    taken = acquire(laboratory.folder / "plan.yaml", Options(output=folder, seed=1))
    (histogram,) = load_sweep(taken.folder.database).sweep.histograms
    assert histogram.switching_currents.size == 1000
    return histogram


@pytest.mark.shown(1)
@pytest.mark.parametrize("name", CASES)
def test_another_junction_switches_by_its_own_physics(laboratory: Any, name: str) -> None:
    case = CASES[name]
    put(laboratory, case)
    histogram = measured(laboratory)
    critical_current, capacitance, resistance, rate, temperature = case.values
    law = SwitchingDistribution(Junction(critical_current, capacitance, resistance), temperature, rate)
    # a false alarm in one of ten thousand seeds; the seed is fixed
    assert kstest(law.cdf(histogram.switching_currents), "uniform").pvalue > 1e-4


def test_a_warmer_cryostat_widens_the_histogram_as_its_temperature_says(laboratory: Any) -> None:
    laboratory.change("bench.yaml", "base_temperature: 12 mK", "base_temperature: 199 mK")
    laboratory.change("plan.yaml", "[100 mK]", "[200 mK]")
    histogram = measured(laboratory)
    # 20.8 nA at 200 mK; 1000 switches give a width to 2.8 %: 4 sigma
    assert np.std(histogram.switching_currents) == pytest.approx(20.8e-9, rel=0.11)


@pytest.mark.slow
def test_a_longer_filter_shifts_the_currents_by_rate_times_lag_until_the_delay_is_calibrated(laboratory: Any) -> None:
    plain = measured(laboratory).switching_currents.mean()
    laboratory.change("bench.yaml", "lag: 10 us", "lag: 50 us")
    shifted = measured(laboratory).switching_currents.mean()
    # the same seed draws the same switches: only the stop comes 40 us later, at 1 mA/s
    assert shifted - plain == pytest.approx(40e-9, abs=0.4e-9)
    laboratory.change("station.yaml", "delay: 10.105 us", "delay: 50.105 us")
    assert measured(laboratory).switching_currents.mean() == pytest.approx(plain, abs=0.4e-9)


def test_a_current_offset_is_seen_as_one(laboratory: Any) -> None:
    plain = measured(laboratory).switching_currents.mean()
    laboratory.change("bench.yaml", "offset: 0 A", "offset: 50 nA")
    assert measured(laboratory).switching_currents.mean() - plain == pytest.approx(-50e-9, abs=0.4e-9)


def test_a_threshold_above_the_gap_gives_no_stop_and_is_reported(laboratory: Any) -> None:
    laboratory.change("station.yaml", "stop_threshold: 1 V", "stop_threshold: 4 V")
    laboratory.change("sample.yaml", "gap_voltage: 2.7 mV", "# gap_voltage: 2.7 mV")  # else it is refused before
    outcome = laboratory.sweep()
    assert outcome.exit_code == 10
    assert "without a switch" in outcome.stderr


def test_a_marker_on_the_wrong_line_is_reported(laboratory: Any) -> None:
    laboratory.change("bench.yaml", "to: counter.input1", "to: counter.input2")
    outcome = laboratory.sweep()
    assert outcome.exit_code in (2, 10)
    assert "Traceback" not in outcome.stderr
