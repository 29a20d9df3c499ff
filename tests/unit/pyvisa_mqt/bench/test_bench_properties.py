"""Whatever is done to the bench, in whatever order: its history is consistent and does not depend on who looks."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import pyvisa_mqt
from numpy.typing import NDArray
from pyvisa_mqt.bench.bench import Bench, open_bench
from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.instruments import MODELS
from pyvisa_mqt.time_and_signals.signals import Waveform

SOURCE, COUNTER = "GPIB0::12::INSTR", "TCPIP0::192.0.2.53::inst0::INSTR"


class Silent(Instrument):
    """Does nothing by itself and understands nothing."""

    def write(self, data: bytes, end: bool) -> None: ...

    def clear(self) -> None: ...

    def status_byte(self) -> int:
        return 0


@pytest.fixture(autouse=True)
def bare_instruments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put instruments on the bench that do nothing by themselves."""
    for model in ("keithley-6221", "keysight-53230a", "lakeshore-372"):
        monkeypatch.setitem(MODELS, model, Silent)


def random_waveform(rng: np.random.Generator, now: float) -> Waveform:
    """Return a ramp, a bipolar ramp, a level or nothing, beginning now or a little later."""
    n_step = int(rng.choice([40, 500, 3000]))
    phase = np.arange(n_step) / n_step
    top = rng.choice([5e-6, 9.35e-6, 9.8e-6, 12e-6])
    shape = int(rng.integers(5))
    values = [
        top * np.minimum(phase / 0.9, (1 - phase) / 0.1),
        top * np.sin(2 * np.pi * phase),
        2e-6 + (top - 2e-6) * phase,
        np.full(1, top * rng.choice([0.0, 0.5, 1.0])),
        np.where(phase < 0.5, top, -top),
    ][shape]
    period = float(rng.choice([2e-3, 12.5e-3, 0.3, 3.0]))
    cycles = float(rng.choice([1, 7, 50.5, math.inf]))
    start = now + float(rng.choice([0.0, 0.0, 0.013, 0.8]))
    return Waveform(start, period, cycles, values, float(rng.choice([0.0, 1e-6])), 0.0)


def play(seed: int, file: Path, poll: bool) -> tuple[Bench, NDArray[np.float64]]:
    """Do random things; return the bench and all stop edges of both directions."""
    bench = open_bench(f"{file}?seed={seed}")
    rng = np.random.default_rng(seed)
    looks = np.random.default_rng(seed + 1)
    wires = bench.instruments[COUNTER].wires
    for _ in range(12):
        until = bench.clock.now() + float(rng.choice([0.0, 0.004, 0.25, 0.7, 3.1]))
        while poll and bench.clock.now() < until:
            bench.clock.advance_to(min(bench.clock.now() + float(looks.uniform(0.001, 0.4)), until))
            wires.edges("input2", 1.0, True, 0.0, bench.clock.now())
        bench.clock.advance_to(until)
        if rng.random() < 0.3:
            bench.set_heater(("thermometer", "sample"), float(rng.choice([0.0, 1e-4, 1e-2])))
        wave = random_waveform(rng, bench.clock.now())
        bench.instruments[SOURCE].wires.drive("output", wave, "marker")
    bench.clock.sleep(2.0)
    edges = [wires.edges("input2", s, r, 0.0, bench.clock.now()) for s in (1.0, -1.0) for r in (True, False)]
    return bench, np.concatenate(edges)


@pytest.mark.shown(2)
@pytest.mark.parametrize("lag", ["0 s", "10 us", "20 ms"])
@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_of_waveforms_gives_one_consistent_history(tmp_path: Path, seed: int, lag: str) -> None:
    text = (Path(pyvisa_mqt.__file__).parent / "benches" / "builtin.yaml").read_text(encoding="utf-8")
    file = tmp_path / "bench.yaml"
    file.write_text(text.replace("lag: 10 us", f"lag: {lag}"), encoding="utf-8")
    bench, edges = play(seed, file, poll=False)
    assert bench.sample is not None
    log = bench.sample.log
    assert np.all(np.diff(log.begins) > 0)
    # A jump from one sign to the other ends one state and can begin the next: equal up to the rounding of time.
    assert np.all(log.ends[:-1] <= log.begins[1:] + 1e-13)
    assert np.all(log.ends >= log.begins)
    assert bench.cryostat.sample > 0.011
    polled, same = play(seed, file, poll=True)
    assert polled.sample is not None
    np.testing.assert_array_equal(same, edges)
    assert polled.cryostat.sample == bench.cryostat.sample
