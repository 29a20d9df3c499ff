"""The wave generator of the Keithley 6221: functions, arbitrary waves, phase marker, external trigger.

Sources: 622x Reference Manual (RM), section 7, and public lab scripts that cite its pages.
Unconfirmed by any source that could be opened, here taken as written: the trigger-link pulse is
low-going; `*OPC?` answers only when ARM has loaded the wave; the lowest and highest frequency.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from qcodes.instrument import InstrumentChannel

from .commands import choice, integer, number, switch
from .errors import InstrumentError

if TYPE_CHECKING:
    from qcodes.parameters import Parameter

    from .scpi import ScpiInstrument

__all__ = ["ARB_CHUNK", "LONGEST_WAVEFORM", "WaveGenerator"]

#: Values that one ARB:DATA or ARB:APPend command may carry (RM 7-25).
ARB_CHUNK = 100
#: Points of an arbitrary wave.
LONGEST_WAVEFORM = 65536

_ROOT = "SOUR:WAVE"
_FUNCTIONS = {"sine": "SIN", "square": "SQU", "ramp": "RAMP"} | {f"arb{i}": f"ARB{i}" for i in range(5)}


class WaveGenerator(InstrumentChannel):
    """`SOURce:WAVE`: what the 6221 puts out between `arm`, `initiate` and `abort`."""

    def __init__(self, parent: ScpiInstrument, name: str, current_limit: Parameter) -> None:
        super().__init__(parent, name)
        self._source = parent
        self._current_limit = current_limit
        self._add_shape()
        self._add_duration()
        self._add_marker()
        self._add_external_trigger()

    def _add_shape(self) -> None:
        self.function: Parameter = self.add_parameter(
            "function",
            **choice(f"{_ROOT}:FUNC", _FUNCTIONS),
            docstring="Control the wave function (sine, square, ramp, arb0 to arb4; WAVE:FUNCtion). arb0 is "
            "volatile, arb1 to arb4 are kept without power. Locked while armed.",
        )
        self.frequency: Parameter = self.add_parameter(
            "frequency",
            **number(f"{_ROOT}:FREQ", "Hz", 1e-3, 1e5),
            docstring="Control the repetition frequency in Hz (1 mHz to 100 kHz; WAVE:FREQuency, RM 7-6).",
        )
        self.amplitude: Parameter = self.add_parameter(
            "amplitude",
            **number(f"{_ROOT}:AMPL", "A", 2e-12, 0.105),
            docstring="Control the amplitude in A (2 pA to 105 mA; WAVE:AMPLitude, RM 7-7). It is the peak, "
            "half the peak-to-peak value.",
        )
        self.offset: Parameter = self.add_parameter(
            "offset",
            **number(f"{_ROOT}:OFFS", "A", -0.105, 0.105),
            docstring="Control the offset in A (-105 mA to 105 mA; WAVE:OFFSet).",
        )
        self.duty_cycle: Parameter = self.add_parameter(
            "duty_cycle",
            **number(f"{_ROOT}:DCYC", "%", 0, 100),
            docstring="Control the duty cycle in % (0 to 100; WAVE:DCYCle): the high part of a square "
            "wave, the rising part of a ramp.",
        )
        self.ranging: Parameter = self.add_parameter(
            "ranging",
            **choice(f"{_ROOT}:RANG", {"best": "BEST", "fixed": "FIX"}),
            docstring="Control how the range is chosen (best, fixed; WAVE:RANGing): best takes one that "
            "holds offset and amplitude, fixed stays on `current_range`.",
        )
        self.waveform_points: Parameter = self.add_parameter(
            "waveform_points",
            **(integer(f"{_ROOT}:ARB:POIN", 0, LONGEST_WAVEFORM, unit="points") | {"set_cmd": False}),
            docstring="Get the number of points in the volatile arbitrary wave (0 to 65536; WAVE:ARB:POINts).",
        )

    def _add_duration(self) -> None:
        self.duration: Parameter = self.add_parameter(
            "duration",
            **number(f"{_ROOT}:DUR:TIME", "s", 100e-9, 999999.999, infinite=True),
            docstring="Control how long the wave runs in s (100 ns to 999999.999 s or inf; "
            "WAVE:DURation:TIME). The last of duration and cycles that was set holds.",
        )
        self.cycles: Parameter = self.add_parameter(
            "cycles",
            **number(f"{_ROOT}:DUR:CYCL", "cycles", 1e-3, 99999999900, infinite=True),
            docstring="Control how many periods the wave runs (0.001 to 99999999900 or inf; "
            "WAVE:DURation:CYCLes). The last of duration and cycles that was set holds.",
        )

    def _add_marker(self) -> None:
        self.marker_enabled: Parameter = self.add_parameter(
            "marker_enabled",
            **switch(f"{_ROOT}:PMAR:STAT"),
            docstring="Control whether the phase marker is put out (on, off; WAVE:PMARk:STATe).",
        )
        self.marker_phase: Parameter = self.add_parameter(
            "marker_phase",
            **number(f"{_ROOT}:PMAR", "deg", 0, 360),
            docstring="Control the phase of the marker pulse in degrees (0 to 360; WAVE:PMARk:LEVel). "
            "The pulse is low for 1 us or more.",
        )
        self.marker_line: Parameter = self.add_parameter(
            "marker_line",
            **integer(f"{_ROOT}:PMAR:OLIN", 1, 6),
            docstring="Control the trigger-link line of the marker (1 to 6; WAVE:PMARk:OLINe). It must "
            "differ from `trigger_output_line`, or the instrument answers -221 (RM 7-29).",
        )

    def _add_external_trigger(self) -> None:
        self.external_trigger_enabled: Parameter = self.add_parameter(
            "external_trigger_enabled",
            **switch(f"{_ROOT}:EXTR"),
            docstring="Control whether a trigger starts each wave (on, off; WAVE:EXTRig, firmware A03 on).",
        )
        self.external_trigger_line: Parameter = self.add_parameter(
            "external_trigger_line",
            **integer(f"{_ROOT}:EXTR:ILIN", 0, 6),
            docstring="Control the trigger-link line that starts a wave (0 to 6, 0: none; WAVE:EXTRig:ILINe).",
        )
        self.external_trigger_ignored: Parameter = self.add_parameter(
            "external_trigger_ignored",
            **switch(f"{_ROOT}:EXTR:IGN"),
            docstring="Control whether triggers during a wave are ignored (on) or restart it (off; "
            "WAVE:EXTRig:IGNore).",
        )
        self.external_trigger_idle: Parameter = self.add_parameter(
            "external_trigger_idle",
            **number(f"{_ROOT}:EXTR:IVAL", "of amplitude", -1, 1),
            docstring="Control the output while waiting for a trigger, as a part of the amplitude "
            "(-1 to 1; WAVE:EXTRig:IVALue).",
        )

    def upload(self, samples: ArrayLike) -> None:
        """Load the volatile arbitrary wave (arb0), in portions of 100 values, and check its length.

        Parameters
        ----------
        samples
            Shape (n_point,), 2 to 65536 values from -1 to 1: the current is offset + amplitude x
            sample. Seven decimals are sent, less than a hundredth of the converter's step.

        Raises
        ------
        ValueError
            Wrong shape or length, or a value that is not from -1 to 1.
        InstrumentError
            The instrument holds another number of points afterwards.
        """
        values = np.asarray(samples, dtype=np.float64)
        if values.ndim != 1 or not 2 <= values.size <= LONGEST_WAVEFORM:
            raise ValueError(f"a waveform has 2 to {LONGEST_WAVEFORM} points in one row, not shape {values.shape}")
        if not np.all(np.abs(values) <= 1.0):
            worst = float(values[int(np.argmax(np.where(np.isnan(values), np.inf, np.abs(values))))])
            raise ValueError(f"a waveform's values are from -1 to 1, not {worst}; scale with the amplitude")
        for first in range(0, values.size, ARB_CHUNK):
            command = "DATA" if first == 0 else "APP"
            text = ",".join(_format_sample(value) for value in values[first : first + ARB_CHUNK])
            self.write(f"{_ROOT}:ARB:{command} {text}")
        points = self.waveform_points.get()
        if points != values.size:
            raise InstrumentError(f"{self.full_name}: {values.size} points were sent, the instrument has {points}")

    def store(self, location: int) -> None:
        """Copy arb0 to a place that survives power-off, 1 to 4 (WAVE:ARB:COPY)."""
        if location not in {1, 2, 3, 4}:
            raise ValueError(f"waves are kept in places 1 to 4, not {location}")
        self.write(f"{_ROOT}:ARB:COPY {location}")

    def arm(self, timeout: float = 10.0) -> None:
        """Load the wave and turn the output on (WAVE:ARM); returns when done, at most after `timeout` s.

        Raises
        ------
        InstrumentError
            Offset and amplitude as read back exceed the source's `current_limit`; nothing was armed.
        """
        peak = abs(self.offset.get()) + self.amplitude.get()
        limit = self._current_limit.get()
        if peak > limit * (1 + 1e-6):  # seven digits come back
            raise InstrumentError(
                f"{self.full_name}: the wave's peak of {peak:.6g} A exceeds the current limit of {limit:.6g} A; "
                "reduce amplitude or offset"
            )
        self.write(f"{_ROOT}:ARM")
        self._source.wait_complete(timeout)

    def initiate(self) -> None:
        """Start the armed wave (WAVE:INITiate)."""
        self.write(f"{_ROOT}:INIT")

    def abort(self) -> None:
        """Stop the wave and unlock its settings (WAVE:ABORt)."""
        self.write(f"{_ROOT}:ABOR")


def _format_sample(value: float) -> str:
    """Return a sample as short as seven decimals allow."""
    rounded = round(float(value), 7) + 0.0
    return f"{rounded:.0f}" if math.fabs(rounded) in {0.0, 1.0} else f"{rounded:.7f}".rstrip("0")
