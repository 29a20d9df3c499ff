"""`mqtctl analyze` with parameters that are free, fixed or switched on by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mqtctl.cli.app import app
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState

IC, CAPACITANCE, RATE, BATH, NUMBER = 2.4e-6, 1.2e-12, 2e-4, 0.3, 3000
RAMP = ("--ramp-rate", "0.2 mA/s", "--capacitance", "1.2 pF")
NOISE = 8e-9


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["analyze", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list with noise of half a width and 1 % of false triggers."""
    law = SwitchingDistribution(Junction(IC, CAPACITANCE), BATH, RATE, model=TransitionState(), current_noise=NOISE)
    rng = np.random.default_rng(3)
    currents = np.asarray(law.sample(NUMBER, rng))
    hidden = rng.random(NUMBER) < 0.01
    currents[hidden] *= rng.random(int(hidden.sum()))
    path = tmp_path_factory.mktemp("noisy") / "noisy.csv"
    np.savetxt(path, currents, header="switching_current_A", comments="")
    return path


def test_without_options_the_likeliest_cause_is_named_with_the_options_that_fit_it(noisy: Path) -> None:
    outcome = run(noisy, *RAMP)
    assert outcome.exit_code == 0, outcome.stderr
    note = next(line for line in outcome.stdout.splitlines() if "would gain" in line)
    assert "--false-triggers auto" in note


def test_noise_and_false_triggers_are_switched_on_by_name_and_told_with_their_price(noisy: Path) -> None:
    outcome = run(noisy, *RAMP, "--current-noise", "auto", "--false-triggers", "auto", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    result: dict[str, Any] = json.loads(outcome.stdout)
    assert abs(result["escape_temperature_free_K"] - BATH) < 4 * result["escape_temperature_free_stderr_K"]
    low, high = result["escape_temperature_free_interval_95_K"]
    assert low < result["escape_temperature_free_K"] < high
    parameters = {one["name"]: one for one in result["parameters"]}
    assert abs(parameters["current_noise"]["value"] - NOISE) < 4 * parameters["current_noise"]["stderr"]
    assert abs(parameters["false_triggers"]["value"] - 0.01) < 4 * parameters["false_triggers"]["stderr"]
    assert parameters["current_noise"]["price"] > 1.2
    assert any("times as large as with it known" in flag for flag in result["flags"])


def test_drift_and_mains_are_switched_on_by_name(tmp_path: Path) -> None:
    law = SwitchingDistribution(Junction(IC, CAPACITANCE), BATH, RATE, model=TransitionState())
    place = np.arange(NUMBER)
    currents = np.asarray(law.sample(NUMBER, np.random.default_rng(5)))
    currents += 2e-8 * place / NUMBER + 1e-8 * np.sin(2.0 * np.pi * 50.0 * 23e-3 * place)
    path = tmp_path / "drifting.csv"
    np.savetxt(path, currents, header="switching_current_A", comments="")
    options = ("--drift", "auto", "--mains", "50 Hz", "--period", "23 ms")
    outcome = run(path, *RAMP, *options, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    result: dict[str, Any] = json.loads(outcome.stdout)
    parameters = {one["name"]: one for one in result["parameters"]}
    for name, truth in (("drift", 2e-8), ("mains_amplitude", 1e-8)):
        assert abs(parameters[name]["value"] - truth) < 4 * parameters[name]["stderr"]
    assert abs(result["escape_temperature_free_K"] - BATH) < 4 * result["escape_temperature_free_stderr_K"]
    assert "drift: 2" in run(path, *RAMP, "--drift", "20 nA").stdout
    assert "--drift auto" in run(path, *RAMP).stdout


def test_what_is_given_and_what_cannot_be_told_is_said_in_words(noisy: Path) -> None:
    outcome = run(noisy, *RAMP, "--current-noise", "8 nA", "--fix", "false-triggers=0.01", "--free", "capacitance")
    assert outcome.exit_code == 0, outcome.stderr
    assert "current noise: 8 nA (given)" in outcome.stdout
    assert "false triggers: 0.01 (given)" in outcome.stdout
    assert "capacitance: not identifiable" in outcome.stdout


def test_a_temperature_below_the_crossover_is_a_limit_in_text_and_json(tmp_path: Path) -> None:
    path = tmp_path / "cold.csv"
    simulated = CliRunner().invoke(app, ["simulate", "--temperature", "15 mK", "--seed", "4"])
    path.write_text(simulated.stdout)
    options = ("--ramp-rate", "1 mA/s", "--capacitance", "6.35 pF", "--resistance", "190 Ohm", "--model", "escape")
    result = json.loads(run(path, *options, "--json").stdout)
    assert result["escape_temperature_free_K"] is None
    assert 0.015 < result["escape_temperature_free_upper_95_K"] < 0.029
    assert result["escape_temperature_free_interval_68_K"][0] == 0.0
    assert "critical current fitted too: below 2" in run(path, *options).stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--free", "colour"), "is no parameter of a histogram"),
        (("--fix", "capacitance"), "a value is needed"),
        (("--fix", "capacitance=3 K"), "--fix: "),
        (("--free", "noise", "--current-noise", "3 nA"), "both free and fixed"),
        (("--fix", "noise=3 nA", "--current-noise", "3 nA"), "given twice"),
        (("--false-triggers", "few"), "'few' is no share"),
        (("--false-triggers", "0.95"), "cannot be fixed at 0.95"),
        (("--fix", "critical-current=1 uA"), "(--fix) lies below"),
        (("--drift", "sideways"), "--drift: "),
        (("--mains", "50 nA"), "--mains: "),
        (("--mains", "50 Hz", "--period", "1 ms"), "took 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_sentence(noisy: Path, options: tuple[str, ...], words: str) -> None:
    outcome = run(noisy, *RAMP, *options)
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert words in outcome.stderr
    assert outcome.stderr.count("\n") == 1
