"""Each command of the 6221 driver, as the manual spells it."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest
from mqtctl_drivers.errors import InstrumentError
from mqtctl_drivers.keithley_6221 import CURRENT_RANGES, Keithley6221, MeasurementEvent, OperationEvent

from tests.unit.drivers.scripted_visa import Responder, Transcript, resource_for

_names = count()


def connect(opened: list[Keithley6221], *exchanges: tuple[str, object]) -> tuple[Keithley6221, Transcript]:
    device = Transcript(("<clear>", None), *exchanges)
    instrument = Keithley6221(f"k6221_{next(_names)}", resource=resource_for(device))
    opened.append(instrument)
    return instrument, device


@pytest.mark.parametrize(
    ("path", "value", "command", "query", "reply"),
    [
        ("current", -1.5e-6, "SOUR:CURR -1.5E-06", "SOUR:CURR?", "-1.500000E-06"),
        ("current", -0.0, "SOUR:CURR 0", "SOUR:CURR?", "+0.000000E+00"),
        ("current_range", 20e-6, "SOUR:CURR:RANG 2E-05", "SOUR:CURR:RANG?", "+2.000000E-05"),
        ("current_autorange", True, "SOUR:CURR:RANG:AUTO 1", "SOUR:CURR:RANG:AUTO?", "1"),
        ("compliance", 0.1, "SOUR:CURR:COMP 0.1", "SOUR:CURR:COMP?", "+1.000000E-01"),
        ("analog_filter", False, "SOUR:CURR:FILT 0", "SOUR:CURR:FILT?", "0"),
        ("output", True, "OUTP 1", "OUTP?", "ON"),
        ("response", "slow", "OUTP:RESP SLOW", "OUTP:RESP?", "slow"),
        ("inner_shield", "guard", "OUTP:ISH GUAR", "OUTP:ISH?", "GUAR"),
        ("inner_shield", "output low", "OUTP:ISH OLOW", "OUTP:ISH?", "OLOW"),
        ("low_to_earth", True, "OUTP:LTE 1", "OUTP:LTE?", "1"),
        ("trigger_output_line", 1, "TRIG:OLIN 1", "TRIG:OLIN?", "1"),
        ("trigger_input_line", 5, "TRIG:ILIN 5", "TRIG:ILIN?", "5"),
        ("front_panel", False, "DISP:ENAB 0", "DISP:ENAB?", "0"),
        ("power_on_setup", "saved 2", "SYST:POS SAV2", "SYST:POS?", "SAV2"),
        ("beeper", False, "SYST:BEEP:STAT 0", "SYST:BEEP:STAT?", "0"),
        ("sweep.start", -1e-6, "SOUR:CURR:STAR -1E-06", "SOUR:CURR:STAR?", "-1.000000E-06"),
        ("sweep.stop", 1e-6, "SOUR:CURR:STOP 1E-06", "SOUR:CURR:STOP?", "+1.000000E-06"),
        ("sweep.step", 1e-8, "SOUR:CURR:STEP 1E-08", "SOUR:CURR:STEP?", "+1.000000E-08"),
        ("sweep.points", 201, "SOUR:SWE:POIN 201", "SOUR:SWE:POIN?", "+201"),
        ("sweep.spacing", "list", "SOUR:SWE:SPAC LIST", "SOUR:SWE:SPAC?", "LIST"),
        ("sweep.delay", 0.01, "SOUR:DEL 0.01", "SOUR:DEL?", "+1.000000E-02"),
        ("sweep.count", float("inf"), "SOUR:SWE:COUN INF", "SOUR:SWE:COUN?", "+9.900000E+37"),
        ("sweep.ranging", "best", "SOUR:SWE:RANG BEST", "SOUR:SWE:RANG?", "BEST"),
        ("sweep.compliance_abort", True, "SOUR:SWE:CAB 1", "SOUR:SWE:CAB?", "1"),
        ("wave.function", "arb0", "SOUR:WAVE:FUNC ARB0", "SOUR:WAVE:FUNC?", "ARB0"),
        ("wave.function", "ramp", "SOUR:WAVE:FUNC RAMP", "SOUR:WAVE:FUNC?", "RAMP"),
        ("wave.frequency", 1234.5678, "SOUR:WAVE:FREQ 1234.5678", "SOUR:WAVE:FREQ?", "+1.2345678E+03"),
        ("wave.amplitude", 5e-6, "SOUR:WAVE:AMPL 5E-06", "SOUR:WAVE:AMPL?", "+5.000000E-06"),
        ("wave.offset", -2e-12, "SOUR:WAVE:OFFS -2E-12", "SOUR:WAVE:OFFS?", "-2.000000E-12"),
        ("wave.duty_cycle", 90, "SOUR:WAVE:DCYC 90", "SOUR:WAVE:DCYC?", "+9.000000E+01"),
        ("wave.ranging", "fixed", "SOUR:WAVE:RANG FIX", "SOUR:WAVE:RANG?", "FIX"),
        ("wave.duration", 2.5, "SOUR:WAVE:DUR:TIME 2.5", "SOUR:WAVE:DUR:TIME?", "+2.500000E+00"),
        ("wave.cycles", 10000, "SOUR:WAVE:DUR:CYCL 10000", "SOUR:WAVE:DUR:CYCL?", "+1.000000E+04"),
        ("wave.cycles", float("inf"), "SOUR:WAVE:DUR:CYCL INF", "SOUR:WAVE:DUR:CYCL?", "+9.900000E+37"),
        ("wave.marker_enabled", True, "SOUR:WAVE:PMAR:STAT 1", "SOUR:WAVE:PMAR:STAT?", "1"),
        ("wave.marker_phase", 0, "SOUR:WAVE:PMAR 0", "SOUR:WAVE:PMAR?", "+0.000000E+00"),
        ("wave.marker_line", 4, "SOUR:WAVE:PMAR:OLIN 4", "SOUR:WAVE:PMAR:OLIN?", "4"),
        ("wave.external_trigger_enabled", True, "SOUR:WAVE:EXTR 1", "SOUR:WAVE:EXTR?", "1"),
        ("wave.external_trigger_line", 0, "SOUR:WAVE:EXTR:ILIN 0", "SOUR:WAVE:EXTR:ILIN?", "0"),
        ("wave.external_trigger_ignored", False, "SOUR:WAVE:EXTR:IGN 0", "SOUR:WAVE:EXTR:IGN?", "0"),
        ("wave.external_trigger_idle", -1, "SOUR:WAVE:EXTR:IVAL -1", "SOUR:WAVE:EXTR:IVAL?", "-1.000000E+00"),
    ],
)
def test_each_setting_is_spelled_as_in_the_manual(
    opened: list[Keithley6221], path: str, value: Any, command: str, query: str, reply: str
) -> None:
    source, device = connect(opened, (command, None), (query, reply))
    parameter: Any = source
    for part in path.split("."):
        parameter = getattr(parameter, part)
    parameter.set(value)
    assert parameter.get() == value
    assert device.finished()


def test_the_interlock_can_be_asked_for(opened: list[Keithley6221]) -> None:
    source, _ = connect(opened, ("OUTP:INT:TRIP?", "0"))
    assert source.interlock_tripped.get() is False


@pytest.mark.parametrize("current_range", CURRENT_RANGES)
def test_every_range_is_sent_so_that_it_reads_back_exactly(opened: list[Keithley6221], current_range: float) -> None:
    source, _ = connect(
        opened,
        (f"SOUR:CURR:RANG {current_range:.10G}", None),
        ("SOUR:CURR:RANG?", f"{current_range:+.6E}"),
    )
    source.current_range.set(current_range)
    assert source.current_range.get() == current_range


def test_a_waveform_goes_out_in_portions_of_a_hundred(opened: list[Keithley6221]) -> None:
    samples = np.linspace(-1, 1, 250)
    texts = [f"{v:.7f}".rstrip("0") if abs(v) < 1 else f"{v:.0f}" for v in samples]
    source, device = connect(
        opened,
        ("SOUR:WAVE:ARB:DATA " + ",".join(texts[:100]), None),
        ("SOUR:WAVE:ARB:APP " + ",".join(texts[100:200]), None),
        ("SOUR:WAVE:ARB:APP " + ",".join(texts[200:]), None),
        ("SOUR:WAVE:ARB:POIN?", "250"),
    )
    source.wave.upload(samples)
    assert device.finished()


def test_samples_are_short_and_never_minus_zero(opened: list[Keithley6221]) -> None:
    source, device = connect(opened, ("SOUR:WAVE:ARB:DATA -1,0,0,0.5,0.1234568,1", None), ("SOUR:WAVE:ARB:POIN?", "6"))
    source.wave.upload([-1.0, -0.0, 1e-12, 0.5, 0.12345678, 1.0])
    assert device.finished()


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "2 to 65536"),
        ([0.0], "2 to 65536"),
        (np.zeros((2, 2)), "one row"),
        (np.zeros(65537), "2 to 65536"),
        ([0.0, 1.0000001], "from -1 to 1"),
        ([0.0, float("nan")], "not nan"),
        ([0.0, float("-inf")], "from -1 to 1"),
    ],
)
def test_what_is_no_waveform_is_refused_before_anything_is_sent(
    opened: list[Keithley6221], samples: Any, words: str
) -> None:
    source, device = connect(opened)
    with pytest.raises(ValueError, match=words):
        source.wave.upload(samples)
    assert device.finished()


def test_points_that_got_lost_on_the_way_are_noticed(opened: list[Keithley6221]) -> None:
    source, _ = connect(opened, ("SOUR:WAVE:ARB:DATA 0,1", None), ("SOUR:WAVE:ARB:POIN?", "1"))
    with pytest.raises(InstrumentError, match="2 points were sent"):
        source.wave.upload([0.0, 1.0])


def test_a_wave_is_armed_started_aborted_and_stored(opened: list[Keithley6221]) -> None:
    source, device = connect(
        opened,
        ("SOUR:WAVE:OFFS?", "+5.000000E-06"),
        ("SOUR:WAVE:AMPL?", "+5.000000E-06"),
        ("SOUR:WAVE:ARM", None),
        ("*OPC?", "1"),
        ("SOUR:WAVE:INIT", None),
        ("SOUR:WAVE:ABOR", None),
        ("SOUR:WAVE:ARB:COPY 2", None),
    )
    source.wave.arm()
    source.wave.initiate()
    source.wave.abort()
    source.wave.store(2)
    assert device.finished()
    with pytest.raises(ValueError, match="1 to 4"):
        source.wave.store(0)


def test_a_wave_beyond_the_drivers_limit_is_not_armed(opened: list[Keithley6221]) -> None:
    device = Responder({"SOUR:WAVE:OFFS?": "-6.000000E-06", "SOUR:WAVE:AMPL?": "+5.000000E-06"})
    source = Keithley6221(f"k6221_{next(_names)}", resource=resource_for(device))
    opened.append(source)
    source.current_limit.set(10.9e-6)
    with pytest.raises(InstrumentError, match="exceeds the current limit"):
        source.wave.arm()
    assert "SOUR:WAVE:ARM" not in device.seen
    source.current_limit.set(11e-6)
    source.wave.arm()
    assert "SOUR:WAVE:ARM" in device.seen


def test_status_bits_have_names() -> None:
    assert OperationEvent(128 | 16) == OperationEvent.WAVE_STOPPED | OperationEvent.WAVE_STARTED
    assert MeasurementEvent.COMPLIANCE.value == 8


def test_a_list_of_currents_goes_out_in_portions_of_a_hundred(opened: list[Keithley6221]) -> None:
    currents = np.linspace(-1e-6, 1e-6, 250)
    portions = [currents[first : first + 100] for first in (0, 100, 200)]
    texts = [",".join(f"{value + 0.0:.10G}" for value in portion) for portion in portions]
    instrument, device = connect(
        opened,
        (f"SOUR:LIST:CURR {texts[0]}", None),
        (f"SOUR:LIST:CURR:APP {texts[1]}", None),
        (f"SOUR:LIST:CURR:APP {texts[2]}", None),
        ("SOUR:LIST:CURR:POIN?", "+250"),
    )
    instrument.sweep.upload(currents)
    assert device.finished()


def test_a_list_that_did_not_arrive_whole_is_told(opened: list[Keithley6221]) -> None:
    instrument, _ = connect(opened, ("SOUR:LIST:CURR 1E-06,2E-06", None), ("SOUR:LIST:CURR:POIN?", "+1"))
    with pytest.raises(InstrumentError, match="2 currents were sent, the instrument has 1"):
        instrument.sweep.upload([1e-6, 2e-6])


@pytest.mark.parametrize("currents", [[], [[1e-6]], [1e-6, -3e-6], [float("nan")]])
def test_a_list_that_cannot_be_is_refused_before_anything_is_sent(
    opened: list[Keithley6221], currents: list[Any]
) -> None:
    instrument, device = connect(opened)
    instrument.current_limit.set(2e-6)
    with pytest.raises(ValueError, match=r"currents in one row|exceeds the current limit"):
        instrument.sweep.upload(currents)
    assert device.finished()


def test_a_sweep_is_armed_started_and_ended(opened: list[Keithley6221]) -> None:
    instrument, device = connect(
        opened,
        ("SOUR:SWE:SPAC?", "LIN"),
        ("SOUR:CURR:STAR?", "-1.000000E-06"),
        ("SOUR:CURR:STOP?", "+1.000000E-06"),
        ("SOUR:SWE:ARM", None),
        ("*OPC?", "1"),
        ("INIT:IMM", None),
        ("SOUR:SWE:ABOR", None),
    )
    instrument.sweep.arm()
    instrument.sweep.initiate()
    instrument.sweep.abort()
    assert device.finished()


def test_a_sweep_beyond_the_current_limit_is_not_armed(opened: list[Keithley6221]) -> None:
    instrument, device = connect(
        opened, ("SOUR:SWE:SPAC?", "LIN"), ("SOUR:CURR:STAR?", "+0.000000E+00"), ("SOUR:CURR:STOP?", "-3.000000E-06")
    )
    instrument.current_limit.set(2e-6)
    with pytest.raises(ValueError, match="-3e-06 A exceeds the current limit of 2e-06 A"):
        instrument.sweep.arm()
    assert device.finished()


def test_the_remaining_commands_are_sent_as_the_manual_spells_them(opened: list[Keithley6221]) -> None:
    instrument, device = connect(
        opened,
        ("SOUR:CLE", None),
        ("SYST:LFR?", "50"),
        ("CAL:PROT:NDUE?", '"2027/01/31"'),
        ("*SAV 3", None),
        ("*RCL 3", None),
    )
    instrument.clear_output()
    assert instrument.line_frequency.get() == 50
    assert instrument.calibration_due() == "2027/01/31"
    instrument.save_setup(3)
    instrument.recall_setup(3)
    assert device.finished()
    with pytest.raises(ValueError, match="memories 0 to 4, not 5"):
        instrument.save_setup(5)
