"""Options of a Keysight 33500B: the resistor that makes a current of its voltage, channel, steps, limit."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mqtctl.documents import Document
from mqtctl.quantities import Amperes, Ohms, Seconds

__all__ = ["Keysight33500BOptions"]


class Keysight33500BOptions(Document):
    """Options of a 33500B as ramp source.

    Attributes
    ----------
    bias_resistance
        All that lies between the open-circuit voltage and the junction: bias resistor, filters, line, and the
        generator's own 50 Ohm. It is what the current is computed with, so it must be measured; no default.
    channel
        Output channel; Sync follows it.
    points
        Most steps a period is cut into.
    current_limit
        Largest magnitude of current, by the instrument's own voltage limits; 5 % above the ramp if left out.
    filter_time
        Time constant of the filters in the bias line, if known: with it `check` says how much of a jump to the
        start current is left when the junction switches.
    """

    bias_resistance: Ohms = Field(ge=50)
    channel: Literal[1, 2] = 1
    points: int = Field(10_000, ge=100, le=100_000, strict=True)
    current_limit: Amperes | None = Field(None, gt=0)
    filter_time: Seconds | None = Field(None, gt=0)
