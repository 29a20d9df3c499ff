"""Options of an SR620: which input carries what, and at which level an edge counts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mqtctl.instruments.counters.options import CounterOptions
from mqtctl.quantities import Volts

__all__ = ["SrsSR620Options"]


class SrsSR620Options(CounterOptions):
    """Options of an SR620 as timing counter, beside those of `CounterOptions`.

    Attributes
    ----------
    start_input
        Input of the ramp's marker, a or b; the other one carries the voltage across the junction.
    start_slope
        The Sync output of a 33500B rises at the start, a 6221's marker falls.
    start_threshold, stop_threshold
        In steps of 10 mV.
    timeout
        The counter itself waits for ever: after this long without an interval it is asked why. Default 45 periods,
        at least 4.5 s.
    """

    start_input: Literal["a", "b"] = "a"
    start_slope: Literal["positive", "negative"] = "positive"
    start_threshold: Volts = Field(1.0, ge=-5, le=5)
    stop_threshold: Volts = Field(ge=-5, le=5)

    @property
    def stop_input(self) -> Literal["a", "b"]:
        """The input that carries the voltage across the junction."""
        return "b" if self.start_input == "a" else "a"
