"""The ramp as an arbitrary waveform: so many equal steps; rise, back to zero, rest, and on to the start.

An arbitrary-waveform source holds each sample for one step, so its ramp is a staircase. Sample k
of the rise is the value of the straight line at the middle of step k; the staircase then has no
lag against the line, never leaves [start, stop], and an interval converts to a current by
start + rate x time without correction. What is left is a uniform error within half a step,
of variance (span / rise_points)^2 / 12. Only the very first sample is the start current itself.

Between ramps the source rests at 0 A, wherever the ramp starts: a junction retraps only below its
retrapping current, and a ramp may well start above that. The last part of the rest is spent at the
start current, so that filters have settled when the ramp begins; what is left of their tail shifts the
currents (`settling_time` says how long it is; twelve time constants leave 6e-6 of the start current).

A falling ramp, from the voltage state down to zero, is the same with other numbers: the current jumps from zero
to its start, where the junction switches, and the ramp leads back to zero, where it has retrapped. It needs no
rest at zero, so that nearly all of the rest is left for the start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.instruments.roles.experiment import RampProgram

__all__ = ["Sawtooth", "sawtooth"]

#: The way back takes this part of the period, or half of what the rise leaves if that is less.
_RETURN_FRACTION = 0.02
#: If the ramp does not start at zero, this part of the rest is spent at its start current; more if it ended at zero.
_SETTLING_FRACTION, _SETTLING_FRACTION_FROM_ZERO = 0.5, 0.9
#: Below this the staircase is no ramp any more.
_FEWEST_RISE_POINTS = 20


@dataclass(frozen=True)
class Sawtooth:
    """A ramp cut into equal steps.

    Attributes
    ----------
    samples
        Shape (n_point,), without unit; the output in A is offset + amplitude x sample. They span -1 to 1.
    rise_points
        How many of them rise, from the first on.
    start_sample, stop_sample
        Samples at which the output is the ramp's start and stop current.
    offset, amplitude
        What to set, in A; the amplitude is positive whichever way the ramp goes.
    frequency
        Repetition frequency in Hz.
    settling_points
        How many samples before the ramp are at its start current already; all of the rest if that is zero.
    """

    samples: NDArray[np.float64]
    rise_points: int
    start_sample: float
    stop_sample: float
    offset: float
    amplitude: float
    frequency: float
    settling_points: int

    @property
    def settling_time(self) -> float:
        """Time in s that the source spends at the start current before the ramp begins."""
        return self.settling_points / (self.samples.size * self.frequency)

    def program(self, offset: float, amplitude: float, frequency: float) -> RampProgram:
        """Return the ramp that these samples make with the settings as read back (A, A, Hz)."""
        start, stop = offset + amplitude * self.start_sample, offset + amplitude * self.stop_sample
        rise_time = self.rise_points / (self.samples.size * frequency)
        return RampProgram(start, stop, (stop - start) / rise_time, 1.0 / frequency)


def sawtooth(program: RampProgram, points: int, update_rate: float) -> Sawtooth:
    """Cut a ramp into at most `points` steps, of which the source makes at most `update_rate` in a second.

    Raises
    ------
    InputError
        Not a ramp (not finite, no span, rise not shorter than the period), or too fast for the source.
    """
    _check(program)
    rise_fraction = program.rise_time / program.period
    points = min(points, math.floor(update_rate * program.period * (1 + 1e-9)))
    rise_points = round(rise_fraction * points)
    rest = points - rise_points
    if rise_points < _FEWEST_RISE_POINTS:
        raise InputError(
            f"a rise of {program.rise_time:.3g} s in a period of {program.period:.3g} s has only {rise_points} of "
            f"{points} steps, {_FEWEST_RISE_POINTS} are needed; choose a slower ramp or a shorter period"
        )
    if rest < 2:
        raise InputError(
            f"a rise of {program.rise_time:.6g} s leaves no time to return within the period of "
            f"{program.period:.6g} s; make the period at least {2 / points:.2g} of itself longer"
        )
    low = min(0.0, program.start_current, program.stop_current)
    high = max(0.0, program.start_current, program.stop_current)
    offset, amplitude = (high + low) / 2, (high - low) / 2
    zero, start, stop = ((c - offset) / amplitude for c in (0.0, program.start_current, program.stop_current))
    line = start + (stop - start) * (2 * np.arange(rise_points) + 1) / (2 * rise_points)
    line[0] = start
    down, settling = _parts_of_the_rest(stop, zero, start, points, rest)
    slope = stop + (zero - stop) * np.arange(1, down + 1) / down
    samples = np.concatenate([line, slope, np.full(rest - down - settling, zero), np.full(settling, start)])
    return Sawtooth(
        samples=np.clip(samples, -1.0, 1.0),  # rounding of doubles
        rise_points=rise_points,
        start_sample=start,
        stop_sample=stop,
        offset=offset,
        amplitude=amplitude,
        frequency=1.0 / program.period,
        settling_points=settling if start != zero else rest - down,
    )


def _parts_of_the_rest(stop: float, zero: float, start: float, points: int, rest: int) -> tuple[int, int]:
    """Return how many samples after the rise lead down to zero, and how many wait at the start."""
    if stop == zero:
        return 1, round(_SETTLING_FRACTION_FROM_ZERO * (rest - 1)) if start != zero else 0
    down = max(1, min(round(_RETURN_FRACTION * points), rest // 2))
    return down, round(_SETTLING_FRACTION * (rest - down)) if start != zero else 0


def _check(program: RampProgram) -> None:
    """Raise `InputError` unless this is a ramp."""
    values = (program.start_current, program.stop_current, program.rate, program.period)
    if not all(math.isfinite(value) for value in values):
        raise InputError(f"a ramp's currents, rate and period are finite numbers, not {values}")
    span = program.stop_current - program.start_current
    if span == 0 or program.rate * span <= 0:
        raise InputError(
            f"a rate of {program.rate:.6g} A/s never leads from {program.start_current:.6g} A to "
            f"{program.stop_current:.6g} A; give the rate the sign of the change"
        )
    if not 0 < program.rise_time < program.period:
        raise InputError(
            f"the rise takes {program.rise_time:.6g} s and must be shorter than the period of {program.period:.6g} s"
        )
