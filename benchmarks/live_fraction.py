"""Live fraction of the acquisition with 1 ms message latency and 300 kB/s, against loops that read every ramp.

All run on the simulated bench in its virtual time, so the figures are exact and repeatable: switches x ramp
period divided by the time from the first ramp to the acknowledgement of the last block.

Targets: at least 0.99 with the 53230A at 100 Hz, 1 kHz and 5 kHz (1e5 switches); the SR620, which has no memory
and needs 750 us a sample, within 5 % of its own floor. Beside them, with the same drivers: a loop that arms for every
ramp, in a QCoDeS `Measurement`, in `dond`, and in a PyMeasure procedure (where that is installed).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mqtctl.acquisition.ramps import program_of
from mqtctl.plan import load_plan, write_examples
from mqtctl.station import Station, open_station
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

TARGET, OF_FLOOR = 0.99, 0.95
#: About where in the period these ramps switch, and how long (s) the SR620 is busy after that.
SWITCH_PHASE = 0.6
SR620_DEAD_TIME = 750e-6
TIMER = """  counter:
    type: mqtctl_drivers.srs_sr620.SrsSR620
    address: GPIB0::16::INSTR
    init:
      visalib: bench.yaml@mqt
      metadata:
        mqtctl:
          role: timing_counter
          start_slope: negative
          start_threshold: 1.5 V
          stop_threshold: 1 V
          delay: 10.105 us

"""


@dataclass(frozen=True)
class Ramp:
    """A ramp: its rate, repetition and top as a plan has them, and its period in s."""

    rate: str
    repetition: str
    period: float
    top: str = "9.8 uA"


RAMPS = (
    Ramp("1.4 mA/s", "100 Hz", 1e-2),
    Ramp("14 mA/s", "1 kHz", 1e-3),
    # the filter of 10 us lags by 1 uA, and needs 50 us to let the junction retrap
    Ramp("100 mA/s", "5 kHz", 2e-4, top="11.5 uA"),
)


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """Return text with replacements that must all apply."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def laboratory(folder: Path, ramp: Ramp, switches: int, *, timer: bool = False) -> Path:
    """Write a plan on a bench with 1 ms and 300 kB/s, and return it; with the SR620 instead of the 53230A if asked."""
    write_examples(folder)
    bench = (files("pyvisa_mqt") / "benches" / "builtin.yaml").read_text(encoding="utf-8")
    station = (folder / "station.yaml").read_text(encoding="utf-8").replace('"@mqt"', "bench.yaml@mqt")
    bench = replaced(bench, ("latency: 1 ms", "latency: 1 ms"), ("byte_rate: 300 kB/s", "byte_rate: 300 kB/s"))
    if timer:
        bench = replaced(
            bench,
            ("model: keysight-53230a", "model: srs-sr620"),
            ("TCPIP0::192.0.2.53::inst0::INSTR", "GPIB0::16::INSTR"),
            ("counter.input1", "counter.inputA"),
            ("counter.input2", "counter.inputB"),
        )
        begin, end = station.index("  counter:"), station.index("  thermometer:")
        station = station[:begin] + TIMER + station[end:]
    (folder / "bench.yaml").write_text(bench, encoding="utf-8")
    (folder / "station.yaml").write_text(station, encoding="utf-8")
    plan = (folder / "plan.yaml").read_text(encoding="utf-8")
    begin, end = plan.index("temperatures: ["), plan.index("switches: 10000")
    plan = f"{plan[:begin]}temperatures: [100 mK]\n{plan[end:]}"
    plan = replaced(
        plan,
        ("switches: 10000", f"switches: {switches}"),
        ("block: 500", "# block"),
        ("rate: 1 mA/s", f"rate: {ramp.rate}"),
        ("repetition: 80 Hz", f"repetition: {ramp.repetition}"),
        ("stop_current: 9.8 uA", f"stop_current: {ramp.top}"),
    )
    (folder / "plan.yaml").write_text(plan, encoding="utf-8")
    return folder / "plan.yaml"


