"""Options of a Lake Shore 336: which input, which output, and which heater range at which temperature."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mqtctl.instruments.lakeshore.zones import Zone, ZonedOptions

__all__ = ["DEFAULT_ZONES", "HEATER_RANGES", "HeaterZone", "Lakeshore336Options"]

#: Numbers of the heater ranges of outputs 1 and 2 (336 manual, RANGE).
HEATER_RANGES = {"off": 0, "low": 1, "medium": 2, "high": 3}


def _heater_range(value: object) -> object:
    """Return the word for a heater range in lower case."""
    if value is False:  # YAML 1.1 reads a bare off as false
        return "off"
    return value.strip().lower() if isinstance(value, str) else value


class HeaterZone(Zone):
    """What the heater does up to a temperature.

    Attributes
    ----------
    range
        Heater range: off, low, medium or high, each a tenth of the power of the next.
    p, i, d
        Gains of the loop (0.1 to 1000, 0.1 to 1000, 0 to 200); all three, or none to leave them alone.
    """

    range: Annotated[Literal["off", "low", "medium", "high"], BeforeValidator(_heater_range)]
    p: float | None = Field(None, ge=0.1, le=1000)
    i: float | None = Field(None, ge=0.1, le=1000)
    d: float | None = Field(None, ge=0, le=200)


#: Of a heater of 25 or 50 Ohm on a helium-3 or helium-4 stage; look at yours.
DEFAULT_ZONES = (
    HeaterZone.model_validate({"up_to": "4 K", "range": "low"}),
    HeaterZone.model_validate({"up_to": "20 K", "range": "medium"}),
    HeaterZone.model_validate({"up_to": "400 K", "range": "high"}),
)


class Lakeshore336Options(ZonedOptions):
    """Options of a Lake Shore 336.

    Attributes
    ----------
    input
        Measurement input of the bath thermometer, A to D.
    output
        Heater output that holds the temperature, 1 or 2; outputs 3 and 4 are voltage sources without ranges.
    ranges
        Zones in order of temperature; the last must reach `maximum`. Default: `DEFAULT_ZONES`, which
        leave the gains of the loop alone.
    """

    input: Literal["A", "B", "C", "D"]
    output: Literal[1, 2] = 1
    ranges: tuple[HeaterZone, ...] = Field(DEFAULT_ZONES, min_length=1)

    @property
    def input_number(self) -> int:
        """Number of the input as OUTMODE wants it, 1 to 4."""
        return "ABCD".index(self.input) + 1

    def range_code(self, zone: Zone) -> int:
        """Return the number of a zone's heater range as the RANGE command wants it."""
        return HEATER_RANGES[zone.range] if isinstance(zone, HeaterZone) else 0
