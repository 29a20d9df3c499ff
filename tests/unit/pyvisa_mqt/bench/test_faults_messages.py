"""Faults between client and instrument: each leaves its mark, and none when nothing was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
from pyvisa import errors
from pyvisa.constants import StatusCode
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.bench.bench_file import BenchFileError
from pyvisa_mqt.instruments import MODELS

SOURCE, COUNTER = "GPIB0::12::INSTR", "TCPIP0::192.0.2.53::inst0::INSTR"
BRIDGE = "TCPIP0::192.0.2.72::7777::SOCKET"
BENCH = f"""
seed: 3
instruments:
  source: {{model: keithley-6221, address: "{SOURCE}"}}
  counter: {{model: keysight-53230a, address: "{COUNTER}"}}
  thermometer: {{model: lakeshore-372, address: "{BRIDGE}"}}
cryostat:
  base_temperature: 20 mK
  sensors: {{thermometer.ch6: mixing_chamber}}
  heaters: {{thermometer.sample: mixing_chamber}}
"""
IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 6221,1400001,D04"

Opened = tuple[Any, Any]
Open = Callable[..., Opened]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens a bench with faults in its file, and the source on it."""
    managers: list[pyvisa.ResourceManager] = []

    def opening(faults: str = "", address: str = SOURCE, query: str = "") -> Opened:
        path = tmp_path / f"bench{len(managers)}.yaml"
        path.write_text(BENCH + (f"faults:\n{faults}\n" if faults else ""))
        manager = pyvisa.ResourceManager(f"{path}{query}@mqt")
        managers.append(manager)
        ending: dict[str, Any] = {"read_termination": "\r\n", "write_termination": "\r\n"} if address == BRIDGE else {}
        return manager.visalib, manager.open_resource(address, timeout=2000, **ending)

    yield opening
    for manager in managers:
        manager.close()


def status_of(action: Callable[[], object]) -> StatusCode:
    with pytest.raises(errors.VisaIOError) as caught:
        action()
    return StatusCode(caught.value.error_code)


def test_without_faults_every_reply_comes_whole_and_once(opened: Open) -> None:
    library, source = opened()
    assert [source.query("*IDN?").strip() for _ in range(50)] == [IDENTITY] * 50
    assert library.bench.faults.planned == ()
    assert not any(line.active for line in library.bench.lines.values())


def test_a_delayed_reply_comes_later_but_within_the_time_out(opened: Open) -> None:
    library, source = opened("  - {instrument: source, kind: delayed-reply, message: 2, delay: 1.5 s}")
    times = []
    for _ in range(3):
        before = library.clock.now()
        assert source.query("*IDN?").strip() == IDENTITY
        times.append(library.clock.now() - before)
    assert times[1] == pytest.approx(times[0] + 1.5)
    assert times[2] == pytest.approx(times[0])


def test_a_late_reply_is_read_by_the_next_query(opened: Open) -> None:
    _, source = opened("  - {instrument: source, kind: late-reply, message: 1, delay: 2.5 s}")
    assert status_of(lambda: source.query("*IDN?")) == StatusCode.error_timeout
    source.write("SOUR:CURR:COMP?")
    source.timeout = 5000
    assert float(source.read()) == pytest.approx(10.0)  # this one is in time; the late one comes behind it
    assert source.read().strip() == IDENTITY


def test_after_a_time_out_the_late_reply_stands_before_the_right_one(opened: Open) -> None:
    library, source = opened("  - {instrument: source, kind: late-reply, message: 1, delay: 2.5 s}")
    assert status_of(lambda: source.query("*IDN?")) == StatusCode.error_timeout
    library.clock.sleep(1.0)
    assert source.query("SOUR:CURR:COMP?").strip() == IDENTITY


def test_a_device_clear_gets_rid_of_a_late_reply(opened: Open) -> None:
    library, source = opened("  - {instrument: source, kind: late-reply, message: 1, delay: 2.5 s}")
    assert status_of(lambda: source.query("*IDN?")) == StatusCode.error_timeout
    source.clear()
    library.clock.sleep(1.0)
    assert float(source.query("SOUR:CURR:COMP?")) == pytest.approx(10.0)


