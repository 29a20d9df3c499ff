"""Live fraction of the acquisition at 1 kHz with 1 ms message latency, against a loop that reads every ramp.

Both run on the simulated bench in its virtual time, so the figures are exact and repeatable: switches x ramp
period divided by the time from the first ramp to the acknowledgement of the last block.
Target: at least 0.95.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

from mqtctl.acquisition.preflight import ramp_program
from mqtctl.plan import load_plan, write_examples
from mqtctl.station import open_station
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

TARGET = 0.95


def laboratory(folder: Path, switches: int) -> Path:
    """Write a plan at 1 kHz on a bench with 1 ms and 300 kB/s, and return it."""
    write_examples(folder)
    bench = (files("pyvisa_mqt") / "benches" / "builtin.yaml").read_text(encoding="utf-8")
    assert "latency: 1 ms" in bench
    assert "byte_rate: 300 kB/s" in bench
    plan = (folder / "plan.yaml").read_text(encoding="utf-8")
    begin, end = plan.index("temperatures: ["), plan.index("switches: 10000")
    plan = f"{plan[:begin]}temperatures: [100 mK]\n{plan[end:]}"
    for old, new in (
        ("switches: 10000", f"switches: {switches}"),
        ("block: 500", "block: 1000"),
        ("rate: 1 mA/s", "rate: 14 mA/s"),
        ("repetition: 80 Hz", "repetition: 1 kHz"),
    ):
        assert old in plan
        plan = plan.replace(old, new)
    (folder / "plan.yaml").write_text(plan, encoding="utf-8")
    return folder / "plan.yaml"


def in_blocks(plan: Path, folder: Path) -> float:
    """Return the live fraction of the product."""
    acquired = acquire(plan, Options(output=folder, seed=1))
    (point,) = load_sweep(acquired.folder.database).points
    assert point.result is not None
    return float(point.result["live_fraction"])


def ramp_by_ramp(plan: Path, switches: int) -> float:
    """Return the live fraction of a loop that arms, waits for and reads one ramp at a time, same drivers."""
    resolved = load_plan(plan)
    with open_station(resolved.station, seed=1) as station:
        source, counter, clock = station.source, station.counter, station.clock
        program = source.configure(ramp_program(resolved))
        counter.configure(program)
        source.start(20 * switches)
        first = clock.now()
        for _ in range(switches):
            counter.arm(1)
            while not counter.available():
                clock.sleep(1e-4)
            counter.read(1)
        elapsed = clock.now() - first
        source.make_safe()
        return switches * program.period / elapsed


def main() -> None:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="2000 switches instead of 10 000")
    switches = 2_000 if parser.parse_args().short else 10_000
    folder = Path(tempfile.mkdtemp())
    try:
        plan = laboratory(folder, switches)
        blocks = in_blocks(plan, folder / "run")
        single = ramp_by_ramp(plan, 200)
    finally:
        shutil.rmtree(folder)
    print(f"live fraction at 1 kHz, 1 ms latency, {switches} switches: {blocks:.4f} in blocks (target {TARGET})")
    print(f"the same drivers, ramp by ramp: {single:.4f}; ratio {blocks / single:.1f}")
    assert blocks >= TARGET


if __name__ == "__main__":
    main()
