from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import pyvisa_mqt
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.bench.bench_file import BenchFileError, load_bench_file

BUILTIN = (Path(pyvisa_mqt.__file__).parent / "benches" / "builtin.yaml").read_text(encoding="utf-8")


def write(path: Path, old: str = "", new: str = "", text: str = BUILTIN) -> str:
    assert old in text
    file = path / "bench.yaml"
    file.write_text(text.replace(old, new) if old else text, encoding="utf-8")
    return str(file)


def refusal(name: str) -> str:
    with pytest.raises(BenchFileError) as caught:
        open_bench(name)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_built_in_bench_is_the_junction_of_1985() -> None:
    file, path = load_bench_file("")
    assert path.name == "builtin.yaml"
    assert file.junction is not None
    assert (file.junction.critical_current, file.junction.capacitance) == (9.489e-6, 6.35e-12)
    assert file.junction.resistance == 190.0
    assert file.transport.latency == 1e-3
    assert file.transport.byte_rate == 300e3
    assert [i.address for i in file.instruments.values()] == [
        "GPIB0::12::INSTR",
        "TCPIP0::192.0.2.53::inst0::INSTR",
        "TCPIP0::192.0.2.72::7777::SOCKET",
    ]


@pytest.mark.parametrize("name", ["", "builtin", "built-in"])
def test_the_built_in_bench_has_three_names(name: str) -> None:
    assert load_bench_file(name)[1] == load_bench_file("")[1]


@pytest.mark.parametrize(
    ("old", "new", "key", "complaint"),
    [
        ("critical_current: 9.489 uA", "critical_current: 9.489e-6", "junction.critical_current", "no unit"),
        ("critical_current: 9.489 uA", "critical_current: 9.489 UA", "junction.critical_current", "case"),
        ("critical_current: 9.489 uA", "critical_current: 9.489 mK", "junction.critical_current", "another kind"),
        ("critical_current: 9.489 uA", "critical_current: 9 apples", "junction.critical_current", "unknown unit"),
        ("critical_current: 9.489 uA", "critical_current: -9 uA", "junction.critical_current", "greater than 0"),
        ("critical_current: 9.489 uA", "critical_current: nan uA", "junction.critical_current", "not a finite"),
        ("critical_current: 9.489 uA", "critical_current: [1 uA]", "junction.critical_current", "not a quantity"),
        (
            "critical_current: 9.489 uA",
            "critical_curent: 9.489 uA",
            "junction.critical_curent",
            "did you mean 'critical_current'",
        ),
        ("  gap_voltage: 2.7 mV", "  gap_volts: 2.7 mV", "junction.gap_volts", "unknown key"),
        ("  capacitance: 6.35 pF", "  capacitance: 5 MF", "junction.capacitance", "unknown unit"),
        ("  # retrapping_current: 149 nA ", "  retrapping_current: 15 uA #", "junction", "cannot exceed"),
        ("escape: escape", "escape: quantum", "junction.escape", "choose one of"),
        ("latency: 1 ms", "latency: 1 mS", "transport.latency", "case"),
        ("byte_rate: 300 kB/s", "byte_rate: 0 B/s", "transport.byte_rate", "greater than 0"),
        ("seed: 0", "seed: -1", "seed", "greater than or equal to 0"),
        ("seed: 0", "seed: 1.5", "seed", "whole number"),
        ("gain: 1000", "gain: 1000 V", "readouts, entry 1, gain", "must be a number"),
        ("gain: 1000", "gain: .inf", "readouts, entry 1, gain", "finite"),
        ("gain: 1000", "gain: 0", "readouts, entry 1", "gain is 0"),
        ("low: 0 V", "low: 6 V", "markers, entry 1", "below high"),
        ("pulse: low", "pulse: sideways", "markers, entry 1, pulse", "'low' or 'high'"),
        ("from: source.marker", "from: sorce.marker", "markers, entry 1, from", "no instrument"),
        ("to: counter.input2", "to: counter.input1", "readouts, entry 1, to", "already used by markers, entry 1, to"),
        ("port: source.output", "port: output", "bias.sources, entry 1, port", "INSTRUMENT.CONNECTOR"),
        ("thermometer.ch6: mixing", "termometer.ch6: mixing", "cryostat.sensors", "no instrument"),
        ("thermometer.ch6: mixing_chamber", "thermometer.ch6: still", "cryostat.sensors", "mixing_chamber"),
        ("address: GPIB0::12::INSTR", "address: twelve", "instruments.source.address", "not a VISA resource"),
        ("address: GPIB0::12::INSTR", "address: TCPIP::192.0.2.53::INSTR", "instruments.counter.address", "already"),
        ("model: keithley-6221", "model: keithley-6220", "instruments.source.model", "choose one of"),
        (
            "    model: keithley-6221",
            "    options: {voltage: 3}\n    model: keithley-6221",
            "options",
            "voltage",
        ),
        ("base_temperature: 12 mK", "base_temperature: 0 K", "cryostat.base_temperature", "0.001"),
        ("epoch: 2026-01-05T08:00:00Z", "epoch: yesterday", "epoch", "datetime"),
    ],
)
def test_errors_name_the_file_and_the_dotted_key(tmp_path: Path, old: str, new: str, key: str, complaint: str) -> None:
    name = write(tmp_path, old, new)
    message = refusal(name)
    assert name in message
    assert key in message
    assert complaint in message


