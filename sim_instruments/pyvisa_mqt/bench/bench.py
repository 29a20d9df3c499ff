"""The bench: instruments, junction and cryostat moving together through virtual time.

The bench follows its clock in ticks of a quarter of a second. In each tick the junction answers the bias
at its present temperature, its heat and that of the heaters moves the cryostat, and the instruments
live on. Between ticks an instrument sees the junction's answers up to the moment it asks.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyvisa_sim.devices import Devices

from mqtctl.bench_description import BenchFile
from pyvisa_mqt.bench.bench_file import BenchFileError, load_bench_file, split_query
from pyvisa_mqt.bench.faults import Faults
from pyvisa_mqt.bench.instrument_wires import InstrumentWires, build_instrument
from pyvisa_mqt.bench.stock_devices import StockInstrument, stock_devices
from pyvisa_mqt.bench.works import TICK, Works
from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.messages.locks import ResourceLock
from pyvisa_mqt.messages.transcript import Transcript
from pyvisa_mqt.time_and_signals.interface_speed import Transport
from pyvisa_mqt.time_and_signals.random_streams import generator

__all__ = ["TICK", "Bench", "open_bench"]


class Bench(Works):
    """Simulated instruments wired to one junction in one cryostat: `Works`, with its instruments and what goes wrong.

    Parameters
    ----------
    file
        The validated bench file.
    static_devices
        Stock pyvisa-sim devices that stand on the same bench.

    Attributes
    ----------
    instruments
        Canonical VISA resource name -> instrument.
    faults
        What goes wrong; `faults.inject` lets more go wrong.
    locks
        Canonical VISA resource name -> who holds it.
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
        super().__init__(file, transcript)
        self.speed = speed
        self.static_devices = Devices() if static_devices is None else static_devices
        self._transports: dict[str, Transport] = {}
        self.instruments: dict[str, Instrument] = {}
        for name, section in file.instruments.items():
            line = section.transport or file.transport
            self._transports[section.address] = Transport(line.latency, line.byte_rate)
            self.instruments[section.address] = build_instrument(self, name)
        self._living = [(instrument, instrument.ticks_apart) for instrument in self.instruments.values()]
        self.lines |= {
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

    def transport(self, resource: str) -> Transport:
        """Return what messages to this canonical resource name cost; the bench's default for others."""
        default = self.file.transport
        return self._transports.get(resource, Transport(default.latency, default.byte_rate))

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
            if ticks_apart == 1 or self._ticks % ticks_apart == 0:
                if self.on_failure is None:
                    instrument.advance(time)
                else:
                    self._advance(instrument, time, self.on_failure)

    @staticmethod
    def _advance(instrument: Instrument, time: float, on_failure: Callable[[Instrument, Exception], None]) -> None:
        """Let an instrument live where somebody takes care of failures."""
        try:
            instrument.advance(time)
        except Exception as exc:  # a served bench goes on for the others
            on_failure(instrument, exc)


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
