"""Other people's tests and examples against the simulated bench: the table of docs/bench.md.

    python docs/make/other_suites.py FOLDER

QCoDeS's tests and Lake Shore's examples are cloned from their repositories into the folder, PyMeasure's tests come from
the package index, unless they are there already; the clients themselves are the installed ones, of the same versions.
No file of theirs is changed, and nothing of them is kept here. What leads them to the bench is in
`other_suites_plugin` (VISA library and address in place of a simulation file or of the authors' laboratory).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from importlib.metadata import version
from pathlib import Path

from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.serve.in_a_thread import serving
from pyvisa_mqt.serve.server import BenchServer

HERE = Path(__file__).parent
QCODES = "qcodes", "0.58.0", "https://github.com/microsoft/Qcodes", "v0.58.0"
LAKESHORE = "lakeshore", "1.10.0", "https://github.com/lakeshorecryotronics/python-driver", "7968e8c"
PYMEASURE = "pymeasure", "0.16.0"
SUITES = {
    "qcodes": [f"tests/drivers/test_{each}.py" for each in ("yokogawa_gs200", "Keysight_33XXX", "lakeshore_336")]
    + ["tests/drivers/test_lakeshore_372.py"],
    "pymeasure": ["tests/instruments/agilent/test_agilent33500_with_device.py"],
}
EXAMPLES = ("336_heater_setup_example", "372_control_loop_example", "372_input_setup_example")
#: Why a test cannot pass here, by client and a pattern of its name; the first that fits is counted.
REASONS: dict[str, dict[str, str]] = {
    "qcodes": {
        "gs200.*test_basic_init|33XXX.*test_init": "asks who made its own simulation file",
        "33XXX.*test_sync": "expects Sync off at power-on, as in its simulation file; by the manual it is on",
        "336.*test_curve_parameters": "expects the curve numbers of its simulation file",
        "test_range": "sets a heater range on outputs that are only on or off; they refuse it",
        "test_set_and_wait|test_blocking_t": "waits for the warming that its own mock plays",
    },
    "pymeasure": {
        r"test_amplitude_unit|test_pulse_period|test_burst_state": "its authors expect a failure on their device, too",
    },
    "lakeshore": {},
}
#: Runs one of Lake Shore's examples, which take the first instrument at a USB port, on a socket instead.
EXAMPLE = """
import runpy, sys
import lakeshore
model, port, path = sys.argv[1:]
cls = getattr(lakeshore, model)
begin = cls.__init__
def by_socket(self, *_, **__):
    arguments = dict(ip_address="127.0.0.1", tcp_port=int(port))
    begin(self, 57600, **arguments) if model == "Model372" else begin(self, **arguments)
cls.__init__ = by_socket
made = runpy.run_path(path)
device = next(value for value in made.values() if isinstance(value, cls))
print("ESR", int(device.query("*ESR?")) & 0b00110100)
"""


def fetch(folder: Path) -> None:
    """Bring what is not there yet."""
    for name, _, url, revision in (QCODES, LAKESHORE):
        if not (folder / name).exists():
            subprocess.run(["git", "clone", "--quiet", url, folder / name], check=True)
            subprocess.run(["git", "-C", folder / name, "checkout", "--quiet", revision], check=True)
    name, number = PYMEASURE
    if not (folder / name).exists():
        options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(folder)]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, f"{name}=={number}"], check=True)
        with tarfile.open(folder / f"{name}-{number}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        (folder / f"{name}-{number}").rename(folder / name)


def run_tests(folder: Path, client: str, module: str) -> list[tuple[str, str, str]]:
    """Return name, outcome and the reason for each test of a module."""
    result = folder / "result.xml"
    result.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "other_suites_plugin", "-n", "0"]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "MQT_SUITE": client}
    command += ["-o", "xfail_strict=false", "-W", "ignore", "--timeout=20", f"--junitxml={result}", module]
    finished = subprocess.run(
        command, cwd=folder / client, env=environment, capture_output=True, text=True, check=False
    )
    if not result.exists():
        raise SystemExit(f"{module} was not run:\n{finished.stdout}\n{finished.stderr}")
    outcomes = []
    for case in ET.parse(result).iter("testcase"):  # it was written by the pytest of this line
        bad = [child for child in case if child.tag in ("failure", "error", "skipped")]
        said = [(child.tag, child.get("message") or "") for child in bad]
        outcome, why = said[0] if said else ("passed", "")
        outcomes.append((str(case.get("name")), outcome, why.splitlines()[0] if why else ""))
    return outcomes


def run_examples(folder: Path) -> list[tuple[str, str, str]]:
    """Return the same for Lake Shore's examples: they end without an exception, and without an error bit."""
    outcomes = []
    for name in EXAMPLES:
        model = f"Model{name[:3]}"
        path = (folder / "lakeshore" / "docs" / "examples" / f"{name}.py").resolve()
        with serving(BenchServer(open_bench("showroom"), 100.0)) as bench:
            port = bench.port("thermometer" if model == "Model372" else "controller")
            command = [sys.executable, "-c", EXAMPLE, model, str(port), str(path)]
            finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        good = finished.returncode == 0 and finished.stdout.rstrip().endswith("ESR 0")
        why = "" if good else (finished.stderr or finished.stdout).strip().splitlines()[-1]
        outcomes.append((name, "passed" if good else "failure", why))
    return outcomes


def main(folder: Path) -> int:
    """Print the table, and what has no reason; the exit code is 1 if there is anything of the kind."""
    folder.mkdir(parents=True, exist_ok=True)
    fetch(folder)
    for name, number in (QCODES[:2], PYMEASURE, LAKESHORE[:2]):
        if version(name) != number:
            raise SystemExit(f"{name} {version(name)} is installed; these suites are those of {number}")
    groups = [(client, module, run_tests(folder, client, module)) for client in SUITES for module in SUITES[client]]
    groups.append(("lakeshore", "docs/examples", run_examples(folder)))
    unexplained = []
    print("| client | what | run | passed | exceptions |\n|---|---|---|---|---|")
    for client, module, outcomes in groups:
        counts: dict[str, int] = {}
        passed = sum(outcome == "passed" for _, outcome, _ in outcomes)
        for name, outcome, why in outcomes:
            if outcome == "passed":
                continue
            reasons = (reason for pattern, reason in REASONS[client].items() if re.search(pattern, f"{module}::{name}"))
            reason = next(reasons, None)
            if reason is None:
                unexplained.append(f"{client} {module}::{name}: {outcome}: {why}")
            else:
                counts[reason] = counts.get(reason, 0) + 1
        exceptions = "; ".join(f"{count}: {reason}" for reason, count in counts.items()) or "none"
        print(f"| {client} {version(client)} | `{Path(module).name}` | {len(outcomes)} | {passed} | {exceptions} |")
    print("\n".join(unexplained), file=sys.stderr)
    return int(bool(unexplained))


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
