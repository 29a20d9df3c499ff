"""`mqtctl rehearse`: times and errors as the sweep has them, every mistake told, and nothing real touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pyvisa

from mqtctl.rehearsal.dry_run import Effort
from mqtctl.workflow import Options, acquire

POINT_KEYS = {
    "temperature_K", "settling_time_s", "ramping_time_s", "duration_s", "switches", "censored_fraction",
    "mean_switching_current_A", "std_switching_current_A", "escape_temperature_K", "escape_temperature_stderr_K",
    "escape_temperature_scatter_K", "escape_temperature_free_stderr_K", "findings", "ramps",
}  # fmt: skip
KEYS = {
    "points", "duration_s", "crossover_temperature_K", "crossover_temperature_stderr_K", "crossover_resolved",
    "crossover_criterion", "findings", "assumed", "spread",
}  # fmt: skip

SLOW = pytest.mark.slow


def rehearse(laboratory: Any, *options: str) -> Any:
    return laboratory.run("rehearse", laboratory.folder / "plan.yaml", "--seed", "1", *options)


def rehearsed(laboratory: Any, *options: str, code: int = 0) -> dict[str, Any]:
    outcome = rehearse(laboratory, "--json", *options)
    assert outcome.exit_code == code, outcome.stderr or outcome.exception
    assert "Traceback" not in outcome.stderr
    result = json.loads(outcome.stdout)
    assert isinstance(result, dict)
    return result


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory, build_laboratory: Callable[[Path], Any]) -> dict[str, Any]:
    """Return the rehearsal of a laboratory as it is, for tests of what a change does to it."""
    return rehearsed(build_laboratory(tmp_path_factory.mktemp("usual")))


def without_bench(laboratory: Any) -> None:
    """Make it a station of real addresses."""
    path: Path = laboratory.folder / "station.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("      visalib: bench.yaml@mqt\n") == 3
    path.write_text(text.replace("      visalib: bench.yaml@mqt\n", ""), encoding="utf-8")


def texts(result: dict[str, Any], verdict: str = "fault") -> str:
    return " | ".join(finding["text"] for finding in result["findings"] if finding["verdict"] == verdict)


def test_a_good_plan_is_predicted_with_all_keys(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "[100 mK]", "[15 mK, 100 mK, 300 mK]")
    result = rehearsed(laboratory)
    assert result.keys() >= KEYS
    assert all(point.keys() >= POINT_KEYS for point in result["points"])
    assert [point["temperature_K"] for point in result["points"]] == [0.015, 0.1, 0.3]
    assert all(point["findings"] == [] for point in result["points"])
    assert result["findings"] == []
    assert result["crossover_resolved"] is True
    assert result["crossover_temperature_K"] == pytest.approx(0.0297, abs=0.001)
    assert not list(laboratory.folder.glob("mqtctl-runs*"))
    assert sorted(path.name for path in laboratory.folder.iterdir()) == [
        "bench.yaml", "plan.yaml", "sample.yaml", "station.yaml",
    ]  # fmt: skip


#: Five kinds of ramps at each temperature.
ALL_KINDS = "\npolarity: both\nretrapping: 200\nheating_check: true"


@pytest.mark.parametrize(
    ("switches", "more"),
    [
        (1000, ""),
        pytest.param(6000, "", marks=SLOW),  # more than are rehearsed
        pytest.param(1000, ALL_KINDS, marks=SLOW),
        pytest.param(6000, ALL_KINDS, marks=SLOW),
    ],
)
def test_times_are_those_of_the_sweep(laboratory: Any, switches: int, more: str) -> None:
    laboratory.change("plan.yaml", "[100 mK]", "[40 mK, 100 mK]")
    laboratory.change("plan.yaml", "switches: 1000", f"switches: {switches}{more}")
    predicted = rehearsed(laboratory)
    run = acquire(laboratory.folder / "plan.yaml", Options(output=laboratory.folder / "run", seed=2))
    assert predicted["duration_s"] == pytest.approx(run.lab_time, rel=0.02)
    told = sum(point["duration_s"] for point in predicted["points"])
    assert told == pytest.approx(predicted["duration_s"], rel=0.05)
    assert predicted["points"][0]["switches"] == switches
    assert len(predicted["points"][0]["ramps"]) == (5 if more else 1)


def test_the_same_seed_gives_the_same_bytes(laboratory: Any) -> None:
    first, second = (rehearse(laboratory, "--json", "--repeat", "2") for _ in range(2))
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)["spread"]["rehearsals"] == 2


def test_nothing_but_the_simulated_bench_is_opened(laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The station is one of real addresses, on this computer's VISA library."""
    without_bench(laboratory)
    opened = []
    original = pyvisa.ResourceManager.__new__

    def watched(cls: Any, visa_library: Any = "") -> Any:
        opened.append(str(visa_library))
        return original(cls, visa_library)

    monkeypatch.setattr(pyvisa.ResourceManager, "__new__", watched)
    result = rehearsed(laboratory)
    assert opened
    assert all("@mqt" in library for library in opened)
    assert result["points"][0]["duration_s"] > 100
    assert any("cooling power" in sentence for sentence in result["assumed"])


