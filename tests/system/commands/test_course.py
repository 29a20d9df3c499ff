"""`mqtctl course`: from a seed to data, from answers to marks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mqtctl.cli.app import app
from mqtctl.documents import dump_yaml, load_yaml


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["course", *map(str, arguments)])


def test_what_a_student_does_from_the_data_to_full_marks(tmp_path: Path) -> None:
    written = json.loads(run("data", "1", "-o", tmp_path / "night", "--json").stdout)
    assert [Path(path).suffix for path in written["data"]] == [".txt"] * 8
    sheet = Path(written["answers"])
    empty = run("mark", sheet)
    assert empty.exit_code == 0, empty.stderr
    assert empty.stdout.count("not answered") == 6
    assert empty.stdout.endswith("0 of 6 right\n")

    truth = json.loads(run("expected", "1", "--json").stdout)
    filled = load_yaml(sheet) | {
        key: f"{truth[name]['best_fit']!r} {unit} +- {truth[name]['stderr']!r} {unit}"
        for name in truth
        for key, _, unit in [name.rpartition("_")]
        if isinstance(truth[name], dict)
    }
    filled["explanation"] = truth["decided"]
    sheet.write_text(dump_yaml(filled), encoding="utf-8")
    found = json.loads(run("mark", sheet, "--json").stdout)
    assert found["passed"] is True
    assert run("mark", sheet).stdout.endswith("6 of 6 right\n")

    filled["critical_current"] = f"{truth['critical_current_A']['best_fit']!r} A +- 1 pA"
    sheet.write_text(dump_yaml(filled), encoding="utf-8")
    assert "- critical_current: the value is too" in run("mark", sheet).stdout
    assert "the error bar of 1 pA is too small: these data allow" in run("mark", sheet).stdout


def test_expected_prints_the_truth_to_the_digits_of_the_fit() -> None:
    lines = run("expected", "1").stdout.splitlines()
    assert lines[2].startswith("critical_current: 9.1161 µA, best fit 9.12")
    assert lines[-1] == "explanation: tunnelling, best fit tunnelling"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("data", "one"), "Invalid value for"),
        (("data", "-o", "x", "--", "-1"), "Invalid value for"),
        (("mark", "nowhere.yaml"), "nowhere.yaml: no such file"),
        (("mark", "."), "is a folder"),
    ],
)
def test_a_mistake_gets_one_sentence_and_exit_code_two(arguments: tuple[str, ...], fault: str) -> None:
    outcome = run(*arguments)
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert fault in outcome.stderr
