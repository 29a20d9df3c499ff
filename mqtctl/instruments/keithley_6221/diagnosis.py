"""What a 6221 can tell about itself, and its marker without a ramp."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mqtctl_drivers.keithley_6221 import Keithley6221, MeasurementEvent
from qcodes.parameters import ParameterBase

from mqtctl.errors import HardwareError
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.talk.error_sentences import named, speaking
from mqtctl.instruments.talk.inspection import examine, look

__all__ = ["inspect_source", "marking"]

#: The smallest wave there is: peak current in A, on the smallest range.
_AMPLITUDE, _RANGE = 2e-12, 2e-9
_LOWEST_FREQUENCY, _HIGHEST_FREQUENCY = 1e-3, 1e5
#: It ends by itself after this time in s, whatever becomes of the computer.
_LONGEST = 60.0


def inspect_source(source: Keithley6221) -> list[Finding]:
    """Return identity, error queue, self-test (with the output off only) and compliance of a 6221."""
    with speaking(source, "asking whether the output is on"):
        on = bool(source.output.get())
    self_test = None if on else source.self_test
    found = examine(source, Keithley6221.models, errors=source.errors, self_test=self_test)
    if on:
        found.append(look("compliance", lambda: _compliance(source)))
    return found


def _compliance(source: Keithley6221) -> Finding:
    """Say whether the voltage is at its limit."""
    with speaking(source, "asking for the compliance"):
        limited = source.measurement.condition.get() & MeasurementEvent.COMPLIANCE
    if limited:
        return Finding(
            "compliance",
            "fault",
            "the source is at its compliance voltage: less current flows than it says",
            "look for an open line; a superconducting sample needs no more than millivolts",
        )
    return Finding("compliance", "good", "the source is below its compliance voltage")


@contextmanager
def marking(source: Keithley6221, period: float, line: int) -> Iterator[None]:
    """Put out the marker each `period` s on a trigger-link line within the block, with a wave of 2 pA.

    The arbitrary wave in the source's memory is left alone; all that is changed is put back and compared.

    Raises
    ------
    HardwareError
        The output is on, or something is not as it was afterwards.
    """
    with speaking(source, "preparing the marker alone"):
        if source.output.get() or source.current.get() != 0.0:
            raise HardwareError(
                f"{named(source)}: its output is on or its current not zero, so its marker cannot be tried without "
                "changing what the sample sees; run `mqtctl safe` first if nobody needs it"
            )
        before = {parameter: parameter.get() for parameter in _touched(source)}
    try:
        with speaking(source, "starting the marker"):
            _smallest_wave(source, period, line)
        yield
    finally:
        with speaking(source, "putting its settings back"):
            source.wave.abort()
            source.output.set(False)
            _put_back(source, before)


def _touched(source: Keithley6221) -> tuple[ParameterBase, ...]:
    """Return what is changed, in the order in which it can be put back: amplitudes first, which ranges must hold."""
    wave = source.wave
    return (
        wave.ranging,
        wave.function,
        wave.frequency,
        wave.amplitude,
        wave.offset,
        source.current_range,
        source.current_autorange,
        wave.marker_phase,
        wave.marker_line,
        wave.marker_enabled,
        _length(source),
    )


def _length(source: Keithley6221) -> ParameterBase:
    """Return which of duration and cycles ends the wave; the other one reads infinite or follows from it."""
    wave = source.wave
    return wave.duration if math.isinf(wave.cycles.get()) and math.isfinite(wave.duration.get()) else wave.cycles


def _smallest_wave(source: Keithley6221, period: float, line: int) -> None:
    """Start a sine of the smallest amplitude with its marker."""
    wave = source.wave
    frequency = min(max(1.0 / period, _LOWEST_FREQUENCY), _HIGHEST_FREQUENCY)
    wave.ranging.set("best")
    wave.function.set("sine")
    wave.frequency.set(frequency)
    wave.offset.set(0.0)
    wave.amplitude.set(_AMPLITUDE)
    source.current_range.set(_RANGE)
    wave.ranging.set("fixed")
    wave.marker_line.set(line)
    wave.marker_phase.set(0)
    wave.marker_enabled.set(True)
    wave.cycles.set(max(10, math.ceil(_LONGEST * frequency)))
    wave.arm()
    wave.initiate()
    source.check_errors()


def _put_back(source: Keithley6221, before: Mapping[ParameterBase, Any]) -> None:
    """Set everything as it was, and raise unless it reads so."""
    source.wave.ranging.set("best")
    for parameter, value in before.items():
        # ranging comes last; setting the range has switched its automatic off
        if parameter is not source.wave.ranging and (parameter is not source.current_autorange or value):
            parameter.set(value)
    source.wave.ranging.set(before[source.wave.ranging])
    source.check_errors()
    for parameter, value in before.items():
        found = parameter.get()
        if found != value:
            raise HardwareError(
                f"{named(source)}: {parameter.full_name} was {value!r} and is {found!r} after the marker was tried; "
                "set it back at the front panel if somebody needs it"
            )
    if source.output.get() or source.current.get() != 0.0:
        raise HardwareError(f"{named(source)}: the output is not off after the marker was tried; run `mqtctl safe`")
