"""The package in examples/ does what its README says: installed as a wheel would be, through its own commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mqtctl.analysis import read_switching_data
from mqtctl.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "lab_extension"
#: Each command of the README, as words behind `mqtctl`.
COMMANDS = [
    shlex.split(line)
    for line in re.findall(r"^mqtctl (.*)$", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
]

Run = Callable[[int], dict[str, Any]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what `pip install` would put into site-packages."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE / "lab_extension", folder / "lab_extension", ignore=shutil.ignore_patterns("__pycache__"))
    metadata = folder / f"lab_extension-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
    )
    groups = project["entry-points"].items()
    text = "\n".join(f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in points.items()) for group, points in groups)
    (metadata / "entry_points.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the README's n-th command in a fresh Python, in a copy of the example's folder, and return its JSON."""
    folder = tmp_path_factory.mktemp("lab") / "measurement"
    shutil.copytree(EXAMPLE / "measurement", folder, ignore=shutil.ignore_patterns("run", "mqtctl-runs"))
    paths = [site, ROOT, ROOT / "drivers", ROOT / "sim_instruments"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}

    def running(number: int) -> dict[str, Any]:
        if number == 4:  # behind the README's sed
            station = folder / "station.yaml"
            real = re.sub(r".*visalib.*\n", "", station.read_text(encoding="utf-8"))
            station.write_text(real, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "mqtctl", *COMMANDS[number], "--json"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    return running


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let this process find the package, and forget it afterwards."""
    monkeypatch.syspath_prepend(site)
    yield site
    for name in [name for name in sys.modules if name.partition(".")[0] == "lab_extension"]:
        del sys.modules[name]


def test_the_readme_checks_rehearses_sweeps_and_analyses() -> None:
    assert [command[0] for command in COMMANDS] == ["check", "rehearse", "sweep", "analyze", "rehearse"]
    assert "sed -i /visalib/d station.yaml\nmqtctl rehearse" in (EXAMPLE / "README.md").read_text(encoding="utf-8")


def test_the_check_finds_the_instrument_of_the_package_and_nothing_wrong(run: Run) -> None:
    checked = run(0)
    identity = [finding for finding in checked["findings"] if "NIVALIS TC2" in finding["text"]]
    assert [finding["verdict"] for finding in identity] == ["good"]
    assert {finding["verdict"] for finding in checked["findings"]} == {"good"}


@pytest.mark.slow  # four processes; each part of the package has its witness beside
def test_the_sweep_is_the_one_that_was_rehearsed(run: Run) -> None:
    rehearsed, swept = run(1), run(2)
    assert rehearsed["findings"] == []
    assert rehearsed["duration_s"] == pytest.approx(swept["lab_time_s"], rel=0.05)
    for set_point, predicted, point in zip((0.06, 0.15), rehearsed["points"], swept["points"], strict=True):
        assert point["switches"] == 1000
        assert point["temperature_K"] == pytest.approx(set_point, rel=0.01)  # settle.band of the plan
        assert point["escape_temperature_free_K"] == pytest.approx(
            set_point, abs=4 * point["escape_temperature_free_stderr_K"]
        )
        # the prefactor of a half lies at least ten standard errors from the bench's usual law, whose depletion of
        # the well goes in the same direction
        assert point["mean_switching_current_A"] == pytest.approx(
            predicted["mean_switching_current_A"], abs=4 * point["mean_switching_current_stderr_A"]
        )

    stand_in = run(4)
    assert stand_in["findings"] == []
    assert any("cooling power" in sentence for sentence in stand_in["assumed"]), "the bench is made of the station file"
    for usual, point in zip(rehearsed["points"], stand_in["points"], strict=True):
        assert point["settling_time_s"] == pytest.approx(usual["settling_time_s"], rel=0.1)
        later = usual["mean_switching_current_A"] - point["mean_switching_current_A"]
        assert 8 * point["std_switching_current_A"] / 1000**0.5 < later < 13e-9, (
            "it escapes by the usual law, without the prefactor of a half"
        )


def test_the_log_has_the_baths_temperature_with_the_right_prefactor_alone(
    laboratory: Any, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(EXAMPLE / "measurement")
    arguments = COMMANDS[3]
    right = laboratory.run(*arguments, "--json")
    assert right.exit_code == 0, right.stderr
    point = json.loads(right.stdout)
    assert (point["switches"], point["missed"]) == (500, 2)
    assert point["escape_temperature_K"] == pytest.approx(0.1, abs=4 * point["escape_temperature_stderr_K"])
    model = arguments.index("--model")
    usual = json.loads(laboratory.run(*arguments[:model], "--json").stdout)
    assert usual["escape_temperature_K"] == pytest.approx(0.093, abs=0.001)
    refused = laboratory.run(*arguments[:model], "--model", "fixed-prefactor(a_t=0)")
    assert refused.exit_code == 2
    assert "a_t is 0; it must be a number above 0" in refused.stderr


def test_ramps_of_every_result_are_counted_and_a_line_of_none_is_told(installed: Path, tmp_path: Path) -> None:
    log = tmp_path / "short.swl"
    switched = "".join(f"{n};S;9,3{n:02d}\n" for n in range(20))
    log.write_text(f"# title\n{switched}21;N;\n\n22;L;\n23;N;\n", encoding="utf-8")
    data = read_switching_data(log)
    assert data.values == pytest.approx([9.3e-6 + n * 1e-9 for n in range(20)], rel=1e-12)
    assert (data.quantity, data.censored, data.missed) == ("current", 2, 1)
    log.write_text(f"{switched}21;X;\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 21, '21;X;', is not ramp;S, N or L"):
        read_switching_data(log)
