"""The autotune of the Model 336 as far as a client sees it: its stages, its end, its errors (ATUNE, TUNEST)."""

from __future__ import annotations

__all__ = ["Autotune"]

#: How many stages there are and how long each takes in s (U).
_STAGES, _STAGE_TIME = 10, 10.0


class Autotune:
    """One tuning at a time.

    Attributes
    ----------
    output
        Number of the output being tuned, 0 for none.
    """

    def __init__(self) -> None:
        self.output = 0
        self._since = 0.0
        self._last = (0, 0, 0)

    def start(self, output: int, now: float, possible: bool) -> None:
        """Begin at bench time `now` (s); where it is not possible, that is an error of stage 0."""
        self._since = now
        self.output = output if possible else 0
        self._last = (output, 0 if possible else 1, 0)

    def go_on(self, now: float, possible: bool) -> bool:
        """Go on at bench time `now` (s); return whether the tuning has just ended, well or not."""
        if not self.output:
            return False
        stage = self._stage(now)
        if possible and stage <= _STAGES:
            return False
        self._last = (self.output, 0, 0) if possible else (self.output, 1, stage)
        self.output = 0
        return True

    def status(self, now: float) -> str:
        """Return the fields of TUNEST? at bench time `now` (s)."""
        if self.output:
            return f"1,{self.output},0,{self._stage(now):02d}"
        output, error, stage = self._last
        return f"0,{output or 1},{error},{stage:02d}"

    def _stage(self, now: float) -> int:
        return 1 + int((now - self._since) / _STAGE_TIME)
