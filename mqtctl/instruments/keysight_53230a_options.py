"""Options of a Keysight 53230A: which input carries what, and at which level an edge counts."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mqtctl.documents import Document
from mqtctl.quantities import Ohms, Seconds, Volts

__all__ = ["Keysight53230AOptions"]


class Keysight53230AOptions(Document):
    """Options of a 53230A as timing counter.

    Attributes
    ----------
    start_input, stop_input
        Inputs, 1 or 2, for the ramp's marker and for the voltage across the junction.
    start_slope, stop_slope
        Edges that count. The 6221's marker is a low-going TTL pulse, so its start is a falling edge.
    start_threshold, stop_threshold
        Levels of the edges. The stop's must lie between the amplified noise and the gap voltage,
        and has no default because it depends on the amplifier.
    start_impedance, stop_impedance
        Input impedances. A trigger-link line drives no 50 Ohm.
    start_coupling, stop_coupling
        Couplings; at a few hundred ramps a second ac coupling moves the baseline.
    stop_noise_rejection
        Whether the stop input has the wider hysteresis.
    delay
        Calibrated lag of the stop event behind the junction's current.
    """

    start_input: Literal[1, 2] = 1
    stop_input: Literal[1, 2] = 2
    start_slope: Literal["positive", "negative"] = "negative"
    stop_slope: Literal["positive", "negative"] = "positive"
    start_threshold: Volts = Field(1.0, ge=-51.25, le=51.25)
    stop_threshold: Volts = Field(ge=-51.25, le=51.25)
    start_impedance: Ohms = 1e6
    stop_impedance: Ohms = 1e6
    start_coupling: Literal["ac", "dc"] = "dc"
    stop_coupling: Literal["ac", "dc"] = "dc"
    stop_noise_rejection: bool = Field(True, strict=True)
    delay: Seconds = Field(0.0, gt=-1, lt=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse one input for both events and impedances that the counter does not have."""
        if self.start_input == self.stop_input:
            raise ValueError(f"start_input and stop_input are both {self.start_input}; they must differ")
        for name in ("start_impedance", "stop_impedance"):
            if getattr(self, name) not in {50.0, 1e6}:
                raise ValueError(f"{name} is 50 Ohm or 1 MOhm, not {getattr(self, name):g} Ohm")
        return self
