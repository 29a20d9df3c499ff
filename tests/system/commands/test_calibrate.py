"""`mqtctl calibrate` finds the bench's delay and offset; a plan and `analyze` use what it wrote."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mqtctl.storage import load_sweep

TRUE_DELAY = 10.105e-6


@pytest.fixture
def cold(laboratory: Any) -> Any:
    """Return a laboratory at 30 mK whose station knows nothing of the delay, with 8 nA of offset in its line."""
    laboratory.change("station.yaml", "delay: 10.105 us", "delay: 0 us")
    laboratory.change("bench.yaml", "offset: 0 A", "offset: 8 nA")
    laboratory.change("plan.yaml", "[100 mK]", "[30 mK]")
    laboratory.change("plan.yaml", "switches: 1000 ", "switches: 3000 ")
    return laboratory


def calibrate(laboratory: Any, *options: str) -> dict[str, Any]:
    outcome = laboratory.run(
        "calibrate",
        laboratory.folder / "plan.yaml",
        "--file",
        laboratory.folder / "calibration.yaml",
        "-o",
        laboratory.folder / "calibration-run",
        "--seed",
        "4",
        "--json",
        *options,
    )
    assert outcome.exit_code == 0, outcome.stderr
    found = json.loads(outcome.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.usefixtures("blank_figures")
def test_a_calibration_finds_delay_and_offset_and_corrects_measurement_and_analysis(cold: Any) -> None:
    found = calibrate(cold)
    assert found["method"] == "junction"
    assert found["delay_s"] == pytest.approx(TRUE_DELAY, abs=4 * found["delay_stderr_s"])
    assert found["delay_stderr_s"] < 0.5e-6
    assert found["offset_A"] == pytest.approx(8e-9, abs=4 * found["offset_stderr_A"])
    assert found["threshold_walk_s"] == pytest.approx(-0.06e-6, abs=4 * found["threshold_walk_stderr_s"])
    assert found["pvalue"] > 1e-4

    before = cold.result()
    cold.change("plan.yaml", "switches: 3000 ", "calibration: calibration.yaml\nswitches: 3000 ")
    outcome = cold.run("sweep", cold.folder / "plan.yaml", "-o", cold.folder / "corrected", "--seed", "1", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    after = json.loads(outcome.stdout)
    # the same ramps: 10 us at 1 mA/s is 10 nA, and the offset adds 8 nA
    (old,), (new,) = before["points"], after["points"]
    shift = new["mean_switching_current_A"] - old["mean_switching_current_A"]
    expected = found["offset_A"] - 1e-3 * found["delay_s"]
    assert shift == pytest.approx(expected, rel=1e-6)
    # the dataset says which calibration it used, and the raw intervals are as they were
    stored, raw = load_sweep(cold.folder / "corrected" / "data.db"), load_sweep(cold.folder / "run" / "data.db")
    used = stored.points[0].header.document.calibration
    assert used is not None
    assert used.digest == found["digest"]
    assert np.array_equal(stored.sweep.histograms[0].intervals, raw.sweep.histograms[0].intervals)
    # offline: the uncalibrated run becomes the calibrated one, and that one stays what it is
    for folder in ("run", "corrected"):
        outcome = cold.run("analyze", cold.folder / folder, "--calibration", cold.folder / "calibration.yaml", "--json")
        (again,) = json.loads(outcome.stdout)["points"]
        assert again["mean_switching_current_A"] == pytest.approx(new["mean_switching_current_A"], abs=1e-13)
        assert again["std_switching_current_A"] == pytest.approx(new["std_switching_current_A"], rel=1e-6)


def fewer(monkeypatch: pytest.MonkeyPatch, thresholds: tuple[float, ...], ramps: int) -> None:
    """Time a dummy resistor at fewer thresholds, with fewer ramps at each."""
    monkeypatch.setattr("mqtctl.acquisition.calibration.DUMMY_THRESHOLDS", thresholds)
    monkeypatch.setattr("mqtctl.acquisition.calibration._DUMMY_RAMPS", ramps)


@pytest.mark.slow
@pytest.mark.parametrize("short", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_dummy_resistor_checks_the_chain_without_a_junction(
    cold: Any, monkeypatch: pytest.MonkeyPatch, short: bool
) -> None:
    if short:
        fewer(monkeypatch, (0.2, 0.6, 1.0), 50)
    text = (cold.folder / "bench.yaml").read_text(encoding="utf-8")
    begin, end = text.index("junction:\n"), text.index("bias:\n")
    bench = f"{text[:begin]}dummy_resistor: 200 Ohm\n\n{text[end:]}"
    (cold.folder / "bench.yaml").write_text(bench, encoding="utf-8")
    found = calibrate(cold, "--dummy-resistor", "200 Ohm", "--amplifier-gain", "1000")
    assert found["method"] == "dummy resistor"
    # filter 10 us; on a slow ramp the amplifier lags by up to its time constant of 0.23 us
    assert found["delay_s"] == pytest.approx(10.1e-6, abs=0.13e-6 + 4 * found["delay_stderr_s"])
    assert found["offset_A"] == pytest.approx(8e-9, abs=4 * found["offset_stderr_A"])
    assert found["scale"] == pytest.approx(1.0, abs=4 * found["scale_stderr"])
    assert found["scale_stderr"] < 5e-4
    # steps of 1 nA of a source on its 20 uA range
    assert 1e-5 < found["nonlinearity"] < 1e-3


@pytest.mark.slow
def test_a_dummy_that_is_not_what_was_stated_is_refused(cold: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer(monkeypatch, (0.5, 1.0), 20)  # five times too much shows in a few ramps
    text = (cold.folder / "bench.yaml").read_text(encoding="utf-8")
    begin, end = text.index("junction:\n"), text.index("bias:\n")
    (cold.folder / "bench.yaml").write_text(f"{text[:begin]}dummy_resistor: 200 Ohm\n\n{text[end:]}", encoding="utf-8")
    outcome = cold.run(
        "calibrate", cold.folder / "plan.yaml", "-o", cold.folder / "c", "--seed", "4",
        "--dummy-resistor", "1 kOhm", "--amplifier-gain", "1000",
    )  # fmt: skip
    assert outcome.exit_code == 2
    assert "check --dummy-resistor and --amplifier-gain" in outcome.stderr


def test_half_of_a_transresistance_is_refused(cold: Any) -> None:
    outcome = cold.run("calibrate", cold.folder / "plan.yaml", "--dummy-resistor", "1 kOhm")
    assert outcome.exit_code == 2
    assert "together" in outcome.stderr


def test_a_plan_that_names_a_missing_calibration_is_refused(cold: Any) -> None:
    cold.change("plan.yaml", "switches: 3000 ", "calibration: nowhere.yaml\nswitches: 3000 ")
    outcome = cold.sweep()
    assert outcome.exit_code == 2
    assert "nowhere.yaml: no such file" in outcome.stderr
