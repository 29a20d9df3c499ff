"""The package as a whole: what importing it costs, what it exports."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import mqtctl.physics as physics


def test_importing_the_physics_loads_no_instrument_database_or_plotting_library() -> None:
    code = (
        "import sys, mqtctl.physics as p; p.Escape().log_rate(p.Junction(1e-6, 1e-13), 0.9e-6, 0.1);"
        "print([m for m in ('qcodes', 'pyvisa', 'pyvisa_sim', 'matplotlib', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_exported_name_exists_and_the_list_is_sorted() -> None:
    assert list(physics.__all__) == sorted(physics.__all__)
    for name in physics.__all__:
        assert getattr(physics, name).__doc__, name


def test_every_equation_quoted_from_memory_is_labelled_so() -> None:
    # nobody has read these sources here: [M] beside an equation number says so, [V] would say that somebody has
    unlabelled = []
    for path in sorted(Path(physics.__file__).parent.rglob("*.py")):
        text = " ".join(path.read_text(encoding="utf-8").split())
        for match in re.finditer(r"eqs?\. ?\d[\d.]*( and \d+)?", text):
            if not re.match(r"\s?\[[MV]\]", text[match.end() : match.end() + 5]):
                unlabelled.append((path.name, text[max(0, match.start() - 60) : match.end() + 10]))
    assert unlabelled == []


def test_every_public_callable_has_a_docstring() -> None:
    silent = []
    for name in physics.__all__:
        value = getattr(physics, name)
        members = (
            [value] if not inspect.isclass(value) else [m for n, m in vars(value).items() if not n.startswith("_")]
        )
        for member in members:
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if inspect.isfunction(function) and len(inspect.getdoc(function) or "") < 20:
                silent.append((name, function.__name__))
    assert silent == []
