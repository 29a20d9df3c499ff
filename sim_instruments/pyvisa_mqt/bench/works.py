"""The works of a bench: junction, cryostat, heaters and cables in virtual time, as instruments and faults meet them.

What stands here knows no instrument and no fault; `bench` puts all together.
"""

from __future__ import annotations

import math
from datetime import UTC

import numpy as np
from numpy.typing import NDArray

from mqtctl.bench_description import BenchFile, split_port
from pyvisa_mqt.bench.assembly import build_cryostat, build_markers, build_readouts, build_sample
from pyvisa_mqt.bench.outputs import Outputs
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.messages.transcript import Transcript, TruthWitness
from pyvisa_mqt.sample.heaters import Heaters
from pyvisa_mqt.sample.physical_faults import PhysicalFaults
from pyvisa_mqt.time_and_signals.clock import VirtualClock
from pyvisa_mqt.time_and_signals.signals import Waveform

__all__ = ["TICK", "Works"]

#: Duration in s of a tick: temperatures and heat are constant within it. A power of two, so that ticks add up.
TICK = 0.25
#: Temperature in K of a sensor that is bolted to nothing cold.
ROOM_TEMPERATURE = 300.0


class Works:
    """One junction in one cryostat, and the cables and lines that lead to it.

    Parameters
    ----------
    file
        The validated bench file.
    transcript
        Where messages and the truth are written down; None for nowhere.

    Attributes
    ----------
    clock
        The bench's virtual time; all else follows it.
    sample, cryostat
        The truth, for transcripts and tests; no instrument sees it. `sample` is None without a junction.
    wrong
        What is physically wrong at present.
    lines
        Canonical VISA resource name -> the line between the instrument, also a stock one, and its clients.
    """

    def __init__(self, file: BenchFile, transcript: Transcript | None = None) -> None:
        self.file = file
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
        self.wrong = PhysicalFaults()
        nodes = {split_port(port): node for port, node in file.cryostat.heaters.items()}
        self._heaters = Heaters(nodes, self.wrong, self._heater_changed)
        self.transcript = transcript
        self._witness: TruthWitness | None = None
        if transcript is not None:
            self._witness = self._outputs.witness = self._begin_transcript(transcript)
        self.lines: dict[str, Line] = {}

    def _begin_transcript(self, transcript: Transcript) -> TruthWitness:
        """Write down what stands on the bench, and return who writes down the rest."""
        instruments = {name: {"model": s.model, "address": s.address} for name, s in self.file.instruments.items()}
        epoch = self.clock.utc().isoformat()
        transcript.note(0.0, "bench", seed=self.file.seed, epoch=epoch, instruments=instruments)
        return TruthWitness(transcript, None if self.sample is None else self.sample.log, self._outputs.scales)

    @property
    def time(self) -> float:
        """Bench time in s at which things happen now; inside a tick that is the tick's time."""
        return self._ticks * TICK if self._ticking else self.clock.now()

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
        if sensor not in self._sensors or (node := self._sensors[sensor]) == "nowhere":
            return ROOM_TEMPERATURE
        truth = self.cryostat.sample if node == "sample" else self.cryostat.mixing_chamber
        wrong = self.wrong
        return wrong.shown(sensor, truth) if wrong.stuck_sensors or wrong.jumping_sensors else truth

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
