"""What the bias line's filter still remembers of the beginning of a ramp when the junction switches."""

from __future__ import annotations

import math

from mqtctl.instruments.ramp.sawtooth import Sawtooth
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.instruments.roles.findings import Finding
from mqtctl.quantities import readable

__all__ = ["filter_findings"]

#: Share of the largest current by which the first switches may be off: a hundredth of a usual histogram's width.
_TOLERANCE = 3e-5
#: Time constants at zero after which a junction has surely retrapped (0.7 % of the top; retrapping currents are
#: 1 % and more).
_ENOUGH_AT_ZERO = 5.0
#: Where on the rise the earliest switches are taken to be.
_EARLIEST = 0.9


def filter_findings(program: RampProgram, wave: Sawtooth, filter_time: float | None) -> list[Finding]:
    """Return warnings about a ramp behind a filter of first order.

    The current behind the filter is the ramp's, later by the filter's time (which the calibrated delay contains), but
    for two transients: less the rest of the jump from zero to the start current, start x exp(-t' / filter_time) at a
    time t' behind it, and plus rate x filter_time x exp(-t / filter_time) at a time t behind the start of the ramp
    (responses of a first-order low pass to a step and to a ramp). Currents that are computed are off by as much.

    Parameters
    ----------
    program
        The ramp.
    wave
        Its samples.
    filter_time
        Time constant in s; None: not known, so that nothing can be said.
    """
    if filter_time is None:
        return []
    return [*_bias(program, wave, filter_time), *_retrapping(program, wave, filter_time)]


def _bias(program: RampProgram, wave: Sawtooth, filter_time: float) -> list[Finding]:
    """Return a warning if a transient shifts currents."""
    rise = _EARLIEST * program.rise_time / filter_time
    jump = abs(program.start_current) * math.exp(-rise - wave.settling_time / filter_time)
    onset = abs(program.rate) * filter_time * math.exp(-rise)
    if max(jump, onset) <= _TOLERANCE * max(abs(program.start_current), abs(program.stop_current)):
        return []
    error = abs(jump - onset)
    cause = "the jump to the start current" if jump > onset else "the onset of the ramp"
    return [
        Finding(
            "start of the ramp",
            "warning",
            f"the bias line's filter of {readable(filter_time, 's')} has not forgotten {cause} when the first "
            f"switches come, {rise:.1f} time constants later: their currents are off by {readable(error, 'A')}",
            "ramp more slowly, less often, or start lower",
            cause="file",
        )
    ]


def _retrapping(program: RampProgram, wave: Sawtooth, filter_time: float) -> list[Finding]:
    """Return a warning if the junction may not return to the zero-voltage state in the rest."""
    if program.start_current == 0.0 or program.stop_current == 0.0:
        return []
    resting = wave.samples.size - wave.rise_points - wave.settling_points
    constants = resting / (wave.samples.size * wave.frequency) / filter_time
    if constants >= _ENOUGH_AT_ZERO:
        return []
    return [
        Finding(
            "rest of the ramp",
            "warning",
            f"the source rests at zero for only {constants:.1f} time constants of the bias line's filter "
            f"({readable(filter_time, 's')}), {_ENOUGH_AT_ZERO:g} are needed: the junction may stay in the voltage "
            "state",
            "ramp less often, or start at zero",
            cause="file",
        )
    ]
