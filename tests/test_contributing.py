"""The recipes of CONTRIBUTING.md work as printed, and what they name is there."""

from __future__ import annotations

import importlib
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from pyvisa_mqt.instruments import MODELS
from typer.testing import CliRunner

from mqtctl import __version__
from mqtctl.cli.app import app
from mqtctl.documents import load_yaml
from mqtctl.errors import InputError
from mqtctl.instruments import registry
from mqtctl.instruments.roles.experiment import TemperatureController
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.physics.models import names

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
#: Folder that holds a package -> the part of a path that is no part of a module's name.
SOURCES = ("drivers/", "sim_instruments/", "")
#: Files that a recipe makes.
MADE = dict(re.findall(r"(?:[Hh]ere|else) `([\w/]+\.py)`:\n\n```python\n(.*?)```", TEXT, re.DOTALL))
#: Lines that a recipe adds to a table: name of the table -> line.
LINES = dict(re.findall(r"line in `(\w+)` of [^`]*`[^`]+`[^`]*:\n\n```python\n(.*?)```", TEXT, re.DOTALL))

Import = Callable[[str], ModuleType]


def module_of(path: str) -> str:
    source = next(source for source in SOURCES if path.startswith(source))
    return path.removeprefix(source).removesuffix(".py").replace("/", ".")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Lay the recipes' files into their packages, as if they stood there, and import them by path."""
    before = dict(sys.modules)
    for path, code in MADE.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code, encoding="utf-8")
        package = next(str(p) for p in Path(path).parents if (ROOT / p / "__init__.py").exists())
        for folder in file.relative_to(tmp_path / package).parents[:-1]:
            (tmp_path / package / folder / "__init__.py").touch()
        parent = importlib.import_module(module_of(package))
        if str(tmp_path / package) not in parent.__path__:
            monkeypatch.setattr(parent, "__path__", [*parent.__path__, str(tmp_path / package)])
    yield lambda path: importlib.import_module(module_of(path))
    for name in sorted(set(sys.modules) - set(before), reverse=True):  # what is inside comes first
        file_name = getattr(sys.modules[name], "__file__", None)
        if file_name is not None and Path(file_name).is_relative_to(tmp_path):
            del sys.modules[name]
            parent_name, _, child = name.rpartition(".")
            sys.modules[parent_name].__dict__.pop(child, None)


def entry(table: str, **known: Any) -> tuple[Any, Any]:
    """Return key and value of a line that a recipe adds to a table."""
    [(key, value)] = eval(f"{{{LINES[table]}}}", known).items()
    return key, value


def test_every_python_block_is_a_file_or_a_line_that_is_tried_here() -> None:
    assert len(re.findall(r"```python\n", TEXT)) == len(MADE) + len(LINES)
    assert set(LINES) == {"ESCAPE_MODELS", "MODELS", "_ADAPTERS"}
    assert [path for path in MADE if (ROOT / path).exists()] == []


def test_the_new_thermometer_regulates_the_bath_of_the_new_simulated_instrument(
    made: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, simulated = entry(
        "MODELS", Acme900=made("sim_instruments/pyvisa_mqt/instruments/acme_900/controller.py").Acme900
    )
    (role, driver), adapter = entry("_ADAPTERS")
    monkeypatch.setitem(MODELS, model, simulated)
    monkeypatch.setitem(registry._ADAPTERS, (role, driver), adapter)
    bench = tmp_path / "bench.yaml"
    bench.write_text(re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)[0], encoding="utf-8")

    assert registry.role_of(driver) == role
    kind = getattr(importlib.import_module(driver.rpartition(".")[0]), driver.rpartition(".")[2])
    instrument = kind("contributed", "GPIB0::8::INSTR", visalib=f"{bench}@mqt")
    try:
        clock = instrument.visa_handle.visalib.clock
        adapter_class = registry.adapter_for(role, driver)
        controller = adapter_class(instrument, {"minimum": "15 mK", "maximum": "1 K"}, clock)
        assert isinstance(controller, TemperatureController)
        stand_in = adapter_class.stand_in(driver, adapter_class.options_model(minimum="15 mK", maximum="1 K"))
        wired = load_yaml(bench)
        assert stand_in.model == wired["instruments"]["thermometer"]["model"]
        assert [f"thermometer.{stand_in.sensor}"] == list(wired["cryostat"]["sensors"])
        assert [f"thermometer.{stand_in.heater}"] == list(wired["cryostat"]["heaters"])
        assert stand_in.coldest == 0.015
        assert "900" in controller.identify()
        assert controller.read().temperature == pytest.approx(0.012, rel=0.01)  # of the base, docs/bench.md
        controller.set_target(0.1)
        clock.sleep(1800.0)
        assert controller.read().temperature == pytest.approx(0.1, rel=0.01)
        controller.make_safe()
        clock.sleep(1800.0)
        assert controller.read().temperature == pytest.approx(0.012, rel=0.05)
        with pytest.raises(InputError, match="outside"):
            controller.set_target(2.0)
    finally:
        instrument.close()


