"""The package as a whole: what importing it costs, what it exports."""

from __future__ import annotations

import subprocess
import sys

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
