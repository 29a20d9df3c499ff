"""The settings of an instrument as one list: what is set, what must read back, and what is watched, are the same.

An adapter writes down each `Wanted` setting once. `SettingsGuard` makes them, reads them back, and asks for all of
them in one message before each burst, together with the power-on bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mqtctl_drivers.commands import Queried

from mqtctl.errors import GlitchError, HardwareError, LostError
from mqtctl.instruments.talk.error_sentences import close_to, named

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument
    from qcodes.parameters import ParameterBase

__all__ = ["POWER_ON", "SettingsGuard", "Spoken", "Wanted", "word"]

#: Bit of the standard event status that says that power came on (IEEE 488.2 section 11.5.1.1.3).
POWER_ON = 0x80


def word(text: str) -> str:
    """Return a reply of one word or number as we write it: no quotes, no plus sign, upper case."""
    return text.strip().strip('"').upper().lstrip("+")


@dataclass(frozen=True)
class Spoken:
    """A setting of an instrument whose driver is not ours, by its messages.

    Attributes
    ----------
    query
        Asks for it.
    ask
        Sends a query and returns the reply.
    make
        Sets it to a value.
    parse
        Makes the value of a reply.
    """

    query: str
    ask: Callable[[str], str]
    make: Callable[[Any], None]
    parse: Callable[[str], Any] = word

    def set(self, value: object) -> None:
        """Set it."""
        self.make(value)

    def get(self) -> Any:
        """Ask for it."""
        return self.parse(self.ask(self.query))


@dataclass(frozen=True)
class Wanted:
    """One setting.

    Attributes
    ----------
    name
        What it is called in messages.
    parameter
        How it is set and asked for: a parameter of a driver of ours, or messages.
    value
        What it is to be; None: whatever a reset has left, which is watched all the same.
    tolerance
        How far a number may read back from that; None: it must be the same.
    made, watched
        Whether it is set (else only read back), and whether it is watched (not what a burst itself changes).
    steady
        Takes out of a reply what the instrument itself changes; None: nothing does.
    """

    name: str
    parameter: ParameterBase | Spoken
    value: Any = None
    tolerance: float | None = None
    made: bool = True
    watched: bool = True
    steady: Callable[[str], str] | None = None

    @property
    def query(self) -> str:
        """The message that asks for it."""
        assert isinstance(self.parameter, Queried | Spoken), f"{self.name} cannot be asked for in a message"  # noqa: S101
        return self.parameter.query

    def agrees(self, found: Any) -> bool:
        """Return whether a value read back is the one that was set."""
        if self.tolerance is None:
            return bool(found == self.value)
        if isinstance(self.value, tuple):
            return len(found) == len(self.value) and all(map(self._close, found, self.value))
        return self._close(found, self.value)

    def _close(self, found: float, wanted: float) -> bool:
        assert self.tolerance is not None  # noqa: S101  # for mypy
        return close_to(float(found), float(wanted), absolute=self.tolerance)


class SettingsGuard:
    """Makes, verifies and watches the settings of one instrument.

    Parameters
    ----------
    instrument
        The driver, for messages.
    ask
        Sends a message of several queries and returns the reply.
    prefix
        Begins each query within a message: ":" in SCPI, which else would go on in the tree where the last one was.
    errors
        Bits of the standard event status that mean an error; where the instrument has no error queue they are lost with
        asking for the power-on bit, so they are refused here.
    """

    def __init__(
        self, instrument: VisaInstrument, ask: Callable[[str], str], *, prefix: str = "", errors: int = 0
    ) -> None:
        self._instrument = instrument
        self._ask = ask
        self._prefix = prefix
        self._errors = errors
        self._wanted: tuple[Wanted, ...] = ()
        self._before: list[str] = []
        self._queries: list[str] = []  # of all that is watched, each once
        self._query = "*ESR?"
        self._ways: dict[int, Callable[[str], str]] = {}  # to what an instrument leaves as it is, by the query's place
        self._lost_power = False  # asking for the power-on bit clears it

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """The settings that hold at present; none before `verify` or after `forget`."""
        return self._wanted

    @staticmethod
    def make(wanted: Sequence[Wanted]) -> None:
        """Set everything, in the order of the list."""
        for setting in wanted:
            if setting.made and setting.value is not None:
                setting.parameter.set(setting.value)

    def verify(self, wanted: Sequence[Wanted]) -> dict[str, Any]:
        """Read everything back, watch it from now on, and return what was found by name.

        Raises
        ------
        GlitchError
            Something reads back differently.
        ValueError
            Only at first: replies are out of step.
        """
        self.forget()
        found = {}
        for setting in (setting for setting in wanted if setting.value is not None):
            found[setting.name] = setting.parameter.get()
            if not setting.agrees(found[setting.name]):
                if setting.agrees(setting.parameter.get()):  # that was the answer to another question
                    raise ValueError(f"{setting.name} read back {found[setting.name]!r}, and then as it was set")
                raise GlitchError(  # the command may have been lost on its way
                    f"{named(self._instrument)}: {setting.name} was set to {setting.value!r} but reads back "
                    f"{found[setting.name]!r}; look for a conflict of settings, or a limit or lock at the front panel"
                )
        self._wanted = tuple(wanted)
        self._watch(dict.fromkeys(setting.query for setting in wanted if setting.watched))
        ways = {setting.query: setting.steady for setting in wanted if setting.steady is not None}
        self._ways = {place: ways[query] for place, query in enumerate(self._queries) if query in ways}
        self._before, status = self._replies()
        self.compare(self._before, status & self._errors)
        return found

    def forget(self) -> None:
        """Watch nothing any more: somebody is about to change settings."""
        self._wanted, self._before, self._lost_power = (), [], False
        self._watch(())
        self._ways = {}

    def lost_power(self) -> None:
        """Remember that the power-on bit was seen elsewhere: reading it has cleared it."""
        self._lost_power = True

    @property
    def query(self) -> str:
        """The message that asks for all that is watched, and for the power-on bit."""
        return self._query

    def require_unchanged(self) -> None:
        """Raise `HardwareError` unless every watched setting reads as it did, `LostError` if the power was off.

        A difference is believed when it is seen twice: a single garbled reply is none.
        """
        if not self._wanted:
            return
        found, status = self._replies()
        if found != self._before and not status & POWER_ON:
            found, again = self._replies()
            status |= again
        self.compare(found, status)

    def split(self, fields: Sequence[str]) -> list[str]:
        """Return what comes before the replies to `query` in a longer message, after comparing those."""
        count = len(self._queries)
        self.compare(self._steady(fields[-count - 1 : -1]), int(fields[-1]))
        return list(fields[: -count - 1])

    def compare(self, found: Sequence[str], status: int) -> None:
        """Raise `HardwareError` if these replies to the watched queries, or this event status, tell of a change.

        `LostError` if the power was off.
        """
        self._lost_power = self._lost_power or bool(status & POWER_ON)
        if not self._lost_power and not status & self._errors and found == self._before:
            return
        who = named(self._instrument)
        if self._lost_power:
            raise LostError(
                f"{who}: it was switched off and on since its settings were made, and has lost them; look at its power"
            )
        for query, now, before in zip(self._queries, found, self._before, strict=True):
            if now != before:
                names = " or ".join(s.name for s in self._wanted if s.watched and s.query == query)
                raise HardwareError(
                    f"{who}: the settings changed since they were made: {names} ({query}) reads {now!r} instead of "
                    f"{before!r}; was it used at the front panel or by another program, or switched off?"
                )
        if status & self._errors:
            raise HardwareError(f"{who}: it refused a command (event status {status}); repeat, and look at its cable")

    def _watch(self, queries: Iterable[str]) -> None:
        """Ask these from now on."""
        self._queries = list(queries)
        self._query = ";".join([*(self._prefix + query for query in self._queries), "*ESR?"])

    def _replies(self) -> tuple[list[str], int]:
        """Ask for everything that is watched; returns the replies, one for each query, and the event status."""
        *replies, status = self._ask(self.query).split(";")
        return self._steady(replies), int(status)

    def _steady(self, replies: Sequence[str]) -> list[str]:
        """Return the replies to the watched queries without what the instrument itself changes."""
        if len(replies) != len(self._queries):
            raise ValueError(f"{len(replies)} replies came to {len(self._queries)} questions for settings")
        steady = list(replies)
        for place, way in self._ways.items():
            steady[place] = way(steady[place])
        return steady