def test_a_lost_reply_never_comes(opened: Open) -> None:
    library, source = opened("  - {instrument: source, kind: lost-reply, message: 1}")
    assert status_of(lambda: source.query("*IDN?")) == StatusCode.error_timeout
    library.clock.sleep(100.0)
    assert float(source.query("SOUR:CURR:COMP?")) == pytest.approx(10.0)


def test_a_truncated_reply_ends_in_the_middle(opened: Open) -> None:
    _, source = opened("  - {instrument: source, kind: truncated-reply, message: 1, share: 0.25}")
    assert source.query("*IDN?") == IDENTITY[: (len(IDENTITY) + 1) // 4]
    assert source.query("*IDN?").strip() == IDENTITY


def test_a_duplicated_reply_is_the_answer_to_the_next_question_too(opened: Open) -> None:
    _, source = opened("  - {instrument: source, kind: duplicated-reply, message: 1}")
    assert source.query("*IDN?").strip() == IDENTITY
    assert source.query("SOUR:CURR:COMP?").strip() == IDENTITY


def test_a_garbled_reply_has_other_bytes_and_the_same_length(opened: Open) -> None:
    _, source = opened("  - {instrument: source, kind: garbled-reply, message: 1}")
    source.write("*IDN?")
    garbled = source.read_raw().rstrip(b"\n")
    assert len(garbled) == len(IDENTITY)
    assert garbled != IDENTITY.encode()
    assert source.query("*IDN?").strip() == IDENTITY


def test_a_lost_message_is_not_executed(opened: Open) -> None:
    _, source = opened("  - {instrument: source, kind: lost-message, match: COMP}")
    source.write("SOUR:CURR:COMP 5")
    assert float(source.query("SOUR:CURR:COMP?")) == pytest.approx(10.0)


def test_only_matching_messages_count_and_are_struck(opened: Open) -> None:
    _, source = opened("  - {instrument: source, kind: lost-reply, match: comp?, message: 2}")
    for _ in range(3):
        assert source.query("*IDN?").strip() == IDENTITY
    assert float(source.query("SOUR:CURR:COMP?")) == pytest.approx(10.0)
    assert status_of(lambda: source.query("SOUR:CURR:COMP?")) == StatusCode.error_timeout


def test_a_fault_strikes_from_its_time_on_and_as_often_as_it_says(opened: Open) -> None:
    library, source = opened("  - {instrument: source, kind: lost-reply, at: 10 s, count: 2}")
    assert source.query("*IDN?").strip() == IDENTITY
    library.clock.sleep(20.0)
    for _ in range(2):
        assert status_of(lambda: source.query("*IDN?")) == StatusCode.error_timeout
    assert source.query("*IDN?").strip() == IDENTITY


def test_a_fault_with_a_probability_strikes_as_often_and_repeats_from_the_seed(opened: Open) -> None:
    def pattern(query: str) -> list[bool]:
        _, source = opened("  - {instrument: source, kind: truncated-reply, probability: 0.2}", query=query)
        return [source.query("*IDN?").strip() == IDENTITY for _ in range(500)]

    first = pattern("")
    assert first == pattern("")
    assert first != pattern("?seed=4")
    assert abs(first.count(False) - 100) < 4 * np.sqrt(500 * 0.2 * 0.8)  # 4 sigma of a binomial


def test_a_disconnect_kills_the_sessions_until_they_are_opened_again(opened: Open) -> None:
    library, counter = opened("  - {instrument: counter, kind: disconnect, message: 2, duration: 3 s}", COUNTER)
    assert "53230A" in counter.query("*IDN?")
    assert status_of(lambda: counter.query("*IDN?")) == StatusCode.error_connection_lost
    manager = pyvisa.ResourceManager(library)
    assert status_of(lambda: manager.open_resource(COUNTER)) == StatusCode.error_resource_not_found
    library.clock.sleep(3.5)
    assert status_of(lambda: counter.query("*IDN?")) == StatusCode.error_connection_lost
    again: Any = manager.open_resource(COUNTER)
    assert "53230A" in again.query("*IDN?")


def test_a_disconnect_leaves_the_settings_alone_and_a_power_cycle_does_not(opened: Open) -> None:
    for kind, expected in (("disconnect", 7.0), ("power-cycle", 10.0)):
        library, source = opened()
        source.write("SOUR:CURR:COMP 7")
        library.bench.faults.inject(kind, instrument="source")
        again: Any = pyvisa.ResourceManager(library).open_resource(SOURCE)
        assert float(again.query("SOUR:CURR:COMP?")) == pytest.approx(expected)


def test_a_gpib_session_survives_a_power_cycle_and_sees_the_power_on_bit(opened: Open) -> None:
    library, source = opened()
    source.write("*CLS;SOUR:CURR:COMP 7;OUTP ON")
    library.bench.faults.inject("power-cycle", instrument="source", duration=2.0)
    assert status_of(lambda: source.query("*IDN?")) == StatusCode.error_no_listeners
    library.clock.sleep(2.5)
    assert int(source.query("*ESR?")) & 128
    assert float(source.query("SOUR:CURR:COMP?")) == pytest.approx(10.0)
    assert source.query("OUTP?").strip() == "0"


def test_a_power_cycle_ends_ramp_and_heater_and_keeps_what_is_non_volatile(opened: Open) -> None:
    library, bridge = opened(address=BRIDGE)
    bridge.write("OUTMODE 0,2,6,0,0,0,1;RANGE 0,4;MOUT 0,50")
    library.clock.sleep(20.0)
    assert library.bench.heater_power(("thermometer", "sample")) > 0
    library.bench.faults.inject("power-cycle", instrument="thermometer")
    assert library.bench.heater_power(("thermometer", "sample")) == 0
    restarted: Any = pyvisa.ResourceManager(library).open_resource(BRIDGE, read_termination="\r\n")
    assert restarted.query("RANGE? 0;MOUT? 0").split(";") == ["0", "+050.000E+00"]
    library.clock.sleep(1.0)
    counter: Any = pyvisa.ResourceManager(library).open_resource(COUNTER)
    counter.write("SYST:TIM 0.5;:SAMP:COUN 7")
    library.bench.faults.inject("power-cycle", instrument="counter")
    again: Any = pyvisa.ResourceManager(library).open_resource(COUNTER)
    assert float(again.query("SYST:TIM?")) == pytest.approx(0.5)
    assert float(again.query("SAMP:COUN?")) == 1


def test_a_heater_with_its_power_up_enabled_is_off_during_the_outage_and_comes_back_after_it(opened: Open) -> None:
    library, bridge = opened(address=BRIDGE)
    bridge.write("OUTMODE 0,2,6,1,0,0,1;RANGE 0,4;MOUT 0,50")
    heater = ("thermometer", "sample")
    power = library.bench.heater_power(heater)
    library.bench.faults.inject("power-cycle", instrument="thermometer", duration=5.0)
    assert library.bench.heater_power(heater) == 0
    library.clock.sleep(4.0)
    assert library.bench.heater_power(heater) == 0
    library.clock.sleep(2.0)
    assert library.bench.heater_power(heater) == power > 0


def test_after_an_outage_in_the_middle_of_a_long_wait_the_loop_goes_on_regulating(opened: Open) -> None:
    library, bridge = opened("  - {kind: power-cycle, instrument: thermometer, at: 300 s}", address=BRIDGE)
    bridge.write("HTRSET 0,100,0,0,1;OUTMODE 0,5,6,1,0,0,1;PID 0,10,20,0;SETP 0,0.1;RANGE 0,5")
    library.clock.sleep(900.0)
    assert library.bench.cryostat.mixing_chamber == pytest.approx(0.1, rel=0.01)


def test_messages_get_lost_for_as_long_as_it_says(opened: Open) -> None:
    library, source = opened("  - {instrument: source, kind: lost-message, at: 2 s, duration: 3 s}")
    source.write("SOUR:CURR:COMP 7")
    library.clock.sleep(2.5)
    for compliance in (8, 9):
        source.write(f"SOUR:CURR:COMP {compliance}")
    library.clock.sleep(3.0)
    assert float(source.query("SOUR:CURR:COMP?")) == pytest.approx(7.0)
    source.write("SOUR:CURR:COMP 6")
    assert float(source.query("SOUR:CURR:COMP?")) == pytest.approx(6.0)


def test_a_message_can_get_lost_at_a_time_and_only_one_does(opened: Open) -> None:
    library, source = opened("  - {instrument: source, kind: lost-message, at: 2 s}")
    library.clock.sleep(10.0)
    source.write("SOUR:CURR:COMP 8")
    assert float(source.query("SOUR:CURR:COMP?")) == pytest.approx(10.0)
    source.write("SOUR:CURR:COMP 8")
    assert float(source.query("SOUR:CURR:COMP?")) == pytest.approx(8.0)


def test_a_queued_error_is_found_by_whoever_asks(opened: Open) -> None:
    _, source = opened("  - {instrument: source, kind: queued-error, at: 0 s, code: -222}")
    assert source.query("SYST:ERR?").startswith("-222,")
    assert source.query("SYST:ERR?").startswith("0,")


def test_a_reading_can_be_no_number_and_the_status_beside_it_stays(opened: Open) -> None:
    library, bridge = opened(address=BRIDGE)
    library.clock.sleep(1.0)
    good = bridge.query("KRDG? 6;*ESR?")
    library.bench.faults.inject("nan-reading", instrument="thermometer")
    value, status = bridge.query("KRDG? 6;*ESR?").split(";")
    assert value == "NaN"
    assert status == "000"
    assert 0.019 < float(good.split(";")[0]) < 0.021
    assert bridge.query("*IDN?").startswith("LSCI")
    assert float(bridge.query("KRDG? 6")) > 0


@pytest.mark.parametrize(("form", "order"), [("REAL", ">f8"), ("ASC", "")])
def test_overflow_readings_stand_inside_a_counters_block(opened: Open, form: str, order: str) -> None:
    library, counter = opened(address=COUNTER)
    counter.write(f"*RST;:SYST:TIM 0.01;:FORM {form};:CONF:TINT (@1),(@2);:FORM {form};:SAMP:COUN 20;:INIT")
    library.clock.sleep(1.0)
    library.bench.faults.inject("overflow-reading", instrument="counter", share=0.3)
    counter.write("R?")
    counter.read_termination = None
    data = counter.read_raw()
    digits = int(data[1:2])
    length, body = int(data[2 : 2 + digits]), data[2 + digits : -1]
    assert len(body) == length
    values = np.frombuffer(body, dtype=order) if order else np.array([float(item) for item in body.split(b",")])
    assert len(values) == 20
    assert 0 < np.count_nonzero(values == 9.9e37) < 20
    assert np.count_nonzero(values == 9.91e37) == 20 - np.count_nonzero(values == 9.9e37)  # no signal: time-outs


def test_a_stale_reading_stays_the_same_while_the_truth_moves(opened: Open) -> None:
    library, bridge = opened(address=BRIDGE)
    library.clock.sleep(1.0)
    fault = library.bench.faults.inject("stale-reading", instrument="thermometer")
    stale = []
    for _ in range(10):
        library.clock.sleep(1.0)
        stale.append(bridge.query("KRDG? 6"))
    fault.clear()
    fresh = []
    for _ in range(10):
        library.clock.sleep(1.0)
        fresh.append(bridge.query("KRDG? 6"))
    assert len(set(stale)) == 1
    assert len(set(fresh)) > 5


def test_a_full_memory_drops_the_oldest_readings(opened: Open) -> None:
    library, counter = opened("  - {instrument: counter, kind: full-memory, at: 0 s, readings: 5}", COUNTER)
    counter.write("*RST;:SYST:TIM 0.01;:CONF:TINT (@1),(@2);:SAMP:COUN 20;:INIT")
    library.clock.sleep(1.0)
    assert int(counter.query("DATA:POIN?")) == 5
    assert int(counter.query("STAT:QUES?")) & 1 << 14
    library.bench.faults.clear()
    counter.write("INIT")
    library.clock.sleep(1.0)
    assert int(counter.query("DATA:POIN?")) == 20


def test_what_was_put_right_happens_no_more(opened: Open) -> None:
    library, source = opened()
    fault = library.bench.faults.inject("lost_reply", instrument="source", probability=1.0)
    assert status_of(lambda: source.query("*IDN?")) == StatusCode.error_timeout
    fault.clear()
    assert source.query("*IDN?").strip() == IDENTITY
    assert fault.strikes == 1


def test_a_fault_stands_in_the_transcript(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    _, source = opened("  - {instrument: source, kind: lost-reply, message: 2}", query=f"?transcript={path}")
    source.query("*IDN?")
    assert status_of(lambda: source.query("*IDN?")) == StatusCode.error_timeout
    records = [json.loads(line) for line in path.read_text().splitlines()]
    faults = [(r["fault"], r["instrument"], r["state"]) for r in records if r["kind"] == "fault"]
    assert faults == [("lost-reply", "source", "strikes")]


def test_the_transcript_tells_how_long_a_fault_lasted(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    library, _ = opened("  - {kind: warming, at: 2 s, duration: 3 s}", query=f"?transcript={path}")
    library.clock.sleep(10.0)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    faults = [(r["t"], r["state"]) for r in records if r["kind"] == "fault"]
    assert [state for _, state in faults] == ["strikes", "ends"]
    assert faults[1][0] - faults[0][0] == pytest.approx(3.0, abs=0.25)  # a tick


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("{kind: lost-replies, instrument: source}", "no kind of fault"),
        ("{kind: lost-reply}", "instrument"),
        ("{kind: lost-reply, instrument: nobody}", "no instrument of this bench"),
        ("{kind: lost-reply, instrument: source, delay: 1 s}", "delay"),
        ("{kind: late-reply, instrument: source, delay: 1}", "unit"),
        ("{kind: late-reply, instrument: source, delay: 1 K}", "delay|K"),
        ("{kind: lost-reply, instrument: source, probability: 2}", "probability"),
        ("{kind: lost-reply, instrument: source, message: 0}", "message"),
        ("{kind: lost-reply, instrument: source, colour: red}", "colour"),
        ("{kind: stuck-thermometer, port: thermometer.ch7}", "ch7"),
        ("{kind: stuck-thermometer}", "port"),
        ("{kind: stuck-voltage-state}", "junction"),
        ("{kind: critical-current-drift}", "drift"),
        ("{kind: full-memory, instrument: source}", "memory"),
        ("lost-reply", "mapping"),
    ],
)
def test_a_wrong_fault_is_refused_with_its_place_in_the_file(tmp_path: Path, fault: str, said: str) -> None:
    (tmp_path / "bench.yaml").write_text(BENCH + f"faults:\n  - {fault}\n")
    with pytest.raises(BenchFileError, match=rf"bench.yaml(:\d+)?: faults, entry 1.*: .*({said})"):
        open_bench(str(tmp_path / "bench.yaml"))


@pytest.mark.parametrize("model", sorted(MODELS))
def test_every_instrument_comes_back_from_a_power_cycle_as_it_was_at_first(tmp_path: Path, model: str) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(f"instruments:\n  device: {{model: {model}, address: 'GPIB0::5::INSTR'}}\n")
    manager = pyvisa.ResourceManager(f"{path}@mqt")
    library: Any = manager.visalib
    device: Any = manager.open_resource("GPIB0::5::INSTR")
    before = device.query("*IDN?")
    library.clock.sleep(10.0)
    library.bench.faults.inject("power-cycle", instrument="device", duration=1.0)
    library.clock.sleep(2.0)
    device.write("*CLS")
    assert device.query("*IDN?") == before
    library.clock.sleep(10.0)
    assert device.query("*IDN?") == before
    manager.close()
