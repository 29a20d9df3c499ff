"""The driving side of the Model 372: one output with its set point, ramp and PID loop.

The manual's closed loop is output = P [e + (1/I) integral e dt + D de/dt]; how e is normalised is
not public (U). Here e is the error in units of a tenth of the set point, so P = 10 gives 10 % of
the heater range for an error of 10 %; with a refrigerator whose cooling power grows as T^2 the loop
then behaves alike at all temperatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["STILL_VOLTAGE", "ControlLoop", "LoopSetup", "full_scale", "monitor_percentage"]

#: Full-scale currents in A of the sample heater's ranges 1 to 8.
SAMPLE_RANGES = (31.6e-6, 100e-6, 316e-6, 1e-3, 3.16e-3, 10e-3, 31.6e-3, 100e-3)
#: Largest currents in A of the warm-up heater by their code; 0 is the user's own value.
WARMUP_CURRENTS = {1: 0.45, 2: 0.63}
STILL_VOLTAGE = 10.0
_ERROR_UNIT = 0.1


def full_scale(output: int, number: int, setup: tuple[Any, ...], resistance: float) -> tuple[float, bool]:
    """Return the power in W at 100 % of a range, and whether it goes with the square of the percentage.

    Parameters
    ----------
    output, number
        0 for the sample heater, 1 for the warm-up heater; its range.
    setup
        What HTRSET has set: resistance, code and user's value of the largest current (A), unit of the output.
    resistance
        Of the heater itself, Ohm.
    """
    _, code, user_current, unit = setup
    sample_current = SAMPLE_RANGES[number - 1] if number else 0.0
    current = sample_current if output == 0 else WARMUP_CURRENTS.get(code, user_current)
    # With power chosen as unit, full scale and percentage are powers.
    return float(current**2 * resistance), unit != 2


def monitor_percentage(value: float | None, low: float, high: float, bipolar: bool) -> float:
    """Return a monitor output in % of full scale: 0 (bipolar: -100) at `low`, 100 at `high`, in the value's unit."""
    if value is None or high == low:
        return 0.0
    share = (value - low) / (high - low)
    share = 2.0 * share - 1.0 if bipolar else share
    return 100.0 * min(max(share, -1.0 if bipolar else 0.0), 1.0)


@dataclass(frozen=True)
class LoopSetup:
    """The settings that one step of the loop needs.

    Attributes
    ----------
    proportional, integral, derivative
        P; I in s (0: off); D in s.
    manual
        Output in % that is added.
    ramp
        Rate of the set point in K/s; 0: at once.
    """

    proportional: float
    integral: float
    derivative: float
    manual: float
    ramp: float


class ControlLoop:
    """Set point, its ramp, and the integral of the error.

    Attributes
    ----------
    target
        The set point asked for, K.
    setpoint
        The set point in force, on its way to the target, K.
    output
        Present output in % of full scale, 0 to 100.
    """

    def __init__(self) -> None:
        self.target = 0.0
        self.setpoint = 0.0
        self.output = 0.0
        self._accumulated = 0.0
        self._previous: float | None = None

    @property
    def ramping(self) -> bool:
        """Whether the set point is on its way."""
        return self.setpoint != self.target

    def aim(self, target: float, ramped: bool, present: float) -> None:
        """Ask for a new set point in K; a ramp begins at the `present` set point or temperature."""
        self.target = target
        if not ramped:
            self.setpoint = target
        elif self.setpoint == 0.0:
            self.setpoint = present

    def move_setpoint(self, rate: float, duration: float) -> bool:
        """Let the set point ramp at `rate` (K/s) for `duration` (s); return whether it has just arrived."""
        if not self.ramping:
            return False
        step = rate * duration
        gap = self.target - self.setpoint
        if rate <= 0.0 or abs(gap) <= step:
            self.setpoint = self.target
            return True
        self.setpoint += step if gap > 0 else -step
        return False

    def restore(self, before: ControlLoop) -> None:
        """Take over the set point from before a power failure."""
        self.target = self.setpoint = before.target

    def rest(self) -> None:
        """Forget the past of the loop, as when the output is off."""
        self._accumulated = 0.0
        self._previous = None
        self.output = 0.0

    def step(self, temperature: float, setup: LoopSetup, duration: float) -> float:
        """Return the output in % after a reading in K that came `duration` (s) after the last."""
        if self.setpoint <= 0.0:
            self.rest()
            return 0.0
        error = (self.setpoint - temperature) / (self.setpoint * _ERROR_UNIT)
        rate = 0.0 if self._previous is None else (error - self._previous) / duration
        self._previous = error
        gain = setup.proportional
        direct = gain * (error + setup.derivative * rate) + setup.manual
        gathered = 0.0
        if setup.integral > 0.0:
            gathered = self._accumulated
            increment = gain * error * duration / setup.integral
            # Anti-windup: nothing is gathered upwards while the output is already full.
            if increment < 0.0 or direct + gathered + increment <= 100.0:
                gathered += increment
            gathered = -setup.manual if gathered < -setup.manual else gathered if gathered < 100.0 else 100.0
        self._accumulated = gathered
        output = direct + gathered
        # Ten times a second: comparisons cost a third of min and max.
        self.output = 0.0 if output < 0.0 else output if output < 100.0 else 100.0
        return self.output
