"""What is tried again and how often: the one place for it.

A `GlitchError` says that one exchange failed, not that the next one will. Setting up is simply done again. A histogram
goes on with a new burst: the readings it has are good, for each piece was checked; what is missing is ramped anew. If
the bath has left its band, readings that are not stored yet are dropped, and it is settled again before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mqtctl.errors import CryostatError, GlitchError

__all__ = ["LeftBandError", "Setbacks", "persist"]

Result = TypeVar("Result")

#: How often setting up is tried.
ATTEMPTS = 3
#: A histogram bears so many glitches in all, and so many without a reading in between; and the bath may leave its band
#: so often.
MOST_GLITCHES, MOST_IN_A_ROW, MOST_SETTLINGS = 10, 3, 2


class LeftBandError(CryostatError):
    """The bath has left the band around its set point while ramps ran."""


def persist(action: Callable[[], Result], remark: Callable[[str], None]) -> Result:
    """Do something that may be done again, up to three times if exchanges fail; tells of each time that failed."""
    for number in range(1, ATTEMPTS):
        try:
            return action()
        except GlitchError as exc:
            remark(f"{exc} (attempt {number} of {ATTEMPTS}; trying again)")
    return action()


class Setbacks:
    """Counts what has interrupted a histogram, and says when it is enough."""

    def __init__(self) -> None:
        self.glitches = 0
        self.settlings = 0
        self._in_a_row = 0
        self._readings = -1

    def bear(self, fault: GlitchError | LeftBandError, readings: int) -> str:
        """Return what is done about a fault, for a remark; raises the fault if there have been too many.

        Parameters
        ----------
        readings
            How many readings the histogram has.
        """
        if isinstance(fault, LeftBandError):
            self.settlings += 1
            if self.settlings > MOST_SETTLINGS:
                raise fault
            return f"ramps stopped, settling again ({self.settlings} of at most {MOST_SETTLINGS} times)"
        self.glitches += 1
        self._in_a_row = self._in_a_row + 1 if readings == self._readings else 1
        self._readings = readings
        if self.glitches > MOST_GLITCHES or self._in_a_row > MOST_IN_A_ROW:
            raise fault
        return (
            f"source and counter are set up anew and ramps go on (setback {self.glitches} of at most {MOST_GLITCHES})"
        )
