"""Source, sample and counter of a bench, spoken to through plain PyVISA as their manuals describe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyvisa
from numpy.typing import NDArray
from pyvisa.constants import ResourceAttribute

Array = NDArray[np.float64]

RESISTOR = 100e3  # Ohm between the 33512B and the sample
POINTS = 10_000
ADDRESSES = {
    "keithley-6221": "GPIB0::12::INSTR",
    "keysight-33512b": "USB0::0x0957::0x2C07::MY52400001::INSTR",
    "keysight-53230a": "TCPIP0::192.0.2.53::inst0::INSTR",
    "srs-sr620": "GPIB0::16::INSTR",
}
#: Old -> new text of the built-in bench file.
SOURCES = {
    "keithley-6221": {},
    "keysight-33512b": {
        "{port: source.output, factor: 1}": "{port: source.output1, resistance: 100 kOhm}",
        "source.marker": "source.sync",
        "pulse: low": "pulse: high",
    },
}
COUNTERS = {
    "keysight-53230a": {},
    "srs-sr620": {"counter.input1": "counter.inputA", "counter.input2": "counter.inputB"},
}


class Source(ABC):
    """A source of ramps."""

    def __init__(self, manager: Any, address: str) -> None:
        self.visa: Any = manager.open_resource(address, read_termination="\n", write_termination="\n")

    @abstractmethod
    def load(self, values: Array, frequency: float, cycles: int) -> None:
        """Program an arbitrary wave (A, shape (n_point,)), marker at its first point, `cycles` periods."""

    @abstractmethod
    def start(self) -> None:
        """Let it run."""


class Keithley6221(Source):
    """As in the manual's example of an arbitrary wave with a phase marker."""

    def load(self, values: Array, frequency: float, cycles: int) -> None:
        low, high = float(values.min()), float(values.max())
        points = (2.0 * values - high - low) / (high - low)
        for command in ("*RST;*CLS", "CURR:RANG 20e-6", "CURR:COMP 0.1", "WAVE:FUNC ARB0"):
            self.visa.write(command)
        for first in range(0, len(points), 100):
            head = "WAVE:ARB:APP " if first else "WAVE:ARB:DATA "
            self.visa.write(head + ",".join(f"{v:.6f}" for v in points[first : first + 100]))
        for command in (
            f"WAVE:AMPL {0.5 * (high - low):.9E};OFFS {0.5 * (high + low):.9E};FREQ {frequency}",
            "WAVE:RANG FIX",
            "WAVE:PMAR:OLIN 3",
            "WAVE:PMAR 0;PMAR:STAT 1",
            f"WAVE:DUR:CYCL {cycles}",
            "WAVE:ARM",
        ):
            self.visa.write(command)
        assert self.visa.query("SYST:ERR?").startswith("0,")

    def start(self) -> None:
        self.visa.write("WAVE:INIT")


class Keysight33512B(Source):
    """As in the manual's example of a triggered burst of an arbitrary wave, Sync at the first point of each cycle."""

    def load(self, values: Array, frequency: float, cycles: int) -> None:
        volts = values * RESISTOR
        low, high = float(volts.min()), float(volts.max())
        points = (2.0 * volts - high - low) / (high - low)
        for command in ("*RST;*CLS", "OUTP1:LOAD INF", "FORM:BORD NORM", "SOUR1:DATA:VOL:CLE"):
            self.visa.write(command)
        block = points.astype(">f4").tobytes()
        count = str(len(block))
        self.visa.write_raw(f"SOUR1:DATA:ARB ramp,#{len(count)}{count}".encode() + block + b"\n")
        for command in (
            "SOUR1:FUNC:ARB ramp;ARB:FILT OFF",
            f"SOUR1:FUNC:ARB:SRAT {frequency * len(values)}",
            "SOUR1:FUNC ARB",
            f"SOUR1:VOLT:HIGH {high:.9f};LOW {low:.9f}",
            f"TRIG1:SOUR BUS;:SOUR1:BURS:MODE TRIG;NCYC {cycles};PHAS 0;STAT 1",
            "OUTP:SYNC:SOUR CH1;:OUTP1:SYNC:MODE CARR;:OUTP:SYNC 1;:OUTP1 1",
        ):
            self.visa.write(command)
        assert self.visa.query("SYST:ERR?").startswith("+0,")

    def start(self) -> None:
        self.visa.write("*TRG")


@dataclass(frozen=True)
class Stop:
    """What stops the interval: threshold in V and slope."""

    level: float = 1.0
    rising: bool = True


