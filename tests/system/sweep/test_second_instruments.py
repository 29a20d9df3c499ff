"""Another source, counter and thermometer, by the station file alone, and statistically the same histogram."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mqtctl.physics import Escape, Junction, SwitchingDistribution
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

#: Two of each role on one bench: which of them measure is the station file's choice.
SECOND_INSTRUMENTS = """
  generator:
    model: keysight-33512b
    address: USB0::0x0957::0x2807::MY52400001::INSTR
  timer:
    model: srs-sr620
    address: GPIB0::16::INSTR
  controller:
    model: lakeshore-336
    address: TCPIP0::192.0.2.36::7777::SOCKET
"""
GENERATOR = """  source:
    type: qcodes.instrument_drivers.Keysight.Keysight33512B
    address: USB0::0x0957::0x2807::MY52400001::INSTR
    init:
      visalib: bench.yaml@mqt
      silent: true
      metadata:
        mqtctl:
          role: ramp_source
          bias_resistance: 100 kOhm
"""
TIMER = """  counter:
    type: mqtctl_drivers.srs_sr620.SrsSR620
    address: GPIB0::16::INSTR
    init:
      visalib: bench.yaml@mqt
      metadata:
        mqtctl:
          role: timing_counter
          start_slope: positive
          start_threshold: 1.5 V
          stop_threshold: 1 V
          delay: 10.105 us
"""
CONTROLLER = """  thermometer:
    type: qcodes.instrument_drivers.Lakeshore.LakeshoreModel336
    address: TCPIP0::192.0.2.36::7777::SOCKET
    init:
      visalib: bench.yaml@mqt
      print_connect_message: false
      metadata:
        mqtctl:
          role: temperature_controller
          input: B
          minimum: 12 mK
          maximum: 1 K
          ranges:
            - {up_to: 1 K, range: low}
"""


#: Marker lines by (source, counter): an input takes one cable only.
FIRST_MARKER = "{from: source.marker, to: counter.input1, low: 0 V, high: 5 V, width: 1 us, pulse: low, delay: 0 s}"
MARKERS = {
    (False, False): FIRST_MARKER,
    (False, True): FIRST_MARKER.replace("counter.input1", "timer.inputA"),
    (True, False): "{from: generator.sync, to: counter.input1, low: 0 V, high: 3.3 V, width: 10 us, pulse: high}",
    (True, True): "{from: generator.sync, to: timer.inputA, low: 0 V, high: 3.3 V, width: 10 us, pulse: high}",
}


def two_of_each(laboratory: Any, markers: str) -> None:
    """Put the second instruments on the bench beside the first."""
    laboratory.change("bench.yaml", "\njunction:\n", f"{SECOND_INSTRUMENTS}\njunction:\n")
    source = "    - {port: source.output, factor: 1}"
    resistor = "    - {port: generator.output1, resistance: 100 kOhm}"
    laboratory.change("bench.yaml", source, f"{source}\n{resistor}")
    laboratory.change("bench.yaml", FIRST_MARKER, markers)
    readout = "  - {to: timer.inputB, gain: 1000, rise_time: 0.5 us, noise: 2 uV}"
    laboratory.change("bench.yaml", "\nreadouts:\n", f"\nreadouts:\n{readout}\n")
    heater, sensor = "    thermometer.warmup: mixing_chamber", "    thermometer.ch6: mixing_chamber"
    laboratory.change("bench.yaml", heater, "    controller.output1: mixing_chamber")
    laboratory.change("bench.yaml", sensor, f"{sensor}\n    controller.chB: mixing_chamber")


def with_instruments(laboratory: Any, entries: dict[str, str]) -> None:
    """Replace whole entries of the station file."""
    path: Path = laboratory.folder / "station.yaml"
    text = path.read_text(encoding="utf-8")
    for name, entry in entries.items():
        begin = text.index(f"  {name}:\n")
        end = text.find("\n\n", begin) + 1 or len(text)
        text = text[:begin] + entry + text[end:]
    path.write_text(text, encoding="utf-8")


def currents(laboratory: Any, seed: int) -> NDArray[np.float64]:
    """Measure one histogram with the laboratory as it is."""
    taken = acquire(laboratory.folder / "plan.yaml", Options(output=laboratory.folder / f"run{seed}", seed=seed))
    (histogram,) = load_sweep(taken.folder.database).sweep.histograms
    assert histogram.switching_currents.size >= 2000
    assert histogram.temperature == pytest.approx(0.3, rel=0.01)
    return histogram.switching_currents


@pytest.fixture
def short_plan(laboratory: Any) -> Any:
    """A laboratory with a plan of 2000 switches at 300 mK."""
    laboratory.change("plan.yaml", "[100 mK]", "[300 mK]")
    laboratory.change("plan.yaml", "switches: 1000", "switches: 2000")
    return laboratory


def assert_same_law(first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
    # two samples of one law fall below this once in a thousand pairs of seeds; these seeds are fixed
    assert stats.ks_2samp(first, second).pvalue > 1e-3
    # both follow the bench's own law at 300 mK, not only each other
    law = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), 0.3, 1e-3, Escape())
    for sample in (first, second):
        # 4 standard errors for n = 2000 are 0.09; a bath 0.3 % off moves the mean by 0.02 standard deviations
        assert abs(sample.mean() - law.mean) < 0.11 * law.std
        assert sample.std() == pytest.approx(law.std, rel=0.08)  # 4 standard errors of the width, with some skewness


def test_every_role_swapped_by_the_station_file_alone_gives_the_same_histogram(short_plan: Any) -> None:
    two_of_each(short_plan, f"{FIRST_MARKER}\n  - {MARKERS[True, True]}")
    first = currents(short_plan, 1)
    with_instruments(short_plan, {"source": GENERATOR, "counter": TIMER, "thermometer": CONTROLLER})
    second = currents(short_plan, 2)
    assert second[0] != first[0]
    assert_same_law(first, second)


@pytest.mark.parametrize("role", ["source", "counter", "thermometer"])
@pytest.mark.slow
def test_each_role_can_be_swapped_by_itself(short_plan: Any, role: str) -> None:
    """The marker's cable goes where it must; its edge is said in the station file."""
    two_of_each(short_plan, MARKERS[role == "source", role == "counter"])
    entry = {"source": GENERATOR, "counter": TIMER, "thermometer": CONTROLLER}[role]
    if role == "counter":
        entry = entry.replace("start_slope: positive", "start_slope: negative")
    with_instruments(short_plan, {role: entry})
    if role == "source":
        short_plan.change(
            "station.yaml", "role: timing_counter", "role: timing_counter\n          start_slope: positive"
        )
    sample = currents(short_plan, 3)
    assert_same_law(sample, sample)
