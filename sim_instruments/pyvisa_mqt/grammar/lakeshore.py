"""The grammar of the Lake Shore controllers: flat mnemonics, no error queue, replies that end CR LF.

A command is a mnemonic, perhaps an index (input or output), and fields; its query returns the
fields. `;` joins, and a colon behind it is allowed. What cannot be understood sets bit 5 of the
event status register and what is out of range bit 4; nothing is returned then.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np

from pyvisa_mqt.grammar.ieee488 import (
    COMMAND_ERROR,
    OPERATION_COMPLETE,
    QUERY_ERROR,
    ErrorQueue,
    StatusModel,
    StatusReporting,
)
from pyvisa_mqt.grammar.instrument import InputBuffer, Instrument
from pyvisa_mqt.grammar.lakeshore_fields import Field, Integer, Quoted, RefusalError
from pyvisa_mqt.grammar.scpi import split_outside_quotes
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["Entry", "LakeShoreInstrument"]

_MNEMONIC = re.compile(r"\*?[A-Za-z]+[0-9]?\??\Z")


#: So many different units are remembered as they were read.
_MOST_UNITS = 1000


@dataclass(frozen=True)
class Entry:
    """One line of a command table.

    Attributes
    ----------
    indices
        What comes first and says which input, output or the like; also behind the query.
    fields
        What is stored under the mnemonic and the indices.
    default
        Values after *RST, one a field, or a function of the indices that returns them.
    execute
        Called as execute(instrument, *indices, *values) in place of storing.
    after
        Called as after(instrument, *indices) once stored.
    query
        Called as query(instrument, *indices) in place of returning what is stored.
    optional
        How many indices, from the end, may be missing in a query; they are given as None.
    writable, readable
        Whether command and query exist.
    """

    indices: tuple[Field, ...] = ()
    fields: tuple[Field, ...] = ()
    default: tuple[Any, ...] | Callable[..., tuple[Any, ...]] = ()
    execute: Callable[..., None] | None = None
    after: Callable[..., None] | None = None
    query: Callable[..., str] | None = None
    optional: int = 0
    writable: bool = True
    readable: bool = True


class LakeShoreInstrument(StatusReporting, Instrument):
    """Runs the messages of a Lake Shore controller against its command table."""

    #: Mnemonics whose values are lost without power; all others are non-volatile.
    volatile: ClassVar[frozenset[str]] = frozenset({"RANGE"})
    #: Mnemonics that *RST and DFLT leave alone: the curves.
    untouched: ClassVar[frozenset[str]] = frozenset({"CRVHDR", "CRVPT"})
    #: Whether bit 4 of the status byte tells that a reply waits.
    announces_replies: ClassVar[bool] = False
    most_sockets = 2  # Model 372 manual, p. 140
    message_interval = 0.05  # 20 messages a second at most (Model 372 manual, p. 134)
    entries: ClassVar[Mapping[str, Entry]] = {}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().__init__(wires, rng, options)
        self.status = StatusModel({}, ErrorQueue(1))
        self.values: dict[tuple[str, tuple[Any, ...]], tuple[Any, ...]] = {}
        #: Grows with every change of a setting: what follows from settings need not be worked out again before.
        self.revision = 0
        self._input = InputBuffer(4096)
        # what is asked again and again: units as they were read, and replies as long as their values stay
        self._read_units: dict[str, tuple[Callable[..., str | None], tuple[Any, ...]]] = {}
        self._written: dict[tuple[str, tuple[Any, ...]], tuple[tuple[Any, ...], str]] = {}

    # What a model overrides.

    @abstractmethod
    def identification(self) -> str:
        """Return what *IDN? answers."""

    def reset(self) -> None:
        """Do what *RST does."""

    # The byte level.

    @property
    def reply_waits(self) -> bool:
        """Whether the status byte is to show a reply that nobody has read."""
        return self.announces_replies and bool(self.output)

    def write(self, data: bytes, end: bool) -> None:
        """Take bytes and answer the messages they complete."""
        messages, overran = self._input.feed(data, end)
        if overran:
            self.status.event_status |= COMMAND_ERROR
        for message in messages:
            if self.output and self.message_exchange:
                self.output.clear()
                self.interrupted()
            self._run(message)

    def interrupted(self) -> None:
        """Note a message in place of the reading of a reply."""
        self.status.event_status |= QUERY_ERROR

    def clear(self) -> None:
        """Do a device clear."""
        self._input.clear()
        self.output.clear()

    def status_byte(self) -> int:
        """Return the status byte as a serial poll does."""
        return self.status.poll(self.reply_waits)

    def stored(self, mnemonic: str, *indices: Any) -> tuple[Any, ...]:
        """Return the present values of a table entry."""
        key = (mnemonic, indices)
        values = self.values.get(key)
        if values is None:
            default = self.entries[mnemonic].default
            values = self.values[key] = default(*indices) if callable(default) else default
        return values

    def store(self, mnemonic: str, indices: tuple[Any, ...], values: tuple[Any, ...]) -> None:
        """Set the values of a table entry."""
        self.values[mnemonic, indices] = values
        self.revision += 1

    def merged(self, mnemonic: str, indices: tuple[Any, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return new values of a table entry; what was not given (None) stays as it is."""
        present = self.stored(mnemonic, *indices)
        return tuple(new if new is not None else old for new, old in zip(values, present, strict=True))

    # Execution.

    def _run(self, message: str) -> None:
        replies = []
        for text in _units(message):
            try:
                reply = self._unit(text)
            except RefusalError as refusal:
                self.status.event_status |= refusal.bit
                self.tell_refusal(f"{text!r}: {self._reason(text, refusal)}")
            else:
                if reply is not None:
                    replies.append(reply)
        if replies:
            self.output.push(";".join(replies).encode("latin-1") + b"\r\n")
        self.status.update(self.reply_waits)

    def _reason(self, text: str, refusal: RefusalError) -> str:
        """Return in words why a unit was refused; the instrument itself tells its client only a bit of *ESR?."""
        mnemonic, _ = _split_unit(text)
        known = re.match(r"[A-Za-z]+", mnemonic)
        if refusal.bit == COMMAND_ERROR and known and known[0].upper() in self.entries and known[0] != mnemonic:
            return f"*ESR? bit 5; a blank is missing behind {known[0]}"
        if refusal.bit == COMMAND_ERROR:
            return "*ESR? bit 5; no such command, or not with so many values"
        return "*ESR? bit 4; a value that it does not take, or not now"

    def _unit(self, text: str) -> str | None:
        known = self._read_units.get(text)
        if known is None:
            if len(self._read_units) >= _MOST_UNITS:
                self._read_units.clear()
            known = self._read_units[text] = self._read_unit(text)
        action, arguments = known
        return action(self, *arguments)

    def _read_unit(self, text: str) -> tuple[Callable[..., str | None], tuple[Any, ...]]:
        """Return what a unit asks the instrument to do, and with which arguments behind the instrument."""
        mnemonic, data = _split_unit(text)
        if not _MNEMONIC.match(mnemonic):
            raise RefusalError(COMMAND_ERROR)
        name = mnemonic.upper()
        asks = name.endswith("?")
        name = name.removesuffix("?")
        if name.startswith("*"):
            return LakeShoreInstrument._common, (name, asks, _split_fields(data, ()))
        entry = self.entries.get(name)
        if entry is None or not (entry.readable if asks else entry.writable):
            raise RefusalError(COMMAND_ERROR)
        items = _split_fields(data, (*entry.indices, *entry.fields))
        if not asks:
            return LakeShoreInstrument._command, (name, entry, items)
        if not len(entry.indices) - entry.optional <= len(items) <= len(entry.indices):
            raise RefusalError(COMMAND_ERROR)
        indices: list[Any] = [field.parse(item) for field, item in zip(entry.indices, items, strict=False)]
        indices += [None] * (len(entry.indices) - len(indices))
        if entry.query is not None:
            return entry.query, tuple(indices)
        return LakeShoreInstrument._written_values, (name, tuple(indices), entry.fields)

    def _written_values(self, name: str, indices: tuple[Any, ...], fields: tuple[Field, ...]) -> str:
        """Return the values of a table entry as the instrument writes them."""
        key = name, indices
        values = self.values[key] if key in self.values else self.stored(name, *indices)
        if key not in self._written or self._written[key][0] is not values:
            text = ",".join(field.format(value) for field, value in zip(fields, values, strict=True))
            self._written[key] = (values, text)
        return self._written[key][1]

    def _command(self, name: str, entry: Entry, items: list[str]) -> None:
        count = len(entry.indices)
        if len(items) < count + bool(entry.fields) or len(items) > count + len(entry.fields):
            raise RefusalError(COMMAND_ERROR)
        indices = tuple(field.parse(item) for field, item in zip(entry.indices, items, strict=False))
        given = items[count:]
        # Every field is read before anything is stored: a refused command changes nothing.
        values = tuple(
            field.parse(given[position]) if position < len(given) and given[position] else None
            for position, field in enumerate(entry.fields)
        )
        if entry.fields and all(value is None for value in values):
            raise RefusalError(COMMAND_ERROR)
        if entry.execute is not None:
            entry.execute(self, *indices, *values)
            return
        if entry.fields:
            self.store(name, indices, self.merged(name, indices, values))
        if entry.after is not None:
            entry.after(self, *indices)

    def _common(self, name: str, asks: bool, items: list[str]) -> str | None:
        if not asks and name in ("*ESE", "*SRE"):
            if len(items) != 1:
                raise RefusalError(COMMAND_ERROR)
            mask = Integer(0, 255).parse(items[0])
            if name == "*ESE":
                self.status.event_enable = mask
            else:
                self.status.service_enable = mask & ~64
            return None
        action = (_COMMON_QUERIES if asks else _COMMON_COMMANDS).get(name)
        if action is None or items:
            raise RefusalError(COMMAND_ERROR)
        return action(self)

    def reset_instrument(self) -> None:
        """Do what *RST does: every setting as when the bench began; the curves stay (U)."""
        self.values = {key: values for key, values in self.values.items() if key[0] in self.untouched}
        self.revision += 1
        self.reset()

    def inherit(self, before: Self) -> None:
        """Keep the settings; outputs that are not to come back after a power failure stay off (OUTMODE)."""
        self.values = {key: values for key, values in before.values.items() if key[0] not in self.volatile}
        self.revision = before.revision + 1

    def complete(self) -> None:
        """Do what *OPC does; nothing here is ever pending."""
        self.status.event_status |= OPERATION_COMPLETE

    def take_event_status(self) -> str:
        """Do what *ESR? does."""
        value, self.status.event_status = self.status.event_status, 0
        return f"{value:03d}"

    def status_value(self) -> str:
        """Do what *STB? does."""
        return f"{self.status.query(self.reply_waits):03d}"


