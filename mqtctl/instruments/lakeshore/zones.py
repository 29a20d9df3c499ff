"""What the options of the Lake Shore controllers share: the cryostat's range, and zones of heater settings."""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from mqtctl.documents import Document
from mqtctl.errors import InputError
from mqtctl.quantities import Kelvins, readable

__all__ = ["Zone", "ZonedOptions"]


class Zone(Document):
    """Gains of the loop up to a temperature; each instrument adds its heater ranges.

    Attributes
    ----------
    up_to
        Highest temperature of the zone.
    p, i, d
        Gains of the loop; all three, or none to leave them alone.
    """

    up_to: Kelvins = Field(gt=0)
    p: float | None = None
    i: float | None = None
    d: float | None = None

    @model_validator(mode="after")
    def _all_gains_or_none(self) -> Self:
        if len({gain is None for gain in self.gains}) == 2:
            raise ValueError("p, i and d go together; give all three or none")
        return self

    @property
    def gains(self) -> tuple[float | None, float | None, float | None]:
        """P, I and D."""
        return self.p, self.i, self.d


class ZonedOptions(Document):
    """Options of a controller whose heater settings go by temperature.

    Attributes
    ----------
    minimum, maximum
        Temperatures this cryostat is known to hold.
    ranges
        Zones in order of temperature; the last must reach `maximum`.
    """

    minimum: Kelvins = Field(gt=0)
    maximum: Kelvins = Field(gt=0, le=400)
    ranges: tuple[Zone, ...]

    @model_validator(mode="after")
    def _zones_in_order(self) -> Self:
        if not self.minimum < self.maximum:
            low, high = readable(self.minimum, "K"), readable(self.maximum, "K")
            raise ValueError(f"minimum, {low}, must be below maximum, {high}")
        tops = [zone.up_to for zone in self.ranges]
        if any(b <= a for a, b in pairwise(tops)):
            raise ValueError("ranges must be in order of rising up_to, each temperature once")
        if tops[-1] < self.maximum:
            raise ValueError(
                f"the last of ranges goes up to {readable(tops[-1], 'K')} and not to the maximum of "
                f"{readable(self.maximum, 'K')}; add one"
            )
        return self

    def zone(self, temperature: float) -> Zone:
        """Return the first zone that reaches this temperature (K); raises `InputError` if the cryostat does not."""
        if not self.minimum <= temperature <= self.maximum:
            raise InputError(
                f"{temperature * 1e3:.6g} mK is outside what this cryostat holds, {self.minimum * 1e3:.6g} mK to "
                f"{self.maximum * 1e3:.6g} mK; change the plan, or minimum and maximum in the station file"
            )
        return next(zone for zone in self.ranges if temperature <= zone.up_to)
