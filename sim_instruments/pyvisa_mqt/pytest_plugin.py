"""Pytest plugin: a fresh simulated bench for each test. It imports nothing else until a fixture is used.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from pyvisa import ResourceManager

    from pyvisa_mqt.benches_for_tests import BenchForTest, Wanted
    from pyvisa_mqt.serve.in_a_thread import ServedBench

__all__ = ["mqt_bench", "mqt_resource_manager", "mqt_served_bench"]

T = TypeVar("T")

_KEYS = ("bench", "seed", "faults", "speed")
#: Ports that may be asked for; instruments and clients find room behind the last.
_LOWEST_PORT, _HIGHEST_PORT = 1024, 65000
_TRANSCRIPTS = pytest.StashKey[list[Path]]()
_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("mqt", "simulated bench of mqtctl")
    group.addoption(
        "--mqt-bench",
        metavar="FILE",
        help="bench file, or name of a built-in bench, for tests whose marker `mqt` names none",
    )
    group.addoption(
        "--mqt-port-base",
        metavar="N",
        type=int,
        default=0,
        help="port of a served bench's first instrument, the others follow; without it the system chooses free ports",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and refuse options that cannot be meant."""
    config.addinivalue_line(
        "markers",
        "mqt(bench=, seed=, faults=, speed=): the simulated bench of this test: a file (beside the test) or a built-in "
        "bench, its random numbers, what goes wrong, and bench seconds per second of wall time (none: virtual time)",
    )
    port = config.getoption("--mqt-port-base")
    if port and not _LOWEST_PORT <= port <= _HIGHEST_PORT:
        raise pytest.UsageError(
            f"--mqt-port-base is {port}; give a port from {_LOWEST_PORT} to {_HIGHEST_PORT}, or leave it out"
        )
    bench = config.getoption("--mqt-bench")
    if bench is None or hasattr(config, "workerinput"):
        return
    config.option.mqt_bench = bench = _located(bench, config.invocation_params.dir)
    from pyvisa_mqt.benches_for_tests import check_bench

    try:
        check_bench(bench)
    except ValueError as exc:
        raise pytest.UsageError(f"--mqt-bench: {exc}") from exc


def _located(bench: str, folder: Path) -> str:
    """Return the path of a bench file in a folder; the text as it is if there is none: it may be a built-in bench."""
    name, mark, query = bench.partition("?")
    path = folder / Path(name).expanduser()
    return f"{path}{mark}{query}" if path.is_file() else bench


def _wanted(request: pytest.FixtureRequest) -> Wanted:
    """Return what the test's markers ask for; a nearer one stands above that of its class or module."""
    from pyvisa_mqt.bench.bench_file import BenchFileError
    from pyvisa_mqt.benches_for_tests import Wanted

    asked: dict[str, Any] = {}
    for marker in reversed([*request.node.iter_markers("mqt")]):
        unknown = [repr(value) for value in marker.args] + [key for key in marker.kwargs if key not in _KEYS]
        if unknown:
            raise BenchFileError(f"the marker does not understand {', '.join(unknown)}; give {'=, '.join(_KEYS)}=")
        asked |= marker.kwargs
    if asked.get("bench") is None:
        asked["bench"] = request.config.getoption("--mqt-bench") or ""
    else:
        asked["bench"] = _located(str(asked["bench"]), request.path.parent)
    return Wanted(**asked)


def _transcript(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Path:
    """Return the path of this bench's transcript, which no other bench of this process has."""
    folder = factory.getbasetemp() / "mqt"
    folder.mkdir(exist_ok=True)
    test = re.sub(r"\W", "_", request.node.name)[:60]
    return folder / f"{next(_numbers)}-{test}.jsonl"


@contextmanager
def _bench(
    request: pytest.FixtureRequest, transcript: Path, context: Callable[[Wanted, Path], AbstractContextManager[T]]
) -> Iterator[T]:
    """Enter the context of the bench that the test wants; what is wrong with its wishes ends it with one sentence."""
    from pyvisa_mqt.bench.bench_file import BenchFileError

    with ExitStack() as stack:
        bench, wrong = None, ""
        try:
            bench = stack.enter_context(context(_wanted(request), transcript))
        except BenchFileError as exc:
            wrong = f"mqt: {exc}"
        if bench is None:  # out here, so that pytest does not show what led to it
            pytest.fail(wrong, pytrace=False)
        request.node.stash.setdefault(_TRANSCRIPTS, []).append(transcript)
        yield bench


@pytest.fixture
def mqt_bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BenchForTest]:
    """Return a fresh simulated bench in virtual time; the marker `mqt` and `--mqt-bench` say which.

    `.address("counter")` is where an instrument is, `.visalib` what a driver that opens it itself needs besides;
    `.faults.inject(...)` lets something go wrong, `.clock.sleep(60)` lets a minute pass at once.
    """
    from pyvisa_mqt.benches_for_tests import opened

    with _bench(request, _transcript(request, tmp_path_factory), opened) as bench:
        yield bench


@pytest.fixture
def mqt_resource_manager(mqt_bench: BenchForTest) -> ResourceManager:
    """Return the PyVISA resource manager of the test's bench."""
    return mqt_bench.manager


@pytest.fixture
def mqt_served_bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBench]:
    """Return a fresh bench, another one than `mqt_bench`, whose instruments are on sockets of 127.0.0.1.

    `.port("counter")` and `.address("counter")` are where any program finds an instrument, `.backend` is the library
    path for PyVISA with `@mqt` in other processes. Its time is virtual unless the marker gives a speed.
    """
    from pyvisa_mqt.benches_for_tests import served

    on_port = partial(served, port_base=request.config.getoption("--mqt-port-base"))
    with _bench(request, _transcript(request, tmp_path_factory), on_port) as places:
        yield places


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what was said on the bench to the report of a test that has failed."""
    report = yield
    paths = item.stash.get(_TRANSCRIPTS, None) if report.failed else None
    if paths:
        from pyvisa_mqt.benches_for_tests import told

        report.sections += [("Transcript of the simulated bench", text) for path in paths if (text := told(path))]
    return report
