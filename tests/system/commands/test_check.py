"""`mqtctl check`: a table of what was found, an exit code, and every output as it was before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource

from tests.system.sweep.test_second_instruments import (
    CONTROLLER,
    GENERATOR,
    MARKERS,
    TIMER,
    two_of_each,
    with_instruments,
)

SOURCE = "GPIB0::12::INSTR"


def check(laboratory: Any, *options: str) -> tuple[int, dict[str, Any]]:
    outcome = laboratory.run("check", laboratory.folder / "plan.yaml", "--json", *options)
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    result = json.loads(outcome.stdout)
    assert "Traceback" not in outcome.stderr
    return outcome.exit_code, result


def faults(result: dict[str, Any]) -> list[str]:
    found = [f for f in result["findings"] if f["verdict"] == "fault"]
    return [f"{finding['subject']}: {finding['text']}" for finding in found]


@pytest.fixture
def source(laboratory: Any) -> Iterator[MessageBasedResource]:
    """The 6221 of the bench that the laboratory's commands will use, held open so that the bench stays the same."""
    manager = pyvisa.ResourceManager(f"{laboratory.folder.resolve() / 'bench.yaml'}@mqt")
    resource = manager.open_resource(SOURCE, read_termination="\n", write_termination="\n")
    assert isinstance(resource, MessageBasedResource)
    yield resource
    resource.close()


def test_a_good_station_passes_and_everything_was_looked_at(laboratory: Any) -> None:
    code, result = check(laboratory)
    assert code == 0
    assert result["verdict"] == "good", [f for f in result["findings"] if f["verdict"] != "good"]
    subjects = {(finding["instrument"], finding["subject"]) for finding in result["findings"]}
    roles = ("ramp_source", "timing_counter", "temperature_controller")
    assert {(role, s) for role in roles for s in ("identity", "error queue", "self-test")} <= subjects
    assert {"stop threshold", "noise", "start marker", "output", "thermometer", "heater", "disk", "clock"} <= {
        subject for _, subject in subjects
    }
    assert all(set(f) == {"subject", "verdict", "text", "advice", "instrument"} for f in result["findings"])


def test_people_get_a_table_in_which_each_fault_stands_once(laboratory: Any) -> None:
    outcome = laboratory.run("check", laboratory.folder / "plan.yaml")
    assert outcome.exit_code == 0
    assert "firmware D04" in outcome.stdout
    assert "0 fault" in outcome.stdout
    assert outcome.stderr == ""
    laboratory.change("station.yaml", "stop_threshold: 1 V", "stop_threshold: 3 V")
    outcome = laboratory.run("check", laboratory.folder / "plan.yaml")
    assert outcome.exit_code == 2
    assert outcome.stdout.count("above the gap voltage") == 1
    assert outcome.stderr == "mqtctl: 1 fault: see above\n"
    # a program has the table's findings as data, and the sentence beside them
    outcome = laboratory.run("check", laboratory.folder / "plan.yaml", "--json")
    assert outcome.stderr.startswith("mqtctl: 1 fault: timing counter, stop threshold: ")


@pytest.mark.shown(5)
@pytest.mark.parametrize(
    ("name", "old", "new", "code", "fault"),
    [
        ("station.yaml", "stop_threshold: 1 V", "stop_threshold: -1 V", 2, "wrong polarity"),
        ("station.yaml", "stop_threshold: 1 V", "stop_threshold: 1 V\n          stop_slope: negative", 2, "wrong pol"),
        ("station.yaml", "amplifier_gain: 1000", "amplifier_gain: -1000", 2, "wrong polarity"),
        ("station.yaml", "stop_threshold: 1 V", "stop_threshold: 3 V", 2, "above the gap voltage"),
        ("station.yaml", "stop_threshold: 1 V", "stop_threshold: 5 mV", 2, "below the noise"),
        ("station.yaml", "marker_line: 3", "marker_line: 2", 2, "-221"),
        ("station.yaml", "delay: 10.105 us", "delay: 10.105 us\n          timeout: 15 ms", 2, "shorter than the ramp"),
        ("station.yaml", SOURCE, "TCPIP0::192.0.2.53::inst0::INSTR", 2, "same address"),
        ("station.yaml", "TCPIP0::192.0.2.53::inst0::INSTR", "gpib::12", 2, "same address"),
        ("station.yaml", "role: temperature_controller", "role: timing_counter", 2, "exactly one instrument"),
        ("plan.yaml", "block: 500", "block: 1000001", 2, "block"),
        ("plan.yaml", "[100 mK]", "[11 mK]", 2, "this cryostat holds 12 mK to 1 K"),
        ("station.yaml", SOURCE, "GPIB0::13::INSTR", 10, "nothing answers at GPIB0::13::INSTR"),
    ],
)
def test_each_fault_has_its_sentence_and_sweep_refuses_it_with_the_same_code(
    laboratory: Any, name: str, old: str, new: str, code: int, fault: str
) -> None:
    laboratory.change(name, old, new)
    found, result = check(laboratory)
    assert (found, result["verdict"]) == (code, "fault")
    assert any(fault in text for text in faults(result)), faults(result)
    outcome = laboratory.sweep()
    assert outcome.exit_code == code
    assert fault in outcome.stderr
    assert not (laboratory.folder / "run").exists()


