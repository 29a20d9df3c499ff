"""The SCPI dispatcher: from the text of a program message to calls of an instrument's handlers.

An instrument is a table of `Command`s; `setting` makes the common kind, a stored value with
its query. Rules: SCPI-1999 volume 1 chapter 6, IEEE 488.2-1992 chapter 7. Headers in exact
short or long form, optional nodes, numeric suffixes, `;` that keeps the path and `:` that
returns to the root, common commands that leave the path alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.parameters import Number, NumberFormat, Parameter, abbreviation

__all__ = ["Call", "Command", "CommandTree", "setting", "split_outside_quotes"]

# IEEE 488.2-1992, 7.6.1.2: a program mnemonic has at most 12 characters.
MNEMONIC_LENGTH = 12

_OPTIONAL = re.compile(r"\[(:?)([^\[\]]*?)(:?)\]")
_NODE = re.compile(r"([A-Za-z_|][A-Za-z0-9_|]*)(?:\{(\d+)-(\d+)\})?\Z")
_LEFT_OUT = "~"  # stands for an optional node with a suffix that is left out: its suffix is 1
_MNEMONIC = re.compile(r"([A-Za-z][A-Za-z_]*)(\d*)\Z")
_HEADER_CHARACTERS = re.compile(r"[A-Za-z0-9_:*?]*\Z")


@dataclass(frozen=True)
class Command:
    """One line of an instrument's command table.

    Attributes
    ----------
    pattern
        Header like '[SOURce]:WAVE:FREQuency' or '*IDN'; `INPut{1-2}` takes a numeric suffix
        (1 where it or its optional node is left out), `OLINe|OLIN` has a second spelling, and
        `CALCulate2` has a subtree of its own, unlike that of `CALCulate` or `CALCulate1`.
    execute
        Called as execute(instrument, *suffixes, *values) for the command; None: query only.
    query
        Called as query(instrument, *suffixes, *values) for the query; None: command only.
    parameters, query_parameters
        What follows the header.
    optional, query_optional
        How many of them, from the end, may be left out.
    repeats
        Whether the last parameter may come any number of times.
    name, default
        Of a stored setting: its key, and the value after *RST (None: *RST leaves it alone).
    lasting
        Whether neither *RST nor a power failure touches it; `default` is what it was made with.
    """

    pattern: str
    execute: Callable[..., Any] | None = None
    query: Callable[..., Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    query_parameters: tuple[Parameter, ...] = ()
    optional: int = 0
    query_optional: int = 0
    repeats: bool = False
    name: str = ""
    default: Any = None
    lasting: bool = False

    def setting_keys(self) -> list[Any]:
        """Return the setting's keys: its name, or (name, *suffixes) for each suffix."""
        ranges = [(int(low), int(high)) for low, high in re.findall(r"\{(\d+)-(\d+)\}", self.pattern)]
        if not ranges:
            return [self.name]
        return [(self.name, *s) for s in itertools.product(*(range(low, high + 1) for low, high in ranges))]


def setting(
    pattern: str,
    name: str,
    parameter: Parameter,
    default: Any,
    *,
    check: Callable[..., Any] | None = None,
    after: Callable[..., Any] | None = None,
    execute: Callable[..., Any] | None = None,
    read: Callable[..., Any] | None = None,
    lasting: bool = False,
) -> Command:
    """Make the command and query of one stored value.

    Parameters
    ----------
    default
        Value after *RST.
    check
        Called as check(instrument, *suffixes, value) before the value is stored; may raise `ScpiError`.
    after
        Called as after(instrument, *suffixes, value) once it is stored.
    execute
        Called as execute(instrument, *suffixes, value) in place of checking and storing.
    read
        Called as read(instrument, *suffixes) for the value, in place of looking it up.
    lasting
        Whether it is kept through *RST and power failures.
    """

    def store(instrument: Any, *arguments: Any) -> None:
        if check is not None:
            check(instrument, *arguments)
        instrument.settings[(name, *arguments[:-1]) if len(arguments) > 1 else name] = arguments[-1]
        if after is not None:
            after(instrument, *arguments)

    def query(instrument: Any, *arguments: Any) -> str:
        limit = arguments[-1] if arguments and isinstance(arguments[-1], _Limit) else None
        suffixes = arguments[:-1] if limit is not None else arguments
        if limit is not None:
            return parameter.format(limit.value, instrument)
        if read is not None:
            return parameter.format(read(instrument, *suffixes), instrument)
        return parameter.format(instrument.settings[(name, *suffixes) if suffixes else name], instrument)

    takes_limit = isinstance(parameter, Number)
    return Command(
        pattern,
        execute or store,
        query,
        (parameter,),
        (_LimitKeyword(parameter),) if isinstance(parameter, Number) else (),
        query_optional=1 if takes_limit else 0,
        name=name,
        default=default,
        lasting=lasting,
    )


