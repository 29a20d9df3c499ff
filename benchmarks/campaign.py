"""The engine of `mqtctl campaign`: two workers against one, its overhead, the collector's memory, and its scheduling.

Targets: 204 draws of the built-in design through the physics, and 20 through the wires, at least 1.85 times as fast on
two workers as on one; CPU time besides the draws' own at most 5 % of it (with the workers' start); the collector of
10 000 rows of a small design grows by less than 50 MB over that of 10 rows (pyarrow, 30 MB once, is in both); handing
out a million draws takes ten times as long as a hundred thousand, within a quarter. The first two need a quiet computer
with two cores: the load is printed, and they are no target where it is above 0.5 at the beginning, nor with --short,
which makes few draws and no million.

Run: python benchmarks/campaign.py [--short] [--only speed|memory|scheduling] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from mqtctl.campaign import BUILT_IN, CampaignOptions, load_design, run_campaign
from mqtctl.campaign import run as running
from mqtctl.campaign import workers as processes
from mqtctl.campaign.design import Campaign
from mqtctl.campaign.draws import draw_of
from mqtctl.campaign.results import Table
from mqtctl.campaign.run_draw import run_draw
from mqtctl.campaign.workers import Computed, computed
from mqtctl.station import load_station

SPEED, OVERHEAD, GROWTH_MB, LINEAR = 1.85, 0.05, 50.0, 1.25
QUIET = 0.5
WIRES = """\
title: Short experiments through the wires
draws: {draws}
through: wires
vary:
  plan.temperatures: {{value: [20 mK, 100 mK, 500 mK]}}
  plan.switches: 500
  bench.junction.critical_current: {{uniform: [9.3 uA, 9.6 uA]}}
"""


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that have ended, in s."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(campaign: Campaign, folder: Path, workers: int) -> tuple[float, float]:
    """Return wall time in s, and CPU time besides the draws' own as a share of it."""
    begun = cpu_seconds()
    done = run_campaign(campaign, CampaignOptions(folder / f"{campaign.source.stem}-{workers}.csv", workers=workers))
    return done.wall_time, (cpu_seconds() - begun) / done.cpu_time - 1.0


def speed(folder: Path, short: bool) -> dict[str, Any]:
    """Run campaigns on one and on two workers and compare."""
    found: dict[str, Any] = {"load": os.getloadavg()[0]}
    wires = folder / "wires.yaml"
    wires.write_text(WIRES.format(draws=20), encoding="utf-8")
    campaigns = [load_design(BUILT_IN, draws=34), load_design(wires)]
    if short:
        campaigns = [load_design(wires, through="physics", draws=4)]
    for campaign in campaigns:
        through, path = campaign.design.through, campaign.source
        (one, _), (two, overhead) = (timed(campaign, folder, workers) for workers in (1, 2))
        same = len({(folder / f"{path.stem}-{workers}.csv").read_bytes() for workers in (1, 2)}) == 1
        found[through] = {"draws": campaign.design.total, "one_s": one, "two_s": two, "overhead": overhead}
        print(
            f"{through}: {campaign.design.total} draws, 1 worker {one:.1f} s, 2 workers {two:.1f} s, "
            f"{one / two:.2f} times as fast; CPU time besides the draws' own {overhead:.1%}; load {found['load']:.1f}"
        )
        assert same, "the tables of one and two workers differ"
        if not short and found["load"] < QUIET:
            assert one / two >= SPEED, "two workers are too slow"
            assert overhead <= OVERHEAD, "the engine costs too much"
    return found


def memory(folder: Path, short: bool) -> dict[str, Any]:
    """Measure in a fresh process by how much the collector grows over rows that need no computing."""
    answer = subprocess.run(
        [sys.executable, __file__, "--collect", str(folder)], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    print(f"collector: {found['rows']} rows of {found['row_bytes']} bytes, grows by {found['growth_MB']:.1f} MB")
    assert found["growth_MB"] < GROWTH_MB, "the collector grows too much"
    return found


def collect(folder: Path) -> None:
    """Gather 10 000 rows, all as one real experiment wrote it, and print by how much this process grew."""
    design = folder / "small.yaml"
    design.write_text(WIRES.format(draws=10).replace("wires", "physics"), encoding="utf-8")
    campaign = load_design(design)
    row = run_draw(draw_of(campaign, 0, load_station(campaign.station)), "physics", folder)
    sizes: list[int] = []

    def instant(_campaign: Campaign, table: Table, numbers: Iterable[int], *_: Any) -> Iterator[Computed]:
        for number in numbers:
            line = table.line({**row, "draw": number})
            sizes.append(len(line))
            yield Computed(number, line, 0.0, 0)

    vars(running)["computed"] = instant
    vars(running)["MOST_CHECKED"] = 10  # what is looked at beforehand is gone again
    run_campaign(campaign, CampaignOptions(folder / "ten.csv", workers=1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run_campaign(load_design(design, draws=10_000), CampaignOptions(folder / "collected.csv", workers=1))
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"rows": len(sizes) - 10, "row_bytes": sizes[-1], "growth_MB": growth / 1024}))


class InstantPool:
    """In the place of a pool of processes: whatever is asked for is there."""

    def __init__(self, *_arguments: Any, **_settings: Any) -> None:
        self.digest = "0" * 16

    def submit(self, _work: Any, number: int) -> Future[Computed]:
        """Return a draw that is whole."""
        future: Future[Computed] = Future()
        future.set_result(Computed(number, f"{number},{self.digest}\n", 0.0, 0))
        return future

    def shutdown(self, **_how: bool) -> None:
        """Leave nothing behind."""


def scheduling(folder: Path, short: bool) -> dict[str, Any]:
    """Hand out draws that cost nothing, write their journal and their table: CPU time by number."""
    vars(processes)["ProcessPoolExecutor"] = InstantPool
    campaign, found = load_design(), {}
    for number in (1_000, 10_000, *(() if short else (100_000, 1_000_000))):
        table = Table(folder / f"{number}.csv", {"draw": int, "design": str}, "0" * 16)
        begun = time.process_time()
        table.begin(resume=False)
        for draw in computed(campaign, table, range(number), 2, folder):
            table.add(draw.line)
        table.finish()
        found[str(number)] = time.process_time() - begun
        print(
            f"scheduling: {number} draws in {found[str(number)]:.2f} s, {1e6 * found[str(number)] / number:.0f} us each"
        )
    if not short:
        assert found["1000000"] <= 10.0 * LINEAR * found["100000"], "scheduling is not linear"
    return found


def main() -> None:
    """Print the numbers and hold them against their targets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", choices=("speed", "memory", "scheduling"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--collect", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.collect:
        collect(given.collect)
        return
    found = {}
    for part in (speed, memory, scheduling):
        if given.only in (None, part.__name__):
            with tempfile.TemporaryDirectory() as folder:
                found[part.__name__] = part(Path(folder), given.short)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
