"""What all timing counters say of themselves from their options alone."""

from __future__ import annotations

from mqtctl.errors import InputError
from mqtctl.instruments.counters.options import CounterOptions
from mqtctl.instruments.roles.diagnostic import Amplifier
from mqtctl.instruments.roles.experiment import RampProgram, StopEdge
from mqtctl.quantities import readable

__all__ = ["CounterFacts", "check_timeout"]

#: From one switch to the next can take so many periods: one switches early and the next late.
_PERIODS = 1.5


class CounterFacts:
    """Base of the adapters of timing counters.

    Parameters
    ----------
    options
        The checked options.
    """

    def __init__(self, options: CounterOptions) -> None:
        self._facts = options

    @property
    def delay(self) -> float:
        """Calibrated lag in s of the stop event behind the junction's current."""
        return self._facts.delay

    @property
    def start_edge(self) -> StopEdge:
        """The edge of the ramp's marker, as the options have it."""
        return self._facts.start_edge

    @property
    def stop_edge(self) -> StopEdge:
        """The edge by which a switch at positive bias current is recognised, as the options have it."""
        return self._facts.stop_edge

    @property
    def amplifier(self) -> Amplifier:
        """What stands in front of the stop input, as far as the options say."""
        return self._facts.amplifier


def check_timeout(program: RampProgram, wish: float | None) -> None:
    """Raise `InputError` if the station's time-out (s) is shorter than a ramp needs."""
    needed = _PERIODS * program.period
    if wish is not None and wish < needed * (1 - 1e-9):
        raise InputError(
            f"the counter's timeout of {readable(wish, 's')} is shorter than the ramp needs: from one switch to the "
            f"next can take {_PERIODS:g} periods, {readable(needed, 's')}; lengthen it, or leave it out"
        )
