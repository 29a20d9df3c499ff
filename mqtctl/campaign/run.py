"""Runs a campaign: checks all of it first, computes what is missing, and leaves whole draws only."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
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
    notify
        Called at the beginning and after each draw.
    """

    output: Path = Path("campaign.csv")
    workers: int = field(default_factory=lambda: _cores())
    resume: bool = False
    notify: Callable[[Progress], None] = lambda _progress: None


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
    total = campaign.design.total
    table = Table(options.output, columns_of(campaign), campaign.digest)
    first = _checked(campaign)
    _fits_on_disk(campaign, first, options)
    there = table.begin(resume=options.resume)
    missing = [number for number in range(total) if number not in there]
    cpu_time, begun = 0.0, clock.now()
    options.notify(Progress(len(there), total, None))
    try:
        with tempfile.TemporaryDirectory(prefix="mqtctl-campaign-") as scratch:
            workers = max(1, min(options.workers, len(missing)))
            with closing(computed(campaign, table, missing, workers, Path(scratch))) as draws:
                for count, draw in enumerate(draws, start=1):
                    table.add(draw.line)
                    cpu_time += draw.cpu_time
                    left = (clock.now() - begun) / count * (len(missing) - count)
                    options.notify(Progress(len(there) + count, total, left, draw))
    finally:
        files = table.finish()
    return CampaignOutcome(tuple(files), total, len(missing), cpu_time, clock.now() - begun)


def _checked(campaign: Campaign) -> Draw:
    """Make the draws' plans, samples and benches before the first is run; returns the first."""
    station = load_station(campaign.station)
    try:
        first = draw_of(campaign, 0, station)
        for number in range(1, min(campaign.design.total, MOST_CHECKED)):
            draw_of(campaign, number, station)
    except InputError as exc:
        raise InputError(f"{exc}; change the design so that every draw is possible") from exc
    return first


def _fits_on_disk(campaign: Campaign, draw: Draw, options: CampaignOptions) -> None:
    """Refuse a table that the disk cannot hold, and scratch files of experiments through the wires."""
    needed = {options.output.absolute().parent: campaign.design.total * _BYTES_PER_ROW}
    if campaign.design.through == "wires":
        scratch = Path(tempfile.gettempdir())
        needed[scratch] = needed.get(scratch, 0) + options.workers * bytes_needed(
            draw.plan, len(draw.plan.plan.temperatures)
        )
    for folder, wanted in needed.items():
        place = next(each for each in (folder, *folder.parents) if each.exists())
        free = shutil.disk_usage(place).free
        if wanted > free:
            raise InputError(
                f"{campaign.source}: {campaign.design.total} draws need {wanted / 1e6:.0f} MB in {folder}, where "
                f"{free / 1e6:.0f} MB are free; take fewer draws or another place"
            )
