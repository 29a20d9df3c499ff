"""Draws on a Dask cluster: the same tasks, handed to whatever workers a scheduler has; a lost one costs no draw."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mqtctl.campaign.design import Campaign
from mqtctl.campaign.results import Table
from mqtctl.campaign.workers import ONE_THREAD, Computed, Worker, compute
from mqtctl.errors import InputError, MqtctlError
from mqtctl.station import StationFile, load_station

__all__ = ["ANSWER_LIMIT", "Cluster", "circumstances_here", "computed_on", "connected", "difference"]

#: So long is a scheduler waited for, s.
ANSWER_LIMIT = 10.0
#: Without news for so long it is looked whether there is a worker at all, s.
_PATIENCE = 20.0
#: Draws that are handed out for each thread of the workers: one is computed, the next ones are there already.
_AHEAD = 3


@dataclass(frozen=True)
class Cluster:
    """A connection to a scheduler, and where it is, in words."""

    client: Any
    address: str


@dataclass(frozen=True)
class _Parcel:
    """What a worker needs: it has no file of the design, which may lie on another computer."""

    campaign: Campaign
    table: Table
    station: StationFile
    texts: Mapping[Path, bytes]
    circumstances: Mapping[str, str]


def _asking() -> Callable[[], dict[str, str]]:
    """Return what finds out where it runs; it travels as its code, to where no mqtctl may be."""
    names = list(ONE_THREAD)

    def circumstances() -> dict[str, str]:
        import importlib
        import os

        found = {"algebra in one thread": str(all(os.environ.get(name) == "1" for name in names))}
        for name in ("mqtctl", "numpy", "scipy"):
            try:
                found[name] = importlib.import_module(name).__version__
            except ImportError:
                found[name] = "not installed"
        return found

    return circumstances


def circumstances_here() -> dict[str, str]:
    """Return what must be the same on a worker so that it writes the same bytes."""
    return {**_asking()(), "algebra in one thread": "True"}


def difference(here: Mapping[str, str], there: Mapping[str, str], threads: int) -> str | None:
    """Return in words what makes a worker unfit, None where nothing does.

    Parameters
    ----------
    here, there
        `circumstances_here`, and what was found on the worker.
    threads
        How many tasks the worker does at once.
    """
    for name in ("mqtctl", "numpy", "scipy"):
        if there[name] != here[name]:
            return f"has {name} {there[name]}, but here it is {here[name]}; install the same there"
    if threads != 1:
        return f"has {threads} threads, but each experiment needs a process; start it with --nthreads 1"
    if there != here:
        return f"may compute with several threads; start it with {', '.join(f'{name}=1' for name in ONE_THREAD)}"
    return None


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """Hold a connection to the scheduler at an address, or in a scheduler file, whose workers are fit for the work.

    Raises
    ------
    InputError
        `dask.distributed` is missing, nobody answers in time, or a worker has another version or several threads.
    """
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise InputError("--scheduler needs dask.distributed: pip install 'mqtctl[campaign]'") from None
    place = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
    with _in_one_sentence():
        try:
            client = distributed.Client(**place, timeout=ANSWER_LIMIT, set_as_default=False)
        except (OSError, ValueError, TypeError, KeyError) as exc:  # the last three: no address, or no such file
            raise InputError(
                f"no Dask scheduler answers at {address} within {ANSWER_LIMIT:g} s ({type(exc).__name__}); name it as "
                "`dask scheduler` prints it (tcp://HOST:8786), or its --scheduler-file"
            ) from exc
        cluster = Cluster(client, address)
        try:
            with _answering(cluster):
                _compare(client)
            yield cluster
        finally:
            with suppress(OSError, TimeoutError):  # a scheduler that is gone needs no farewell
                client.close(timeout=5)


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    """Keep Dask from logging tracebacks of what is reported here."""
    log = logging.getLogger("distributed")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _compare(client: Any) -> None:
    """Refuse workers that would not write the same bytes; those that come later look for themselves."""
    here, found = circumstances_here(), client.run(_asking())
    for address, threads in client.nthreads().items():
        if address in found and (what := difference(here, found[address], threads)) is not None:
            raise InputError(f"the worker at {address} {what}; nothing was computed")


def computed_on(
    cluster: Cluster, campaign: Campaign, table: Table, numbers: Iterable[int], notice: Callable[[str], None]
) -> Generator[Computed, None, None]:
    """Yield draws as they become whole, in any order, each once.

    Parameters
    ----------
    cluster
        Where they are computed.
    campaign, table, numbers
        As of `computed`.
    notice
        Told in a sentence when there is nobody who computes.

    Raises
    ------
    MqtctlError
        The scheduler is gone, a draw kills its workers, or a worker that came later is another one.
    """
    client, numbers = cluster.client, iter(numbers)
    parcel = _parcel(campaign, table)
    running: set[Any] = set()
    try:
        while True:
            with _answering(cluster):
                room = _AHEAD * max(1, sum(client.nthreads().values())) - len(running)
                # never the result of an earlier call
                running |= {
                    client.submit(_draw, parcel, number, pure=False) for number in islice(numbers, max(0, room))
                }
            if not running:
                return
            with _answering(cluster):
                done = _whole(client, running)
            if not done and not client.nthreads():
                notice(f"no worker is with the scheduler at {cluster.address}; waiting for one")
            for future in done:
                yield _result(future, cluster)
            running -= done
    finally:
        with suppress(OSError, TimeoutError):
            if client.status == "running":
                client.cancel(list(running))


@contextmanager
def _answering(cluster: Cluster) -> Iterator[None]:
    """Say in a sentence that the scheduler is gone, if it is within the block."""
    try:
        yield
    except (OSError, CancelledError) as exc:
        raise MqtctlError(
            f"the scheduler at {cluster.address} is gone ({type(exc).__name__}); what is whole is kept: go on with "
            "--resume, with or without it"
        ) from exc


def _whole(client: Any, running: set[Any]) -> set[Any]:
    """Wait for draws that are whole; none after some time."""
    with client.as_current(), suppress(TimeoutError):
        done: set[Any] = import_module("distributed").wait(running, _PATIENCE, "FIRST_COMPLETED").done
        return done
    return set()


def _result(future: Any, cluster: Cluster) -> Computed:
    """Return a draw, or say in a sentence why there is none."""
    try:
        with _answering(cluster):
            found: Computed = future.result()
    except MqtctlError:
        raise
    except import_module("distributed").KilledWorker as exc:
        raise MqtctlError(
            f"workers died again and again with the same draw ({exc.last_worker.address} was the last); is there "
            "memory enough? what is whole is kept: go on with --resume and fewer workers on a machine"
        ) from exc
    except Exception as exc:  # whatever a cluster raises: of a lost scheduler, of a worker without mqtctl
        raise MqtctlError(
            f"the cluster at {cluster.address} gave a draw up ({type(exc).__name__}: {str(exc).splitlines()[0]}); what "
            "is whole is kept: go on with --resume"
        ) from exc
    return found


def _parcel(campaign: Campaign, table: Table) -> bytes:
    """Return what workers need, packed once."""
    read_again = [campaign.plan_path, campaign.station]
    if calibration := campaign.plan.get("calibration"):
        read_again.append(campaign.plan_path.parent / calibration)
    texts = {path: path.read_bytes() for path in read_again}
    return pickle.dumps(_Parcel(campaign, table, load_station(campaign.station), texts, circumstances_here()))


@dataclass(frozen=True)
class _Unpacked:
    """A parcel on a worker: its bytes, the worker, copies of the design's files, and what they are called there."""

    parcel: bytes
    worker: Worker
    folder: TemporaryDirectory[str]
    names: Mapping[str, str]


