"""The bench: instruments, junction and cryostat moving together through virtual time.

The bench follows its clock in ticks of a quarter of a second. In each tick the junction answers the bias
at its present temperature, its heat and that of the heaters moves the cryostat, and the instruments
live on. Between ticks an instrument sees the junction's answers up to the moment it asks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyvisa_sim.devices import Devices

from mqtctl.bench_description import BenchFile, split_port
from pyvisa_mqt.bench.assembly import build_cryostat, build_markers, build_readouts, build_sample
from pyvisa_mqt.bench.bench_file import BenchFileError, load_bench_file, split_query
from pyvisa_mqt.bench.faults import Faults
from pyvisa_mqt.bench.instrument_wires import InstrumentWires, build_instrument
from pyvisa_mqt.bench.outputs import Outputs
from pyvisa_mqt.bench.stock_devices import StockInstrument, stock_devices
from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.line.line import Line
from pyvisa_mqt.line.locks import ResourceLock
from pyvisa_mqt.line.transcript import Transcript, TruthWitness
from pyvisa_mqt.sample.heaters import Heaters
from pyvisa_mqt.sample.physical_faults import PhysicalFaults
from pyvisa_mqt.wires.clock import VirtualClock
from pyvisa_mqt.wires.interface_speed import Transport
from pyvisa_mqt.wires.random_streams import generator
from pyvisa_mqt.wires.signals import Waveform

__all__ = ["TICK", "Bench", "open_bench"]

#: Duration in s of a tick: temperatures and heat are constant within it. A power of two, so that ticks add up.
TICK = 0.25
#: Temperature in K of a sensor that is bolted to nothing cold.
ROOM_TEMPERATURE = 300.0


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
        Canonical VISA resource name -> the line between the instrument, also a stock one, and its clients.
    locks
        Canonical VISA resource name -> who holds it.
    transcript
        Where messages and the truth are written down; None for nowhere.
    speed
        Bench seconds that pass per second of wall time besides those of messages; None for none.
    on_failure
        Called with the instrument and the exception when an instrument fails between messages; None lets the
        exception pass to whoever let time pass.
    """

    def __init__(
        self,
        file: BenchFile,
        static_devices: Devices | None = None,
        transcript: Transcript | None = None,
        speed: float | None = None,
    ) -> None:
        self.file = file
        self.speed = speed
        self.static_devices = Devices() if static_devices is None else static_devices
        epoch = file.epoch if file.epoch.tzinfo else file.epoch.replace(tzinfo=UTC)
        self.clock = VirtualClock(epoch)
        self.cryostat = build_cryostat(file)
        self.sample = build_sample(file)
        self._ticks = 0
        self._ticking = False
        markers = build_markers(file)
        self._marker_inputs = {record.line.to: record for records in markers.values() for record in records}
        self._outputs = Outputs(file, self.sample, lambda: self.cryostat.sample, markers)
        self._readouts = build_readouts(file)
        self._sensors = {split_port(p): node for p, node in file.cryostat.sensors.items()}
        self._transports: dict[str, Transport] = {}
        self.wrong = PhysicalFaults()
        nodes = {split_port(port): node for port, node in file.cryostat.heaters.items()}
        self._heaters = Heaters(nodes, self.wrong, self._heater_changed)
        self.transcript = transcript
        self._witness: TruthWitness | None = None
        if transcript is not None:
            self._witness = self._outputs.witness = self._begin_transcript(transcript)
        self.instruments: dict[str, Instrument] = {}
        for name, section in file.instruments.items():
            line = section.transport or file.transport
            self._transports[section.address] = Transport(line.latency, line.byte_rate)
            self.instruments[section.address] = build_instrument(self, name)
        self._living = [(instrument, instrument.ticks_apart) for instrument in self.instruments.values()]
        self.lines = {
            section.address: Line(name, self.instruments[section.address], self.clock.now, transcript)
            for name, section in file.instruments.items()
        }
        self._connect_stock_devices()
        # held by sessions, which this room does not know
        self.locks: dict[str, ResourceLock[Any]] = {resource: ResourceLock() for resource in self.lines}
        self.on_failure: Callable[[Instrument, Exception], None] | None = None
        self.faults = Faults(self)
        self._plan_faults()
        self.clock.on_advance(self._follow)

    def _connect_stock_devices(self) -> None:
        """Put a line in front of each stock device, named as its definition or, where that is taken, its resource."""
        for resource in self.static_devices.list_resources():
            wires = InstrumentWires(self, resource)
            stock = StockInstrument(wires, generator(self.file.seed, resource), self.static_devices[resource])
            taken = {line.name for line in self.lines.values()}
            name = resource if stock.name in taken else stock.name
            self.lines[resource] = Line(name, stock, self.clock.now, self.transcript)

    def _plan_faults(self) -> None:
        """Plan the faults of the bench file."""
        for number, plan in enumerate(self.file.faults):
            try:
                self.faults.add(plan)
            except ValueError as exc:
                raise BenchFileError(f"faults, entry {number + 1}: {exc}") from exc

    def _begin_transcript(self, transcript: Transcript) -> TruthWitness:
        """Write down what stands on the bench, and return who writes down the rest."""
        instruments = {name: {"model": s.model, "address": s.address} for name, s in self.file.instruments.items()}
        epoch = self.clock.utc().isoformat()
        transcript.note(0.0, "bench", seed=self.file.seed, epoch=epoch, instruments=instruments)
        return TruthWitness(transcript, None if self.sample is None else self.sample.log, self._outputs.scales)

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
        heater, sample = self._heaters.take(time)
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
                self._advance(instrument, time)

    def _advance(self, instrument: Instrument, time: float) -> None:
        """Let an instrument live; a defect of it is an exception here, unless somebody takes care of failures."""
        if self.on_failure is None:
            instrument.advance(time)
            return
        try:
            instrument.advance(time)
        except Exception as exc:  # a served bench goes on for the others
            self.on_failure(instrument, exc)

    def _heater_changed(self, heater: tuple[str, str], node: str, power: float) -> None:
        """Note the true power of a heater, W."""
        if self._witness is not None:
            self._witness.heater(self.time, heater, node, power)

    def set_heater(self, heater: tuple[str, str], power: float) -> None:
        """Set the power in W of a heater; one that is connected nowhere warms nothing."""
        self._heaters.set(self.time, heater, power)

    def heater_power(self, heater: tuple[str, str]) -> float:
        """Return the power in W that a heater gives."""
        return self._heaters.power(heater)

    def renew_heater(self, heater: tuple[str, str]) -> None:
        """Let a heater give again what is asked of it, as far as it can."""
        self._heaters.renew(self.time, heater)

    def line(self, name: str) -> Line:
        """Return the line to the instrument of this name; raises ValueError if there is none."""
        for line in self.lines.values():
            if line.name == name:
                return line
        known = ", ".join(line.name for line in self.lines.values())
        raise ValueError(f"{name!r} is no instrument of this bench; it has {known}")

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
        for heater in self._heaters.of(name):
            self.set_heater(heater, 0.0)
        for output in self._outputs.of(name):
            self.drive(output, Waveform(self.time, 1.0, math.inf, np.zeros(1)), None)
        self.line(name).power_cycle()

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
        self._outputs.drive(self.time, output, waveform, marker)

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


def open_bench(path: str) -> Bench:
    """Return a new bench.

    Parameters
    ----------
    path
        "" for the built-in bench, the name of a built-in bench, or a bench file, each perhaps followed
        by `?seed=7`, which stands above the file's own seed, `?transcript=PATH`, `?speed=1`, or several with `&`.

    Raises
    ------
    BenchFileError
        If the file is missing or wrong.
    """
    name, changes = split_query(path)
    file, location = load_bench_file(name)
    if "transcript" not in changes and file.transcript is not None:
        changes["transcript"] = str(location.parent / file.transcript)
    speed = changes.pop("speed", None)
    file = file.model_copy(update=changes)
    try:
        transcript = None if file.transcript is None else Transcript(Path(file.transcript).expanduser())
    except OSError as exc:
        raise BenchFileError(f"{location}: transcript: {file.transcript!r} cannot be written ({exc.strerror})") from exc
    try:
        return Bench(file, stock_devices(file, location), transcript, speed)
    except BenchFileError as exc:
        raise BenchFileError(f"{location}: {exc}") from exc