@pytest.mark.slow
def test_a_bench_made_of_the_station_file_behaves_as_the_built_in_one(laboratory: Any, usual: dict[str, Any]) -> None:
    without_bench(laboratory)
    generated = rehearsed(laboratory)
    assert generated["duration_s"] == pytest.approx(usual["duration_s"], rel=0.02)
    assert generated["findings"] == []


@pytest.mark.slow
def test_a_precision_is_predicted_in_switches_and_time(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "switches: 1000", "precision: 3 %")
    (point,) = rehearsed(laboratory)["points"]
    # standard error 1.17 to 1.2 T / sqrt(N), and 1 % more: 1500 to 1650 for 3 %
    assert 1400 < point["switches"] < 1800
    assert point["ramping_time_s"] == pytest.approx(point["switches"] / 80.0, rel=0.02)
    assert point["escape_temperature_free_stderr_K"] == pytest.approx(0.03 * 0.1, rel=0.1)


def test_the_table_says_the_same_for_people(laboratory: Any) -> None:
    outcome = rehearse(laboratory)
    assert outcome.exit_code == 0
    for words in (
        "REHEARSED",
        "set point",
        "settling",
        "(mK)",
        "T_esc,",
        "whole:",
        "of laboratory time",
        "NOT resolved",
        "nothing found",
    ):
        assert words in outcome.stdout


