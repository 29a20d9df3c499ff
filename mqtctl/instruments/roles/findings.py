"""What a check finds out, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Verdict"]

Verdict = Literal["good", "warning", "fault", "not checked"]


@dataclass(frozen=True)
class Finding:
    """One line of a check.

    Attributes
    ----------
    subject
        What was looked at, in a few words.
    verdict
        `fault`: the measurement would fail or be worthless; `warning`: it may.
    text
        What was found, with the value and the limit.
    advice
        What to do; empty where nothing is to be done.
    cause
        Where a fault lies: in a "file" (plan, station, sample), or in "hardware" as it is.
    instrument
        Name and address of the instrument concerned; empty if none is.
    """

    subject: str
    verdict: Verdict
    text: str
    advice: str = ""
    cause: Literal["file", "hardware"] = "hardware"
    instrument: str = ""

    @property
    def sentence(self) -> str:
        """Text and advice as one sentence."""
        return f"{self.text}; {self.advice}" if self.advice else self.text
