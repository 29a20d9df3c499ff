"""The trigger system of the 33500B: what starts a burst, how often, and when one is over.

An external trigger is looked at when the bench moves, so its burst may come late by 0.25 s.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["TriggeredGenerator"]

#: Time in s that the end of a burst needs before the next one can start.
REARMING = 1e-6
CHANNELS = (1, 2)


class TriggeredGenerator(ScpiInstrument):
    """The part of the generator that knows triggers."""

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        # Bench time in s of the trigger that counts for the output, and triggers still to be taken after INITiate.
        self._triggered: dict[int, float] = dict.fromkeys(CHANNELS, -math.inf)
        self._awaited: dict[int, float] = dict.fromkeys(CHANNELS, 0.0)
        self._looked = 0.0
        super().__init__(wires, rng, options)

    @abc.abstractmethod
    def refresh(self, channel: int, *_: object) -> None:
        """Put out what the settings say."""

    @abc.abstractmethod
    def restart(self, channel: int) -> None:
        """Put out what the settings say from its beginning."""

    @abc.abstractmethod
    def waits_in_sequence(self, channel: int) -> bool:
        """Whether a trigger lets a sequence of waveforms go on."""

    @abc.abstractmethod
    def go_on_in_sequence(self, channel: int, now: float) -> None:
        """Let a sequence go on at bench time `now` (s)."""

    @abc.abstractmethod
    def period(self, channel: int) -> float:
        """Return the duration of one cycle in s."""

    def software_trigger(self) -> None:
        """Start the bursts that wait for *TRG."""
        waiting = [channel for channel in CHANNELS if self._awaits(channel, "BUS")]
        if not waiting:
            raise ScpiError(-211)
        for channel in waiting:
            self.start_burst(channel)

    def _awaits(self, channel: int, source: str) -> bool:
        settings = self.settings
        ready = settings["continuous", channel] or self._awaited[channel] > 0
        triggered = settings["burst", channel] and settings["burst_mode", channel] == "TRIG"
        waits = triggered or self.waits_in_sequence(channel)
        return bool(ready and waits and settings["trigger_source", channel] == source)

    def start_burst(self, channel: int, now: float | None = None) -> None:
        """Start one burst at bench time `now` (s), or behind the trigger delay; one that runs is not disturbed."""
        now = self.wires.clock.now() if now is None else now
        if self.waits_in_sequence(channel):
            self.go_on_in_sequence(channel, now + self.settings["trigger_delay", channel])
            return
        if now < self._triggered[channel] + self._burst_duration(channel):
            return
        self._awaited[channel] = max(self._awaited[channel] - 1, 0.0)
        self._triggered[channel] = now + self.settings["trigger_delay", channel]
        self.restart(channel)

    def initiate(self, channel: int) -> None:
        """Leave idle for as many triggers as TRIGger:COUNt says; those of the timer come at once."""
        if self.settings["continuous", channel]:
            raise ScpiError(-213)
        self._awaited[channel] = self.settings["trigger_count", channel]
        if self.settings["trigger_source", channel] in ("IMM", "TIM"):
            self._triggered[channel] = self.wires.clock.now()
            self.restart(channel)

    def initiate_all(self) -> None:
        """Leave idle on both channels."""
        for channel in CHANNELS:
            self.initiate(channel)

    def trigger_channel(self, channel: int) -> None:
        """Do what TRIGger does: one burst, whatever the trigger source."""
        waits = self.settings["burst", channel] or self.waits_in_sequence(channel)
        if not waits or self.settings["trigger_source", channel] == "IMM":
            raise ScpiError(-211)
        self.start_burst(channel)

    def set_burst_period(self, channel: int, period: float) -> None:
        """Set the time in s between burst starts, for the internal trigger and for the timer (U)."""
        self.settings["burst_period", channel] = self.settings["timer", channel] = period
        self.refresh(channel)

    def abort(self) -> None:
        """Go back to idle, on both channels."""
        for channel in CHANNELS:
            self.forget_trigger(channel)
            self.restart(channel)

    def forget_trigger(self, channel: int) -> None:
        """Wait for no trigger any more, and remember none."""
        self._triggered[channel], self._awaited[channel] = -math.inf, 0.0

    def _ends_at(self, channel: int) -> float:
        """Return the bench time in s at which a triggered burst is over; -inf if none runs that ends by itself."""
        settings = self.settings
        if not settings["burst", channel] or settings["burst_mode", channel] != "TRIG":
            return -math.inf
        length = self._burst_duration(channel)
        if settings["trigger_source", channel] in ("IMM", "TIM"):
            if settings["continuous", channel]:
                return -math.inf
            length = self._spacing(channel) * settings["trigger_count", channel] + settings["trigger_delay", channel]
        return self._triggered[channel] + length if math.isfinite(length) else -math.inf

    @property
    def operation_pending(self) -> bool:
        """Whether a burst is under way that was triggered from outside; *OPC, *OPC? and *WAI wait for its end."""
        return any(self._ends_at(channel) > self.wires.clock.now() for channel in CHANNELS)

    def next_event(self) -> float:
        """Return when a triggered burst ends."""
        now = self.wires.clock.now()
        return min((end for end in map(self._ends_at, CHANNELS) if end > now), default=math.inf)

    def elapse(self, now: float) -> None:
        """Look for external triggers."""
        for channel in CHANNELS:
            if self._awaits(channel, "EXT"):
                rising = self.settings["trigger_slope", channel] == "POS"
                level = self.settings["trigger_level", channel]
                if len(self.wires.edges("trigger", level, rising, self._looked, now)):
                    self.start_burst(channel, now)
        self._looked = now

    def _burst_duration(self, channel: int) -> float:
        """Return the duration in s of a burst."""
        return float(self.settings["cycles", channel]) * self.period(channel)

    def check_burst_period(self, channel: int) -> None:
        """Lengthen a burst period into which the burst does not fit, and say so."""
        settings = self.settings
        if not settings["burst", channel] or settings["trigger_source", channel] != "IMM":
            return
        needed = self._burst_duration(channel) + REARMING
        if math.isfinite(needed) and settings["burst_period", channel] < needed * (1 - 1e-12):
            settings["burst_period", channel] = needed
            raise ScpiError(-221, "burst period increased to fit entire burst")

    def _spacing(self, channel: int) -> float:
        """Return the time in s between burst starts with the internal trigger."""
        duration = self._burst_duration(channel)
        if math.isinf(duration):
            return duration
        if self.settings["trigger_source", channel] == "IMM":
            return max(float(self.settings["burst_period", channel]), duration)
        timer = float(self.settings["timer", channel])
        # A trigger that comes during a burst is lost.
        return timer * max(math.ceil(duration / timer - 1e-9), 1)