class Counter(ABC):
    """A counter of intervals from the marker to the sample's voltage."""

    #: Ramps that are made for each interval; what a counter skips it skips.
    ramps: ClassVar[int] = 1

    def __init__(self, manager: Any, address: str, start_rising: bool) -> None:
        self.visa: Any = manager.open_resource(address, read_termination="\n", write_termination="\n")
        self.visa.timeout = 60_000
        self.start_rising = start_rising

    @abstractmethod
    def arm(self, count: int, stop: Stop, timeout: float) -> None:
        """Begin to measure `count` intervals, each within `timeout` (s) if the counter knows such a thing."""

    @abstractmethod
    def fetch(self, count: int) -> Array:
        """Wait for the intervals and return them in s."""


class Keysight53230A(Counter):
    """The recipe of a buffered measurement with block read-out."""

    def arm(self, count: int, stop: Stop, timeout: float) -> None:
        for command in (
            "*RST;*CLS",
            f"SYST:TIM {max(timeout, 0.01)}",
            "CONF:TINT (@1),(@2)",
            f"INP1:COUP DC;IMP 1E6;LEV 1.0;SLOP {'POS' if self.start_rising else 'NEG'}",
            f"INP2:COUP DC;IMP 1E6;LEV {stop.level};SLOP {'POS' if stop.rising else 'NEG'}",
            "TRIG:SOUR IMM;COUN 1",
            f"SAMP:COUN {count}",
            "FORM REAL,64;:FORM:BORD SWAP",
            "INIT",
        ):
            self.visa.write(command)
        assert self.visa.query("SYST:ERR?").startswith("+0,")

    def fetch(self, count: int) -> Array:
        values = self.visa.query_binary_values(f"DATA:REM? {count},WAIT", datatype="d", container=np.array)
        return np.asarray(values, dtype=np.float64)


class SRS620(Counter):
    """Single samples by binary dump, the controller taking eight bytes each time."""

    ramps = 4

    def arm(self, count: int, stop: Stop, timeout: float) -> None:
        for command in (
            "*RST;*CLS;AUTM0;MODE0;SRCE0;ARMM1",
            f"TMOD1,0;LEVL1,1.0;TSLP1,{0 if self.start_rising else 1};TERM1,1",
            f"TMOD2,0;LEVL2,{stop.level:.2f};TSLP2,{0 if stop.rising else 1};TERM2,1",
        ):
            self.visa.write(command)
        assert self.visa.query("*ESR?;ERRS?") == "0;0"
        self.visa.write(f"BDMP{count}")

    def fetch(self, count: int) -> Array:
        counts = []
        self.visa.read_termination = None
        self.visa.set_visa_attribute(ResourceAttribute.termchar_enabled, False)
        for _ in range(count):
            counts.append(int.from_bytes(self.visa.read_bytes(8, break_on_termchar=False), "little", signed=True))
        self.visa.read_termination = "\n"
        return np.array(counts) * 1.05963812934e-14


_SOURCE_CLASSES = {"keithley-6221": Keithley6221, "keysight-33512b": Keysight33512B}
_COUNTER_CLASSES: dict[str, type[Counter]] = {"keysight-53230a": Keysight53230A, "srs-sr620": SRS620}


class Chain:
    """A bench with source and counter connected."""

    def __init__(self, file: Path, source: str, counter: str) -> None:
        manager = pyvisa.ResourceManager(f"{file}@mqt")
        self.manager = manager
        self.bench: Any = manager.visalib.bench  # type: ignore[attr-defined]  # PyVISA types the base library
        self.source: Source = _SOURCE_CLASSES[source](manager, ADDRESSES[source])
        self.counter: Counter = _COUNTER_CLASSES[counter](manager, ADDRESSES[counter], source == "keysight-33512b")

    def measure(
        self, values: Array, frequency: float, count: int, stop: Stop | None = None, *, ramps: int | None = None
    ) -> Array:
        """Let `ramps` ramps run, enough for any counter if it is None, and return `count` intervals in s."""
        self.source.load(values, frequency, self.counter.ramps * count if ramps is None else ramps)
        self.counter.arm(count, stop or Stop(), 3.0 / frequency)
        self.source.start()
        return self.counter.fetch(count)


def sawtooth(top: float, rise: float = 0.9, fall: float = 0.01, points: int = POINTS) -> Array:
    """Return a ramp from 0 to `top` (A, of either sign) that is straight in the middle of its steps, then 0."""
    values = np.zeros(points)
    n_rise, n_fall = round(rise * points), max(round(fall * points), 1)
    values[:n_rise] = top * (np.arange(n_rise) + 0.5) / n_rise
    values[n_rise : n_rise + n_fall] = top * (1.0 - (np.arange(n_fall) + 0.5) / n_fall)
    values[0] = 0.0  # where the source waits
    return values
