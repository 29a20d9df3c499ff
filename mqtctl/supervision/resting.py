"""Brings a bench to rest from outside: `mqtctl safe` in a process of its own, again until it confirms."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mqtctl.clock import Clock, WallClock
from mqtctl.supervision.apart import APART

__all__ = ["ATTEMPT", "PATIENCE", "RestAttempt", "bring_to_rest", "own_command"]

#: So long (s) one attempt may take, and so long (s) it is tried again: a cable that is out may be put back.
ATTEMPT, PATIENCE = 60.0, 600.0
#: Between two attempts, in s.
_PAUSE = 5.0
#: Exit codes of `mqtctl safe` with which source and heater are off: 2 is a fault in the file besides.
_CONFIRMED = (0, 2)


@dataclass(frozen=True)
class RestAttempt:
    """How an attempt ended: whether source and heater are confirmed off, and what was said."""

    confirmed: bool
    said: str


def own_command() -> list[str]:
    """Return how this very mqtctl is started again; what lies in the working folder is not imported by it."""
    alone = ["-P"] if sys.flags.safe_path or sys.path[:1] != [""] else []
    return [sys.executable, *alone, "-m", "mqtctl"]


def attempt(station: str) -> RestAttempt:
    """Try once, in a process that is ended if it takes too long."""
    command = [*own_command(), "safe", station]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ATTEMPT, check=False, **APART)
    except subprocess.TimeoutExpired:
        return RestAttempt(False, f"no answer for {ATTEMPT:.0f} s")
    except OSError as exc:
        return RestAttempt(False, f"cannot be tried: {exc}")
    said = " ".join((done.stdout + done.stderr).split())
    return RestAttempt(done.returncode in _CONFIRMED and "NOT confirmed" not in said, said)


def bring_to_rest(
    station: str,
    tell: Callable[[str], object],
    *,
    attempt: Callable[[str], RestAttempt] = attempt,
    clock: Clock | None = None,
    patience: Sequence[float] = (PATIENCE, _PAUSE),
) -> bool:
    """Try until source and heater are confirmed off, or patience is over; returns whether they are.

    Parameters
    ----------
    station
        Station file.
    tell
        Told in a sentence of the first failure and of the end.
    attempt, clock
        Does it once; the computer's clock.
    patience
        How long in s it is tried again, and the pause between two attempts.
    """
    longest, pause = patience
    clock = clock or WallClock()
    begun = clock.now()
    told = False
    while True:
        result = attempt(station)
        if result.confirmed:
            tell("source and heater are off, confirmed")
            return True
        if clock.now() - begun >= longest:
            tell(
                f"the safe state is NOT confirmed after {longest:.0f} s: look at the instruments, then run"
                f" `mqtctl safe {station}`; {result.said}"
            )
            return False
        if not told:
            tell(f"not confirmed off: {result.said}; trying again for up to {longest:.0f} s")
            told = True
        clock.sleep(pause)
