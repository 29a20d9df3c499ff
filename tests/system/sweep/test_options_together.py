"""Options of a plan that were each tried alone, together; found by trying everything with everything."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest


def want(laboratory: Any, *lines: str, switches: int = 200) -> None:
    """Ask for more than the plan does."""
    laboratory.change("plan.yaml", "switches: 1000 ", "\n".join((*lines, f"switches: {switches} ")))


def histogram(laboratory: Any, *options: str) -> Any:
    folder = laboratory.folder
    return laboratory.run("histogram", folder / "plan.yaml", "-o", folder / "run", "--seed", "1", *options)


def test_histogram_with_every_option_gives_the_own_ramp_first_and_all_of_them(laboratory: Any) -> None:
    want(laboratory, "polarity: both", "further_rates: [0.5 mA/s]", "retrapping: 20", "heating_check: true")
    outcome = histogram(laboratory, "--json")
    assert outcome.exit_code == 0, outcome.output
    result = json.loads(outcome.stdout)
    assert [point["polarity"] for point in result["points"]] == [1, -1, 1, -1]
    assert result["run_id"] == result["points"][0]["run_id"]
    assert result["switches"] == 200
    assert len(result["retrapping"]) == 2
    assert "heating_check" in result
    assert "offset_current_A" in result


@pytest.mark.slow
def test_histogram_prints_every_ramp_and_what_was_measured_besides(laboratory: Any) -> None:
    want(laboratory, "polarity: both", "retrapping: 20")
    outcome = histogram(laboratory)
    assert outcome.exit_code == 0, outcome.output
    assert "polarity" in outcome.stdout
    assert re.search(r"retrapping current at 12\S* mK, negative bias", outcome.stdout)


@pytest.mark.slow
def test_a_retrapping_run_by_itself_is_told_as_retrapping(laboratory: Any) -> None:
    want(laboratory, "retrapping: 20")
    assert histogram(laboratory).exit_code == 0
    outcome = laboratory.run("analyze", laboratory.folder / "run", "--run", "2", "--json")
    assert outcome.exit_code == 0, outcome.output
    result = json.loads(outcome.stdout)
    (entry,) = result["retrapping"]
    assert entry["run_id"] == 2
    assert entry["mean_retrapping_current_A"] == pytest.approx(148.5e-9, abs=1e-9)  # the source's steps are 1 nA
    (flag,) = result["points"][0]["flags"]
    assert "retrapping" in flag


TIMER = """  counter:
    type: mqtctl_drivers.srs_sr620.SrsSR620
    address: GPIB0::16::INSTR
    init:
      visalib: bench.yaml@mqt
      metadata:
        mqtctl: {role: timing_counter, start_slope: negative, start_threshold: 1.5 V, stop_threshold: 1 V,
                 delay: 10.105 us}
"""


def with_timer(laboratory: Any) -> None:
    """Let an SR620 stand in the place of the 53230A, on the bench and in the station file."""
    laboratory.change("bench.yaml", "model: keysight-53230a", "model: srs-sr620")
    laboratory.change("bench.yaml", "address: TCPIP0::192.0.2.53::inst0::INSTR", "address: GPIB0::16::INSTR")
    laboratory.change("bench.yaml", "counter.input1", "counter.inputA")
    laboratory.change("bench.yaml", "counter.input2", "counter.inputB")
    path = laboratory.folder / "station.yaml"
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("  counter:\n"), text.index("  thermometer:\n")
    path.write_text(f"{text[:begin]}{TIMER}\n{text[end:]}", encoding="utf-8")


@pytest.mark.slow
def test_a_counter_without_memory_takes_the_same_iv_curve(laboratory: Any) -> None:
    with_timer(laboratory)
    want(laboratory, "iv_curve: true", "retrapping: 20", switches=60)
    outcome = histogram(laboratory, "--json")
    assert outcome.exit_code == 0, outcome.output
    result = json.loads(outcome.stdout)
    for curve in result["iv_curves"]:
        # the step is 2.7 V high; its last quarter of a volt is halved five times
        assert curve["highest_seen_V"] == pytest.approx(2.7, abs=0.02)
        assert curve["lowest_unseen_V"] == pytest.approx(2.7, abs=0.02)
    assert result["retrapping"][0]["mean_retrapping_current_A"] == pytest.approx(148.5e-9, abs=1e-9)


def test_an_exchange_that_fails_while_noise_is_looked_for_is_made_again(laboratory: Any) -> None:
    with_timer(laboratory)
    want(laboratory, switches=20)
    bench = laboratory.folder / "bench.yaml"
    fault = "\nfaults:\n  - {kind: lost-message, instrument: counter, match: 'SIZE?'}\n"
    bench.write_text(bench.read_text(encoding="utf-8") + fault, encoding="utf-8")
    outcome = histogram(laboratory)
    assert outcome.exit_code == 0, outcome.output
    assert "no answer to 'SIZE?' within 5 s" in outcome.output
    assert "(attempt 1 of 3; trying again)" in outcome.output


CALIBRATION = """
date: '{date}'
method: junction
station: station.yaml
instruments:
  ramp_source: KEITHLEY INSTRUMENTS INC. MODEL 6221, serial {serial}, firmware {firmware}