_unpacked: list[_Unpacked] = []
_one_at_a_time = threading.Lock()


def _draw(parcel: bytes, number: int) -> Computed:
    """Make one draw on a worker of the cluster."""
    with _one_at_a_time:
        if not _unpacked or _unpacked[0].parcel != parcel:
            _unpacked[:] = [_unpack(parcel)]
        return compute(_unpacked[0].worker, number, _unpacked[0].names)


def _unpack(parcel: bytes) -> _Unpacked:
    """Put the design's files into the worker's own folder, after a look whether it writes the same bytes."""
    content, place = pickle.loads(parcel), import_module("distributed").get_worker()
    if (what := difference(content.circumstances, _asking()(), place.state.nthreads)) is not None:
        raise MqtctlError(f"the worker at {place.address} {what}; what is whole is kept: go on with --resume")
    folder = TemporaryDirectory(prefix="mqtctl-campaign-", dir=place.local_directory)
    copies = {}
    for count, (path, text) in enumerate(content.texts.items()):
        copies[path] = Path(folder.name) / str(count) / path.name
        copies[path].parent.mkdir()
        copies[path].write_bytes(text)
    own = content.campaign
    changes = {"station": str(copies[own.station])}
    if calibration := own.plan.get("calibration"):
        changes["calibration"] = str(copies[own.plan_path.parent / calibration])
    campaign = replace(own, plan={**own.plan, **changes}, plan_path=copies[own.plan_path], station=copies[own.station])
    worker = Worker(campaign, content.table, content.station, Path(folder.name))
    return _Unpacked(parcel, worker, folder, {str(copy): str(path) for path, copy in copies.items()})
