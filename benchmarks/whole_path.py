"""From the counter's memory to a verified block in the database, against a QCoDeS measurement that adds each.

The counter of the simulated bench has taken its readings before the clock starts, so that what is timed is the path:
VISA bytes, driver, conversion, storage flushed, counted and read back, in blocks of 10 000. Storage alone is the
same writer fed from an array in memory. All in one run, no message latency.

Targets: at least 400 times the measurement, at least half the speed of storage alone, at most 8.5 bytes a switch
beyond the 8 of the raw interval.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from live_fraction import Ramp, laboratory, replaced

from mqtctl.acquisition.conversion import Block, convert
from mqtctl.acquisition.ramps import RampBench
from mqtctl.plan import ResolvedPlan, load_plan
from mqtctl.records import MeasuredRamp
from mqtctl.station import Station, open_station
from mqtctl.storage import (
    HistogramWriter,
    PlanDocument,
    PointHeader,
    PointVariant,
    RunFacts,
    StoredRamp,
    open_database,
    prepare_database,
)

PEER_RATIO, STORAGE_RATIO, BYTES = 400.0, 0.5, 8.5
BLOCK = 10_000
RAMP = Ramp("14 mA/s", "1 kHz", 1e-3)


@contextlib.contextmanager
def bench(folder: Path, switches: int) -> Iterator[tuple[ResolvedPlan, Station]]:
    """Open a station on a bench without latency."""
    plan = laboratory(folder, RAMP, switches)
    text = (folder / "bench.yaml").read_text(encoding="utf-8")
    text = replaced(text, ("latency: 1 ms", "latency: 0 s"), ("byte_rate: 300 kB/s", "byte_rate: 1000 MB/s"))
    (folder / "bench.yaml").write_text(text, encoding="utf-8")
    resolved = load_plan(plan)
    with open_station(resolved.station, seed=1) as station:
        yield resolved, station


@contextlib.contextmanager
def writer(
    folder: Path, plan: ResolvedPlan, station: Station, ramp: MeasuredRamp, name: str
) -> Iterator[HistogramWriter]:
    """Open a run in a database of its own."""
    prepare_database(folder / name)
    header = PointHeader(
        sweep_id="0" * 32,
        point=0,
        points=1,
        set_temperature=0.1,
        ramp=StoredRamp(**asdict(ramp)),
        plan_digest=plan.digest,
        document=PlanDocument.model_validate(plan.document()),
        facts=RunFacts(),
        variant=PointVariant(),
    )
    with (
        open_database(folder / name) as database,
        HistogramWriter(database, station.qcodes, "junction", header) as opened,
    ):
        yield opened


def store(target: HistogramWriter, block: Block) -> None:
    """Store a block as the acquisition does."""
    target.add_block(block.intervals, block.currents, censored=block.censored, temperature=0.1, time=0.0)


def pages(database: Path) -> int:
    """Return the bytes of a database, those included that are still in its write-ahead log."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        (count,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    return int(count) * int(size)


def measured(folder: Path, switches: int) -> tuple[float, float, float]:
    """Return switches a second of the whole path and of storage alone, and bytes a switch."""
    with bench(folder, switches) as (plan, station):
        ramp = RampBench(station).prepare(plan.variants(None)[0])
        counter, clock = station.counter, station.clock
        station.source.start(switches + 200)
        counter.arm(switches)
        while counter.available() < switches:
            clock.sleep(5.0)
        readings = []
        with writer(folder, plan, station, ramp, "path.db") as target:
            before = pages(folder / "path.db")
            begun = time.perf_counter()
            for _ in range(switches // BLOCK):
                values = counter.read(BLOCK)
                store(target, convert(values, ramp, counter.timeout_ramps))
                readings.append(values)
            path = switches / (time.perf_counter() - begun)
        # free pages of the new file take up some of the data: a part in a thousand
        size = (pages(folder / "path.db") - before) / switches
        blocks = [convert(values, ramp, counter.timeout_ramps) for values in readings]
        assert sum(block.switches for block in blocks) == switches
        with writer(folder, plan, station, ramp, "storage.db") as target:
            begun = time.perf_counter()
            for block in blocks:
                store(target, block)
            alone = switches / (time.perf_counter() - begun)
        station.source.make_safe()
    return path, alone, size


def added_one_by_one(folder: Path, switches: int) -> float:
    """Return how many switches a second a QCoDeS measurement takes that asks for every one and adds it."""
    from qcodes.dataset import Measurement, initialise_or_create_database_at, load_or_create_experiment
    from qcodes.instrument import VisaInstrument

    initialise_or_create_database_at(folder / "peer.db")
    load_or_create_experiment("peer", "junction")
    (folder / "peer").mkdir()
    laboratory(folder / "peer", RAMP, switches)
    text = (folder / "peer" / "bench.yaml").read_text(encoding="utf-8").replace("latency: 1 ms", "latency: 0 s")
    (folder / "peer" / "bench.yaml").write_text(text, encoding="utf-8")
    bench_file = f"{folder / 'peer' / 'bench.yaml'}@mqt"
    peer: VisaInstrument = VisaInstrument("peer", "TCPIP0::192.0.2.53::inst0::INSTR", visalib=bench_file)
    # any short reply will do: it is a number that costs a query
    peer.add_parameter("interval", unit="s", get_cmd="DATA:POIN?", get_parser=float)
    peer.add_parameter("ramp", set_cmd=None, initial_value=0)
    measurement = Measurement()
    measurement.register_parameter(peer.parameters["ramp"])
    measurement.register_parameter(peer.parameters["interval"], setpoints=(peer.parameters["ramp"],))
    interval, ramp = peer.parameters["interval"], peer.parameters["ramp"]
    with contextlib.redirect_stdout(io.StringIO()), measurement.run() as saver:
        begun = time.perf_counter()
        for number in range(switches):
            saver.add_result((ramp, number), (interval, interval.get()))
        saver.flush_data_to_database()
        taken = time.perf_counter() - begun
    peer.close()
    return switches / taken


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="200 000 switches instead of 1 000 000")
    switches = 200_000 if parser.parse_args().short else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        path, alone, size = measured(Path(name), switches)
        single = added_one_by_one(Path(name), 20_000)
    print(f"whole path, {switches} switches in blocks of {BLOCK}: {path / 1e6:.2f} million a second")
    print(f"    {path / single:.0f} times a QCoDeS measurement that asks for and adds each (target {PEER_RATIO:g})")
    print(f"    {path / alone:.2f} of the speed of storage alone (target {STORAGE_RATIO:g})")
    print(f"    {size - 8:.2f} bytes a switch beyond the raw interval (at most {BYTES:g})")
    assert path / single >= PEER_RATIO
    assert path / alone >= STORAGE_RATIO
    assert size - 8 <= BYTES


if __name__ == "__main__":
    main()