@lru_cache(maxsize=256)
def _units(message: str) -> tuple[str, ...]:
    """Return the units of a message; controllers are asked the same ones again and again."""
    texts = (unit.strip().removeprefix(":").strip() for unit in split_outside_quotes(message, ";"))
    return tuple(text for text in texts if text)


def _split_unit(text: str) -> tuple[str, str]:
    """Split mnemonic and data; a space behind the mnemonic is usual, not required behind the question mark."""
    head, _, data = text.replace("\t", " ").partition(" ")
    if "?" in head and not head.endswith("?"):
        head, _, rest = head.partition("?")
        return head + "?", (rest + " " + data).strip()
    return head, data.strip()


def _split_fields(data: str, fields: tuple[Field, ...]) -> list[str]:
    """Split what stands behind a mnemonic at its commas; blanks alone separate too, but not within text."""
    items: list[str] = []
    for piece in split_outside_quotes(data, ",") if data else []:
        text = piece.strip()
        is_text = len(items) < len(fields) and isinstance(fields[len(items)], Quoted)
        items += [text] if is_text else text.split() or [""]
    return items


_COMMON_COMMANDS: Mapping[str, Callable[[LakeShoreInstrument], None]] = {
    "*CLS": lambda self: self.status.clear(),
    "*OPC": LakeShoreInstrument.complete,
    "*RST": LakeShoreInstrument.reset_instrument,
    "*WAI": lambda self: None,
}
_COMMON_QUERIES: Mapping[str, Callable[[LakeShoreInstrument], str]] = {
    "*IDN": lambda self: self.identification(),
    "*ESE": lambda self: f"{self.status.event_enable:03d}",
    "*ESR": LakeShoreInstrument.take_event_status,
    "*OPC": lambda self: "1",
    "*SRE": lambda self: f"{self.status.service_enable:03d}",
    "*STB": lambda self: self.status_value(),
    "*TST": lambda self: "0",
}
