"""Everything but a served bench runs where POSIX's modules are missing, as on Windows: an emulation, no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = """
import sys

MISSING = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"}


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


for name in MISSING:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Finder)

from pathlib import Path

from typer.testing import CliRunner

import mqtctl.report.writer
from mqtctl.cli.app import app

mqtctl.report.writer.render = lambda _draw, **_size: b"\\x89PNG"  # drawing takes longer than all the rest


def run(*arguments):
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 0, (arguments, outcome.output, outcome.exception)
    return outcome.stdout


run("--help")
run("init", "lab")
plan = Path("lab/plan.yaml").read_text(encoding="utf-8")
begin, end = plan.index("temperatures: ["), plan.index("switches: 10000")
short = plan[:begin] + "temperatures: [100 mK]\\n\\n" + plan[end:].replace("switches: 10000", "switches: 200")
Path("lab/plan.yaml").write_text(short, encoding="utf-8")
Path("switches.csv").write_text(run("simulate", "--switches", "500"), encoding="utf-8")
run("analyze", "switches.csv", "--ramp-rate", "1 mA/s", "--capacitance", "6.35 pF")
for command in ("sweep", "histogram", "check", "calibrate", "rehearse", "analyze", "report", "safe"):
    run(command, "--help")
run("check", "lab/plan.yaml")
if "quickly" in sys.argv:
    print("all done")
    sys.exit()
run("sweep", "lab/plan.yaml", "-o", "run")
run("analyze", "run")
run("report", "run")
run("safe", "lab/station.yaml")
print("all done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("effort", ["quickly", pytest.param("thoroughly", marks=pytest.mark.slow)])
def test_every_command_but_bench_serve_runs_without_the_modules_that_only_posix_has(
    effort: str, tmp_path: Path
) -> None:
    outcome = subprocess.run(
        [sys.executable, "-c", COMMANDS, effort], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=110
    )
    assert outcome.stdout.endswith("all done\n"), outcome.stderr
