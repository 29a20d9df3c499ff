"""The GS200 driven by QCoDeS and PyMeasure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from qcodes.instrument_drivers.yokogawa import YokogawaGS200

SOURCE = "GPIB0::1::INSTR"
_seeds = count(8000)


@pytest.fixture
def library() -> str:
    """Return a showroom of one's own: another seed is another bench."""
    return f"showroom?seed={next(_seeds)}@mqt"


@pytest.fixture
def qcodes_source(library: str) -> Iterator[YokogawaGS200]:
    source = YokogawaGS200("source", SOURCE, visalib=library)
    yield source
    source.close()


def test_qcodes_takes_a_snapshot(qcodes_source: YokogawaGS200) -> None:
    assert qcodes_source.get_idn()["model"] == "GS210"
    snapshot = qcodes_source.snapshot(update=True)["parameters"]
    assert snapshot["source_mode"]["value"] == "VOLT"
    assert snapshot["output"]["value"] == "off"


@pytest.mark.parametrize(("mode", "level_range", "level"), [("VOLT", 1.0, 0.5), ("CURR", 1e-3, 3e-4)])
def test_qcodes_sets_range_level_and_limits(
    qcodes_source: YokogawaGS200, mode: str, level_range: float, level: float
) -> None:
    source = qcodes_source
    set_mode: Any = source.source_mode
    set_mode(mode)
    parameter: Any = source.voltage if mode == "VOLT" else source.current
    size: Any = source.voltage_range if mode == "VOLT" else source.current_range
    size(level_range)
    assert size() == level_range
    source.voltage_limit(5)
    assert source.voltage_limit() == 5
    source.current_limit(0.1)
    assert source.current_limit() == pytest.approx(0.1)
    source.on()
    assert source.output() == "on"
    parameter(level)
    assert parameter() == pytest.approx(level)
    source.auto_range(True)
    parameter(1.5 * level)
    assert parameter() == pytest.approx(1.5 * level)
    source.off()
    assert source.system_errors() == '0,"No error"'


def test_qcodes_runs_a_program_with_a_slope(qcodes_source: YokogawaGS200) -> None:
    source, program = qcodes_source, qcodes_source.program
    clock: Any = source.visa_handle.visalib
    source.voltage_range(1.0)
    source.on()
    for parameter, value in (
        (program.interval, 2.0),
        (program.slope, 2.0),
        (program.repeat, "OFF"),
        (program.count, 1),
    ):
        parameter(value)
        assert parameter() == value
    program.start()
    source.write(":SOUR:LEV 0.5")
    program.end()
    program.save("ramp.csv")
    program.load("ramp.csv")
    source.write("*CLS")
    program.run()
    clock.clock.sleep(1.0)
    assert source.voltage() == pytest.approx(0.25, abs=0.01)
    assert int(source.ask(":STAT:EVEN?")) & 128 == 0
    clock.clock.sleep(1.1)
    assert int(source.ask(":STAT:EVEN?")) & 128
    assert source.voltage() == 0.5
    assert source.system_errors() == '0,"No error"'


def test_pymeasure_sets_level_range_and_ramp(library: str, connect_pymeasure: Callable[..., Any]) -> None:
    yokogawa = pytest.importorskip("pymeasure.instruments.yokogawa")
    adapter = connect_pymeasure(SOURCE, library)
    with pytest.warns(FutureWarning, match="SCPI"):
        source = yokogawa.YokogawaGS200(adapter)
    source.source_mode = "current"
    source.source_range = 1e-3
    source.source_enabled = True
    source.source_level = 1e-4
    assert source.source_level == pytest.approx(1e-4)
    source.current_limit = 0.1
    source.voltage_limit = 10
    assert (source.current_limit, source.voltage_limit) == (pytest.approx(0.1), 10)
    source.trigger_ramp_to_level(3e-4, 2.0)
    adapter.connection.visalib.clock.sleep(1.0)
    assert source.source_level == pytest.approx(2e-4, rel=0.02)
    adapter.connection.visalib.clock.sleep(1.1)
    assert source.source_level == pytest.approx(3e-4)
    source.source_enabled = False
    assert adapter.connection.query(":SYST:ERR?").strip() == '0,"No error"'
