"""An instrument that drops out while a sweep runs: its session is opened anew, and the sweep comes to its end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from qcodes.instrument import Instrument

from mqtctl.acquisition.events import BlockStored, PointFinished, Remark, Settling
from mqtctl.errors import HardwareError, MqtctlError, StorageError, UnsafeError
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

SWITCHES = 240
PHASES: dict[str, Callable[[Any], bool]] = {
    "settling": lambda event: isinstance(event, Settling) and event.point == 0 and event.elapsed > 5.0,
    "ramps": lambda event: isinstance(event, BlockStored) and event.point == 0,
    "between points": lambda event: isinstance(event, PointFinished) and event.point == 0,
}
OUTAGES: dict[str, dict[str, Any]] = {
    "disconnected": {"kind": "disconnect"},
    "away for 30 s": {"kind": "disconnect", "duration": 30.0},
    "power-cycled": {"kind": "power-cycle"},
    "without power for 30 s": {"kind": "power-cycle", "duration": 30.0},
    "silent for 30 s": {"kind": "lost-reply", "duration": 30.0, "count": 10_000},
}


@dataclass
class Sweep:
    """How a sweep ended: the error if there was one, what was said, what is in the database."""

    error: MqtctlError | None = None
    remarks: list[str] = field(default_factory=list)
    points: list[Any] = field(default_factory=list)


@pytest.fixture
def sweep(laboratory: Any) -> Callable[..., Sweep]:
    """Take two temperatures; at the first event of a phase a fault strikes."""
    laboratory.change("plan.yaml", "switches: 1000", f"switches: {SWITCHES}")
    laboratory.change("plan.yaml", "block: 500", "block: 30")
    laboratory.change("plan.yaml", "temperatures: [100 mK]", "temperatures: [100 mK, 105 mK]")
    laboratory.change("plan.yaml", "dwell: 2 min", "dwell: 20 s")

    def run(phase: str, instrument: str, *, added: str = "", **fault: Any) -> Sweep:
        found, waiting = Sweep(), [PHASES[phase]]
        if added:
            laboratory.change("plan.yaml", "settle:", f"{added}\nsettle:")

        def listen(event: Any) -> None:
            if isinstance(event, Remark):
                found.remarks.append(event.text)
            if waiting and waiting[0](event):
                waiting.clear()
                bench = Instrument.find_instrument("source").visa_handle.visalib.bench
                bench.faults.inject(**fault, **({"instrument": instrument} if instrument else {}))

        folder = laboratory.folder / "run"
        try:
            acquire(
                laboratory.folder / "plan.yaml", Options(output=folder, seed=1), notify=listen, reported=bool(added)
            )
        except MqtctlError as exc:
            found.error = exc
        assert not waiting, "the fault never struck"
        found.points = list(load_sweep(folder / "data.db").points)
        return found

    return run


@pytest.mark.shown(1, slow=8)
@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("instrument", ["source", "counter", "thermometer"])
def test_a_sweep_survives_an_instrument_that_drops_out(
    sweep: Callable[..., Sweep], phase: str, instrument: str, outage: str
) -> None:
    found = sweep(phase, instrument, **OUTAGES[outage])
    assert found.error is None, found.remarks
    for point, target in zip(found.points, (0.1, 0.105), strict=True):
        assert point.histogram.intervals.size == np.unique(point.histogram.intervals).size == SWITCHES
        assert point.histogram.temperature == pytest.approx(target, rel=5e-3)
        assert point.histogram.censored == 0
    # nobody speaks to source and counter while the bath settles, and a bus has no session to lose
    sessions = sum(point.result.lost_sessions for point in found.points)
    glitches = sum(point.result.glitches for point in found.points)
    if phase == "ramps" and (instrument, outage) != ("source", "disconnected"):
        assert 1 <= sessions <= 3
        assert glitches <= 2
        assert any("anew" in remark for remark in found.remarks)
    elif instrument == "thermometer":
        assert sessions <= 2


@pytest.mark.slow
@pytest.mark.parametrize("instrument", ["source", "thermometer"])
def test_a_source_or_heater_that_stays_away_is_told_as_not_confirmed(
    sweep: Callable[..., Sweep], instrument: str
) -> None:
    found = sweep("ramps", instrument, kind="disconnect", duration=1e6)
    assert isinstance(found.error, UnsafeError)


def test_an_instrument_that_stays_away_ends_the_sweep_after_a_minute(sweep: Callable[..., Sweep]) -> None:
    found = sweep("ramps", "counter", kind="disconnect", duration=1e6)
    assert isinstance(found.error, HardwareError)
    assert any("waited 60 s in vain for timing_counter" in note for note in found.error.__notes__)
    assert found.points[0].histogram.intervals.size >= 30


def test_a_point_that_fails_is_skipped_if_the_plan_says_so_and_taken_by_resume(
    sweep: Callable[..., Sweep], laboratory: Any, blank_figures: None
) -> None:
    found = sweep("ramps", "", added="on_fault: skip", kind="stuck-voltage-state", duration=2.0)
    assert isinstance(found.error, HardwareError)
    assert "1 of 2 points were skipped: 100 mK (100 ramps in a row" in str(found.error)
    assert "go on with `mqtctl resume" in found.error.__notes__[-1]
    (finished,) = found.points
    assert finished.result.complete
    (unfinished,) = load_sweep(laboratory.folder / "run" / "data.db", run_id=1).points
    assert unfinished.result is None
    assert unfinished.histogram.intervals.size >= 30
    result = json.loads((laboratory.folder / "run" / "result.json").read_text(encoding="utf-8"))
    assert (result["points_planned"], result["points_done"]) == (2, 1)
    outcome = laboratory.run("resume", laboratory.folder / "run", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["points_done"] == 2


@pytest.mark.slow
def test_a_thermometer_that_says_nothing_valid_for_long_is_waited_for_if_the_plan_says_so(
    sweep: Callable[..., Sweep], blank_figures: None
) -> None:
    fault = {"kind": "nan-reading", "match": "KRDG", "duration": 90.0}
    found = sweep("ramps", "thermometer", added="policies: {thermometer: hold}", **fault)
    assert found.error is None
    assert found.points[0].result.settled_again == 1
    assert found.points[0].histogram.temperature == pytest.approx(0.1, rel=5e-3)
    assert any("the heater is off, trying again" in remark for remark in found.remarks)


@pytest.mark.parametrize("policy", [pytest.param("flag", marks=pytest.mark.slow), "stop"])
def test_a_mean_that_drifts_within_a_histogram_is_told_or_ends_it_as_the_plan_says(
    sweep: Callable[..., Sweep], blank_figures: None, policy: str
) -> None:
    found = sweep("ramps", "", added=f"policies: {{drift: {policy}}}", kind="critical-current-drift", drift="8 nA/s")
    told = found.remarks if policy == "flag" else [str(found.error)]
    assert any("the mean drifted by +" in text for text in told)
    assert (found.error is None) == (policy == "flag")
    assert found.points[0].histogram.intervals.size == SWITCHES


@pytest.mark.slow
def test_a_disk_that_is_nearly_full_is_told_or_ends_the_sweep_as_the_plan_says(
    sweep: Callable[..., Sweep], blank_figures: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: object, _needed: int) -> None:
        raise StorageError("only 3 MB are free")

    monkeypatch.setattr("mqtctl.workflow.measurement.require_space", full)
    found = sweep("ramps", "counter", kind="lost-reply")
    assert found.error is None
    assert "point 1: only 3 MB are free" in found.remarks


@pytest.mark.shown(1, slow=8)
@pytest.mark.parametrize("kind", ["lost-reply", "late-reply", "truncated-reply", "garbled-reply", "duplicated-reply"])
@pytest.mark.parametrize("instrument", ["counter", "source", "thermometer"])
@pytest.mark.parametrize("message", [1, 2, 3, 5, 8, 13])
def test_a_glitch_of_one_message_while_ramps_run_ends_nothing(
    sweep: Callable[..., Sweep], instrument: str, kind: str, message: int
) -> None:
    found = sweep("ramps", instrument, kind=kind, message=message)
    assert found.error is None
    for point in found.points:
        assert point.histogram.intervals.size == np.unique(point.histogram.intervals).size == SWITCHES
        assert point.result.glitches + point.result.lost_sessions <= 1
