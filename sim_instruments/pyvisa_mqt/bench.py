"""The bench: instruments, junction and cryostat moving together through virtual time.

The bench follows its clock in ticks of a quarter of a second. In each tick the junction answers the bias
at its present temperature, its heat and that of the heaters moves the cryostat, and the instruments
live on. Between ticks an instrument sees the junction's answers up to the moment it asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyvisa_sim.devices import Devices
from pyvisa_sim.parser import get_devices

from mqtctl.quantities import parse_quantity

from .assembly import build_cryostat, build_markers, build_readouts, build_sample
from .bench_file import BenchFileError, load_bench_file
from .bench_schema import BenchFile, split_port
from .bias import bias_stretches
from .clock import VirtualClock
from .instruments import MODELS
from .instruments.base import Instrument
from .signals import Waveform
from .streams import generator

__all__ = ["TICK", "Bench", "Transport", "open_bench"]

#: Duration in s of a tick: temperatures and heat are constant within it. A power of two, so that ticks add up.
TICK = 0.25
#: Temperature in K of a sensor that is bolted to nothing cold.
ROOM_TEMPERATURE = 300.0


@dataclass(frozen=True)
class Transport:
    """What a message costs: latency in s each way, and byte rate in bytes/s."""

    latency: float
    byte_rate: float


class Bench:
    """Simulated instruments wired to one junction in one cryostat.

    Parameters
    ----------
    file
        The validated bench file.
    static_devices
        Stock pyvisa-sim devices that stand on the same bench.

    Attributes
    ----------
    clock
        The bench's virtual time; all else follows it.
    instruments
        Canonical VISA resource name -> instrument.
    sample, cryostat
        The truth, for transcripts and tests; no instrument sees it. `sample` is None without a junction.
    """

    def __init__(self, file: BenchFile, static_devices: Devices | None = None) -> None:
        self.file = file
        self.static_devices = Devices() if static_devices is None else static_devices
        epoch = file.epoch if file.epoch.tzinfo else file.epoch.replace(tzinfo=UTC)
        self.clock = VirtualClock(epoch)
        self.cryostat = build_cryostat(file)
        self.sample = build_sample(file)
        self._ticks = 0
        self._ticking = False
        self._outputs: dict[tuple[str, str], Waveform] = {}
        self._marker_of: dict[tuple[str, str], tuple[str, str]] = {}
        self._markers = build_markers(file)
        self._marker_inputs = {record.line.to: record for records in self._markers.values() for record in records}
        self._readouts = build_readouts(file)
        sources = file.bias.sources if file.bias else []
        self._scales = {split_port(s.port): s.scale for s in sources}
        self._heaters = {split_port(p): node for p, node in file.cryostat.heaters.items()}
        self._sensors = {split_port(p): node for p, node in file.cryostat.sensors.items()}
        self._powers: dict[tuple[str, str], float] = {}
        self._heat = {"mixing_chamber": 0.0, "sample": 0.0}  # J put in since the last tick
        self._heat_time = 0.0
        self._transports: dict[str, Transport] = {}
        self.instruments: dict[str, Instrument] = {}
        for name, section in file.instruments.items():
            line = section.transport or file.transport
            self._transports[section.address] = Transport(line.latency, line.byte_rate)
            self.instruments[section.address] = self._build(name)
        self._living = list(self.instruments.values())
        self.clock.on_advance(self._follow)

    def _build(self, name: str) -> Instrument:
        """Put one instrument on the bench."""
        section = self.file.instruments[name]
        if section.model not in MODELS:
            known = ", ".join(sorted(MODELS))
            raise BenchFileError(f"instruments.{name}.model: {section.model!r} is unknown; choose one of {known}")
        model = MODELS[section.model]
        rng = generator(self.file.seed, f"instrument {name}")
        # An instrument says which of its options are quantities; a bare number is refused for those.
        units: Mapping[str, str] = getattr(model, "option_units", {})
        try:
            options = {
                key: parse_quantity(value, units[key]) if key in units else value
                for key, value in section.options.items()
            }
            return model(_InstrumentWires(self, name), rng, options)
        except ValueError as exc:
            raise BenchFileError(f"instruments.{name}.options: {exc}") from exc

    def transport(self, resource: str) -> Transport:
        """Return what messages to this canonical resource name cost; the bench's default for others."""
        default = self.file.transport
        return self._transports.get(resource, Transport(default.latency, default.byte_rate))

    @property
    def time(self) -> float:
        """Bench time in s at which things happen now; inside a tick that is the tick's time."""
        return self._ticks * TICK if self._ticking else self.clock.now()

    def _follow(self, now: float) -> None:
        """Catch up with the clock."""
        while (self._ticks + 1) * TICK <= now:
            self._ticks += 1
            self._ticking = True
            try:
                self._tick(self._ticks * TICK)
            finally:
                self._ticking = False

    def _tick(self, time: float) -> None:
        """Live through the tick that ends at `time` (s)."""
        self._keep_heat(time)
        heater, sample = self._heat["mixing_chamber"], self._heat["sample"]
        self._heat["mixing_chamber"] = self._heat["sample"] = 0.0
        if self.sample is not None:
            self.sample.draw_until(time, self.cryostat.sample)
            sample += self.sample.heat.release(time)
        self.cryostat.step(TICK, heater / TICK, sample / TICK)
        if self.sample is not None:
            self.sample.foresee(time, self.cryostat.sample)
        for instrument in self._living:
            instrument.advance(time)

    def _keep_heat(self, time: float) -> None:
        """Count the heat that the heaters have given up to `time` (s) at their present powers."""
        for heater, power in self._powers.items():
            self._heat[self._heaters[heater]] += power * (time - self._heat_time)
        self._heat_time = time

    def set_heater(self, heater: tuple[str, str], power: float) -> None:
        """Set the power in W of a heater; one that is connected nowhere warms nothing."""
        if self._heaters.get(heater, "nowhere") == "nowhere":
            return
        self._keep_heat(self.time)
        self._powers[heater] = power

    def temperature(self, sensor: tuple[str, str]) -> float:
        """Return the true temperature in K at a sensor."""
        node = self._sensors.get(sensor, "nowhere")
        if node == "nowhere":
            return ROOM_TEMPERATURE
        return self.cryostat.sample if node == "sample" else self.cryostat.mixing_chamber

    def drive(self, output: tuple[str, str], waveform: Waveform, marker: tuple[str, str] | None) -> None:
        """Let an output follow a waveform from now on, and a marker line its markers."""
        now = self.time
        before = self._marker_of.pop(output, None)
        if before is not None and before != marker:
            for record in self._markers[before]:
                record.drive(now, None)
        if marker is not None and marker in self._markers:
            self._marker_of[output] = marker
            for record in self._markers[marker]:
                record.drive(now, waveform)
        if self.sample is None or output not in self._scales:
            return
        self.sample.draw_until(now, self.cryostat.sample)
        self._outputs.pop(output, None)
        self._outputs[output] = waveform  # the last one set stands last
        outputs = [(self._scales[port], wave) for port, wave in self._outputs.items()]
        bias = self.file.bias
        self.sample.follow(now, bias_stretches(now, outputs, bias.offset if bias else 0.0))

    def edges(self, port: str, threshold: float, rising: bool, since: float, until: float) -> NDArray[np.float64]:
        """Return the sorted times in s, since < t <= until, at which the signal at a port crosses a threshold (V)."""
        since, until = max(since, -1.0), min(until, self.time)
        if port in self._readouts and self.sample is not None and until > since:
            self.sample.draw_until(until, self.cryostat.sample)
            return self._readouts[port].edges(self.sample.log, threshold, rising, since, until)
        if port in self._marker_inputs:
            return self._marker_inputs[port].edges(threshold, rising, since, until)
        return np.empty(0)


