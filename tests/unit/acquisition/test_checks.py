"""The sentences of a check: threshold, polarity, noise, disk, clock, and what ends a sweep before it begins."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mqtctl.acquisition.preflight import clock_finding, disk_finding, first_fault
from mqtctl.acquisition.preflight.stop_edge import stop_edge_findings
from mqtctl.clock import WallClock
from mqtctl.errors import HardwareError, InputError
from mqtctl.instruments.roles.diagnostic import Amplifier
from mqtctl.instruments.roles.experiment import StopEdge
from mqtctl.instruments.roles.findings import Finding
from mqtctl.plan import ResolvedPlan
from tests.unit.instruments.fake_clock import FakeClock

GAP = 2.7e-3
KNOWN = Amplifier(1000.0, 2e-6)
plan = cast("ResolvedPlan", SimpleNamespace(source=Path("plan.yaml")))


def worst(edge: StopEdge, amplifier: Amplifier = KNOWN, gap: float | None = GAP) -> Finding:
    order = ("fault", "warning", "not checked", "good")
    return min(stop_edge_findings(edge, amplifier, gap), key=lambda finding: order.index(finding.verdict))


@pytest.mark.parametrize(
    ("edge", "amplifier", "verdict", "words"),
    [
        (StopEdge(1.0, rising=True), KNOWN, "good", ""),
        (StopEdge(-1.0, rising=False), Amplifier(-1000.0, 2e-6), "good", ""),
        (StopEdge(1.0, rising=True), Amplifier(-1000.0, 2e-6), "fault", "wrong polarity"),
        (StopEdge(-1.0, rising=False), KNOWN, "fault", "wrong polarity"),
        (StopEdge(1.0, rising=False), KNOWN, "fault", "wrong polarity"),
        (StopEdge(1.0, rising=False), Amplifier(), "fault", "wrong polarity"),
        (StopEdge(-1.0, rising=True), Amplifier(), "fault", "wrong polarity"),
        (StopEdge(-1.0, rising=False), Amplifier(), "not checked", "not known"),
        (StopEdge(0.0, rising=True), KNOWN, "fault", "0 V"),
        (StopEdge(2.7, rising=True), KNOWN, "fault", "above the gap voltage"),
        (StopEdge(2.5, rising=True), KNOWN, "warning", "noise decides"),
        (StopEdge(9e-3, rising=True), KNOWN, "fault", "below the noise"),
        (StopEdge(12e-3, rising=True), KNOWN, "warning", "now and then"),
        (StopEdge(1.0, rising=True), Amplifier(1000.0, None), "good", ""),
        (StopEdge(1.0, rising=True), Amplifier(None, 2e-6), "not checked", "not known"),
    ],
)
def test_the_stop_edge_is_compared_with_what_a_switch_makes(
    edge: StopEdge, amplifier: Amplifier, verdict: str, words: str
) -> None:
    finding = worst(edge, amplifier)
    assert finding.verdict == verdict, finding
    assert words in finding.text
    assert finding.cause == "file" or finding.verdict == "good"
    assert finding.advice or finding.verdict == "good"


def test_an_unknown_gap_voltage_is_asked_for() -> None:
    finding = worst(StopEdge(1.0, rising=True), gap=None)
    assert finding.verdict == "not checked"
    assert finding.advice == "give junction.gap_voltage in the sample file"


def test_a_fault_of_the_files_ends_with_two_and_one_of_the_hardware_with_ten() -> None:
    hardware = Finding("output", "fault", "it is on", "switch it off", instrument="ramp_source")
    file = Finding("block", "fault", "too large", "smaller", cause="file")
    fine = Finding("disk", "warning", "small")
    assert first_fault([fine], plan) is None
    error = first_fault([hardware, file, fine], plan)
    assert isinstance(error, InputError)
    assert str(error) == "plan.yaml: block: too large; smaller"
    error = first_fault([fine, hardware], plan)
    assert isinstance(error, HardwareError)
    assert str(error) == "ramp_source: it is on; switch it off"


@pytest.mark.parametrize(("needed", "verdict"), [(1, "good"), (10**18, "fault")])
def test_the_disk_must_have_room(tmp_path: Path, needed: int, verdict: str) -> None:
    finding = disk_finding(tmp_path / "not" / "yet" / "there", needed)
    assert finding.verdict == verdict
    assert str(tmp_path.resolve()) in finding.text


def test_a_disk_that_just_suffices_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=1500))
    assert disk_finding(tmp_path, 1000).verdict == "warning"


class StoppedClock(FakeClock):
    def sleep(self, duration: float) -> None:
        pass


def test_a_clock_that_goes_on_is_good_and_one_that_stands_is_not(tmp_path: Path) -> None:
    assert clock_finding(FakeClock(), tmp_path).verdict == "good"
    stopped = clock_finding(StoppedClock(), tmp_path)
    assert stopped.verdict == "fault"
    assert "does not go on" in stopped.text


def test_the_clock_that_is_compared_is_the_one_that_is_named(tmp_path: Path) -> None:
    today = WallClock().utc()
    benchs = clock_finding(FakeClock(), tmp_path).text
    own = clock_finding(WallClock(), tmp_path).text
    for text in (benchs, own):
        assert f"the computer's agrees with the disk's ({today:%Y-%m-%d}" in text
    assert f"the bench has one of its own, there it is {FakeClock().utc():%Y-%m-%d}" in benchs
    assert "the bench" not in own


def test_a_disk_with_another_time_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stat(_path: Path, **_options: Any) -> Any:
        return SimpleNamespace(st_mtime=0.0, st_mode=0o40755)

    monkeypatch.setattr(Path, "stat", stat)
    finding = clock_finding(FakeClock(), tmp_path)
    assert finding.verdict == "warning"
    assert "time server" in finding.advice