def test_the_new_escape_model_has_a_name_a_rate_and_a_distribution(
    made: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, arrhenius = entry("ESCAPE_MODELS", Arrhenius=made("mqtctl/physics/models/arrhenius.py").Arrhenius)
    monkeypatch.setattr(names, "ESCAPE_MODELS", {**names.ESCAPE_MODELS, name: arrhenius})
    model = names.escape_model(f"{name}(attempt_frequency=5e9)")
    junction = Junction(critical_current=9.489e-6, capacitance=6.35e-12, resistance=190.0)
    # Gamma = (wp / 2 pi) exp(-dU/kT) of transition-state theory, with 5 GHz in place of wp / 2 pi
    attempts = junction.plasma_frequency(9.2e-6) / (2.0 * np.pi)
    expected = TransitionState().log_rate(junction, 9.2e-6, 0.3) + np.log(5e9 / attempts)
    assert model.log_rate(junction, 9.2e-6, 0.3) == pytest.approx(expected, rel=1e-12)
    assert arrhenius().validity(junction, 9.2e-6, 0.3).valid
    slow, fast = (SwitchingDistribution(junction, 0.3, 1e-3, model=arrhenius(f)).mean for f in (1e9, 1e11))
    assert fast < slow < junction.critical_current
    with pytest.raises(InputError, match="attempt_frequency"):
        names.escape_model(f"{name}(attempt_frequency=-1)")


def test_every_file_and_folder_that_is_named_is_there() -> None:
    prose = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
    named = set(re.findall(r"`((?:[\w.]+/)+[\w.]*|[\w.]+\.(?:py|md|toml|cff|txt))`", prose))
    named |= {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", prose)}
    named |= set(re.findall(r"python ((?:\w+/)+\w+\.py)", prose))
    assert {".ci/run", "mqtctl/cli/app.py", "CITATION.cff", "docs/extend.md"} <= named
    assert [path for path in sorted(named - set(MADE) - {"__init__.py"}) if not (ROOT / path).exists()] == []


def test_every_command_that_is_named_is_understood() -> None:
    said = " ".join(re.findall(r"```\n.*?```|`[^`\n]+`", TEXT, re.DOTALL))
    commands = set(re.findall(r"mqtctl ((?:--)?[a-z]+)", said))
    assert {"--help", "sweep"} <= commands
    for command in sorted(commands):
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0, command
    declared = {marker.partition(":")[0] for marker in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    assert set(re.findall(r"pytest -m (\w+)", said)) == declared
    assert set(re.findall(r"\.\[(\w+)\]", said)) <= set(PROJECT["project"]["optional-dependencies"])
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_version_is_the_same_wherever_a_release_has_to_set_it() -> None:
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited is not None
    assert PROJECT["project"]["version"] == cited[1] == __version__


def test_the_hooks_of_git_call_the_tools_of_the_gate_and_bring_no_versions_of_their_own() -> None:
    config = load_yaml(ROOT / ".pre-commit-config.yaml")
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    ours = [hook["entry"].split()[0] for hook in config["repos"][0]["hooks"]]
    assert sorted(ours) == ["lint-imports", "mypy", "ruff", "ruff"]
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [tool for tool in ours if not any(line.startswith(tool) for line in gate)] == []
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert [tool for tool in ("import-linter", "mypy", "ruff") if f"{tool}==" not in pinned] == []
