"""Dead time, skipped ramps and lost time of each way of reading.

A resistor stands for the junction, so that each ramp stops the interval at 0.7 of its period T. A way of reading
that is blind for a time d behind each interval then takes ceil(0.7 + d / T) ramps a reading.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.protocol.counters.chain import Chain, Stop, sawtooth

Open = Callable[..., Chain]

TOP, RISE, SWITCH = 9e-6, 0.9, 0.7
LEVEL = TOP * SWITCH / RISE * 100 * 1000
#: Ramps a reading at each frequency in Hz. Behind them the same in s for 10 000 switches: 1e4 ramps / frequency.
#: d is 750 us of the SR620's sample, with MEAS? 5.25 ms for the end of a group and its text, and the messages besides.
DUMP = {100.0: 1, 1e3: 2, 5e3: 5, 10e3: 9}  # 100, 20, 10 and 9 s
MEASURE = {100.0: 2, 1e3: 8, 5e3: 36, 10e3: 71}  # 200, 80, 72 and 71 s; messages of 1 ms
READ = {100.0: 2, 1e3: 4, 5e3: 16, 10e3: 31}  # 200, 40, 32 and 31 s; messages of 3 ms
FREQUENCIES = [100.0, 1e3, 5e3, 10e3]


def ramping(chain: Open, counter: str, frequency: float, latency: str, ramps: int) -> Chain:
    """Return a bench whose ramps all stop at 0.7 of the period, ready to start."""
    changes = {
        "bias:\n": "dummy_resistor: 100 Ohm\n\nbias:\n",
        "noise: 0.1 nA": "noise: 0 nA",
        "lag: 10 us": "lag: 0 s",
        "rise_time: 0.5 us, noise: 2 uV": "rise_time: 0 s, noise: 0 V",
        "latency: 1 ms\n  byte_rate: 300 kB/s": f"latency: {latency}\n  byte_rate: 1000 MB/s",
    }
    opened = chain("keysight-33512b", counter, changes)
    opened.source.load(sawtooth(TOP, RISE, points=1000), frequency, ramps)
    return opened


def ramps_each(opened: Chain, frequency: float, number: int, read: Callable[[], float]) -> float:
    """Return how many ramps one reading takes on the average over `number` readings, all of which must be right."""
    read()  # the first one may come upon the ramps anywhere
    begin = opened.bench.clock.now()
    intervals = [read() for _ in range(number)]
    assert intervals == pytest.approx([SWITCH / frequency] * number, abs=1.1e-3 / frequency)  # a step of the source
    return float((opened.bench.clock.now() - begin) * frequency / number)


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_a_buffered_53230a_catches_every_ramp(chain: Open, frequency: float) -> None:
    number = 500
    opened = ramping(chain, "keysight-53230a", frequency, "0.5 ms", number)
    opened.counter.arm(number, Stop(LEVEL), 0.1)
    opened.source.start()
    begin = opened.bench.clock.now()
    intervals = opened.counter.fetch(number)
    assert intervals == pytest.approx(np.full(number, SWITCH / frequency), abs=1.1e-3 / frequency)
    # The block follows the last ramp within a few messages.
    assert opened.bench.clock.now() - begin == pytest.approx(number / frequency, abs=5e-3 + 0.5 / frequency)


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_an_sr620_that_dumps_misses_the_ramps_within_its_750_microseconds(chain: Open, frequency: float) -> None:
    number = 100
    opened = ramping(chain, "srs-sr620", frequency, "0.05 ms", 12 * number)
    opened.counter.arm(number + 1, Stop(LEVEL), 0.0)
    opened.source.start()
    taken = ramps_each(opened, frequency, number, lambda: float(opened.counter.fetch(1)[0]))
    assert taken == pytest.approx(DUMP[frequency], rel=2e-3)


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_one_meas_query_per_ramp_wastes_six_milliseconds_and_the_messages(chain: Open, frequency: float) -> None:
    opened = ramping(chain, "srs-sr620", frequency, "0.5 ms", 5000)
    opened.counter.arm(1, Stop(LEVEL), 0.0)
    opened.source.start()
    taken = ramps_each(opened, frequency, 40, lambda: float(opened.counter.visa.query("MEAS? 0")))
    assert taken == pytest.approx(MEASURE[frequency], rel=2e-3)


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_one_read_query_per_ramp_wastes_its_messages(chain: Open, frequency: float) -> None:
    opened = ramping(chain, "keysight-53230a", frequency, "1.5 ms", 5000)
    opened.counter.arm(1, Stop(LEVEL), 0.1)
    opened.counter.visa.write("ABOR;:FORM ASC")
    opened.source.start()
    taken = ramps_each(opened, frequency, 40, lambda: float(opened.counter.visa.query("READ?")))
    assert taken == pytest.approx(READ[frequency], rel=2e-3)


def test_messages_slower_than_the_dead_time_cost_the_dump_more_ramps(chain: Open) -> None:
    frequency, number = 5e3, 100
    opened = ramping(chain, "srs-sr620", frequency, "2 ms", 40 * number)
    opened.counter.arm(number + 1, Stop(LEVEL), 0.0)
    opened.source.start()
    taken = ramps_each(opened, frequency, number, lambda: float(opened.counter.fetch(1)[0]))
    # The counter takes the next sample while the last one travels: 2 ms a sample, no more.
    assert taken == pytest.approx(2e-3 * frequency, rel=0.05)