def in_blocks(ramp: Ramp, switches: int, *, timer: bool = False) -> float:
    """Return the live fraction of the product."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        taken = acquire(laboratory(folder, ramp, switches, timer=timer), Options(output=folder / "run", seed=1))
        (point,) = load_sweep(taken.folder.database).points
        assert point.result is not None
        assert point.result.live_fraction is not None
        return point.result.live_fraction


def floor_of_the_sr620(ramp: Ramp) -> float:
    """Return the best live fraction there is: a sample, its dead time, and then the next start."""
    return 1.0 / math.ceil((SWITCH_PHASE * ramp.period + SR620_DEAD_TIME) / ramp.period)


Loop = Callable[[Station, Callable[[], float], int, Path], None]


def in_measurement(station: Station, one: Callable[[], float], switches: int, folder: Path) -> None:
    """Add every interval to a QCoDeS measurement."""
    from qcodes.dataset import Measurement

    measurement = Measurement(station=station.qcodes)
    measurement.register_custom_parameter("ramp")
    measurement.register_custom_parameter("interval", unit="s", setpoints=("ramp",))
    with measurement.run() as saver:
        for number in range(switches):
            saver.add_result(("ramp", number), ("interval", one()))


def in_dond(station: Station, one: Callable[[], float], switches: int, folder: Path) -> None:
    """Let `dond` step through the ramps."""
    from qcodes.dataset import LinSweep, dond
    from qcodes.parameters import ManualParameter, Parameter

    number = ManualParameter("ramp", initial_value=0)
    interval = Parameter("interval", unit="s", get_cmd=one)
    dond(LinSweep(number, 0, switches - 1, switches), interval, do_plot=False, show_progress=False)


def in_pymeasure(station: Station, one: Callable[[], float], switches: int, folder: Path) -> None:
    """Emit every interval from a PyMeasure procedure into its CSV file."""
    from pymeasure.experiment import Procedure, Results  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional

    class Ramps(Procedure):  # type: ignore[misc]  # PyMeasure is untyped
        DATA_COLUMNS = ["ramp", "interval"]  # noqa: RUF012  # as PyMeasure has it

        def execute(self) -> None:
            for number in range(switches):
                self.emit("results", {"ramp": number, "interval": one()})

    procedure = Ramps()
    results = Results(procedure, str(folder / "pymeasure.csv"))
    with Path(results.data_filename).open("a", encoding="utf-8") as file:
        procedure.emit = lambda _topic, record: print(results.format(record), file=file)
        procedure.execute()


def ramp_by_ramp(ramp: Ramp, loop: Loop, switches: int) -> float:
    """Return the live fraction of a loop that arms, waits for and reads one ramp at a time, with our drivers."""
    from qcodes.dataset import initialise_or_create_database_at, load_or_create_experiment

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        resolved = load_plan(laboratory(folder, ramp, switches))
        initialise_or_create_database_at(folder / "peer.db")
        load_or_create_experiment("peer", "junction")
        with open_station(resolved.station, seed=1) as station, contextlib.redirect_stdout(io.StringIO()):
            source, counter, clock = station.source, station.counter, station.clock
            program = source.configure(program_of(resolved.variants(None)[0]))
            counter.configure(program)

            def one() -> float:
                counter.arm(1)
                while not counter.available():
                    clock.sleep(1e-4)
                return float(counter.read(1)[0])

            source.start(200 * switches)
            first = clock.now()
            loop(station, one, switches, folder)
            elapsed = clock.now() - first
            source.make_safe()
        return switches * program.period / elapsed


def main() -> None:
    """Measure everything and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="20 000 switches instead of 100 000")
    switches = 20_000 if parser.parse_args().short else 100_000
    peers: dict[str, Any] = {"Measurement": in_measurement, "dond": in_dond}
    if find_spec("pymeasure"):
        peers["PyMeasure"] = in_pymeasure
    missed = []
    for ramp in RAMPS:
        # a second of ramps at each end of the run counts for more in a short one
        blocks = in_blocks(ramp, switches)
        print(f"{ramp.repetition}, 53230A, {switches} switches in blocks: live fraction {blocks:.4f} (target {TARGET})")
        if blocks < TARGET:
            missed.append(f"53230A at {ramp.repetition}")
        for name, loop in peers.items():
            single = ramp_by_ramp(ramp, loop, 200)
            print(f"    ramp by ramp in {name}: {single:.4f}; ratio {blocks / single:.1f}")
        slow, floor = in_blocks(ramp, switches // 10, timer=True), floor_of_the_sr620(ramp)
        print(f"{ramp.repetition}, SR620: live fraction {slow:.4f}, {slow / floor:.3f} of its floor of {floor:.3f}")
        if slow < OF_FLOOR * floor:
            missed.append(f"SR620 at {ramp.repetition}")
    assert not missed, missed


if __name__ == "__main__":
    main()