simulated: {simulated}
sweep_id: '0'
database: data.db
delay: 10 us
delay_uncertainty: 0.1 us
threshold_walk: {{first_threshold: {threshold}, second_threshold: 0.5 V, walk: -0.1 us, uncertainty: 0.1 us}}
"""
#: A calibration of just this bench; the built-in bench lives in January 2026.
OURS = {
    "date": "2026-01-04T08:00:00Z",
    "serial": "1400001",
    "firmware": "A01",
    "simulated": "true",
    "threshold": "1 V",
}


def with_calibration(laboratory: Any, **changes: str) -> None:
    """Let the plan refer to a calibration that differs in these things."""
    text = CALIBRATION.format(**{**OURS, **changes})
    (laboratory.folder / "calibration.yaml").write_text(text, encoding="utf-8")
    laboratory.change("plan.yaml", "\nramp:\n", "\ncalibration: calibration.yaml\n\nramp:\n")


def of_the_calibration(laboratory: Any) -> list[Any]:
    """Return what check finds about the calibration."""
    outcome = laboratory.run("check", laboratory.folder / "plan.yaml", "--json")
    assert outcome.exit_code == 0, outcome.output
    return [found for found in json.loads(outcome.stdout)["findings"] if found["subject"] == "calibration"]


def test_check_believes_a_calibration_of_these_instruments_whatever_their_firmware(laboratory: Any) -> None:
    with_calibration(laboratory)
    assert [finding["verdict"] for finding in of_the_calibration(laboratory)] == ["good"]


@pytest.mark.shown(1)
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"serial": "9", "threshold": "0.7 V", "date": "2025-01-04T08:00:00"},
            ["another ramp source", "the stop threshold at 700 mV, the station has 1 V", "366 days old"],
        ),
        (
            {"simulated": "false", "date": "2126-01-04T08:00:00Z"},
            ["measured on a real one, but the station is on the simulated bench", "still to come"],
        ),
    ],
)
def test_check_doubts_a_calibration_of_something_else(
    laboratory: Any, changes: dict[str, str], said: list[str]
) -> None:
    with_calibration(laboratory, **changes)
    findings = of_the_calibration(laboratory)
    assert {finding["verdict"] for finding in findings} == {"warning"}
    for words, finding in zip(said, findings, strict=True):
        assert words in finding["text"]


@pytest.mark.slow
def test_a_measurement_with_a_doubtful_calibration_says_so(laboratory: Any) -> None:
    with_calibration(laboratory, serial="9")
    want(laboratory, switches=50)
    outcome = histogram(laboratory)
    assert outcome.exit_code == 0, outcome.output
    assert "another ramp source" in " ".join(outcome.stderr.split())


@pytest.mark.slow
def test_histograms_that_the_ramp_cuts_off_make_no_calibration(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "stop_current: 9.8 uA", "stop_current: 9.415 uA")
    want(laboratory, switches=100)
    folder = laboratory.folder
    outcome = laboratory.run("calibrate", folder / "plan.yaml", "-o", folder / "run", "--seed", "1")
    assert outcome.exit_code == 2, outcome.output
    assert "raise ramp.stop_current" in " ".join(outcome.stderr.split())


def test_a_calibration_that_cannot_be_written_is_refused_before_the_ramps(laboratory: Any) -> None:
    folder = laboratory.folder
    outcome = laboratory.run("calibrate", folder / "plan.yaml", "-o", folder / "run", "--file", folder)
    assert outcome.exit_code == 11, outcome.output
    assert "which is a folder" in " ".join(outcome.stderr.split())
    assert not (folder / "run").exists()


@pytest.mark.slow
def test_a_junction_is_not_taken_for_a_dummy_resistor_and_its_histograms_for_no_sweep(laboratory: Any) -> None:
    want(laboratory, "database: all.db", switches=40)
    folder = laboratory.folder
    assert histogram(laboratory).exit_code == 0
    outcome = laboratory.run("calibrate", folder / "plan.yaml", "--dummy", "--file", folder / "c.yaml", "--seed", "1")
    assert outcome.exit_code == 10, outcome.output
    assert "is the junction still connected" in " ".join(outcome.stderr.split())
    assert not (folder / "c.yaml").exists()
    # what was taken last in this database is the calibration
    outcome = laboratory.run("analyze", folder / "all.db", "--json")
    assert [point["switches"] for point in json.loads(outcome.stdout)["points"]] == [40]


@pytest.mark.slow
def test_a_histogram_that_fits_no_junction_is_told_and_does_not_end_the_measurement(laboratory: Any) -> None:
    """With start and stop exchanged each interval ends at the next marker: all currents are nearly the same."""
    laboratory.change(
        "station.yaml", "start_threshold:", "start_input: 2\n          stop_input: 1\n          start_threshold:"
    )
    want(laboratory, switches=50)
    outcome = histogram(laboratory, "--json")
    assert outcome.exit_code == 0, outcome.output
    assert "fits no junction" in " ".join(outcome.stderr.split())
    result = json.loads(outcome.stdout)
    assert result["switches"] == 50
    assert result["escape_temperature_free_K"] is None


def test_an_iv_curve_that_sees_no_voltage_says_so(laboratory: Any) -> None:
    # below the switching currents: the histogram that follows ends after a hundred empty ramps
    laboratory.change("plan.yaml", "stop_current: 9.8 uA", "stop_current: 5 uA")
    want(laboratory, "iv_curve: true", switches=20)
    outcome = histogram(laboratory)
    assert outcome.exit_code == 10, outcome.output
    assert "in most ramps the voltage did not pass 250 mV" in " ".join(outcome.stderr.split())
