"""Keysight 33512B and 33522B function and arbitrary waveform generators, as a client sees them.

Command set, ranges and couplings: collected in the project's instruments/keysight-33500b.md, with what the
33500 Series Operating and Service Guide says of the burst period, of levels in the wrong order and of
phase 0 of sine, square and ramp: the zero crossing upwards (arbitrary waveforms: the first point).
What no source confirms (U): number of digits, ranges of the attenuator, Sync is low while the output is
off, error texts of couplings, arbitrary filters (points are joined by straight lines; OFF holds them).
Not modelled: what modulation, sweep and list do to the output (their settings are there), edge times of pulses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.instruments.keysight_33500b.commands import COMMANDS
from pyvisa_mqt.instruments.keysight_33500b.levels import LARGEST_PEAK, GeneratorLevels
from pyvisa_mqt.instruments.keysight_33500b.memory import BUILT_IN, WaveformMemory, points_from_block
from pyvisa_mqt.instruments.keysight_33500b.modulation import STATES, ModulatingGenerator
from pyvisa_mqt.instruments.keysight_33500b.player import SequencePlayer
from pyvisa_mqt.instruments.keysight_33500b.sync import LAST_PHASE, SynchronisingGenerator
from pyvisa_mqt.instruments.keysight_33500b.triggers import TriggeredGenerator
from pyvisa_mqt.instruments.keysight_33500b.waveform import (
    Shape,
    burst_levels,
    cycle_levels,
    idle_level,
    noise_record,
)
from pyvisa_mqt.time_and_signals.signals import Waveform, Wires

__all__ = ["Keysight33500B", "Keysight33512B", "Keysight33522B"]

#: Full scales in V peak, open circuit, between which VOLTage:RANGe:AUTO chooses (U: steps of 6 dB).
RANGES = tuple(10.0 * 2.0**-n for n in range(9, -1, -1))
CONVERTER_LEVELS = 2**16
#: Shortest pulse, and shortest pause behind it, in s.
NARROWEST_PULSE = 16e-9
#: Highest frequencies in Hz where they are below the model's.
FUNCTION_LIMITS = {"RAMP": 200e3, "TRI": 200e3}
#: Settings of a channel on which its output depends directly.
WAVE_SETTINGS = (
    *("output", "polarity", "function", "amplitude", "offset", "phase", "symmetry", "duty_cycle", "pulse_width"),
    *("waveform", "sample_rate", "filter", "range_auto", "burst", "burst_mode", "burst_phase", "cycles"),
    *("gate_polarity", "trigger_source", "trigger_delay", "trigger_count", "continuous"),
)


class Keysight33500B(GeneratorLevels, ModulatingGenerator, SequencePlayer, SynchronisingGenerator, TriggeredGenerator):
    """A two-channel generator: ports "output1" and "output2" (V, open circuit), "sync", trigger input "trigger".

    The output drives a bias resistor; its own 50 Ohm are part of that resistance. Options of the bench file:
    `serial_number`, `firmware`.
    """

    model: ClassVar[str] = ""
    highest_frequency: ClassVar[float] = 20e6
    option_defaults: ClassVar = {"serial_number": "MY52400001", "firmware": "3.05-1.19-2.00-52-00"}
    commands = COMMANDS
    error_texts: ClassVar = {-222: "Data out of range"}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self.memory = WaveformMemory()
        self._driven: dict[int, tuple[Any, ...]] = {}
        self._started: dict[int, float] = {1: 0.0, 2: 0.0}
        super().__init__(wires, rng, options)
        self._records = {name: noise_record(name, rng) for name in ("PRBS", "NOIS")}
        self.reset()

    def identification(self) -> str:
        """Return maker, model, serial number and firmware."""
        return f"Agilent Technologies,{self.model},{self.options['serial_number']},{self.options['firmware']}"

    def format_number(self, value: float) -> str:
        """Write NR3 with 16 digits."""
        return f"{value:+.15E}"

    def format_integer(self, value: int) -> str:
        """Write NR1 with its sign."""
        return f"{value:+d}"

    def reset(self) -> None:
        """Switch the outputs off; the waveforms in volatile memory go, those on the disk stay."""
        for channel in (1, 2):
            self.memory.clear(channel)
            self.forget_trigger(channel)
            self.refresh(channel)

    def inherit(self, before: Self) -> None:
        """Keep the internal disk and, besides what lasts, the settings at power-down as state 0."""
        super().inherit(before)
        self.memory.inherit(before.memory)
        before.save_state(0)
        if self.settings["recall_at_power_on"]:
            self.recall_state(0)

    def recalled(self) -> None:
        """Put out what was recalled; a waveform that is gone gives way to the built-in one."""
        for channel in (1, 2):
            if not self.memory.holds(channel, self.settings["waveform", channel]):
                self.settings["waveform", channel] = BUILT_IN
        self.abort()

    @property
    def stored_states(self) -> dict[int, dict[Any, Any]]:
        """States of *SAV by their number."""
        return self._states

    # Function and time.

    def set_function(self, channel: int, function: str) -> None:
        """Choose the function; a frequency beyond its limit is lowered."""
        self.settings["function", channel] = function
        self.play_from_the_first(channel)
        limit = self.highest_of(channel)
        lowered = self.settings["frequency", channel] > limit
        if lowered:
            self.settings["frequency", channel] = limit
        self.leave_modes(channel)
        self.refresh(channel)
        if lowered:
            raise ScpiError(-221, "frequency reduced for new function")
        self._fit_pulse(channel, self._pulse_share(channel))

    def highest_of(self, channel: int) -> float:
        """Return the highest frequency in Hz of the present function."""
        return min(FUNCTION_LIMITS.get(self.settings["function", channel], math.inf), self.highest_frequency)

    def mode_changed(self, channel: int) -> None:
        """Put out what burst, modulation or sweep say."""
        self.refresh(channel)

    def apply_modes_off(self, channel: int) -> None:
        """Switch off what APPLy switches off, and set its trigger source."""
        for mode in STATES:
            self.settings[STATES[mode], channel] = False
        self.settings["frequency_mode", channel] = "CW"
        self.settings["trigger_source", channel] = "IMM"
        self.settings["range_auto", channel] = True

    def set_frequency(self, channel: int, frequency: float) -> None:
        """Set the frequency in Hz; of an arbitrary waveform it sets the sample rate."""
        limit = self.highest_of(channel)
        if frequency == math.inf:  # MAXimum
            frequency = limit
        if frequency > limit * (1 + 1e-9):
            raise ScpiError(-222)
        if self.settings["function", channel] == "ARB":
            self.set_sample_rate(channel, frequency * len(self._arbitrary(channel)))
            return
        share = self._pulse_share(channel)
        self.settings["frequency", channel] = frequency
        self.refresh(channel)
        self._fit_pulse(channel, share)

    def frequency(self, channel: int, keyword: str = "") -> str:
        """Return the frequency in Hz; MIN or MAX ask for the limits."""
        limits = {"": 1 / self.period(channel), "MIN": 1e-6, "MAX": self.highest_of(channel), "DEF": 1e3}
        return self.format_number(limits[keyword])

    def set_period(self, channel: int, period: float) -> None:
        """Set the period in s."""
        self.set_frequency(channel, 1 / period)

    def set_sample_rate(self, channel: int, rate: float) -> None:
        """Set the sample rate of arbitrary waveforms in Sa/s."""
        if not 1e-6 <= rate <= 250e6 * (1 + 1e-9):
            raise ScpiError(-222)
        self.settings["sample_rate", channel] = min(rate, 250e6)
        self.refresh(channel)

    def period(self, channel: int) -> float:
        """Return the duration of one cycle in s."""
        if self.settings["function", channel] == "ARB":
            return self.arbitrary_period(channel)
        return 1 / float(self.settings["frequency", channel])

    def _pulse_share(self, channel: int) -> float:
        return float(self.settings["pulse_width", channel]) / self.period(channel)

    def _fit_pulse(self, channel: int, share: float) -> None:
        """Follow a new period: with the share of the period that is held, or so that the pulse fits (U: silently)."""
        settings, period = self.settings, self.period(channel)
        if settings["function", channel] != "PULS":
            return
        if settings["pulse_hold", channel] == "DCYC":
            settings["pulse_width", channel] = max(share * period, NARROWEST_PULSE)
        settings["pulse_width", channel] = min(settings["pulse_width", channel], period - NARROWEST_PULSE)
        self.refresh(channel)

    def set_pulse_width(self, channel: int, width: float) -> None:
        """Set the pulse width in s; a pulse that is put out must fit into the period."""
        pulsing = self.settings["function", channel] == "PULS"
        if pulsing and width > self.period(channel) - NARROWEST_PULSE * (1 - 1e-6):
            raise ScpiError(-221, "pulse width does not fit into the period")
        self.settings["pulse_width", channel] = width
        self.refresh(channel)

    def set_pulse_share(self, channel: int, share: float) -> None:
        """Set the pulse width by its share of the period in %."""
        self.settings["pulse_width", channel] = max(share / 100 * self.period(channel), NARROWEST_PULSE)
        self.refresh(channel)

    def pulse_share(self, channel: int) -> str:
        """Return the pulse width as its share of the period in %."""
        return self.format_number(min(100 * self._pulse_share(channel), 100.0))

    def synchronise(self) -> None:
        """Start both channels afresh, in phase."""
        self._driven.clear()
        self.refresh_all()

    def angle(self, channel: int) -> float:
        """Return how many degrees the present unit of angle holds."""
        return {"DEG": 1.0, "RAD": 180 / math.pi, "SEC": 360 / self.period(channel)}[self.settings["angle_unit"]]

    def set_phase(self, which: str, channel: int, phase: float) -> None:
        """Set "phase" or "burst_phase", given in the present unit."""
        degrees = phase * self.angle(channel)
        if abs(degrees) > 360 * (1 + 1e-6):
            raise ScpiError(-222)
        self.settings[which, channel] = degrees
        self.refresh(channel)

    def phase(self, which: str, channel: int) -> str:
        """Return "phase" or "burst_phase" in the present unit."""
        return self.format_number(self.settings[which, channel] / self.angle(channel))

    # Arbitrary waveforms.

    def _arbitrary(self, channel: int) -> NDArray[np.float64]:
        return self.memory.points(channel, self.settings["waveform", channel])

    def arbitrary_period(self, channel: int) -> float:
        """Return the duration in s of the arbitrary waveform."""
        return len(self._arbitrary(channel)) / float(self.settings["sample_rate", channel])

    def set_arbitrary_frequency(self, channel: int, frequency: float) -> None:
        """Set the sample rate so that the arbitrary waveform repeats at a frequency in Hz."""
        self.set_sample_rate(channel, frequency * len(self._arbitrary(channel)))

    def waveform_attribute(self, channel: int, what: str, name: str = "") -> str:
        """Return a property of a waveform, by default of the one that is selected."""
        value = self.memory.attribute(channel, name or self.settings["waveform", channel], what)
        return self.format_integer(int(value)) if what == "POIN" else self.format_number(value)

    def load_points(self, integers: bool, channel: int, name: str, *data: float | bytes) -> None:
        """Do what DATA:ARBitrary and DATA:ARBitrary:DAC do: numbers, or one binary block."""
        if isinstance(data[0], bytes):
            if len(data) > 1:
                raise ScpiError(-108)
            points = points_from_block(data[0], integers, self.settings["byte_order"] == "NORM")
        else:
            if any(isinstance(item, bytes) for item in data):
                raise ScpiError(-104)
            largest = 32767.0 if integers else 1.0
            points = np.array(data, dtype=np.float64) / largest
            if np.any(np.abs(points) > 1 + 1e-9):
                raise ScpiError(-222)
        self.memory.add(channel, name, points)

    def select_waveform(self, channel: int, name: str) -> None:
        """Choose the arbitrary waveform of a channel."""
        spelling = self.memory.spelling(channel, name)
        self.check_playable(channel, spelling)
        self.settings["waveform", channel] = spelling
        self.play_from_the_first(channel)
        self.refresh(channel)

    def clear_memory(self, channel: int) -> None:
        """Empty the volatile memory; the channel falls back on the built-in waveform."""
        self.memory.clear(channel)
        self.settings["waveform", channel] = BUILT_IN
        self.refresh(channel)

    # Output.

    def refresh(self, channel: int, *_: object) -> None:
        """Put out what the settings say, from now on, if that differs from what is put out."""
        settings = self.settings
        state: tuple[object, ...] = (
            *(settings[key, channel] for key in WAVE_SETTINGS),
            *self._sync_settings(channel),
            self.period(channel),
            self._synchronised(channel),
            self.playing(channel),
        )
        state += (self._spacing(channel) if settings["burst", channel] else 0.0, self._triggered[channel])
        if self._driven.get(channel) != state:
            self._driven[channel] = state
            waveform = self._waveform(channel)
            self.wires.drive(f"output{channel}", waveform, "sync" if self._synchronised(channel) else None)
        if settings["burst", channel]:
            self.check_burst_period(channel)

    def restart(self, channel: int) -> None:
        """Put out what the settings say from its beginning."""
        self._driven.pop(channel, None)
        self.refresh(channel)

    def refresh_all(self, *_: object) -> None:
        """Put out what the settings say on both channels."""
        for channel in (1, 2):
            self.refresh(channel)

    def _shape(self, channel: int) -> Shape:
        settings = self.settings
        function = settings["function", channel]
        share = {"SQU": settings["duty_cycle", channel] / 100, "RAMP": settings["symmetry", channel] / 100}
        share |= {"TRI": 0.5, "PULS": min(settings["pulse_width", channel] / self.period(channel), 1.0)}
        points = self._arbitrary(channel) if function == "ARB" else self._records.get(function, np.zeros(0))
        return Shape(function, share.get(function, 0.5), points, settings["filter", channel] == "OFF")

    def volts(self, channel: int, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the open-circuit voltage of levels from -1 to 1, on the converter's grid."""
        settings = self.settings
        amplitude, offset = settings["amplitude", channel], settings["offset", channel]
        peak = abs(offset) if settings["function", channel] == "DC" else abs(offset) + amplitude / 2
        full_scale = next((r for r in RANGES if peak <= r * (1 + 1e-9)), LARGEST_PEAK)
        if not settings["range_auto", channel]:
            full_scale = LARGEST_PEAK
        step = 2 * full_scale / CONVERTER_LEVELS
        volts = np.round((offset + levels * (amplitude / 2)) / step) * step
        return np.asarray(-volts if settings["polarity", channel] == "INV" else volts)

    def _waveform(self, channel: int) -> Waveform:
        """Return what is put out: nothing with the output off, while Sync goes on (U)."""
        waveform = self._inner_waveform(channel)
        return waveform if self.settings["output", channel] else replace(waveform, values=np.zeros(1), idle=0.0)

    def _inner_waveform(self, channel: int) -> Waveform:
        settings = self.settings
        now = self.wires.clock.now()
        if (run := self.present_run(channel)) is not None:
            return run
        shape, period = self._shape(channel), self.period(channel)
        if not settings["burst", channel] or shape.function in ("DC", "NOIS"):
            start = (settings["phase", channel] / 360) % 1.0
            values = self.volts(channel, cycle_levels(shape, period, start))
            return Waveform(now, period, math.inf, values, marker_phase=(self._sync_rise(channel, shape) - start) % 1.0)
        return self._burst(channel, shape, period, now)

    def _burst(self, channel: int, shape: Shape, period: float, now: float) -> Waveform:
        settings = self.settings
        start = (settings["burst_phase", channel] / 360) % 1.0
        idle = self.volts(channel, np.array([idle_level(shape, start)]))
        source, cycles = settings["trigger_source", channel], settings["cycles", channel]
        quiet = Waveform(now, 1.0, math.inf, idle, idle=float(idle[0]))
        if settings["burst_mode", channel] == "GAT":
            # Nothing on the gate input reads low: the true-low gate is open for ever, the other one shut.
            cycles = math.inf if settings["gate_polarity", channel] == "INV" else 0
            source = "IMM"
        triggered = self._triggered[channel]
        if not cycles or (not settings["continuous", channel] and triggered == -math.inf):
            return quiet
        begin = max(now, triggered) if source in ("IMM", "TIM") else triggered
        if begin == -math.inf:
            return quiet
        carrier, rise = settings["sync_mode", 1] == "CARR", self._sync_rise(channel, shape)
        if math.isinf(cycles) or (source in ("BUS", "EXT") and (carrier or not self._sync_falls_late(cycles))):
            values = self.volts(channel, cycle_levels(shape, period, start))
            every = 1.0 if math.isinf(cycles) or carrier else float(cycles)
            return Waveform(begin, period, cycles, values, float(idle[0]), rise, every)
        count: float = 1.0
        spacing = cycles * period
        if source in ("IMM", "TIM"):
            spacing = self._spacing(channel)
            count = math.inf if settings["continuous", channel] else settings["trigger_count", channel]
            begin += settings["trigger_delay", channel]
        values = self.volts(channel, burst_levels(shape, period, start, int(cycles), spacing))
        train = (float(cycles), period) if carrier else (1.0, 0.0)
        phase = rise * period / spacing if carrier else self._burst_rise(channel, cycles) * period / spacing
        return Waveform(begin, spacing, count, values, float(idle[0]), min(phase, LAST_PHASE), 1.0, train)


class Keysight33512B(Keysight33500B):
    """The 20 MHz model."""

    model = "33512B"


class Keysight33522B(Keysight33500B):
    """The 30 MHz model."""

    model = "33522B"
    highest_frequency = 30e6
