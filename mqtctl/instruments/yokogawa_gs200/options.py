"""Options of a Yokogawa GS200: current or voltage behind a resistor, its limit, and how far its output may go."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from mqtctl.documents import Document
from mqtctl.quantities import Amperes, Ohms, Volts

__all__ = ["YokogawaGS200Options"]

#: Range -> (largest level, step), in V and in A.
_VOLTAGE_RANGES = {10e-3: (12e-3, 1e-7), 0.1: (0.12, 1e-6), 1.0: (1.2, 1e-5), 10.0: (12.0, 1e-4), 30.0: (32.0, 1e-3)}
_CURRENT_RANGES = {1e-3: (1.2e-3, 1e-8), 10e-3: (12e-3, 1e-7), 0.1: (0.12, 1e-6), 0.2: (0.2, 1e-6)}


class YokogawaGS200Options(Document):
    """Options of a GS200 as offset source.

    Attributes
    ----------
    current_limit
        Largest magnitude of current; it also chooses the range, which then never changes. No default.
    bias_resistance
        All that lies between the output and the junction. With it the instrument is a voltage source, which is
        a hundred times finer on microamperes than its 1 mA range (steps of 10 nA); without it a current source.
    voltage_limit
        As a current source: compliance, 1 V to 30 V, in whole volts.
    protection
        As a voltage source: current at which the instrument limits itself, 1 mA to 200 mA.
    """

    current_limit: Amperes = Field(gt=0, le=0.2)
    bias_resistance: Ohms | None = Field(None, gt=0)
    voltage_limit: Volts = Field(1.0, ge=1, le=30)
    protection: Amperes = Field(1e-3, ge=1e-3, le=0.2)

    @model_validator(mode="after")
    def _within_reach(self) -> Self:
        """Refuse a current that no range holds."""
        if math.isnan(self.range):
            raise ValueError(
                f"{self.current_limit:g} A through {self.bias_resistance:g} Ohm need more than the instrument's 32 V; "
                "lower current_limit or take a smaller resistor"
            )
        return self

    @property
    def function(self) -> Literal["VOLT", "CURR"]:
        """What the instrument is a source of, in its own word."""
        return "CURR" if self.bias_resistance is None else "VOLT"

    @property
    def scale(self) -> float:
        """Level of the instrument, in V or A, for a current of 1 A."""
        return self.bias_resistance or 1.0

    @property
    def range(self) -> float:
        """The smallest range, in V or A, that holds the current limit; nan if there is none."""
        wanted = self.current_limit * self.scale
        ranges = _CURRENT_RANGES if self.bias_resistance is None else _VOLTAGE_RANGES
        return next((name for name, (largest, _) in ranges.items() if wanted <= largest * (1 + 1e-9)), math.nan)

    @property
    def step(self) -> float:
        """Smallest change of the level, in V or A."""
        ranges = _CURRENT_RANGES if self.bias_resistance is None else _VOLTAGE_RANGES
        return ranges[self.range][1]
