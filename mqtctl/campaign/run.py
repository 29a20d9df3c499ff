"""Runs a campaign: checks all of it first, computes what is missing, and leaves whole draws only."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mqtctl.campaign.design import Campaign
from mqtctl.campaign.draws import Draw, draw_of
from mqtctl.campaign.results import Table, columns_of
from mqtctl.campaign.workers import Computed, computed
from mqtctl.clock import WallClock
from mqtctl.errors import InputError
from mqtctl.station import load_station
from mqtctl.workflow.measurement import bytes_needed

__all__ = ["CampaignOptions", "CampaignOutcome", "Progress", "run_campaign"]

#: Bytes of a row, twice: in the journal and in the table; as Parquet a little more.
_BYTES_PER_ROW = 5_000
#: So many draws are made as documents before the first is run; of more, one that is impossible is a row.
MOST_CHECKED = 10_000
#: Yields the draws with these numbers.
_Compute = Callable[[list[int]], Generator[Computed, None, None]]


@dataclass(frozen=True)
class Progress:
    """How far a campaign is: draws that are whole, of how many, and the time left in s (None: not known yet)."""

    done: int
    total: int
    left: float | None
    latest: Computed | None = None


@dataclass(frozen=True)
class CampaignOptions:
    """How a campaign is run; nothing here changes a number of its table.

    Attributes
    ----------
    output
        CSV file of the table.
    workers
        Number of processes; as many as there are cores by default.
    resume
        Go on with what is there.
    scheduler
        Address of a Dask scheduler, or a scheduler file: its workers compute, and none of this computer.
    part
        (k, n): only draws k, k + n, ...; k from 0.
    join
        Folder with tables of the same design, whose rows are taken over.
    notify
        Called at the beginning and after each draw.
    notice
        Told in a sentence when nobody computes.
    """

    output: Path = Path("campaign.csv")
    workers: int = field(default_factory=lambda: _cores())
    resume: bool = False
    scheduler: str | None = None
    part: tuple[int, int] = (0, 1)
    join: Path | None = None
    notify: Callable[[Progress], None] = lambda _progress: None
    notice: Callable[[str], None] = lambda _sentence: None


def _cores() -> int:
    """Return how many processor cores this process may use, or how many there are where that is not told."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class CampaignOutcome:
    """The files that were written, draws in all and computed now, and what these cost in CPU s and s."""

    files: tuple[Path, ...]
    draws: int
    computed: int
    cpu_time: float
    wall_time: float


def run_campaign(campaign: Campaign, options: CampaignOptions | None = None) -> CampaignOutcome:
    """Compute the draws of a campaign that are not there yet and write its table.

    Raises
    ------
    InputError
        A draw that makes no experiment, results that are there already or belong to another design, a disk that
        cannot hold the table; nothing was written then.
    StorageError
        The table cannot be written.
    KeyboardInterrupt
        The user asked to stop; the draws that are whole are in the table.
    """
    options = options or CampaignOptions()
    clock = WallClock()
    table = Table(options.output, columns_of(campaign), campaign.digest)
    part, parts = options.part
    wanted = range(part, campaign.design.total, parts)
    first = _checked(campaign, wanted)
    _fits_on_disk(campaign, first, options, len(wanted))
    with _engine(campaign, table, options) as compute:
        there = table.begin(resume=options.resume, others=_tables_in(options.join))
        missing = [number for number in wanted if number not in there]
        total, present = len(wanted), len(wanted) - len(missing)
        cpu_time, begun = 0.0, clock.now()
        options.notify(Progress(present, total, None))
        try:
            with closing(compute(missing)) as draws:
                for count, draw in enumerate(draws, start=1):
                    table.add(draw.line)
                    cpu_time += draw.cpu_time
                    left = (clock.now() - begun) / count * (len(missing) - count)
                    options.notify(Progress(present + count, total, left, draw))
        finally:
            files = table.finish()
    return CampaignOutcome(tuple(files), total, len(missing), cpu_time, clock.now() - begun)


@contextmanager
def _engine(campaign: Campaign, table: Table, options: CampaignOptions) -> Iterator[_Compute]:
    """Hold what computes draws: the workers of a scheduler that answers, or processes of this computer."""
    if options.scheduler is not None:
        from mqtctl.campaign.cluster import computed_on, connected

        with connected(options.scheduler) as cluster:
            yield lambda numbers: computed_on(cluster, campaign, table, numbers, options.notice)
        return
    with tempfile.TemporaryDirectory(prefix="mqtctl-campaign-") as scratch:
        yield lambda numbers: computed(
            campaign, table, numbers, max(1, min(options.workers, len(numbers))), Path(scratch)
        )


def _tables_in(folder: Path | None) -> list[Path]:
    """Return the tables of a folder, finished or not."""
    if folder is None:
        return []
    found = sorted([*folder.glob("*.csv"), *folder.glob("*.csv.partial")])
    if not found:
        raise InputError(f"--join: {folder} has no table (*.csv); name the folder in which the parts were written")
    return found


def _checked(campaign: Campaign, wanted: range) -> Draw:
    """Make the draws' plans, samples and benches before the first is run; returns the first."""
    station = load_station(campaign.station)
    try:
        first = draw_of(campaign, wanted[0], station)
        for number in wanted[1:MOST_CHECKED]:
            draw_of(campaign, number, station)
    except InputError as exc:
        raise InputError(f"{exc}; change the design so that every draw is possible") from exc
    return first


def _fits_on_disk(campaign: Campaign, draw: Draw, options: CampaignOptions, draws: int) -> None:
    """Refuse a table that the disk cannot hold, and scratch files of experiments through the wires."""
    needed = {options.output.absolute().parent: draws * _BYTES_PER_ROW}
    if campaign.design.through == "wires" and options.scheduler is None:
        scratch = Path(tempfile.gettempdir())
        needed[scratch] = needed.get(scratch, 0) + options.workers * bytes_needed(
            draw.plan, len(draw.plan.plan.temperatures)
        )
    for folder, wanted in needed.items():
        place = next(each for each in (folder, *folder.parents) if each.exists())
        free = shutil.disk_usage(place).free
        if wanted > free:
            raise InputError(
                f"{campaign.source}: {draws} draws need {wanted / 1e6:.0f} MB in {folder}, where "
                f"{free / 1e6:.0f} MB are free; take fewer draws or another place"
            )
