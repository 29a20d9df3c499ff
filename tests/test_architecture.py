"""Rules about the code as a whole: who imports whom, what is public, what an import costs."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

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


def test_the_bench_draws_switches_with_no_line_of_the_experiments_own_ramps() -> None:
    """Else a rehearsal would agree with itself: docs/decisions/0016-two-hazard-modules.md."""
    taken = {
        f"{node.module}.{name.name}".removeprefix("mqtctl.physics.")
        for path in PACKAGES["pyvisa_mqt"].rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mqtctl.physics")
        for name in node.names
    }
    assert taken == {"EscapeModel", "Junction", "NoiseTemperature", "well.names.potential"}


def test_folders_that_would_collide_with_a_users_own_are_no_packages() -> None:
    assert [folder for folder in ("drivers", "sim_instruments") if (ROOT / folder / "__init__.py").exists()] == []


def test_every_package_says_that_it_is_typed() -> None:
    assert [name for name, folder in PACKAGES.items() if not (folder / "py.typed").is_file()] == []


def test_public_names_are_declared_sorted_and_there() -> None:
    faults = []
    for path in MODULES:
        where, names = module_name(path), declared(path)
        if names is None:
            if path.name != "__init__.py" and not path.name.startswith("_"):
                faults.append(f"{where}: a public module declares __all__")
            continue
        if names != sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name)):
            faults.append(f"{where}: __all__ is not sorted")
        module = importlib.import_module(where)
        if module.__file__ != str(path):
            faults.append(f"{where}: imported from {module.__file__}, not from this checkout")
        faults += [f"{where}: {name} is declared and not there" for name in names if not hasattr(module, name)]
    assert faults == []


def test_nothing_waits_on_the_wall_clock_but_the_clocks_that_can_be_called_out_of_it() -> None:
    """A wait anywhere else would be deaf to a request to stop, and take real time on a bench in virtual time."""
    waiting = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            imported = isinstance(node, ast.ImportFrom) and node.module == "time" and node.names[0].name == "sleep"
            if name.endswith("time.sleep") or imported:
                waiting.append(module_name(path))
    assert waiting == ["mqtctl.acquisition.guards.interrupt", "mqtctl.clock"]


def test_modules_stay_one_idea_long() -> None:
    lengths = {module_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 420} == {}


def test_folders_can_be_taken_in_at_a_glance() -> None:
    tops = (*PACKAGES.values(), ROOT / "tests", ROOT / "docs")
    files = (path for top in tops for path in top.rglob("*") if path.is_file() and path.suffix != ".pyc")
    counted = Counter(str(path.parent.relative_to(ROOT)) for path in files)
    assert {folder: count for folder, count in counted.items() if count > 22} == {}


def test_an_import_loads_no_more_than_it_must() -> None:
    heavy = {"qcodes", "pyvisa", "matplotlib", "pandas", "xarray"}
    forbidden = {
        "mqtctl": {"numpy", "qcodes", "pyvisa"},
        "mqtctl.physics": heavy,
        "mqtctl.analysis": heavy,
        "mqtctl.cli": {"numpy", "scipy", "qcodes", "pyvisa", "matplotlib", "pandas", "pydantic", "rich.live"},
        "mqtctl_drivers": {"mqtctl", "pyvisa_mqt"},
        "pyvisa_mqt": {"qcodes", "matplotlib", "pandas", "mqtctl_drivers"},
    }
    faults = {}
    for package, names in forbidden.items():
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", f"import sys; import {package}; print(*sys.modules)"],
            env=OF_THIS_CHECKOUT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        loaded = names & set(result.stdout.split())
        if result.returncode or loaded:
            faults[package] = sorted(loaded) or result.stderr
    assert faults == {}
