"""What newer versions of QCoDeS do differently, and that only their public names are used."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

import pytest
from qcodes.parameters import Parameter

from mqtctl.station.quiet_station import QuietStation

ROOT = Path(__file__).parents[2]
PACKAGES = ("mqtctl", "drivers", "sim_instruments")


@pytest.mark.parametrize("arguments", [(), (True,), (None,)])
def test_a_snapshot_of_our_station_asks_no_instrument(arguments: tuple[Any, ...]) -> None:
    asked: list[str] = []

    def ask() -> float:
        asked.append("")
        return 1.0

    parameter = Parameter("never_read", get_cmd=ask, instrument=None)
    station = QuietStation(default=False)
    station.add_component(parameter, update_snapshot=False)
    snapshot = station.snapshot(*arguments)
    assert asked == []
    assert snapshot["parameters"]["never_read"].get("value") is None


def imported_names() -> list[tuple[str, str, str]]:
    """Return the file, module and name of everything that is imported from QCoDeS."""
    found = []
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "qcodes":
                found += [(path.name, str(node.module), alias.name) for alias in node.names]
    return found


def test_only_public_names_of_qcodes_are_imported() -> None:
    names = imported_names()
    assert len(names) > 50
    for file, module, name in names:
        assert not any(part.startswith("_") or part == "sqlite" for part in (*module.split("."), name)), (file, name)
        assert module != "qcodes", f"{file}: QCoDeS has deprecated {name} at its top level"
        public = getattr(importlib.import_module(module), "__all__", None)
        assert public is None or name in public, (file, module, name)
