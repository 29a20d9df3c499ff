"""The transcript: what an outside checker reads instead of believing the client."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.bench.bench_file import BenchFileError

SOURCE, COUNTER = "GPIB0::12::INSTR", "TCPIP0::192.0.2.53::inst0::INSTR"
BRIDGE = "TCPIP0::192.0.2.72::7777::SOCKET"
POINTS = ",".join(f"{point:.4f}" for point in [*np.linspace(0, 1, 97), 0, 0, 0])


def measure(library: str, *, readings: int = 40, finish: float = 1.0) -> str:
    """Ramp 60 times to 10 uA at 100 Hz, time the switches, warm a little; return the intervals as read."""
    manager = pyvisa.ResourceManager(f"{library}@mqt")
    source: Any = manager.open_resource(SOURCE)
    counter: Any = manager.open_resource(COUNTER)
    bridge: Any = manager.open_resource(BRIDGE, read_termination="\r\n", write_termination="\r\n")
    source.write(f"*RST;SOUR:WAVE:FUNC ARB0;ARB:DATA {POINTS}")
    source.write("SOUR:WAVE:FREQ 100;AMPL 10e-6;OFFS 0;PMAR:STAT ON;:SOUR:WAVE:PMAR 0;:SOUR:WAVE:DUR:CYCL 60")
    counter.write(f"*RST;:SYST:TIM 0.1;:CONF:TINT (@1),(@2);:FORM REAL;:SAMP:COUN {readings}")
    counter.write(":INP1:COUP DC;LEV 2.5;SLOP NEG;:INP2:COUP DC;LEV 1;SLOP POS;:INIT")
    source.write("SOUR:WAVE:ARM;INIT")
    bridge.write("HTRSET 0,100,0,0,1;OUTMODE 0,2,6,1,0,0,1;RANGE 0,4;MOUT 0,50")
    clock = getattr(manager.visalib, "clock")  # noqa: B009  # PyVISA's base class does not know it
    clock.sleep(finish)
    counter.read_termination = None
    counter.write("R?")
    data = counter.read_raw()
    bridge.query("KRDG? 6")
    text = base64.b64encode(data).decode()
    manager.close()
    return text


@pytest.fixture
def run(tmp_path: Path) -> list[dict[str, Any]]:
    measure(f"?seed=5&transcript={tmp_path / 'run.jsonl'}")
    return [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()]


def of_kind(run: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record for record in run if record["kind"] == kind]


def test_two_runs_of_a_seeded_bench_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        measure(f"?seed=5&transcript={tmp_path / name}")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    measure(f"?seed=6&transcript={tmp_path / 'c'}")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_writing_a_transcript_changes_nothing_that_a_client_sees(tmp_path: Path) -> None:
    assert measure("?seed=5") == measure(f"?seed=5&transcript={tmp_path / 'run.jsonl'}")


def test_every_message_stands_in_it_byte_for_byte_and_in_order_of_time(run: list[dict[str, Any]]) -> None:
    messages = of_kind(run, "message")
    to_counter = [m["text"] for m in messages if m["instrument"] == "counter" and m["direction"] == "to"]
    assert to_counter[-1] == "R?\r\n"
    from_counter = [m for m in messages if m["instrument"] == "counter" and m["direction"] == "from"]
    block = base64.b64decode(from_counter[-1]["base64"])
    assert block.startswith(b"#3320")
    assert from_counter[-1]["end"] is True
    times = [record["t"] for record in run]
    assert times == sorted(times)


def test_each_ramp_and_its_outcome_can_be_told_from_it(run: list[dict[str, Any]]) -> None:
    blocks = of_kind(run, "ramps")
    assert sum(block["ramps"] for block in blocks) == 60
    firsts = [block["first_ramp"] for block in blocks]
    assert firsts == [sum(b["ramps"] for b in blocks[:n]) for n in range(len(blocks))]
    switches = np.concatenate([block["switch_times_s"] for block in blocks])
    start, period = blocks[0]["start"], blocks[0]["period"]
    assert len(switches) == 60  # 10 uA is above the critical current: every ramp switches
    assert np.array_equal(np.floor((switches - start) / period), np.arange(60))


def test_the_intervals_that_the_counter_gave_are_those_of_the_true_switches(run: list[dict[str, Any]]) -> None:
    block = base64.b64decode(of_kind(run, "message")[-3]["base64"])
    readings = np.frombuffer(block[5:-1], dtype=">f8")
    ramps = of_kind(run, "ramps")
    switches = np.concatenate([b["switch_times_s"] for b in ramps])[: len(readings)]
    truth = switches - (ramps[0]["start"] + ramps[0]["period"] * np.arange(len(readings)))
    # 0.105 us of amplifier behind the switch, and its noise: 2 uV over a slope of 2.7 mV in 0.23 us.
    assert np.abs(readings - truth - 0.105e-6).max() < 5e-9


def test_outputs_heaters_and_temperatures_are_the_true_ones(run: list[dict[str, Any]]) -> None:
    outputs = of_kind(run, "output")
    ramp = next(output for output in outputs if output["cycles"] == 60)
    assert ramp["greatest"] == pytest.approx(10e-6, rel=1e-4)
    assert ramp["least"] == 0.0
    waveform = next(w for w in of_kind(run, "waveform") if w["number"] == ramp["waveform"])
    values = np.frombuffer(base64.b64decode(waveform["float64_base64"]), dtype="<f8")
    assert values.max() == ramp["greatest"]
    assert len(values) == waveform["points"] == 100
    (heater,) = of_kind(run, "heater")
    assert heater["power_W"] == pytest.approx((0.5e-3) ** 2 * 100)  # half of 1 mA in 100 Ohm
    temperatures = of_kind(run, "temperatures")
    assert temperatures[-1]["mixing_chamber_K"] > 1.01 * temperatures[0]["mixing_chamber_K"]


def test_a_bench_file_names_its_transcript_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "bench.yaml").write_text("transcript: run.jsonl\n")
    open_bench(str(tmp_path / "bench.yaml")).clock.sleep(1.0)
    lines = (tmp_path / "run.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["kind"] == "bench"
    assert json.loads(lines[-1])["kind"] == "temperatures"


def test_a_transcript_is_continued_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    for _ in range(2):
        open_bench(f"?transcript={path}").clock.sleep(0.5)
    heads = [json.loads(line)["kind"] for line in path.read_text().splitlines()]
    assert heads.count("bench") == 2


def test_a_quiet_day_takes_few_lines(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    open_bench(f"?transcript={path}").clock.sleep(3600.0)
    assert len(path.read_text().splitlines()) < 3600 / 60 + 10


def test_without_a_transcript_nothing_is_kept_or_written(tmp_path: Path) -> None:
    bench = open_bench("?seed=1")
    assert bench.transcript is None
    assert not any(line.active for line in bench.lines.values())


@pytest.mark.parametrize("query", ["?transcript=", "?seed=1&seed=2", "?seed=1&", "?transcript=a&transcript=b", "?x=1"])
def test_what_is_not_understood_behind_the_question_mark_is_refused(query: str) -> None:
    with pytest.raises(BenchFileError, match="not understood"):
        open_bench(query)


def test_a_transcript_that_cannot_be_written_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BenchFileError, match="cannot be written"):
        open_bench(f"?transcript={tmp_path / 'missing' / 'run.jsonl'}")


def test_the_transcript_tells_no_infinity_and_no_nan(run: list[dict[str, Any]]) -> None:
    def numbers(value: Any) -> Iterator[float]:
        if isinstance(value, float):
            yield value
        elif isinstance(value, dict):
            for inner in value.values():
                yield from numbers(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from numbers(inner)

    assert all(math.isfinite(number) for record in run for number in numbers(record))


def test_after_a_transcript_is_closed_nothing_is_noted_and_the_bench_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    bench = open_bench(f"?transcript={path}")
    assert bench.transcript is not None
    bench.clock.sleep(70.0)
    bench.transcript.close()
    written = path.read_bytes()
    assert b'"temperatures"' in written
    bench.clock.sleep(70.0)
    bench.transcript.close()
    assert path.read_bytes() == written
