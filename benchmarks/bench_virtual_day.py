"""A virtual day on the built-in bench against stock pyvisa-sim: ramps at 80 Hz, every switch timed, the bath polled.

6.9 million ramps are drawn from the physics, timed, read out in blocks of 2000; the temperature is read once a second,
and the heater changes the temperature every two hours. The peer is stock pyvisa-sim answering as many queries (two a
second) with a constant, in the same run. Target: at most 25 times its CPU time, physics and all; what the day costs
against commit e8fc9f1 is in `against_e8fc9f1.py`. `--short` does half an hour.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pyvisa

SOURCE, COUNTER = "GPIB0::12::INSTR", "TCPIP0::192.0.2.53::inst0::INSTR"
BRIDGE = "TCPIP0::192.0.2.72::7777::SOCKET"
DAY, TARGET = 86400.0, 25.0
#: Queries in a second of the day.
POLLS = 2
RATE, BLOCK = 80.0, 2000
SETPOINTS = (0.05, 0.2, 0.1, 0.4)


def prepare(source: Any, counter: Any) -> None:
    """Let the source ramp without end to 10 uA, and the counter time each ramp."""
    points = np.append(np.linspace(0, 1, 9700), np.zeros(300))
    first, *others = np.array_split(points, 100)
    source.write("*RST;SOUR:WAVE:FUNC ARB0;ARB:DATA " + ",".join(f"{p:.5f}" for p in first))
    for part in others:
        source.write("SOUR:WAVE:ARB:APP " + ",".join(f"{p:.5f}" for p in part))
    source.write(f"SOUR:WAVE:FREQ {RATE};AMPL 10e-6;OFFS 0;PMAR:STAT ON;:SOUR:WAVE:PMAR 0;:SOUR:WAVE:DUR:TIME INF")
    counter.write("*RST;:SYST:TIM 0.1;:CONF:TINT (@1),(@2);:FORM REAL;:SAMP:COUN 1000000;:TRIG:COUN 1000000")
    counter.write(":INP1:COUP DC;LEV 2.5;SLOP NEG;:INP2:COUP DC;LEV 1;SLOP POS;:INIT")
    counter.read_termination = None
    source.write("SOUR:WAVE:ARM;INIT")


def live(duration: float) -> tuple[float, int]:
    """Live through a duration (s); return the CPU time in s and the number of switches read."""
    manager = pyvisa.ResourceManager("?seed=1@mqt")
    library: Any = manager.visalib
    source: Any = manager.open_resource(SOURCE)
    counter: Any = manager.open_resource(COUNTER, timeout=60_000)
    bridge: Any = manager.open_resource(BRIDGE, read_termination="\r\n", write_termination="\r\n")
    before = time.process_time()
    prepare(source, counter)
    bridge.write("HTRSET 0,100,0,0,1;OUTMODE 0,5,6,1,0,0,1;PID 0,10,20,0;RANGE 0,6")
    clock, switches, stage = library.clock, 0, -1
    while clock.now() < duration:
        if clock.now() // 7200 > stage:
            stage += 1
            bridge.write(f"SETP 0,{SETPOINTS[stage % len(SETPOINTS)]}")
        assert 0 < float(bridge.query("KRDG? 6")) < 1
        if int(counter.query("DATA:POIN?")) >= BLOCK:
            counter.write(f"R? {BLOCK}")
            data = counter.read_raw()
            readings = np.frombuffer(data[2 + int(data[1:2]) : -1], dtype=">f8")
            switches += int(np.count_nonzero(readings < 0.0125))
        clock.sleep(1.0)
    elapsed = time.process_time() - before
    manager.close()
    return elapsed, switches


def stock(queries: int) -> float:
    """Return the CPU time in s of so many queries to an instrument of stock pyvisa-sim."""
    manager = pyvisa.ResourceManager("@sim")
    device: Any = manager.open_resource("ASRL1::INSTR", read_termination="\n", write_termination="\r\n")
    before = time.process_time()
    for _ in range(queries):
        device.query("?IDN")
    elapsed = time.process_time() - before
    manager.close()
    return elapsed


def main() -> None:
    """Live through the day and print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="half an hour, scaled to a day")
    share = 48 if parser.parse_args().short else 1
    elapsed, switches = live(DAY / share)
    expected = RATE * DAY / share
    print(f"{DAY / share / 3600:g} h, {switches} of {expected:.0f} ramps timed: {elapsed:.1f} s of CPU time")
    ratio = elapsed / stock(round(POLLS * DAY / share))
    print(f"a virtual day: {ratio:.1f} times stock pyvisa-sim's bare queries (target {TARGET:.0f})")
    assert switches > 0.99 * expected - 2 * BLOCK
    assert ratio <= TARGET


if __name__ == "__main__":
    main()
