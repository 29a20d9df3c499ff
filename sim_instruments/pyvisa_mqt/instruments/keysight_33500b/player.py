"""The part of the 33500B that plays sequences of arbitrary waveforms, from one trigger to the next."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument
from pyvisa_mqt.instruments.keysight_33500b.memory import WaveformMemory
from pyvisa_mqt.instruments.keysight_33500b.sequence import Step, played, read_sequence, runs, write_sequence
from pyvisa_mqt.time_and_signals.signals import Waveform, Wires

__all__ = ["SequencePlayer"]


class SequencePlayer(ScpiInstrument):
    """The part of the generator that knows sequences."""

    memory: WaveformMemory

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        # Which run of its sequence a channel plays or has played, and since when (s).
        self._playing: dict[int, tuple[int, float]] = {1: (0, 0.0), 2: (0, 0.0)}
        super().__init__(wires, rng, options)

    @abc.abstractmethod
    def restart(self, channel: int) -> None:
        """Put out what the settings say from its beginning."""

    @abc.abstractmethod
    def volts(self, channel: int, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the open-circuit voltage of levels from -1 to 1."""

    def playing(self, channel: int) -> tuple[int, float]:
        """Return the number of the present run, and since when (s) it is played."""
        return self._playing[channel]

    def play_from_the_first(self, channel: int) -> None:
        """Begin with the first run, now."""
        self._playing[channel] = (0, self.wires.clock.now())

    def check_playable(self, channel: int, name: str) -> None:
        """Refuse a sequence that this generator cannot play."""
        for run in runs(self.memory.sequence(channel, name)):
            if run[-1].endless and len(run) > 1:
                raise ScpiError(-221, "the simulated generator repeats a step for ever only behind one that waits")

    def load_sequence(self, channel: int, block: float | bytes) -> None:
        """Do what DATA:SEQuence does: define a sequence of waveforms that are loaded."""
        if not isinstance(block, bytes):
            raise ScpiError(-104)
        self.memory.add_sequence(channel, *read_sequence(block))

    def sequence_read_back(self, channel: int, name: str) -> str:
        """Return the block that defines a sequence (U)."""
        steps = self.memory.sequence(channel, name)
        if not steps:
            raise ScpiError(785, text="Specified arb waveform does not exist")
        return write_sequence(self.memory.spelling(channel, name), steps)

    def _runs(self, channel: int) -> list[tuple[Step, ...]]:
        """Return the runs of the sequence that is played between triggers; none if nothing in it waits."""
        settings = self.settings
        if settings["function", channel] != "ARB" or settings["burst", channel]:
            return []
        if settings["trigger_source", channel] in ("IMM", "TIM"):
            return []
        steps = self.memory.sequence(channel, settings["waveform", channel])
        return runs(steps) if any(step.waits for step in steps) else []

    def waits_in_sequence(self, channel: int) -> bool:
        """Whether a trigger lets a sequence of waveforms go on."""
        found = self._runs(channel)
        if not found:
            return False
        number, begun = self._playing[channel]
        run = found[number % len(found)]
        if run[-1].endless:
            return run[-1].control == "repeatTilTrig"
        return self.wires.clock.now() >= begun + self._run_duration(channel, run)

    def _run_duration(self, channel: int, run: tuple[Step, ...]) -> float:
        return len(self.memory.joined(channel, run)) / float(self.settings["sample_rate", channel])

    def go_on_in_sequence(self, channel: int, now: float) -> None:
        """Play the next run from bench time `now` (s) on."""
        self._playing[channel] = ((self._playing[channel][0] + 1) % len(self._runs(channel)), now)
        self.restart(channel)

    def present_run(self, channel: int) -> Waveform | None:
        """Return the run that is played, once and then its last point, or for ever; None if no sequence waits."""
        found = self._runs(channel)
        if not found:
            return None
        number, begun = self._playing[channel]
        run = found[number % len(found)]
        levels = played(self.memory.joined(channel, run), self.settings["filter", channel] == "OFF")
        values = self.volts(channel, levels)
        cycles = math.inf if run[-1].endless else 1.0
        return Waveform(begun, self._run_duration(channel, run), cycles, values, float(values[-1]), 0.0)
