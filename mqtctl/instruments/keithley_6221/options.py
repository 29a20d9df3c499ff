"""Options of a Keithley 6221: compliance, marker, steps, response, grounding, and the limit of its current."""

from __future__ import annotations

from typing import Literal

from mqtctl_drivers.keithley_6221_wave import LONGEST_WAVEFORM
from pydantic import Field, field_validator

from mqtctl.documents import Document
from mqtctl.quantities import Amperes, Seconds, Volts

__all__ = ["Keithley6221Options"]

#: Line of the trigger output after a reset.
_TRIGGER_OUTPUT_LINE = 2


class Keithley6221Options(Document):
    """Options of a 6221 as ramp source.

    Attributes
    ----------
    compliance
        Compliance voltage, 0.1 V to 105 V. The lowest is the default: a junction shows millivolts;
        more is needed only where bias resistors are in the line.
    marker_line
        Trigger-link line of the marker, 1 to 6 but not 2, the trigger output.
    points
        Most steps a period is cut into.
    response
        Output response.
    analog_filter
        Whether the output's analog filter is on.
    inner_shield, low_to_earth
        Guarding and grounding; left as after `*RST` if not given.
    current_limit
        Largest magnitude of current that the driver lets through.
    filter_time
        Time constant of the filters in the bias line, if known: with it `check` says how much of a jump to the
        start current is left when the junction switches.
    """

    compliance: Volts = Field(0.1, ge=0.1, le=105)
    marker_line: int = Field(3, ge=1, le=6, strict=True)
    points: int = Field(10_000, ge=100, le=LONGEST_WAVEFORM, strict=True)
    response: Literal["fast", "slow"] = "fast"
    analog_filter: bool = Field(False, strict=True)
    inner_shield: Literal["output low", "guard"] | None = None
    low_to_earth: bool | None = Field(None, strict=True)
    current_limit: Amperes = Field(0.105, gt=0, le=0.105)
    filter_time: Seconds | None = Field(None, gt=0)

    @field_validator("marker_line")
    @classmethod
    def _not_the_trigger_output(cls, line: int) -> int:
        """Refuse the line that the trigger output has after a reset: the instrument would answer -221."""
        if line == _TRIGGER_OUTPUT_LINE:
            raise ValueError(
                f"line {line} is in conflict with the trigger output, which has it after a reset (the 6221 answers "
                "-221); choose another, such as 3"
            )
        return line
