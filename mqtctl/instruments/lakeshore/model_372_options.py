"""Options of a Lake Shore 372: which thermometer, which heater, and which range at which temperature."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from mqtctl.errors import InputError
from mqtctl.instruments.lakeshore.zones import Zone, ZonedOptions
from mqtctl.quantities import parse_quantity, readable

__all__ = ["DEFAULT_ZONES", "SAMPLE_HEATER_RANGES", "HeaterZone", "Lakeshore372Options"]

#: Full-scale currents in A of the sample heater's ranges 1 to 8 (372 manual, RANGE).
SAMPLE_HEATER_RANGES = (31.6e-6, 100e-6, 316e-6, 1e-3, 3.16e-3, 10e-3, 31.6e-3, 100e-3)


def _heater_range(value: object) -> object:
    """Return "off", "on" or a current in A."""
    if isinstance(value, bool):  # YAML 1.1 reads a bare off as false
        return "on" if value else "off"
    if isinstance(value, str) and value.strip().lower() in {"off", "on"}:
        return value.strip().lower()
    return parse_quantity(value, "A")


HeaterRange = Annotated[Literal["off", "on"] | float, BeforeValidator(_heater_range)]


class HeaterZone(Zone):
    """What the heater does up to a temperature.

    Attributes
    ----------
    range
        Heater range: "off", for the sample heater its full-scale current, for the warm-up heater "on".
    p, i, d
        Gains of the loop (0 to 1000, 0 to 10000, 0 to 2500); all three, or none to leave them alone.
    """

    range: HeaterRange
    p: float | None = Field(None, ge=0, le=1000)
    i: float | None = Field(None, ge=0, le=10000)
    d: float | None = Field(None, ge=0, le=2500)


#: For a refrigerator with about 400 uW of cooling power at 100 mK, growing as the temperature squared,
#: and a heater of about 100 Ohm: each range has at least 1.7 times the power its zone needs.
DEFAULT_ZONES = (
    HeaterZone.model_validate({"up_to": "35 mK", "range": "1 mA"}),
    HeaterZone.model_validate({"up_to": "120 mK", "range": "3.16 mA"}),
    HeaterZone.model_validate({"up_to": "350 mK", "range": "10 mA"}),
    HeaterZone.model_validate({"up_to": "1.2 K", "range": "31.6 mA"}),
    HeaterZone.model_validate({"up_to": "400 K", "range": "100 mA"}),
)


class Lakeshore372Options(ZonedOptions):
    """Options of a Lake Shore 372.

    Attributes
    ----------
    channel
        Measurement input of the bath thermometer, 1 to 16.
    heater
        Output that holds the temperature.
    ranges
        Zones in order of temperature; the last must reach `maximum`. Default: `DEFAULT_ZONES`, which
        leave the gains of the loop alone.
    """

    channel: int = Field(ge=1, le=16, strict=True)
    heater: Literal["sample", "warm-up"] = "sample"
    ranges: tuple[HeaterZone, ...] = Field(DEFAULT_ZONES, min_length=1)

    @model_validator(mode="after")
    def _heater_has_these_ranges(self) -> Self:
        if self.heater == "warm-up" and "ranges" not in self.model_fields_set:
            raise ValueError("the warm-up heater has no default ranges; write them, such as {up_to: 1 K, range: on}")
        for zone in self.ranges:
            self.range_code(zone)
        return self

    def range_code(self, zone: Zone) -> int:
        """Return the number of a zone's heater range as the RANGE command wants it.

        Raises
        ------
        InputError
            The heater has no such range.
        """
        wanted = zone.range if isinstance(zone, HeaterZone) else "off"
        if wanted == "off":
            return 0
        if self.heater == "warm-up":
            if wanted == "on":
                return 1
            raise InputError("the warm-up heater has no ranges; write range: on or range: off")
        for code, current in enumerate(SAMPLE_HEATER_RANGES, start=1):
            if isinstance(wanted, float) and abs(wanted - current) <= 1e-3 * current:
                return code
        found = wanted if isinstance(wanted, str) else readable(wanted, "A")
        known = ", ".join(readable(current, "A") for current in SAMPLE_HEATER_RANGES)
        raise InputError(f"the sample heater has no range {found}; it has {known} and off")
