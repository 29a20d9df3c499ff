"""Start-up and tear-down of a bench in a test module on `mqt_bench`, against opening pyvisa-sim's default file.

Targets: at most 20 ms a test, and at most twice what a fixture takes that opens pyvisa-sim's default file in the same
run. What pytest itself spends on a test's set-up and tear-down is in both. The first test of each kind, which imports
everything, is left out.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest

LIMIT, RATIO = 0.020, 2.0
OURS, SERVED, THEIRS = "mqt_bench", "mqt_served_bench", "pyvisa_sim"
HEAD = """
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
import pyvisa


@pytest.fixture
def pyvisa_sim(request):
    # a copy each: a file that is still open would be taken again
    copy = shutil.copy(files("pyvisa_sim") / "default.yaml", Path(__file__).parent / f"{request.node.name}.yaml")
    manager = pyvisa.ResourceManager(f"{copy}@sim")
    yield manager
    manager.close()
"""


class Durations:
    """Adds up how long set-up and tear-down of each test take."""

    def __init__(self) -> None:
        self.of_test: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a phase of a test, which must have passed."""
        assert report.passed, report.longreprtext
        if report.when != "call":
            self.of_test[report.nodeid.partition("::test_")[2]] += report.duration

    def median(self, fixture: str) -> float:
        """Return the median in s of the tests on a fixture, without the first."""
        return statistics.median([self.of_test[f"{fixture}_{number}"] for number in range(1, self.count(fixture))])

    def count(self, fixture: str) -> int:
        """Return how many tests there were on a fixture."""
        return sum(name.rpartition("_")[0] == fixture for name in self.of_test)


def main() -> None:
    """Measure, print the ratio and assert the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="20 tests of each kind instead of 50")
    count = 20 if parser.parse_args().short else 50
    durations = Durations()
    with tempfile.TemporaryDirectory() as folder:
        fixtures = [OURS, SERVED, THEIRS]  # in turn, so that all meet the same machine
        tests = [f"def test_{name}_{number}({name}): pass\n" for number in range(count) for name in fixtures]
        module = Path(folder) / "test_benches.py"
        module.write_text("\n".join([HEAD, *tests]))
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "pyvisa_mqt.pytest_plugin"]
        assert pytest.main([str(module), *options], plugins=[durations]) == pytest.ExitCode.OK
    ours, served, theirs = (durations.median(name) for name in (OURS, SERVED, THEIRS))
    assert durations.count(OURS) == count
    print(
        f"set-up and tear-down of {OURS}: {ours * 1e3:.1f} ms, {ours / LIMIT:.2f} of the limit of {LIMIT * 1e3:g} ms; "
        f"pyvisa-sim {theirs * 1e3:.1f} ms, ratio {ours / theirs:.2f} (target {RATIO:g})"
    )
    print(f"the same of {SERVED}: {served * 1e3:.1f} ms, {served / LIMIT:.2f} of the limit")
    assert ours <= LIMIT
    assert served <= LIMIT
    assert ours / theirs <= RATIO


if __name__ == "__main__":
    main()
