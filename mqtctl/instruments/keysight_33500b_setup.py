"""The settings of a 33500B that make a ramp, and the message that asks for them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .keysight_33500b_options import Keysight33500BOptions
from .sawtooth import Sawtooth

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

    def wanted(self, wave: Sawtooth) -> dict[str, str]:
        """Return command -> value of all settings, in the order in which they are made."""
        source, resistance = self._source, self._options.bias_resistance
        limit = self.limit(wave)
        return {
            f"{source}:FUNC:ARB": WAVEFORM,
            f"{source}:FUNC:ARB:FILT": "OFF",  # samples are held, not joined
            f"{source}:FUNC:ARB:SRAT": f"{wave.samples.size * wave.frequency:.12G}",
            f"{source}:FUNC": "ARB",
            f"{source}:VOLT": f"{2 * wave.amplitude * resistance:.9G}",
            f"{source}:VOLT:OFFS": f"{wave.offset * resistance:.9G}",
            f"{source}:VOLT:LIM:HIGH": f"{limit:.9G}",
            f"{source}:VOLT:LIM:LOW": f"{-limit:.9G}",
            f"{source}:VOLT:LIM:STAT": "1",
            f"TRIG{self._options.channel}:SOUR": "BUS",  # before the burst: triggered by itself it would need to fit
            f"{source}:BURS:MODE": "TRIG",
            f"{source}:BURS:NCYC": "1",  # so that whatever triggers it by accident also ends it
            f"{source}:BURS:PHAS": "0",
            f"{source}:BURS:STAT": "1",
            "OUTP:SYNC:SOUR": f"CH{self._options.channel}",
            f"{self._output}:SYNC:MODE": "CARR",
            "OUTP:SYNC": "1",
        }

    def query(self) -> str:
        """Return one message that asks for all that decides what the junction will see."""
        source = f":{self._source}"
        ours = [f"{source}:{node}?" for node in ("FUNC", "FUNC:ARB", "FUNC:ARB:FILT", "FUNC:ARB:SRAT", "VOLT")]
        ours += [f"{source}:{node}?" for node in ("VOLT:OFFS", "VOLT:LIM:STAT", "BURS:MODE", "BURS:PHAS", "BURS:STAT")]
        triggers = [f":TRIG{self._options.channel}:SOUR?", f":{self._output}:LOAD?", ":OUTP:SYNC?", ":OUTP:SYNC:SOUR?"]
        return ";".join([*ours, *triggers, f":{self._output}:SYNC:MODE?"])


def idling_at_zero(wave: Sawtooth) -> NDArray[np.float64]:
    """Return the samples with zero current at the first one, shape (n_point,), -1 to 1.

    The generator holds the first sample between bursts. A ramp that starts at zero has it there already;
    any other one starts a step later, which is behind the filters long before a junction may switch.
    """
    samples = wave.samples.copy()
    samples[0] = -wave.offset / wave.amplitude
    return samples
