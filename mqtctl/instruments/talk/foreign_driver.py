"""Talks to an instrument through a driver of somebody else's: paced, in step, and in our errors.

QCoDeS's own drivers know nothing of late answers: after a time-out the next question would get the
answer to the last one. Adapters around those drivers speak through a `Conversation`; our own drivers keep
in step by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mqtctl_drivers.synchroniser import Synchroniser

from mqtctl.clock import Clock
from mqtctl.errors import GlitchError, MqtctlError
from mqtctl.instruments.talk.error_sentences import INSTRUMENT_FAULTS, named, speaking
from mqtctl.instruments.talk.identity import identify

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["Conversation"]


class Conversation:
    """All messages to one instrument.

    Parameters
    ----------
    instrument
        Any QCoDeS VISA instrument that answers `*IDN?`.
    models
        Texts of which one stands in its identity.
    clock
        Keeps the pauses.
    pause
        Quiet time in s that the instrument needs after each message.
    """

    def __init__(self, instrument: VisaInstrument, models: Collection[str], clock: Clock, pause: float = 0.0) -> None:
        self.instrument = instrument
        self._models = models
        self._clock = clock
        self._pause = pause
        self._next_message = -math.inf
        self._synchroniser = Synchroniser(instrument, models)

    @contextmanager
    def about(self, doing: str) -> Iterator[None]:
        """Make `HardwareError`s of faults within the block, and never leave a late answer for the next question.

        Parameters
        ----------
        doing
            What is being done, as the middle of a sentence: "setting up the ramp".
        """
        with speaking(self.instrument, doing):
            self._synchroniser.ensure()
            try:
                yield
            except MqtctlError:
                raise  # it answered, but not what it should: nothing is on its way
            except INSTRUMENT_FAULTS:
                self._synchroniser.lost()
                raise

    def distrust(self) -> None:
        """Ask who is there before the next exchange: the session is new, or its replies made no sense."""
        self._synchroniser.lost()

    def identify(self) -> str:
        """Return vendor, model, serial and firmware; raises `HardwareError` if it is another instrument."""
        with self.about("asking for its identity"):
            self.pace()
            return identify(self.instrument, self._models)

    def ask(self, query: str) -> str:
        """Send a query, not too soon after the message before, and return its reply."""
        self.pace()
        return self.instrument.ask(query)

    def fields(self, query: str, count: int, separator: str = ",") -> list[str]:
        """Ask for a reply of `count` fields; raises `ValueError`, for `about` to explain, if there are not as many."""
        reply = self.ask(query)
        found = [field.strip() for field in reply.split(separator)]
        if len(found) != count:
            raise ValueError(f"{reply!r} has not the {count} fields of {query}")
        return found

    def write(self, command: str) -> None:
        """Send a command, not too soon after the message before."""
        self.pace()
        self.instrument.write(command)

    def pace(self) -> None:
        """Wait until the instrument has had its quiet time."""
        if self._pause == 0.0:
            return
        wait = self._next_message - self._clock.now()
        if wait > 0:
            self._clock.sleep(wait)
        self._next_message = self._clock.now() + self._pause

    def compare(self, checks: Mapping[str, tuple[object, object, bool]]) -> None:
        """Raise `GlitchError` for the first setting that does not read back.

        Parameters
        ----------
        checks
            Name of each setting -> what was found, what was wanted, and whether that is the same.
        """
        for name, (found, wanted, agrees) in checks.items():
            if not agrees:
                raise GlitchError(  # the command may have been lost on its way
                    f"{named(self.instrument)}: {name} was set to {wanted!r} but reads back {found!r}; "
                    "is the front panel in use, or a limit set there?"
                )
