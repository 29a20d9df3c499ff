"""What is tried again and how often: the one place for it.

A `GlitchError` says that one exchange failed, not that the next one will. Setting up is simply done again. A histogram
goes on with a new burst: the readings it has are good, for each piece was checked; what is missing is ramped anew. A
`LostError` says that a session is over, or the power was: the session is opened anew first. If the bath has left its
band, readings that are not stored yet are dropped, and it is settled again before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mqtctl.acquisition.faults import LeftBandError, ThermometerError, UnwatchedError
from mqtctl.errors import GlitchError, HardwareError, LostError

__all__ = [
    "BATH_FAULTS",
    "INTERRUPTIONS",
    "MOST_SKIPPED",
    "PATIENCE",
    "PAUSE",
    "Interruption",
    "LeftBandError",
    "Setbacks",
    "persist",
]

Result = TypeVar("Result")

#: How often setting up is tried.
ATTEMPTS = 3
#: A histogram bears so many glitches and lost sessions in all, and so many without a reading in between; and so often
#: it may have to be settled again.
MOST_GLITCHES, MOST_IN_A_ROW, MOST_SETTLINGS = 10, 3, 2
#: An instrument whose session is lost is waited for so long (s), and tried again after so long (s).
PATIENCE, PAUSE = 60.0, 2.0
#: So many points in a row may be skipped.
MOST_SKIPPED = 3

#: The bath was not where it should be, or nobody knows where it was: readings that are not stored yet do not count.
BATH_FAULTS = (LeftBandError, ThermometerError, UnwatchedError)
#: What a histogram may go on after.
INTERRUPTIONS = (GlitchError, LostError, *BATH_FAULTS)
Interruption = GlitchError | LostError | LeftBandError | ThermometerError | UnwatchedError


def persist(
    action: Callable[[], Result],
    remark: Callable[[str], None],
    restore: Callable[[HardwareError], None] | None = None,
) -> Result:
    """Do something that may be done again, up to three times if exchanges fail; tells of each time that failed.

    Parameters
    ----------
    restore
        Opens sessions anew where one is lost, or where exchanges have failed twice; without it a lost session is the
        end.
    """
    for number in range(1, ATTEMPTS):
        try:
            return action()
        except (GlitchError, LostError) as exc:
            lost = isinstance(exc, LostError)
            if lost and restore is None:
                raise
            anew = restore is not None and (lost or number > 1)
            with_what = ", with sessions opened anew where they are lost" if anew else ""
            remark(f"{exc} (attempt {number} of {ATTEMPTS}; trying again{with_what})")
            if restore is not None and anew:
                restore(exc)
    return action()


class Setbacks:
    """Counts what has interrupted a histogram, and says when it is enough."""

    def __init__(self) -> None:
        self.glitches = 0
        self.lost = 0
        self.settlings = 0
        self._in_a_row = 0
        self._readings = -1

    def escalated(self, fault: Interruption) -> Interruption:
        """Return the fault; as a lost session if it is the second failed exchange without a reading in between."""
        if isinstance(fault, GlitchError) and self._in_a_row > 1:
            return LostError(str(fault))
        return fault

    def bear(self, fault: Interruption, readings: int) -> str:
        """Return what is done about a fault, for a remark; raises the fault if there have been too many.

        Parameters
        ----------
        readings
            How many readings the histogram has.
        """
        if isinstance(fault, BATH_FAULTS):
            self.settlings += 1
            if self.settlings > MOST_SETTLINGS:
                raise fault
            return f"ramps stopped, settling again ({self.settlings} of at most {MOST_SETTLINGS} times)"
        if isinstance(fault, LostError):
            self.lost += 1
        else:
            self.glitches += 1
        self._in_a_row = self._in_a_row + 1 if readings == self._readings else 1
        self._readings = readings
        if self.glitches + self.lost > MOST_GLITCHES or self._in_a_row > MOST_IN_A_ROW:
            raise fault
        anew = "sessions are opened anew, " if isinstance(fault, LostError) else ""
        return (
            f"{anew}source and counter are set up anew and ramps go on "
            f"(setback {self.glitches + self.lost} of at most {MOST_GLITCHES})"
        )
