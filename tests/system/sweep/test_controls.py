"""A control sweep through the command line: a bench whose critical current is lowered, and files from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mqtctl.cli.app import app
from mqtctl.physics import Escape, Junction, SwitchingDistribution

TEMPERATURES = "[15 mK, 30 mK, 60 mK, 150 mK, 400 mK]"


def analyze(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["analyze", *(str(argument) for argument in arguments)])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_bench_whose_critical_current_is_lowered_is_the_control_of_the_other(
    build_laboratory: Callable[[Path], Any], tmp_path: Path, blank_figures: None
) -> None:
    del blank_figures
    for name, current in (("first", "9.489 uA"), ("lowered", "3 uA")):
        laboratory = build_laboratory(tmp_path / name)
        laboratory.change("plan.yaml", "[100 mK]", TEMPERATURES)
        laboratory.change("plan.yaml", "switches: 1000", "switches: 150")
        laboratory.change("bench.yaml", "critical_current: 9.489 uA", f"critical_current: {current}")
        if name == "lowered":
            laboratory.change("sample.yaml", "critical_current: 9.5 uA", "critical_current: 3 uA")
            laboratory.change("plan.yaml", "stop_current: 9.8 uA", "stop_current: 3.2 uA")
        laboratory.result(seed=4)
    run, control = tmp_path / "first" / "run", tmp_path / "lowered" / "run"
    known = ("--known", "quality_factor = 80 +- 40 @ 9.4 uA")
    outcome = analyze(run, "--control", control, *known, "--report", tmp_path / "out", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    found = json.loads(outcome.stdout)
    assert found["verdict"] == "tunnelling", found["verdict_sentence"]
    told = found["control"]
    assert told["used"]
    assert told["data"] == str(control)
    assert told["log_ratio"] > told["log_ratio_alone"] + 4.0
    assert told["critical_current_A"] == pytest.approx([9.489e-6, 3e-6], rel=2e-3)
    assert told["escape_temperature_K"][1] < 0.8 * told["escape_temperature_K"][0]
    assert "a control sweep at a critical current of" in found["verdict_sentence"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for words in (
        "control sweep: 5 histograms",
        "° Cold",
        "quality factor at",
        "no error stated",
        "how steep the rate is",
    ):
        assert words in page
    # what is no control is refused in one sentence
    one = analyze(run, "--run", "1", "--control", control)
    assert (one.exit_code, one.stderr.count("\n")) == (2, 1)
    other = tmp_path / "other" / "list.csv"
    other.parent.mkdir()
    other.write_text("I (uA)\n1.0\n")
    for arguments in ((other,), (tmp_path / "nothing",), (control, "--control", control)):
        refused = analyze(run, "--control", *arguments)
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1), refused.stderr
        assert "--control" in refused.stderr


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders of lists of a junction that tunnels, with two critical currents."""
    folders, rng = [], np.random.default_rng(3)
    for name, current in (("first", 9.489e-6), ("lowered", 3e-6)):
        folder = tmp_path_factory.mktemp(name)
        for bath in (0.015, 0.15, 0.4):
            law = SwitchingDistribution(Junction(current, 6.35e-12, 190.0), bath, 1e-3, Escape())
            np.savetxt(folder / f"at {1e3 * bath:.0f}mK.txt", law.sample(60, rng), header="I_sw (A)", fmt="%.12e")
        folders.append(folder)
    return folders[0], folders[1]


RAMP = ("--ramp-rate", "1 mA/s", "--resistance", "190 Ohm", "--known", "capacitance = 6.35 pF +- 0.1 pF", "--quick")


@pytest.mark.slow
def test_files_from_elsewhere_have_a_control_of_files(lists: tuple[Path, Path]) -> None:
    first, lowered = lists
    outcome = analyze(first, *RAMP, "--control", lowered, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    found = json.loads(outcome.stdout)
    assert found["control"]["used"], found["control"]["text"]
    assert found["control"]["critical_current_A"] == pytest.approx([9.489e-6, 3e-6], rel=5e-3)
    assert (found["capacitance_F"], found["capacitance_stderr_F"]) == (6.35e-12, 1e-13)
    # nobody states how long these ramps paused, and so what heat they give off
    assert not any("heated" in each["name"] for each in found["hypotheses"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--control", "{lowered}/at 15mK.txt"), "is no sweep"),
        (("--control", "{lowered}/nowhere.txt"), "does not exist"),
        (("--known", "quality_factor = 30"), "with its error"),
        (("--capacitance", "6 pF"), "--capacitance and --known both state it"),
    ],
)
def test_a_control_or_fact_that_cannot_be_used_is_refused_in_one_sentence(
    lists: tuple[Path, Path], arguments: tuple[str, str], said: str
) -> None:
    first, lowered = lists
    outcome = analyze(first, *RAMP, arguments[0], arguments[1].format(lowered=lowered))
    assert outcome.exit_code == 2
    assert said in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    one = analyze(first / "at 15mK.txt", *RAMP)
    assert "--known is for a sweep, and this is one histogram" in one.stderr
