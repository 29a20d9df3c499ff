"""What a bench file may say about the chain from source to counter: a resistor in place of the junction, and noise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import pyvisa_mqt
from pyvisa_mqt.bench.bench import Bench, open_bench
from pyvisa_mqt.bench.bench_file import BenchFileError
from pyvisa_mqt.sample.dummy_resistor import DummyResistor
from pyvisa_mqt.sample.junction import Sample
from pyvisa_mqt.time_and_signals.signals import Waveform

from mqtctl.bench_description import fault_plan

BUILTIN = (Path(pyvisa_mqt.__file__).parent / "benches" / "builtin.yaml").read_text(encoding="utf-8")
DUMMY = ("bias:\n", "dummy_resistor: 100 Ohm\n\nbias:\n")
SOURCE, COUNTER = "GPIB0::12::INSTR", "TCPIP0::192.0.2.53::inst0::INSTR"


def opened(folder: Path, *changes: tuple[str, str], query: str = "") -> Bench:
    text = BUILTIN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = folder / "bench.yaml"
    file.write_text(text, encoding="utf-8")
    return open_bench(f"{file}{query}")


def ramp(bench: Bench, top: float = 10e-6, cycles: int = 100) -> None:
    values = np.concatenate([np.linspace(0.0, top, 900), np.zeros(100)])
    wave = Waveform(bench.clock.now(), 0.01, cycles, values, 0.0, 0.0)
    bench.instruments[SOURCE].wires.drive("output", wave, "marker")


def test_a_resistor_takes_the_place_of_the_junction_that_stays_in_the_file(tmp_path: Path) -> None:
    assert isinstance(opened(tmp_path).sample, Sample)
    assert isinstance(opened(tmp_path, DUMMY).sample, DummyResistor)


def test_a_bench_may_have_a_resistor_and_no_junction(tmp_path: Path) -> None:
    begin, end = BUILTIN.index("junction:\n"), BUILTIN.index("bias:\n")
    bench = opened(tmp_path, (BUILTIN[begin:end], ""), ("bias:\n", "dummy_resistor: 100 Ohm\nbias:\n"))
    ramp(bench)
    bench.clock.sleep(2.0)
    stops = bench.instruments[COUNTER].wires.edges("input2", 0.5, True, 0.0, 2.0)
    assert len(np.unique(np.floor(stops / 0.01))) == 100


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("bias:\n", "dummy_resistor: 100\nbias:\n", "dummy_resistor"),
        ("bias:\n", "dummy_resistor: 0 Ohm\nbias:\n", "dummy_resistor"),
        ("bias:\n", "dummy_resistor: 1 V\nbias:\n", "dummy_resistor"),
        ("factor: 1}", "factor: 1, bandwidth: 0 Hz}", "bias.sources, entry 1, bandwidth"),
        ("factor: 1}", "factor: 1, noise: 1 nV}", "bias.sources, entry 1, noise"),
        ("lag: 10 us", "lag: 10 us\n  noise_temperature: -1 mK", "bias.noise_temperature"),
        ("escape: escape", "escape: escape\n  retrapping_noise: 1", "junction.retrapping_noise"),
    ],
)
def test_a_wrong_option_is_refused_with_its_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    with pytest.raises(BenchFileError, match=rf"bench.yaml:\d+: {key}: "):
        opened(tmp_path, (old, new))


def test_faults_of_a_junction_are_refused_where_there_is_a_resistor(tmp_path: Path) -> None:
    bench = opened(tmp_path, DUMMY)
    with pytest.raises(ValueError, match="needs a junction"):
        bench.faults.add(fault_plan(kind="stuck-voltage-state", at="1 s"))


def test_a_resistor_warms_the_sample_by_its_heat(tmp_path: Path) -> None:
    warm = []
    for resistance in ("1 Ohm", "10 MOhm"):  # 10 uA: 0.3 mW on the average, far too much for a real one
        dummy = ("bias:\n", f"dummy_resistor: {resistance}\n\nbias:\n")
        bench = opened(tmp_path, dummy, ("gain: 1000", "gain: 1"))
        ramp(bench, cycles=2000)
        bench.clock.sleep(15.0)
        warm.append(bench.cryostat.sample)
    assert warm[0] == pytest.approx(0.012, rel=1e-3)
    assert warm[1] > 0.03


def test_the_transcript_of_a_resistor_tells_ramps_without_switches(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    bench = opened(tmp_path, DUMMY, query=f"?transcript={path}")
    ramp(bench)
    bench.clock.sleep(3.0)
    notes = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ramps = [note for note in notes if note["kind"] == "ramps"]
    assert sum(note["ramps"] for note in ramps) >= 100
    assert all(not note["switch_times_s"] and not note["voltage_state"] for note in ramps)


def test_lag_and_noise_of_line_and_sources_add_up(tmp_path: Path) -> None:
    source = ("factor: 1}", "factor: 1, bandwidth: 15.9155 kHz, noise: 0.4 nA}")
    bias = opened(tmp_path, source, ("noise: 0.1 nA", "noise: 0.3 nA")).file.bias
    assert bias is not None
    assert bias.total_lag == pytest.approx(20e-6, rel=1e-4)  # 1 / (2 pi f) is 10 us
    assert bias.total_noise == pytest.approx(0.5e-9)
    plain = opened(tmp_path).file.bias
    assert plain is not None
    assert (plain.total_lag, plain.total_noise) == (10e-6, 0.1e-9)
