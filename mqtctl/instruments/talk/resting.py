"""Brings several instruments to rest side by side, and goes on trying where a link is lost.

On the wall clock every instrument has a thread of its own, so that a dead one delays nobody. On a simulated clock
they take turns instead, with short time-outs, so that a seeded run stays the same to the last byte.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from mqtctl.clock import Clock, WallClock
from mqtctl.instruments.roles.experiment import OffsetSource, RampSource
from mqtctl.instruments.talk.identity import WrongInstrumentError
from mqtctl.instruments.talk.safe_state import Restable

__all__ = ["PATIENCE", "Attempt", "attempt_of", "bring_to_rest", "in_use", "print_aside"]

#: One try to bring an instrument to rest, given how often it was tried before and how long in s to wait for replies;
#: returns what is wrong, "" if it is at rest.
Attempt = Callable[[int, float], str]

#: How long in s it goes on being tried: a cable that was pulled is back, or somebody has come.
PATIENCE = 180.0
#: Time-out in s of the first try and of the later ones, pause in s between tries, tries before anything is said.
_FIRST, _LATER, _PAUSE, _AT_ONCE = 0.25, 1.0, 5.0, 3
#: A try that has not come back after so long in s hangs in the VISA library; later it is waited for much shorter.
_HANGS, _STILL_HANGS = 15.0, 0.1


def attempt_of(adapter: object) -> Attempt:
    """Return how an adapter is brought to rest; one that only knows `make_safe` tries three times by itself."""
    if isinstance(adapter, Restable):
        return adapter.way_to_rest().attempt

    def attempt(_number: int, _timeout: float) -> str:
        adapter.make_safe()  # type: ignore[attr-defined]  # every role has it; it raises if not confirmed
        return ""

    return attempt


def in_use(sources: Iterable[RampSource | OffsetSource]) -> bool:
    """Return whether a source says that its output is on; one that does not say is not taken for somebody's."""
    for source in sources:
        with suppress(Exception):  # it is asked on the way to safety
            if source.output_on():
                return True
    return False


def print_aside(sentence: str) -> None:
    """Say something on stderr, if there is one."""
    sys.stderr.write(f"mqtctl: {sentence}\n")


def bring_to_rest(
    attempts: Mapping[str, Attempt],
    clock: Clock,
    tell: Callable[[str], object] = lambda _sentence: None,
    patience: float | None = None,
    side_by_side: bool | None = None,
) -> dict[str, str]:
    """Try all until each is at rest or `patience` (s) is over; return name -> what is wrong, empty if all are.

    Parameters
    ----------
    attempts
        Name of each instrument -> how it is brought to rest; the most urgent first.
    clock
        Whose time counts. It may fail as well: then there is nothing to wait for.
    tell
        Told in a sentence that it takes longer, and how that ended.
    patience
        Default: `PATIENCE`.
    side_by_side
        Whether each has a thread of its own; default: on the wall clock.
    """
    patience = PATIENCE if patience is None else patience
    parallel = isinstance(clock, WallClock) if side_by_side is None else side_by_side
    threads = _SideBySide() if parallel else None
    strangers: dict[str, str] = {}
    faults = dict.fromkeys(attempts, "not tried")
    begin, number, told = _now(clock), 0, False
    while True:
        tries = {name: attempts[name] for name in faults}
        timeout = _LATER if number else _FIRST
        found = threads.tried(tries, number, timeout) if threads else _in_turn(tries, number, timeout)
        strangers |= {name: outcome.fault for name, outcome in found.items() if outcome.stranger}
        faults = {name: outcome.fault for name, outcome in found.items() if outcome.fault and not outcome.stranger}
        number += 1
        if told and len(faults) < len(found):
            _tell(tell, _confirmed(set(found) - set(faults)))
        if not faults:
            return strangers
        if number < _AT_ONCE:
            continue
        now = _now(clock)
        if now is None or begin is None or now - begin >= patience:
            return {**strangers, **faults}
        if not told:
            told = True
            done = set(attempts) - set(faults) - set(strangers)
            others = f"{_confirmed(done)}; " if done else ""
            names, reasons = " and ".join(faults), "; ".join(faults.values())
            _tell(tell, f"{others}{names} not yet, trying again for {patience:g} s: {reasons}")
        if not _sleep(clock, min(_PAUSE, max(patience - (now - begin), 0.1))):
            return {**strangers, **faults}


def _confirmed(names: set[str]) -> str:
    """Say that instruments are at rest."""
    return f"{' and '.join(sorted(names))} confirmed off"


@dataclass(frozen=True)
class _Outcome:
    """What is wrong after a try, and whether that is another instrument, to which nothing more may be sent."""

    fault: str
    stranger: bool = False


def _one(attempt: Attempt, number: int, timeout: float) -> _Outcome:
    """Try once; no exception of any kind may keep the others from their turn."""
    try:
        return _Outcome(attempt(number, timeout))
    except Exception as exc:
        return _Outcome(" ".join(str(exc).split()) or type(exc).__name__, isinstance(exc, WrongInstrumentError))


def _in_turn(attempts: Mapping[str, Attempt], number: int, timeout: float) -> dict[str, _Outcome]:
    """Try one after the other."""
    return {name: _one(attempt, number, timeout) for name, attempt in attempts.items()}


class _SideBySide:
    """Tries each instrument in a thread; remembers those that never came back."""

    def __init__(self) -> None:
        self._running: dict[str, threading.Thread] = {}
        self._results: dict[str, _Outcome] = {}

    def tried(self, attempts: Mapping[str, Attempt], number: int, timeout: float) -> dict[str, _Outcome]:
        """Try all at the same time."""
        hanging = {name for name, thread in self._running.items() if thread.is_alive()}
        for name, attempt in attempts.items():
            if name not in hanging:
                self._results.pop(name, None)
                self._running[name] = threading.Thread(
                    target=self._run, args=(name, attempt, number, timeout), daemon=True, name=f"rest-{name}"
                )
                self._running[name].start()
        for name in attempts:
            self._running[name].join(_STILL_HANGS if name in hanging else _HANGS)
        lost = _Outcome("the VISA library does not come back")
        return {name: self._results.get(name, lost) for name in attempts}

    def _run(self, name: str, attempt: Attempt, number: int, timeout: float) -> None:
        self._results[name] = _one(attempt, number, timeout)


def _now(clock: Clock) -> float | None:
    """Return the time in s, None where the clock fails: that of a served bench goes with the bench."""
    try:
        return clock.now()
    except Exception:
        return None


def _sleep(clock: Clock, duration: float) -> bool:
    """Sleep for `duration` s; return whether that worked."""
    try:
        clock.sleep(duration)
    except Exception:  # see `_now`
        return False
    return True


def _tell(tell: Callable[[str], object], sentence: str) -> None:
    """Tell a sentence; whoever cannot listen any more must not keep anything on."""
    with suppress(Exception):
        tell(sentence)
