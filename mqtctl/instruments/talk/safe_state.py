"""Brings an instrument to rest and does not believe it before it is read back.

The way there may depend on nothing that can fail: each step is tried whatever happened to the one before, a session
that is lost is opened anew, and no exception of any kind keeps the next step, or the next instrument, from its turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mqtctl.errors import UnsafeError
from mqtctl.instruments.talk.error_sentences import impatient
from mqtctl.instruments.talk.link import link_of

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["Restable", "WayToRest"]

log = logging.getLogger(__name__)

_ATTEMPTS = 3


@dataclass
class WayToRest:
    """What to send to an instrument so that it is at rest, and how it confirms that.

    Attributes
    ----------
    instrument
        The driver.
    about
        Makes one sentence of faults in its block, given what is being done.
    steps
        What ends and switches off, in this order.
    is_off
        Reads back whether that is so.
    distrust
        Makes sure of the instrument's identity before anything else is sent on a session that was opened anew.
    goal
        What is to be confirmed, for messages: "zero current and output off", or "the sample heater".
    end
        How "... could not be" ends.
    by_hand
        What a person can do at the instrument.
    reset
        Begins every attempt but the first; None for an instrument that must not be reset.
    """

    instrument: VisaInstrument
    about: Callable[[str], AbstractContextManager[None]]
    steps: Sequence[Callable[[], object]]
    is_off: Callable[[], bool]
    distrust: Callable[[], object]
    goal: str
    by_hand: str
    reset: Callable[[], object] | None = None
    end: str = "confirmed"

    def attempt(self, number: int, timeout: float) -> str:
        """Take every step once, on a new session if the present one fails; return what is wrong, "" if it is at rest.

        Parameters
        ----------
        number
            How often it was tried before.
        timeout
            How long in s a reply is waited for.
        """
        with impatient(self.instrument, timeout):
            unconfirmed, failed = self._round(number)
            if not (unconfirmed and failed and link_of(self.instrument).known):
                return unconfirmed
            lost = self._reopen(timeout)
            return self._unconfirmed(lost) if lost else self._round(number)[0]

    def take(self) -> None:
        """Try three times; replies are waited for at most 1 s.

        Raises
        ------
        UnsafeError
            Not confirmed; the message says what happened the last time.
        """
        for number in range(_ATTEMPTS):
            fault = self.attempt(number, 1.0)
            if not fault:
                return
        raise UnsafeError(fault)

    def _round(self, number: int) -> tuple[str, bool]:
        """Take every step and read back; return what is wrong ("" for nothing), and whether anything failed at all."""
        failures: list[str] = []

        def tried(action: Callable[[], object], doing: str) -> object:
            try:
                with self.about(doing):
                    return action()
            except Exception as exc:  # of any kind: the next step towards safety must be taken
                failures.append(" ".join(str(exc).split()) or type(exc).__name__)
                return None

        resets = [self.reset] if self.reset is not None and number else []
        for step in (*resets, *self.steps):
            tried(step, "making it safe")
        if tried(self.is_off, "reading back the safe state"):
            return "", bool(failures)
        reason = failures[-1] if failures else "it does not read back so"
        return self._unconfirmed(reason.removeprefix(f"{link_of(self.instrument)}, ")), bool(failures)

    def _unconfirmed(self, reason: str) -> str:
        """Say that it is not confirmed, and why."""
        return f"{link_of(self.instrument)}: {self.goal} could not be {self.end} ({reason}); {self.by_hand}"

    def _reopen(self, timeout: float) -> str:
        """Open the session anew and ask who is there before anything else; return why that failed, "" for nothing."""
        link = link_of(self.instrument)
        try:
            link.reopen(self.instrument)
            self.instrument.timeout.set(timeout)
            self.distrust()
        except Exception as exc:  # of any kind: the other instruments must get their turn
            log.warning("%s: no new session (%s)", link, exc)
            return f"the connection is lost, and no new one can be opened: {' '.join(str(exc).split())}"
        return ""


@runtime_checkable
class Restable(Protocol):
    """An adapter that says step by step how its instrument comes to rest, so that several can do so side by side."""

    def way_to_rest(self) -> WayToRest:
        """Return what to send and how it is confirmed."""