@dataclass(frozen=True)
class _Limit:
    value: float


@dataclass(frozen=True)
class _LimitKeyword:
    """MIN, MAX or DEF behind a query, which asks for the limit instead of the value."""

    number: Number

    def parse(self, text: str) -> _Limit:
        if text.upper() not in ("MIN", "MINIMUM", "MAX", "MAXIMUM", "DEF", "DEFAULT"):
            raise ScpiError(-224 if text[:1].isalpha() else -108)
        return _Limit(self.number.limit(text))

    def format(self, value: Any, style: NumberFormat) -> str:
        return str(value)


@dataclass
class _Node:
    """A place in the command tree.

    Attributes
    ----------
    suffix
        Range that the mnemonic's suffix takes; None: it takes only 1.
    command, left_out
        What stands here, and which of its suffixes, counted from the left, are left out on this way.
    """

    children: dict[str, _Node] = field(default_factory=dict)
    suffix: tuple[int, int] | None = None
    command: Command | None = None
    left_out: tuple[int, ...] = ()


@dataclass(frozen=True)
class Call:
    """A program message unit made ready: the handler and its arguments, or the error it is."""

    handler: Callable[..., Any] | None = None
    arguments: tuple[Any, ...] = ()
    error: ScpiError | None = None


class CommandTree:
    """The headers of one instrument model.

    Parameters
    ----------
    commands
        The table; of two lines with one header the later one counts.
    """

    def __init__(self, commands: Iterable[Command]) -> None:
        self._root = _Node()
        self._common: dict[str, Command] = {}
        # Messages repeat; parsing is pure, so its result can be kept. Bounded against endless variety.
        self._cache: dict[str, tuple[Call, ...]] = {}
        self.settings: dict[str, Command] = {}
        for command in commands:
            self._insert(command)

    def _insert(self, command: Command) -> None:
        if command.name:
            self.settings[command.pattern] = command
        if command.pattern.startswith("*"):
            self._common[command.pattern.upper()] = command
            return
        for variant in _variants(command.pattern):
            node = self._root
            left_out: list[int] = []
            suffixes = 0
            for mnemonic in variant:
                if mnemonic == _LEFT_OUT:
                    left_out.append(suffixes)
                else:
                    node = _child(node, mnemonic, command.pattern)
                suffixes += mnemonic == _LEFT_OUT or node.suffix is not None
            node.command = command
            node.left_out = tuple(left_out)

    def parse(self, message: str) -> tuple[Call, ...]:
        """Return the calls that a program message (without terminator) asks for.

        A command error ends the list: the rest of the message is not understood.
        """
        calls = self._cache.get(message)
        if calls is None:
            calls = tuple(self._units(message))
            if len(message) <= 1024:  # as long as the question for all settings of an instrument
                if len(self._cache) >= 2048:
                    self._cache.clear()
                self._cache[message] = calls
        return calls

    def _units(self, message: str) -> Iterable[Call]:
        path: tuple[_Node, tuple[int, ...]] = (self._root, ())
        for unit in split_outside_quotes(message, ";"):
            text = _trimmed(unit)
            if not text:
                continue
            try:
                call, path = self._unit(text, path)
            except ScpiError as error:
                yield Call(error=error)
                if -199 <= error.code <= -100:
                    return
            else:
                yield call

    def _unit(self, text: str, path: tuple[_Node, tuple[int, ...]]) -> tuple[Call, tuple[_Node, tuple[int, ...]]]:
        header, *rest = text.split(maxsplit=1)
        data = rest[0] if rest else ""
        if not _HEADER_CHARACTERS.match(header):
            raise ScpiError(-101)
        is_query = header.endswith("?")
        name = header[:-1] if is_query else header
        suffixes: tuple[int, ...] = ()
        if "*" in name:
            command = self._common.get(name.removeprefix(":").upper())
            if command is None:
                raise ScpiError(-113)
        else:
            command, suffixes, path = self._resolve(name, path)
        handler = command.query if is_query else command.execute
        if handler is None:
            raise ScpiError(-113)
        parameters = command.query_parameters if is_query else command.parameters
        optional = command.query_optional if is_query else command.optional
        try:
            values = _values(data, parameters, optional, command.repeats and not is_query)
        except ScpiError as error:
            # Execution errors in the data spoil this unit only; the path is known and goes on.
            if -199 <= error.code <= -100:
                raise
            return Call(error=error), path
        return Call(handler, (*suffixes, *values)), path

    def _resolve(
        self, name: str, path: tuple[_Node, tuple[int, ...]]
    ) -> tuple[Command, tuple[int, ...], tuple[_Node, tuple[int, ...]]]:
        node, suffixes = (self._root, ()) if name.startswith(":") else path
        parent = (node, suffixes)
        for mnemonic in name.removeprefix(":").split(":"):
            parent = (node, suffixes)
            match = _MNEMONIC.match(mnemonic)
            if match is None:
                raise ScpiError(-110)
            if len(match[1]) > MNEMONIC_LENGTH:
                raise ScpiError(-112)
            child, digits = node.children.get(mnemonic.upper()), ""
            if child is None:
                child, digits = node.children.get(match[1].upper()), match[2]
            if child is None:
                raise ScpiError(-113)
            suffixes = _with_suffix(suffixes, child, digits)
            node = child
        if node.command is None:
            raise ScpiError(-113)
        for position in node.left_out:
            suffixes = (*suffixes[:position], 1, *suffixes[position:])
        return node.command, suffixes, parent


