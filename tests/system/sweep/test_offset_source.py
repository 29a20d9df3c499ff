"""A Yokogawa GS200 adds a constant current to the bias, by the station file and one line of the plan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mqtctl.physics import Junction, SwitchingDistribution
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

LAW = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), 0.1, 1e-3)
ADDRESS = "USB0::0x0B21::0x0039::90Z631552::INSTR"


@pytest.fixture
def with_offset(laboratory: Any) -> Any:
    """Return a laboratory whose bias line has a GS200 behind 100 kOhm beside the ramp source."""
    laboratory.change(
        "bench.yaml", "\njunction:\n", f"  steady:\n    model: yokogawa-gs200\n    address: {ADDRESS}\n\njunction:\n"
    )
    source = "    - {port: source.output, factor: 1}"
    laboratory.change("bench.yaml", source, f"{source}\n    - {{port: steady.voltage, resistance: 100 kOhm}}")
    entry = f"""
  steady:
    type: qcodes.instrument_drivers.yokogawa.YokogawaGS200
    address: {ADDRESS}
    init:
      visalib: bench.yaml@mqt
      metadata:
        mqtctl:
          role: offset_source
          current_limit: 2 uA
          bias_resistance: 100 kOhm
"""
    path = laboratory.folder / "station.yaml"
    path.write_text(path.read_text(encoding="utf-8").rstrip() + "\n" + entry, encoding="utf-8")
    return laboratory


@pytest.mark.usefixtures("blank_figures")
def test_an_offset_lets_a_smaller_ramp_reach_the_same_switching_currents(with_offset: Any) -> None:
    with_offset.change("plan.yaml", "  stop_current: 9.8 uA", "  offset_current: 0.1 uA\n  stop_current: 9.7 uA")
    result = with_offset.result()
    (point,) = result["points"]
    # 1000 switches: 4 standard errors of the mean, and 1 nA of the source's accuracy
    assert point["mean_switching_current_A"] == pytest.approx(LAW.mean, abs=4 * LAW.std / 1000**0.5 + 1e-9)
    (stored,) = load_sweep(with_offset.folder / "run" / "data.db").points
    assert stored.histogram.ramp.offset == pytest.approx(1e-7, rel=1e-3)
    assert "offset_source" in stored.header.facts.instruments
    currents = stored.histogram.ramp.current(stored.histogram.intervals)
    assert np.allclose(currents, stored.histogram.switching_currents, rtol=1e-12)


def test_an_offset_without_a_source_for_it_is_refused(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "  stop_current: 9.8 uA", "  offset_current: 0.1 uA\n  stop_current: 9.7 uA")
    outcome = laboratory.sweep()
    assert outcome.exit_code == 2
    assert "offset_source" in outcome.stderr


def test_an_offset_beyond_what_the_sample_may_see_is_refused(with_offset: Any) -> None:
    with_offset.change("plan.yaml", "  stop_current: 9.8 uA", "  offset_current: 4 uA\n  stop_current: 8.8 uA")
    outcome = with_offset.sweep()
    assert outcome.exit_code == 2
    assert "besides the offset of 4 uA" in outcome.stderr


def test_safe_brings_the_offset_source_to_rest_as_well(with_offset: Any) -> None:
    outcome = with_offset.run("safe", with_offset.folder / "station.yaml")
    assert outcome.exit_code == 0, outcome.stderr
    assert "offset_source" in outcome.stdout


def test_an_offset_that_is_lost_in_a_burst_is_made_again_and_no_ramp_without_it_is_stored(with_offset: Any) -> None:
    with_offset.change("plan.yaml", "  stop_current: 9.8 uA", "  offset_current: 0.1 uA\n  stop_current: 9.7 uA")
    with_offset.change("plan.yaml", "switches: 1000", "switches: 400")
    with_offset.change("plan.yaml", "dwell: 2 min", "dwell: 20 s")
    path = with_offset.folder / "bench.yaml"
    fault = "{kind: power-cycle, instrument: steady, match: ':SOUR:LEV?', message: 6}"
    path.write_text(f"{path.read_text(encoding='utf-8')}\nfaults:\n  - {fault}\n", encoding="utf-8")
    acquire(with_offset.folder / "plan.yaml", Options(output=with_offset.folder / "run", seed=1))
    (stored,) = load_sweep(with_offset.folder / "run" / "data.db").points
    assert stored.result is not None
    assert stored.result.lost_sessions == 1
    currents = stored.histogram.switching_currents
    assert currents.size == 400
    # without the offset they would be 0.1 uA off, fourteen widths
    assert np.abs(currents - LAW.mean).max() < 8 * LAW.std
