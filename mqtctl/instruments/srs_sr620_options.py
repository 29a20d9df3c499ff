"""Options of an SR620: which input carries what, and at which level an edge counts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from mqtctl.documents import Document
from mqtctl.quantities import Ohms, Seconds, Volts

__all__ = ["SrsSR620Options"]


class SrsSR620Options(Document):
    """Options of an SR620 as timing counter.

    Attributes
    ----------
    start_input
        Input of the ramp's marker, a or b; the other one carries the voltage across the junction.
    start_slope, stop_slope
        Edges that count. The Sync output of a 33500B rises at the start, a 6221's marker falls.
    start_threshold, stop_threshold
        Levels of the edges in steps of 10 mV. The stop's must lie between the amplified noise and the gap
        voltage, and has no default because it depends on the amplifier.
    start_impedance, stop_impedance
        Input impedances, 50 Ohm or 1 MOhm.
    start_coupling, stop_coupling
        Couplings; at a few hundred ramps a second ac coupling moves the baseline.
    delay
        Calibrated lag of the stop event behind the junction's current.
    """

    start_input: Literal["a", "b"] = "a"
    start_slope: Literal["positive", "negative"] = "positive"
    stop_slope: Literal["positive", "negative"] = "positive"
    start_threshold: Volts = Field(1.0, ge=-5, le=5)
    stop_threshold: Volts = Field(ge=-5, le=5)
    start_impedance: Ohms = 1e6
    stop_impedance: Ohms = 1e6
    start_coupling: Literal["ac", "dc"] = "dc"
    stop_coupling: Literal["ac", "dc"] = "dc"
    delay: Seconds = Field(0.0, gt=-1, lt=1)

    @field_validator("start_impedance", "stop_impedance")
    @classmethod
    def _has_this_impedance(cls, impedance: float) -> float:
        """Refuse impedances that the counter does not have."""
        if impedance not in {50.0, 1e6}:
            raise ValueError(f"the impedance is 50 Ohm or 1 MOhm, not {impedance:g} Ohm")
        return impedance

    @property
    def stop_input(self) -> Literal["a", "b"]:
        """The input that carries the voltage across the junction."""
        return "b" if self.start_input == "a" else "a"