def _with_suffix(suffixes: tuple[int, ...], node: _Node, digits: str) -> tuple[int, ...]:
    if len(digits) > MNEMONIC_LENGTH:
        raise ScpiError(-114)
    number = int(digits) if digits else 1
    if node.suffix is None:
        if number != 1:
            raise ScpiError(-114)
        return suffixes
    if not node.suffix[0] <= number <= node.suffix[1]:
        raise ScpiError(-114)
    return (*suffixes, number)


def _variants(pattern: str) -> list[list[str]]:
    """Return the header with and without each optional node, split into mnemonics."""
    match = _OPTIONAL.search(pattern)
    if match is None:
        return [[mnemonic for mnemonic in pattern.split(":") if mnemonic]]
    before, after = pattern[: match.start()], pattern[match.end() :]
    without = ":".join([_LEFT_OUT] * match[2].count("{"))
    return _variants(f"{before}:{match[2]}:{after}") + _variants(f"{before}:{without}:{after}")


def _child(node: _Node, mnemonic: str, pattern: str) -> _Node:
    match = _NODE.match(mnemonic)
    if match is None:
        raise ValueError(f"the command pattern {pattern!r} has the malformed node {mnemonic!r}")
    forms = [form for spelling in match[1].split("|") for form in abbreviation(spelling)]
    child = next((node.children[form] for form in forms if form in node.children), None)
    suffix = (int(match[2]), int(match[3])) if match[2] else None
    if child is None:
        child = _Node(suffix=suffix)
    elif child.suffix != suffix:
        raise ValueError(f"the command pattern {pattern!r} gives {mnemonic!r} another suffix than an earlier one")
    for form in forms:
        node.children[form] = child
    return child


def _values(data: str, parameters: tuple[Parameter, ...], optional: int, repeats: bool) -> list[Any]:
    if not data:
        if len(parameters) > optional:
            raise ScpiError(-109)
        return []
    items = split_outside_quotes(data, ",")
    if len(items) > len(parameters) and not repeats:
        raise ScpiError(-108)
    if len(items) < len(parameters) - optional:
        raise ScpiError(-109)
    values = []
    last = len(parameters) - 1
    for position, item in enumerate(items):
        text = _trimmed(item)
        if not text:
            raise ScpiError(-109)
        values.append(parameters[min(position, last)].parse(text))
    return values


#: What a binary block begins with.
_BLOCK = re.compile(r"#(?=[0-9])")


def _trimmed(text: str) -> str:
    """Strip white space, but none of the bytes of a binary block."""
    if "#" not in text:
        return text.strip()
    position = 0
    while mark := _BLOCK.search(text, position):
        position = block_end(text, mark.start())
    return (text[:position] + text[position:].rstrip()).lstrip()


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at a separator that stands outside strings, parentheses and binary blocks."""
    if not any(character in text for character in "\"'(#"):
        return text.split(separator)
    parts: list[str] = []
    start = position = 0
    marks = re.compile(f"[{separator}\"'(]|{_BLOCK.pattern}")
    while mark := marks.search(text, position):
        character, position = mark[0], mark.end()
        if character == separator:
            parts.append(text[start : mark.start()])
            start = position
        elif character == "#":
            position = block_end(text, mark.start())
        else:
            end = text.find(")" if character == "(" else character, position)
            position = len(text) if end < 0 else end + 1
    parts.append(text[start:])
    return parts


def block_end(text: str, position: int) -> int:
    """Return where the binary block that starts at a '#' ends (IEEE 488.2-1992, 7.7.6), or the next position."""
    digits = text[position + 1 : position + 2]
    if not digits.isdigit() or not digits.isascii():
        return position + 1
    if digits == "0":
        return len(text)
    count = text[position + 2 : position + 2 + int(digits)]
    if len(count) < int(digits) or not (count.isdigit() and count.isascii()):
        return position + 1
    return position + 2 + int(digits) + int(count)
