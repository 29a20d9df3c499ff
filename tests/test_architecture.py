"""Rules about the code as a whole: who imports whom, what is public, what an import costs."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "mqtctl": ROOT / "mqtctl",
    "mqtctl_drivers": ROOT / "drivers" / "mqtctl_drivers",
    "pyvisa_mqt": ROOT / "sim_instruments" / "pyvisa_mqt",
}
#: For a fresh Python: it has not pytest's `pythonpath`, and another checkout may be installed.
OF_THIS_CHECKOUT = os.environ | {"PYTHONPATH": os.pathsep.join(str(folder.parent) for folder in PACKAGES.values())}
MODULES = sorted(path for folder in PACKAGES.values() for path in folder.rglob("*.py"))


def module_name(path: Path) -> str:
    name, folder = next((n, f) for n, f in PACKAGES.items() if path.is_relative_to(f))
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join((name, *(part for part in parts if part != "__init__")))


def declared(path: Path) -> list[str] | None:
    """Return a module's `__all__` without importing it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names = ast.literal_eval(node.value)
            assert isinstance(names, list)
            return names
    return None


def test_the_import_contracts_hold() -> None:
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=ROOT,
        env=OF_THIS_CHECKOUT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_the_bench_takes_from_the_experiment_is_a_list() -> None:
    allowed = {"bench_description", "documents", "errors", "physics", "quantities"}
    taken = {
        node.module.split(".")[1]
        for path in PACKAGES["pyvisa_mqt"].rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("mqtctl.")
    }
    assert taken == allowed


@pytest.mark.parametrize("folder", ["drivers", "sim_instruments"])
def test_folders_that_would_collide_with_a_users_own_are_no_packages(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_package_says_that_it_is_typed(package: str) -> None:
    assert (PACKAGES[package] / "py.typed").is_file()


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_public_names_are_declared_sorted_and_there(path: Path) -> None:
    names = declared(path)
    if names is None:
        assert path.name == "__init__.py" or path.name.startswith("_"), "a public module declares __all__"
        return
    assert names == sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    module = importlib.import_module(module_name(path))
    assert [name for name in names if not hasattr(module, name)] == []


def test_nothing_waits_on_the_wall_clock_but_the_clocks_that_can_be_called_out_of_it() -> None:
    """A wait anywhere else would be deaf to a request to stop, and take real time on a bench in virtual time."""
    waiting = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            imported = isinstance(node, ast.ImportFrom) and node.module == "time" and node.names[0].name == "sleep"
            if name.endswith("time.sleep") or imported:
                waiting.append(module_name(path))
    assert waiting == ["mqtctl.acquisition.interrupt", "mqtctl.clock"]


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_modules_stay_one_idea_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import mqtctl", {"numpy", "qcodes", "pyvisa"}),
        ("import mqtctl.physics", {"qcodes", "pyvisa", "matplotlib", "pandas", "xarray"}),
        ("import mqtctl.analysis", {"qcodes", "pyvisa", "matplotlib", "pandas", "xarray"}),
        ("import mqtctl.cli", {"numpy", "scipy", "qcodes", "pyvisa", "matplotlib", "pandas", "pydantic", "rich.live"}),
        ("import mqtctl_drivers", {"mqtctl", "pyvisa_mqt"}),
        ("import pyvisa_mqt", {"qcodes", "matplotlib", "pandas", "mqtctl_drivers"}),
    ],
)
def test_an_import_loads_no_more_than_it_must(statement: str, forbidden: set[str]) -> None:
    script = f"import sys; {statement}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env=OF_THIS_CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert forbidden & set(result.stdout.split()) == set()
