"""A laboratory in a folder: plan, station, sample and a bench file of its own, to be changed at will."""

from __future__ import annotations

import os

# Before numpy is imported: the threads of a linear algebra that has nothing large to do only fight for the cores on
# which the tests run side by side.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import gc
import json
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mqtctl.cli.app import app
from mqtctl.plan import write_examples
from mqtctl.storage import database


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "shown(n, slow=m): the default suite runs n of these cases, `slow` m (or all), `campaign` the rest"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave of each test that is `shown(n)` n cases in the default suite, spread evenly; the others are slow.

    Of `shown(n, slow=m)` only m, spread evenly as well, are slow; the rest belongs to the campaign.
    """
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("shown") and not item.get_closest_marker("slow"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for family in cases.values():
        shown = next(family[0].iter_markers("shown"))
        kept = _spread(len(family), shown.args[0])
        others = [number for number in range(len(family)) if number not in kept]
        slow = {others[place] for place in _spread(len(others), shown.kwargs.get("slow", len(others)))}
        for number in others:
            family[number].add_marker(pytest.mark.slow if number in slow else pytest.mark.campaign)


def _spread(size: int, count: int) -> set[int]:
    """Return `count` places of `size`, spread evenly."""
    return {number * size // count for number in range(count)}


@pytest.fixture(scope="module", autouse=True)
def lasting_things_are_not_collected() -> None:
    """Keep the garbage collector from what lives until the end, modules above all: a collection takes 0.3 s else.

    Every station that is opened on the bench collects twice, to be rid of the bench before it. What the tests of the
    module before have left is collected first: finalisers in the first round, what they held in the second. Within a
    module nothing is collected unasked; it leaves little.
    """
    gc.collect()
    gc.collect()
    gc.freeze()
    gc.disable()


#: What makes a database in the product; tests of exactly that use `databases_of_qcodes`.
_create = database._create


@pytest.fixture(scope="session", autouse=True)
def databases_are_copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let QCoDeS make one empty database, and copy it wherever mqtctl has one made: making it takes 0.1 s."""
    pristine = tmp_path_factory.mktemp("pristine") / "data.db"

    def copied(path: Path) -> None:
        if not pristine.exists():
            _create(pristine)
        shutil.copyfile(pristine, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_create", copied)
        yield


@pytest.fixture
def databases_of_qcodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each database made by QCoDeS, as in the product."""
    monkeypatch.setattr(database, "_create", _create)


@pytest.fixture(scope="session", autouse=True)
def signals_are_those_of_a_terminal() -> None:
    """Hear of a lost terminal even if the tests run under nohup: mqtctl leaves ignored what it finds ignored."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@dataclass(frozen=True)
class Laboratory:
    """Files to change and the command line to run on them."""

    folder: Path

    def change(self, name: str, old: str, new: str) -> None:
        """Replace text that must be there in one of the files."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, *arguments: str | Path) -> Result:
        """Run the command line."""
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    def sweep(self, *options: str, seed: int = 1) -> Result:
        """Run a sweep of this laboratory's plan."""
        return self.run("sweep", self.folder / "plan.yaml", "-o", self.folder / "run", "--seed", str(seed), *options)

    def result(self, *options: str, seed: int = 1) -> dict[str, Any]:
        """Run a sweep that must succeed and return its JSON."""
        outcome = self.sweep("--json", *options, seed=seed)
        assert outcome.exit_code == 0, outcome.stderr
        result = json.loads(outcome.stdout)
        assert isinstance(result, dict)
        return result


def builtin_bench() -> str:
    return (files("pyvisa_mqt") / "benches" / "builtin.yaml").read_text(encoding="utf-8")


def build(folder: Path) -> Laboratory:
    """Build a laboratory with a copy of the built-in bench and a short plan in a folder."""
    write_examples(folder)
    (folder / "bench.yaml").write_text(builtin_bench(), encoding="utf-8")
    laboratory = Laboratory(folder)
    laboratory.change("station.yaml", '"@mqt"', "bench.yaml@mqt")
    plan = (folder / "plan.yaml").read_text(encoding="utf-8")
    begin, end = plan.index("temperatures: ["), plan.index("switches: 10000")
    short = f"{plan[:begin]}temperatures: [100 mK]\n\n{plan[end:]}".replace("switches: 10000", "switches: 1000")
    (folder / "plan.yaml").write_text(short, encoding="utf-8")
    return laboratory


@pytest.fixture(scope="session")
def build_laboratory() -> Callable[[Path], Laboratory]:
    """Build laboratories in folders of your choice."""
    return build


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures of reports blank, for tests of numbers: drawing takes as long as a short sweep."""
    monkeypatch.setattr("mqtctl.report.writer.render", lambda _draw, **_size: b"\x89PNG")


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    """One laboratory."""
    return build(tmp_path / "lab")
