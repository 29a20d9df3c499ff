"""The bench: instruments, junction and cryostat moving together through virtual time.

The bench follows its clock in ticks of a quarter of a second. In each tick the junction answers the bias
at its present temperature, its heat and that of the heaters moves the cryostat, and the instruments
live on. Between ticks an instrument sees the junction's answers up to the moment it asks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

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
from .faults import Faults
from .instruments import MODELS
from .instruments.base import Instrument
from .line import Line
from .physical_faults import PhysicalFaults
from .sample import Sample
from .sessions import ResourceLock
from .signals import Waveform
from .streams import generator
from .transcript import Transcript, TruthWitness

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
    faults
        What goes wrong; `faults.inject` lets more go wrong.
    wrong
        What is physically wrong at present.
    lines
        Canonical VISA resource name -> the line between the instrument and its clients.
    locks
        Canonical VISA resource name -> who holds it.
    transcript
        Where messages and the truth are written down; None for nowhere.
    """

    def __init__(
        self, file: BenchFile, static_devices: Devices | None = None, transcript: Transcript | None = None
    ) -> None:
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
        self._requested: dict[tuple[str, str], float] = {}
        self._driven: set[tuple[str, str]] = set()
        self._heat = {"mixing_chamber": 0.0, "sample": 0.0}  # J put in since the last tick
        self._heat_time = 0.0
        self._transports: dict[str, Transport] = {}
        self.wrong = PhysicalFaults()
        self.transcript = transcript
        self._witness: TruthWitness | None = None
        if transcript is not None:
            self._witness = self._begin_transcript(transcript)
        self.instruments: dict[str, Instrument] = {}
        for name, section in file.instruments.items():
            line = section.transport or file.transport
            self._transports[section.address] = Transport(line.latency, line.byte_rate)
            self.instruments[section.address] = self._build(name)
        self._living = [(instrument, instrument.ticks_apart) for instrument in self.instruments.values()]
        self.lines = {
            section.address: Line(name, self.instruments[section.address], self.clock.now, transcript)
            for name, section in file.instruments.items()
        }
        self.locks: dict[str, ResourceLock] = {}
        self.faults = Faults(self)
        self._plan_faults()
        self.clock.on_advance(self._follow)

    def _plan_faults(self) -> None:
        """Plan the faults of the bench file."""
        for number, plan in enumerate(self.file.faults):
            try:
                self.faults.add(plan)
            except ValueError as exc:
                raise BenchFileError(f"faults.{number}: {exc}") from exc

    def _begin_transcript(self, transcript: Transcript) -> TruthWitness:
        """Write down what stands on the bench, and return who writes down the rest."""
        instruments = {name: {"model": s.model, "address": s.address} for name, s in self.file.instruments.items()}
        epoch = self.clock.utc().isoformat()
        transcript.note(0.0, "bench", seed=self.file.seed, epoch=epoch, instruments=instruments)
        return TruthWitness(transcript, None if self.sample is None else self.sample.log, self._scales)

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
        self.cryostat.step(TICK, heater / TICK + self.wrong.heat, sample / TICK)
        if self._witness is not None:
            self._witness.ramps(time)
            self._witness.temperatures(time, self.cryostat.mixing_chamber, self.cryostat.sample)
        if self.faults.planned:
            self.faults.follow(time)
        if self.sample is not None:
            self.sample.foresee(time, self.cryostat.sample)
        for instrument, ticks_apart in self._living:
            if self._ticks % ticks_apart == 0:
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
        self._requested[heater] = power
        given = self.wrong.power(heater, power)
        if self._witness is not None and given != self._powers.get(heater, 0.0):
            self._witness.heater(self.time, heater, self._heaters[heater], given)
        self._powers[heater] = given

    def heater_power(self, heater: tuple[str, str]) -> float:
        """Return the power in W that a heater gives."""
        return self._powers.get(heater, 0.0)

    def renew_heater(self, heater: tuple[str, str]) -> None:
        """Let a heater give again what is asked of it, as far as it can."""
        self.set_heater(heater, self._requested.get(heater, 0.0))

    def line(self, name: str) -> Line:
        """Return the line to the instrument of this name; raises ValueError if there is none."""
        for line in self.lines.values():
            if line.name == name:
                return line
        raise ValueError(f"{name!r} is no instrument of this bench; it has {', '.join(self.file.instruments)}")

    def check_port(self, kind: str, port: str) -> None:
        """Refuse with a ValueError a port that is not among the bench's "cryostat.sensors", "cryostat.heaters", ..."""
        ports = {
            "cryostat.sensors": [*self.file.cryostat.sensors],
            "cryostat.heaters": [*self.file.cryostat.heaters],
            "counter inputs": [*self._readouts, *self._marker_inputs],
        }[kind]
        if port not in ports:
            raise ValueError(f"{port!r} is not among the {kind} of this bench: {', '.join(ports) or 'none'}")

    def power_cycle(self, name: str) -> None:
        """Take an instrument's power away and give it back: it puts out nothing and starts as from the mains."""
        for heater in [heater for heater in self._powers if heater[0] == name]:
            self.set_heater(heater, 0.0)
        for output in [output for output in self._driven if output[0] == name]:
            self.drive(output, Waveform(self.time, 1.0, math.inf, np.zeros(1)), None)
        line = self.line(name)
        line.instrument.power_cycle()
        line.watch_replies()

    def catch_up(self) -> None:
        """Let the junction live until now."""
        if self.sample is not None:
            self.sample.draw_until(self.time, self.cryostat.sample)

    def temperature(self, sensor: tuple[str, str]) -> float:
        """Return the true temperature in K at a sensor."""
        node = self._sensors.get(sensor, "nowhere")
        if node == "nowhere":
            return ROOM_TEMPERATURE
        truth = self.cryostat.sample if node == "sample" else self.cryostat.mixing_chamber
        return self.wrong.shown(sensor, truth)

    def drive(self, output: tuple[str, str], waveform: Waveform, marker: tuple[str, str] | None) -> None:
        """Let an output follow a waveform from now on, and a marker line its markers."""
        now = self.time
        self._driven.add(output)
        before = self._marker_of.pop(output, None)
        if before is not None and before != marker:
            for record in self._markers[before]:
                record.drive(now, None)
        if marker is not None and marker in self._markers:
            self._marker_of[output] = marker
            for record in self._markers[marker]:
                record.drive(now, waveform)
        if self.sample is not None and output in self._scales:
            self._bias(self.sample, now, output, waveform)
        elif self._witness is not None:
            self._witness.output(now, output, waveform)

    def _bias(self, sample: Sample, now: float, output: tuple[str, str], waveform: Waveform) -> None:
        """Let the junction's bias follow a changed output."""
        sample.draw_until(now, self.cryostat.sample)
        if self._witness is not None:
            self._witness.ramps(now)
            self._witness.output(now, output, waveform)
        self._outputs.pop(output, None)
        self._outputs[output] = waveform  # the last one set stands last
        outputs = [(self._scales[port], wave) for port, wave in self._outputs.items()]
        bias = self.file.bias
        sample.follow(now, bias_stretches(now, outputs, bias.offset if bias else 0.0))

    def edges(self, port: str, threshold: float, rising: bool, since: float, until: float) -> NDArray[np.float64]:
        """Return the sorted times in s, since < t <= until, at which the signal at a port crosses a threshold (V)."""
        since, until = max(since, -1.0), min(until, self.time)
        true = self._true_edges(port, threshold, rising, since, until)
        return self.wrong.with_false_edges(port, true, since, until)

    def _true_edges(self, port: str, threshold: float, rising: bool, since: float, until: float) -> NDArray[np.float64]:
        """Return the edges that markers and junction have made."""
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
        by `?seed=7`, which stands above the file's own seed, or `?transcript=PATH`, or `?seed=7&transcript=PATH`.

    Raises
    ------
    BenchFileError
        If the file is missing or wrong.
    """
    name, changes = _split_query(path)
    file, location = load_bench_file(name)
    if "transcript" not in changes and file.transcript is not None:
        changes["transcript"] = str(location.parent / file.transcript)
    file = file.model_copy(update=changes)
    try:
        transcript = None if file.transcript is None else Transcript(Path(file.transcript).expanduser())
    except OSError as exc:
        raise BenchFileError(f"{location}: transcript: {file.transcript!r} cannot be written ({exc.strerror})") from exc
    try:
        return Bench(file, _static_devices(file, location), transcript)
    except BenchFileError as exc:
        raise BenchFileError(f"{location}: {exc}") from exc


def _split_query(path: str) -> tuple[str, dict[str, Any]]:
    """Split "bench.yaml?seed=7&transcript=run.jsonl" into the name and what it changes in the file."""
    name, mark, query = path.partition("?")
    changes: dict[str, Any] = {}
    for item in query.split("&") if mark else []:
        seed = re.fullmatch(r"seed=(\d{1,18})", item)
        transcript = re.fullmatch(r"transcript=(.+)", item)
        if seed is not None and "seed" not in changes:
            changes["seed"] = int(seed[1])
        elif transcript is not None and "transcript" not in changes:
            changes["transcript"] = transcript[1]
        else:
            raise BenchFileError(
                f"{path}: {item!r} is not understood; only a seed and a transcript may follow the '?', such as "
                "'?seed=7' or '?seed=7&transcript=run.jsonl'"
            )
    return name, changes


def _static_devices(file: BenchFile, location: Path) -> Devices:
    """Return the stock pyvisa-sim devices defined in the same file."""
    if not file.resources:
        return Devices()
    try:
        return get_devices(location, bundled=False)
    except Exception as exc:  # pyvisa-sim raises bare Exception for a malformed definition
        reason = " ".join(str(exc).split())
        raise BenchFileError(f"spec, devices, resources: not a pyvisa-sim definition: {reason[:300]}") from exc