@pytest.mark.shown(2)
@pytest.mark.parametrize(
    ("name", "old", "new", "code", "fault"),
    [
        # the marker is on line 3 of the bench; what the wiring does is only seen alive
        ("station.yaml", "marker_line: 3", "marker_line: 4", 10, "no marker arrives"),
        ("station.yaml", "start_threshold: 1.5 V", "start_threshold: 7 V", 10, "no marker arrives"),
        ("station.yaml", "start_threshold: 1.5 V", "start_slope: positive", 2, "trailing edge"),
        ("station.yaml", "channel: 6", "channel: 5", 10, "thermometer"),
    ],
)
def test_wiring_is_tried(laboratory: Any, name: str, old: str, new: str, code: int, fault: str) -> None:
    laboratory.change(name, old, new)
    found, result = check(laboratory)
    assert (found, result["verdict"]) == (code, "fault")
    assert any(fault in text for text in faults(result)), faults(result)


def test_noise_is_measured_where_it_is_not_declared(laboratory: Any) -> None:
    laboratory.change("station.yaml", "          amplifier_noise: 2 uV     # rms at its input\n", "")
    laboratory.change("station.yaml", "stop_threshold: 1 V", "stop_threshold: 5 mV")
    code, result = check(laboratory)
    assert code == 10
    assert any("below the noise" in text for text in faults(result))
    outcome = laboratory.sweep()
    assert outcome.exit_code == 10
    assert "below the noise" in outcome.stderr


def test_what_is_not_declared_is_said_not_to_be_checked(laboratory: Any) -> None:
    laboratory.change("sample.yaml", "  gap_voltage: 2.7 mV", "  # gap_voltage: 2.7 mV")
    code, result = check(laboratory)
    assert code == 0
    (finding,) = [f for f in result["findings"] if f["verdict"] == "not checked"]
    assert finding["subject"] == "stop threshold"
    assert "junction.gap_voltage" in finding["advice"]


def test_a_source_that_is_on_is_a_fault_and_is_left_alone(laboratory: Any, source: MessageBasedResource) -> None:
    source.write("CURR 1e-6;:OUTP ON")
    code, result = check(laboratory)
    assert code == 10
    assert any("already on" in text for text in faults(result))
    tried = {f["subject"]: f["verdict"] for f in result["findings"]}
    assert tried["noise"] == tried["start marker"] == "not checked"
    assert source.query("OUTP?") == "1"
    assert float(source.query("CURR?")) == 1e-6
    outcome = laboratory.run("sweep", laboratory.folder / "plan.yaml", "-o", laboratory.folder / "run")
    assert outcome.exit_code == 10
    assert "already on" in outcome.stderr
    assert source.query("OUTP?") == "1"
    assert not (laboratory.folder / "run").exists()


def test_outputs_heater_and_source_settings_stay_as_they_are(laboratory: Any, source: MessageBasedResource) -> None:
    source.write("*RST;:SOUR:WAVE:FUNC SQU;FREQ 123;AMPL 4E-6;OFFS 1E-6;DUR:CYCL 7;:SOUR:WAVE:PMAR 90;PMAR:OLIN 4")
    settings = ";".join(
        f":SOUR:WAVE:{node}?"
        for node in ("FUNC", "FREQ", "AMPL", "OFFS", "RANG", "DUR:CYCL", "PMAR", "PMAR:STAT", "PMAR:OLIN", "ARB:POIN")
    )
    settings += ";:SOUR:CURR?;:SOUR:CURR:RANG?;:SOUR:CURR:RANG:AUTO?;:SOUR:CURR:COMP?;:OUTP?"
    before = source.query(settings)
    code, _ = check(laboratory)
    assert code == 0
    assert source.query(settings) == before


def test_no_current_beyond_the_smallest_and_no_heat_flow_meanwhile(laboratory: Any) -> None:
    transcript = laboratory.folder / "bench.jsonl"
    bench = laboratory.folder / "bench.yaml"
    bench.write_text(f"transcript: bench.jsonl\n{bench.read_text(encoding='utf-8')}", encoding="utf-8")
    code, _ = check(laboratory)
    assert code == 0
    records = [json.loads(line) for line in transcript.read_text(encoding="utf-8").splitlines()]
    outputs = [record for record in records if record["kind"] == "output"]
    assert any(record["greatest"] > 0 for record in outputs)  # the marker was tried
    assert all(-2e-12 <= record["least"] <= record["greatest"] <= 2e-12 for record in outputs)
    assert all(record["power_W"] == 0 for record in records if record["kind"] == "heater")
    written = {
        record["text"].split()[0]
        for record in records
        if record["kind"] == "message" and record["instrument"] == "thermometer" and record["direction"] == "to"
        if "?" not in record.get("text", "?")
    }
    assert not written  # nothing but questions