class _InstrumentWires:
    """The bench as one instrument sees it: its own connectors only."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._bench = bench
        self._name = name

    @property
    def clock(self) -> VirtualClock:
        return self._bench.clock

    def drive(self, port: str, waveform: Waveform, marker_port: str | None = None) -> None:
        marker = None if marker_port is None else (self._name, marker_port)
        self._bench.drive((self._name, port), waveform, marker)

    def edges(self, port: str, threshold: float, rising: bool, since: float, until: float) -> NDArray[np.float64]:
        return self._bench.edges(f"{self._name}.{port}", threshold, rising, since, until)

    def temperature(self, sensor: str) -> float:
        return self._bench.temperature((self._name, sensor))

    def heat(self, heater: str, power: float) -> None:
        self._bench.set_heater((self._name, heater), power)


def open_bench(path: str) -> Bench:
    """Return a new bench.

    Parameters
    ----------
    path
        "" for the built-in bench, the name of a built-in bench, or a bench file, each perhaps followed
        by `?seed=7`, which stands above the file's own seed.

    Raises
    ------
    BenchFileError
        If the file is missing or wrong.
    """
    name, seed = _split_seed(path)
    file, location = load_bench_file(name)
    if seed is not None:
        file = file.model_copy(update={"seed": seed})
    try:
        return Bench(file, _static_devices(file, location))
    except BenchFileError as exc:
        raise BenchFileError(f"{location}: {exc}") from exc


def _split_seed(path: str) -> tuple[str, int | None]:
    """Split "bench.yaml?seed=7" into name and seed."""
    name, mark, query = path.partition("?")
    if not mark:
        return name, None
    found = re.fullmatch(r"seed=(\d{1,18})", query)
    if found is None:
        raise BenchFileError(f"{path}: {query!r} is not understood; only a seed may follow the '?', such as '?seed=7'")
    return name, int(found[1])


def _static_devices(file: BenchFile, location: Path) -> Devices:
    """Return the stock pyvisa-sim devices defined in the same file."""
    if not file.resources:
        return Devices()
    try:
        return get_devices(location, bundled=False)
    except Exception as exc:  # pyvisa-sim raises bare Exception for a malformed definition
        reason = " ".join(str(exc).split())
        raise BenchFileError(f"spec, devices, resources: not a pyvisa-sim definition: {reason[:300]}") from exc