def test_a_duplicate_key_is_an_error(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, "seed: 0", "seed: 0\nseed: 1"))
    assert "duplicate key" in message
    assert "seed" in message


def test_python_tags_are_refused(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, "seed: 0", "seed: !!python/object/apply:os.getpid []"))
    assert "python" in message


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("- a\n- b\n", "holds a list"),
        ("just words", "holds a str"),
        ("a: [1, 2", "not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ("\x00", "not valid YAML"),
        ("[" * 400, "not valid YAML"),
    ],
)
def test_what_is_no_bench_file_is_refused_in_one_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "bench.yaml"
    file.write_text(text, encoding="utf-8")
    assert complaint in refusal(str(file))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bench.yaml"
    file.write_bytes(b"seed: \xff\xfe\n")
    assert "cannot be read" in refusal(str(file))


def test_a_missing_file_is_named_together_with_the_built_in_benches(tmp_path: Path) -> None:
    message = refusal(str(tmp_path / "nowhere.yaml"))
    assert "nowhere.yaml" in message
    assert "builtin" in message
    assert "no such bench file" in refusal(str(tmp_path))


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "bench.yaml"
    file.write_text("#" * (1 << 21), encoding="utf-8")
    assert "larger" in refusal(str(file))


def test_aliases_that_explode_or_never_end_are_refused(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{c}: &{c} [{', '.join(['*' + p] * 10)}]" for p, c in pairwise("abcdefghij")]
    assert "expands" in refusal(write(tmp_path, text="\n".join(lines)))
    assert "expands" in refusal(write(tmp_path, text="seed: &a [*a, *a]"))


def test_bias_without_a_junction_is_an_error(tmp_path: Path) -> None:
    start, end = BUILTIN.index("junction:\n"), BUILTIN.index("bias:\n")
    assert "junction" in refusal(write(tmp_path, text=BUILTIN[:start] + BUILTIN[end:]))


def test_a_seed_behind_the_name_stands_above_the_files_own(tmp_path: Path) -> None:
    name = write(tmp_path, "seed: 0", "seed: 5")
    assert open_bench(name).file.seed == 5
    assert open_bench(f"{name}?seed=7").file.seed == 7
    assert open_bench("?seed=9").file.seed == 9


@pytest.mark.parametrize("query", ["seed=x", "seed=-1", "pace=2", "", "seed=1&seed=2"])
def test_other_queries_are_refused(query: str) -> None:
    assert "seed" in refusal(f"?{query}")


def test_epochs_without_a_time_zone_count_as_utc(tmp_path: Path) -> None:
    bench = open_bench(write(tmp_path, "epoch: 2026-01-05T08:00:00Z", "epoch: 2026-01-05 08:00:00"))
    assert bench.clock.utc() == datetime(2026, 1, 5, 8, tzinfo=UTC)
    bench = open_bench(write(tmp_path, "epoch: 2026-01-05T08:00:00Z", "epoch: 2026-01-05T10:00:00+02:00"))
    assert bench.clock.utc() == datetime(2026, 1, 5, 8, tzinfo=UTC)


STOCK = """
spec: "1.1"
devices:
  box:
    eom: {ASRL INSTR: {q: "\\n", r: "\\n"}, GPIB INSTR: {q: "\\n", r: "\\n"}}
    error: ERROR
    dialogues: [{q: "*IDN?", r: "BOX,1"}]
resources:
  GPIB0::9::INSTR: {device: box}
"""


def test_stock_definitions_in_the_same_file_become_static_devices(tmp_path: Path) -> None:
    bench = open_bench(write(tmp_path, text=BUILTIN + STOCK))
    assert list(bench.static_devices.list_resources()) == ["GPIB0::9::INSTR"]
    assert len(bench.instruments) == 3
    assert not list(open_bench("").static_devices.list_resources())


def test_a_stock_definition_alone_is_a_bench_too(tmp_path: Path) -> None:
    bench = open_bench(write(tmp_path, text=STOCK))
    assert list(bench.static_devices.list_resources()) == ["GPIB0::9::INSTR"]
    assert bench.instruments == {}
    bench.clock.sleep(1.0)


@pytest.mark.parametrize(
    ("old", "new"), [("device: box", "device: bux"), ('spec: "1.1"', 'spec: "7.1"'), ('spec: "1.1"', "")]
)
def test_a_broken_stock_definition_is_refused_in_one_sentence(tmp_path: Path, old: str, new: str) -> None:
    message = refusal(write(tmp_path, old, new, BUILTIN + STOCK))
    assert "pyvisa-sim" in message


def test_an_address_used_twice_is_refused_also_against_stock_resources(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, "GPIB0::9::INSTR", "GPIB::12::INSTR", BUILTIN + STOCK))
    assert "already used" in message


def test_transport_of_one_instrument_can_differ(tmp_path: Path) -> None:
    line = "    transport: {latency: 5 ms, byte_rate: 10 kB/s}\n    model: keithley-6221"
    bench = open_bench(write(tmp_path, "    model: keithley-6221", line))
    assert bench.transport("GPIB0::12::INSTR").latency == 5e-3
    assert bench.transport("TCPIP0::192.0.2.53::inst0::INSTR").latency == 1e-3
