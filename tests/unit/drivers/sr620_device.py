"""An SR620 as far as a driver sees it: settings by mnemonic and input, and a binary dump that waits for the reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.unit.drivers.scripted_visa import SILENCE

SECONDS_PER_COUNT = 1.05963812934e-14
IDN = "StanfordResearchSystems,SR620,02500,1.48"
_INDEXED = frozenset({"LEVL", "TERM", "TSLP", "TCPL", "TMOD"})


class Timer:
    """Accepts `CMD value`, `CMD index,value`, `CMD?` and `CMD? index`, joined by semicolons.

    Parameters
    ----------
    answers
        Query -> reply text, bytes, `SILENCE`, or a function of no arguments that returns one of these.
    intervals
        What the dumps to come deliver, in s.
    """

    def __init__(self, answers: dict[str, object] | None = None, intervals: Sequence[float] = ()) -> None:
        status: dict[str, object] = {"*IDN?": IDN, "*ESR?": "0", "ERRS?": "0", "STAT?": "0"}
        self.answers = status | (answers or {})
        self.settings: dict[str, str] = {}
        self.intervals = list(intervals)
        self.seen: list[str] = []
        self.clears = 0

    def receive(self, message: str) -> bytes:
        self.seen.append(message)
        replies: list[bytes] = []
        for part in message.split(";"):
            header, _, values = part.partition(" ")
            if header == "BDMP":
                return self.samples(int(values))
            if part in self.answers or header.endswith("?"):
                reply = self._reply(part)
                if reply:
                    replies.append(reply)
            elif header in _INDEXED:
                index, _, value = values.partition(",")
                self.settings[f"{header} {index}"] = value
            else:
                self.settings[header] = values
        return b";".join(replies) + b"\n" if replies else b""

    def samples(self, count: int) -> bytes:
        """Return the next samples as bytes, as many as there are."""
        taken, self.intervals = self.intervals[:count], self.intervals[count:]
        return b"".join(struct.pack("<q", round(interval / SECONDS_PER_COUNT)) for interval in taken)

    def _reply(self, query: str) -> bytes:
        answer = self.answers.get(query, self.settings.get(query.replace("?", ""), "0"))
        answer = answer() if callable(answer) else answer
        if answer is SILENCE:
            return b""
        return answer if isinstance(answer, bytes) else str(answer).encode("ascii")

    def clear(self) -> None:
        self.clears += 1
