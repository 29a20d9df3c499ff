"""The settings of a 33500B that make a ramp."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from mqtctl_drivers.commands import parse_number
from numpy.typing import NDArray

from mqtctl.instruments.keysight_33500b.options import Keysight33500BOptions
from mqtctl.instruments.ramp.sawtooth import Sawtooth
from mqtctl.instruments.talk.foreign_driver import Conversation
from mqtctl.instruments.talk.wanted import Spoken, Wanted, word

__all__ = ["LARGEST_VOLTAGE", "WAVEFORM", "GeneratorSetup", "idling_at_zero"]

#: Largest magnitude in V, open circuit.
LARGEST_VOLTAGE = 10.0
#: Name of the waveform in volatile memory, at most twelve characters.
WAVEFORM = "MQTCTL"
#: The instrument's limits stand this much beyond the ramp if no current limit is given.
_MARGIN = 1.05


class GeneratorSetup:
    """What a ramp needs of a generator's channel.

    Parameters
    ----------
    options
        The station's options.
    """

    def __init__(self, options: Keysight33500BOptions) -> None:
        self._options = options
        #: Largest current in A that anybody has set, the station file or the sample file.
        self.largest = math.inf if options.current_limit is None else options.current_limit
        self._source, self._output = f"SOUR{options.channel}", f"OUTP{options.channel}"

    def limit(self, wave: Sawtooth) -> float:
        """Return the largest voltage in V that the instrument is to let through."""
        peak = abs(wave.offset) + wave.amplitude
        limit = self._options.current_limit or _MARGIN * peak
        return min(min(limit, self.largest) * self._options.bias_resistance, LARGEST_VOLTAGE)

    def wanted(self, wave: Sawtooth, talk: Conversation) -> list[Wanted]:
        """Return all settings in the order in which they are made; each is named by its command."""
        source, output, resistance = self._source, self._output, self._options.bias_resistance
        limit = self.limit(wave)
        rate = wave.samples.size * wave.frequency

        def text(command: str, value: str) -> Wanted:
            return Wanted(command, _spoken(talk, command, word), value)

        def number(command: str, value: float, tolerance: float) -> Wanted:
            return Wanted(command, _spoken(talk, command, float), value, tolerance)

        def left(command: str) -> Wanted:
            return Wanted(command, _spoken(talk, command, word), made=False)

        def level(command: str, volts: float) -> Wanted:
            return number(command, float(f"{volts:.9G}"), 1e-4 * limit)  # levels are as exact as the converter

        return [
            replace(text(output, "0"), made=False, watched=False),  # off after the reset; a burst turns it on
            # made before the wave, for the levels are those of an open circuit then
            Wanted(f"{output}:LOAD", _spoken(talk, f"{output}:LOAD", parse_number), math.inf, made=False),
            text(f"{source}:FUNC:ARB", WAVEFORM),
            text(f"{source}:FUNC:ARB:FILT", "OFF"),  # samples are held, not joined
            number(f"{source}:FUNC:ARB:SRAT", rate, 1e-6 * rate),
            text(f"{source}:FUNC", "ARB"),
            level(f"{source}:VOLT", 2 * wave.amplitude * resistance),
            level(f"{source}:VOLT:OFFS", wave.offset * resistance),
            level(f"{source}:VOLT:LIM:HIGH", limit),
            level(f"{source}:VOLT:LIM:LOW", -limit),
            text(f"{source}:VOLT:LIM:STAT", "1"),
            # before the burst: triggered by itself it would need to fit
            text(f"TRIG{self._options.channel}:SOUR", "BUS"),
            text(f"{source}:BURS:MODE", "TRIG"),
            # so that whatever triggers it by accident also ends it; each burst has its own number
            replace(number(f"{source}:BURS:NCYC", 1.0, 1e-6), watched=False),
            number(f"{source}:BURS:PHAS", 0.0, 1e-4),
            text(f"{source}:BURS:STAT", "1"),
            text("OUTP:SYNC:SOUR", f"CH{self._options.channel}"),
            text(f"{output}:SYNC:MODE", "CARR"),
            text("OUTP:SYNC", "1"),
            # as the reset leaves them, but a front panel can change current or timing by them
            left(f"{output}:POL"),
            left(f"{output}:MODE"),
            left("OUTP:SYNC:POL"),
            left(f"TRIG{self._options.channel}:DEL"),
            # other samples under the same name
            left(f"{source}:DATA:ATTR:POIN"),
            left(f"{source}:DATA:ATTR:AVER"),
        ]


def _spoken(talk: Conversation, command: str, parse: Callable[[str], Any]) -> Spoken:
    """Return a setting that is made by `command value` and asked for by `command?`."""

    def make(value: object) -> None:
        talk.write(f"{command} {value:.12G}" if isinstance(value, float) else f"{command} {value}")

    return Spoken(f"{command}?", talk.ask, make, parse)


def idling_at_zero(wave: Sawtooth) -> NDArray[np.float64]:
    """Return the samples with zero current at the first one, shape (n_point,), -1 to 1.

    The generator holds the first sample between bursts. A ramp that starts at zero has it there already;
    any other one starts a step later, which is behind the filters long before a junction may switch.
    """
    samples = wave.samples.copy()
    samples[0] = -wave.offset / wave.amplitude
    return samples
