"""What a fit by name returns of one parameter."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FittedParameter"]


@dataclass(frozen=True)
class FittedParameter:
    """One parameter; values in `unit`.

    Attributes
    ----------
    value, stderr
        None where the data do not determine it.
    interval_68, interval_95
        From the profile likelihood; 0 and inf are ends where the data set none. None for one that was fixed.
    upper_95
        It is below that with 95 %, where zero cannot be excluded; None otherwise.
    fixed, identifiable
        Whether it was given, and whether the data determine it.
    price
        How many times larger the standard error of the temperature is for leaving this one free; None if it is fixed.
    """

    name: str
    unit: str
    value: float | None
    stderr: float | None = None
    interval_68: tuple[float, float] | None = None
    interval_95: tuple[float, float] | None = None
    upper_95: float | None = None
    fixed: bool = False
    identifiable: bool = True
    price: float | None = None

    @property
    def words(self) -> str:
        """What people call it."""
        return self.name.replace("_", " ")