@pytest.mark.shown(4)
@pytest.mark.parametrize(
    ("name", "old", "new", "code", "fault"),
    [
        ("station.yaml", "stop_threshold: 1 V", "stop_threshold: 4 V", 2, "above the gap voltage"),
        pytest.param(
            "station.yaml",
            "stop_threshold: 1 V",
            "stop_threshold: 4 mV",
            2,
            "times the amplified noise",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "station.yaml", "stop_threshold: 1 V", "stop_threshold: -1 V", 2, "wrong polarity", marks=pytest.mark.slow
        ),
        (
            "station.yaml",
            "stop_threshold: 1 V",
            "stop_threshold: 1 V\n          start_slope: positive",
            2,
            "wrong polar",
        ),
        ("station.yaml", "start_threshold: 1.5 V", "start_threshold: 6 V", 10, "no marker arrives"),
        ("station.yaml", "marker_line: 3", "marker_line: 2", 2, "trigger output"),
        ("station.yaml", "GPIB0::12::INSTR", "TCPIP0::192.0.2.53::inst0::INSTR", 2, "same address"),
        pytest.param(
            "station.yaml", "GPIB0::12::INSTR", "TCPIP::192.0.2.53::INSTR", 2, "same address", marks=pytest.mark.slow
        ),
        ("station.yaml", "GPIB0::12::INSTR", "GPIB0::13::INSTR", 10, "nothing answers at GPIB0::13::INSTR"),
        ("station.yaml", "role: temperature_controller", "role: ramp_source", 2, "exactly one instrument"),
        pytest.param(
            "plan.yaml", "stop_current: 9.8 uA", "stop_current: 8 uA", 10, "without a switch", marks=pytest.mark.slow
        ),
        ("plan.yaml", "stop_current: 9.8 uA", "stop_current: 9.31 uA", 10, "the ramp is too short"),
        pytest.param(
            "plan.yaml",
            "start_current: 0 uA",
            "start_current: 9.28 uA",
            10,
            "within the distribution",
            marks=pytest.mark.slow,
        ),
        ("plan.yaml", "deadline: 2 h", "deadline: 1 min", 12, "100 mK was not reached within 60 s"),
        pytest.param(
            "bench.yaml",
            "base_temperature: 12 mK",
            "base_temperature: 200 mK",
            12,
            "100 mK was not reached",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_each_mistake_has_its_sentence_and_the_code_of_the_sweep(
    laboratory: Any, name: str, old: str, new: str, code: int, fault: str
) -> None:
    laboratory.change(name, old, new)
    outcome = rehearse(laboratory, "--json")
    assert outcome.exit_code == code, outcome.stderr
    result = json.loads(outcome.stdout)
    assert fault in texts(result)
    assert result["exit_code"] == code
    last = outcome.stderr.strip().splitlines()[-1]
    assert last.startswith("mqtctl: ")
    assert "rehearsal" not in last.replace("rehearsing", ""), "the user knows nothing of the temporary folder"
    assert result["points"][0]["temperature_K"] == 0.1, "what can be predicted is predicted"


@pytest.mark.slow
def test_a_counter_with_too_little_memory_for_the_block_is_told(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the plan tells it; few of the switches, which come one by one, need be rehearsed
    few = Effort(together=100, few=50, most=50, long=50)
    monkeypatch.setattr("mqtctl.rehearsal.predict.STREAMED", few)
    laboratory.change("plan.yaml", "switches: 1000", "switches: 3000000")
    laboratory.change("plan.yaml", "block: 500", "block: 1000000")
    laboratory.change(
        "station.yaml", "role: timing_counter\n", "role: timing_counter\n          start_slope: negative\n"
    )
    laboratory.change(
        "station.yaml", "mqtctl_drivers.keysight_53230a.Keysight53230A", "mqtctl_drivers.srs_sr620.SrsSR620"
    )
    without_bench(laboratory)
    assert "counter's memory holds" in texts(rehearsed(laboratory, code=2))


def test_a_weak_link_shows_as_heating_and_in_the_predicted_width(laboratory: Any, usual: dict[str, Any]) -> None:
    (cold,) = usual["points"]
    laboratory.change("bench.yaml", "link_power: 1.5 mW", "link_power: 2 nW")
    result = rehearsed(laboratory)
    assert "warmer than the bath" in texts(result, "warning")
    assert result["points"][0]["std_switching_current_A"] > 1.05 * cold["std_switching_current_A"]


@pytest.mark.slow
def test_points_behind_one_that_fails_are_still_predicted(laboratory: Any) -> None:
    laboratory.change("bench.yaml", "base_temperature: 12 mK", "base_temperature: 30 mK")
    laboratory.change("plan.yaml", "[100 mK]", "[20 mK, 100 mK, 25 mK, 200 mK]")
    laboratory.change("plan.yaml", "deadline: 2 h", "deadline: 20 min")
    points = rehearsed(laboratory, code=12)["points"]
    assert [point["duration_s"] is None for point in points] == [True, False, True, False]
    assert "was not reached" in points[0]["findings"][0]["text"]
    assert "would fail as 20 mK does" in points[2]["findings"][0]["text"]


def test_a_plan_that_cannot_be_read_is_refused_as_by_the_sweep(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "rate: 1 mA/s", "rate: 0.001")
    outcome = rehearse(laboratory, "--json")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "has no unit" in outcome.stderr


@pytest.mark.slow
def test_a_bench_file_of_the_users_is_used_and_checked(laboratory: Any, tmp_path: Path) -> None:
    without_bench(laboratory)
    slow = (
        (laboratory.folder / "bench.yaml")
        .read_text(encoding="utf-8")
        .replace("time_constant: 20 s", "time_constant: 60 s")
    )
    (tmp_path / "ours.yaml").write_text(slow, encoding="utf-8")
    usual = rehearsed(laboratory)["points"][0]["settling_time_s"]
    assert rehearsed(laboratory, "--bench", str(tmp_path / "ours.yaml"))["points"][0]["settling_time_s"] != usual
    outcome = rehearse(laboratory, "--bench", str(tmp_path / "nowhere.yaml"))
    assert outcome.exit_code == 2
    assert "nowhere.yaml: no such file" in outcome.stderr


def test_a_fault_in_the_station_file_is_a_finding_whichever_bench_file_is_named(laboratory: Any) -> None:
    laboratory.change("station.yaml", "role: temperature_controller", "role: ramp_source")
    result = rehearsed(laboratory, "--bench", str(laboratory.folder / "station.yaml"), code=2)
    assert "exactly one instrument" in texts(result)


def test_what_the_plan_is_refused_for_is_told_once(laboratory: Any) -> None:
    laboratory.change("station.yaml", "stop_threshold: 1 V", "stop_threshold: 4 V")
    result = rehearsed(laboratory, code=2)
    told = [finding["text"] for finding in result["findings"] if "above the gap voltage" in finding["text"]]
    assert len(told) == 1
