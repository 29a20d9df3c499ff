"""Options of a Keysight 53230A: which input carries what, and at which level an edge counts."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mqtctl.instruments.counters.options import CounterOptions
from mqtctl.quantities import Volts

__all__ = ["Keysight53230AOptions"]


class Keysight53230AOptions(CounterOptions):
    """Options of a 53230A as timing counter, beside those of `CounterOptions`.

    Attributes
    ----------
    start_input, stop_input
        Inputs, 1 or 2, for the ramp's marker and for the voltage across the junction.
    start_slope
        The 6221's marker is a low-going TTL pulse, so its start is a falling edge.
    stop_noise_rejection
        Whether the stop input has the wider hysteresis.
    """

    start_input: Literal[1, 2] = 1
    stop_input: Literal[1, 2] = 2
    start_slope: Literal["positive", "negative"] = "negative"
    start_threshold: Volts = Field(1.0, ge=-51.25, le=51.25)
    stop_threshold: Volts = Field(ge=-51.25, le=51.25)
    stop_noise_rejection: bool = Field(True, strict=True)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse one input for both events."""
        if self.start_input == self.stop_input:
            raise ValueError(f"start_input and stop_input are both {self.start_input}; they must differ")
        return self
