"""Draws on several processes of this computer; a worker that dies costs time and no draw."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from types import ModuleType
from typing import Any

from mqtctl.campaign.design import Campaign
from mqtctl.campaign.draws import draw_of
from mqtctl.campaign.results import Table
from mqtctl.campaign.run_draw import run_draw
from mqtctl.errors import InputError, MqtctlError
from mqtctl.station import StationFile, load_station

__all__ = ["ONE_THREAD", "Computed", "Worker", "compute", "computed"]

#: So many deaths without a whole draw between them are no accident.
_MOST_DEATHS = 3
#: Linear algebra of a few parameters: threads would only fight for the cores, and change last digits.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Computed:
    """A whole draw: its number, its line of the table, what it cost (CPU s), and the worker that made it."""

    number: int
    line: str
    cpu_time: float
    worker: int


@dataclass
class Worker:
    """What a worker process keeps between its draws.

    Attributes
    ----------
    campaign, table, station
        What is drawn, how its rows are written, and on which instruments.
    scratch
        Folder in which each draw makes one of its own.
    """

    campaign: Campaign
    table: Table
    station: StationFile
    scratch: Path


_here: list[Worker] = []


def computed(
    campaign: Campaign, table: Table, numbers: Iterable[int], workers: int, scratch: Path
) -> Generator[Computed, None, None]:
    """Yield draws as they become whole, in any order, each once.

    Parameters
    ----------
    campaign, table
        What is drawn, and how its rows are written.
    numbers
        The draws that are wanted.
    workers
        Number of processes.
    scratch
        Folder in which each draw makes one of its own.

    Raises
    ------
    MqtctlError
        Workers die again and again.
    """
    waiting, deaths = deque(numbers), 0
    while waiting:
        before = len(waiting)
        yield from _with_one_pool(campaign, table, waiting, workers, scratch)
        deaths = deaths + 1 if len(waiting) == before else 1
        if waiting and deaths >= _MOST_DEATHS:
            raise MqtctlError(
                f"worker processes died {deaths} times without finishing a draw (the next one is {waiting[0]}); is "
                "there memory enough? what is whole is kept: go on with --resume and fewer --workers"
            )


def _with_one_pool(
    campaign: Campaign, table: Table, waiting: deque[int], workers: int, scratch: Path
) -> Iterator[Computed]:
    """Yield draws until none is waiting or a worker has died; then what it took along waits again."""
    running: dict[Future[Computed], int] = {}
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(campaign, table, scratch)
    )
    try:
        while waiting or running:
            while waiting and len(running) < 2 * workers:
                with _bare_children():
                    running[pool.submit(_compute, waiting[0])] = waiting[0]
                waiting.popleft()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                found = future.result()
                del running[future]
                yield found
    except BrokenProcessPool:
        for future, number in running.items():
            if future.done() and future.exception() is None:
                yield future.result()
            else:
                waiting.append(number)
    except BaseException:  # whoever asked to stop does not wait for draws that take minutes
        for child in set(multiprocessing.active_children()) - others:
            child.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _bare_children() -> Iterator[None]:
    """Let processes that are started within the block have one thread each, and not run the caller's script again."""
    kept = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    script, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin(campaign: Campaign, table: Table, scratch: Path) -> None:
    """Make a process a worker: a Ctrl-C at the terminal is for the one that started it, with which it ends."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _here[:] = [Worker(campaign, table, load_station(campaign.station), scratch)]


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _compute(number: int) -> Computed:
    return compute(_here[0], number)


def compute(worker: Worker, number: int, names: Mapping[str, str] | None = None) -> Computed:
    """Make one draw in a worker; paths in its message that are called otherwise in the design get their `names`."""
    begun, design = time.process_time(), worker.campaign.design
    try:
        draw = draw_of(worker.campaign, number, worker.station)
    except InputError as exc:  # of a design too large to look at every draw beforehand
        row: dict[str, Any] = {
            "draw": number,
            "cell": number % design.cells,
            "exit_code": exc.exit_code,
            "message": str(exc),
        }
    else:
        row = run_draw(draw, design.through, worker.scratch, power=design.power)
    for here, there in (names or {}).items():
        row["message"] = row["message"].replace(here, there)
    return Computed(number, worker.table.line(row), time.process_time() - begun, os.getpid())