@pytest.mark.parametrize("counter", [False, True], ids=["53230A", "SR620"])
def test_the_second_instruments_are_checked_as_well(laboratory: Any, counter: bool) -> None:
    two_of_each(laboratory, MARKERS[True, counter])
    entries = {"source": GENERATOR, "thermometer": CONTROLLER}
    if not counter:
        rising = "start_threshold: 1.5 V\n          start_slope: positive"
        laboratory.change("station.yaml", "start_threshold: 1.5 V", rising)
    with_instruments(laboratory, entries | ({"counter": TIMER} if counter else {}))
    code, result = check(laboratory)
    assert code == 0, faults(result)
    good = {f["subject"] for f in result["findings"] if f["verdict"] == "good"}
    assert {"start marker", "noise", "self-test", "thermometer", "output afterwards"} <= good


OFFSET_SOURCE = """
  offset:
    type: qcodes.instrument_drivers.yokogawa.YokogawaGS200
    address: GPIB0::1::INSTR
    init:
      visalib: bench.yaml@mqt
      metadata:
        mqtctl:
          role: offset_source
          bias_resistance: 100 kOhm
          current_limit: 1 uA
"""


def with_offset_source(laboratory: Any) -> None:
    """Put a GS200 behind a resistor on the bench and into the station."""
    gs200 = "\n  dc_source:\n    model: yokogawa-gs200\n    address: GPIB0::1::INSTR\n"
    laboratory.change("bench.yaml", "\njunction:\n", f"{gs200}\njunction:\n")
    source = "    - {port: source.output, factor: 1}"
    laboratory.change("bench.yaml", source, f"{source}\n    - {{port: dc_source.voltage, resistance: 100 kOhm}}")
    path = laboratory.folder / "station.yaml"
    path.write_text(f"{path.read_text(encoding='utf-8').rstrip()}\n{OFFSET_SOURCE}", encoding="utf-8")


def test_an_offset_source_is_checked_as_well(laboratory: Any) -> None:
    with_offset_source(laboratory)
    laboratory.change("plan.yaml", "  repetition: 80 Hz", "  repetition: 80 Hz\n  offset_current: 0.1 uA")
    code, result = check(laboratory)
    assert (code, result["verdict"]) == (0, "good"), faults(result)
    assert {("offset_source", "output"), ("offset_source", "identity")} <= {
        (f["instrument"], f["subject"]) for f in result["findings"]
    }


def test_an_offset_at_which_no_junction_retraps_is_a_warning(laboratory: Any) -> None:
    with_offset_source(laboratory)
    laboratory.change("plan.yaml", "  repetition: 80 Hz", "  repetition: 80 Hz\n  offset_current: 0.5 uA")
    code, result = check(laboratory)
    assert (code, result["verdict"]) == (0, "warning")
    (finding,) = [f for f in result["findings"] if f["verdict"] == "warning"]
    assert "voltage state between ramps" in finding["text"]


def test_an_offset_without_a_source_of_it_is_refused(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "  repetition: 80 Hz", "  repetition: 80 Hz\n  offset_current: 0.5 uA")
    code, result = check(laboratory)
    assert code == 2
    assert any("offset_source" in text for text in faults(result))
    outcome = laboratory.sweep()
    assert outcome.exit_code == 2
    assert "offset_source" in outcome.stderr


def test_a_gs200_as_ramp_source_is_refused_with_the_reason(laboratory: Any) -> None:
    laboratory.change(
        "station.yaml", "mqtctl_drivers.keithley_6221.Keithley6221", "qcodes.instrument_drivers.yokogawa.YokogawaGS200"
    )
    laboratory.change("bench.yaml", "model: keithley-6221", "model: yokogawa-gs200")
    laboratory.change("bench.yaml", "source.output, factor: 1", "source.current, factor: 1")
    start = laboratory.folder / "bench.yaml"
    lines = [line for line in start.read_text(encoding="utf-8").splitlines() if "from: source.marker" not in line]
    start.write_text("\n".join(lines).replace("markers:", "markers: []"), encoding="utf-8")
    code, result = check(laboratory)
    assert code == 2
    assert any("no edge of it marks the start of a ramp" in text for text in faults(result)), faults(result)


def test_a_source_limit_above_the_samples_is_a_warning(laboratory: Any) -> None:
    laboratory.change("station.yaml", "# current_limit: 12 uA ", "current_limit: 20 uA ")
    code, result = check(laboratory)
    assert (code, result["verdict"]) == (0, "warning")
    (finding,) = [f for f in result["findings"] if f["verdict"] == "warning"]
    assert finding["advice"].startswith("set current_limit: 12 uA")
