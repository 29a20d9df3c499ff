"""What goes wrong at a served bench, and what waits in vain, is said on stderr, each thing once."""

from __future__ import annotations

import contextlib
import sys
import traceback

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.grammar.instrument import Instrument

__all__ = ["Complaints"]

#: Bench time in s after which it is said what an instrument waits for.
_LONG_WAIT = 10.0


class Complaints:
    """What has been said already."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._waits: dict[Instrument, float] = {}

    def report(self, what: str, exc: Exception) -> None:
        """Say that something has failed and goes on."""
        last = traceback.extract_tb(exc.__traceback__)[-1:]
        where = "".join(f"{frame.filename}:{frame.lineno}" for frame in last)
        details = "".join(traceback.format_exception(exc))
        self.say(f"{what} has failed and goes on; this is a defect of the simulation: {exc!r}\n{details}", where)

    def say(self, text: str, once: str) -> None:
        """Say something, unless something was said under the name `once`."""
        if once not in self._said:
            self._said.add(once)
            self._write(text)

    def tell_of_a_long_wait(self, bench: Bench, instrument: Instrument) -> None:
        """Say once what an instrument has waited for in vain, as the lamps at a real one's inputs do."""
        since, now = instrument.waiting_since, bench.clock.now()
        if since is None or now - since < _LONG_WAIT or self._waits.get(instrument) == since:
            return
        self._waits[instrument] = since
        name = next(line.name for line in bench.lines.values() if line.instrument is instrument)
        model = bench.file.instruments[name].model
        self._write(f"{name} ({model}) has waited {now - since:.0f} s for {instrument.what_is_awaited()}")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # nobody may be listening any more
            sys.stderr.write(text.rstrip() + "\n")
            sys.stderr.flush()
