"""Base of the SCPI instruments: runs program messages, holds overlapped commands, keeps status.

A model subclasses `ScpiInstrument`, lists its `commands` and says how it writes numbers. What
its handlers return is the reply (str or bytes), None, or a `Hold` when it has to wait.
"""

from __future__ import annotations

import abc
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from pyvisa_mqt.grammar.ieee488 import (
    ERROR_TEXTS,
    OPERATION_COMPLETE,
    ErrorQueue,
    EventRegister,
    ScpiError,
    StatusModel,
    StatusReporting,
)
from pyvisa_mqt.grammar.instrument import InputBuffer, Instrument
from pyvisa_mqt.grammar.parameters import Mask, Number
from pyvisa_mqt.grammar.scpi import Call, Command, CommandTree
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["COMMON_COMMANDS", "Hold", "ScpiInstrument", "register_commands", "state_commands"]

Reply = str | bytes | None


@dataclass(frozen=True)
class Hold:
    """A command that has to wait; nothing behind it is executed before.

    Attributes
    ----------
    ready
        Whether it can go on.
    then
        What it does then; returns the reply.
    """

    ready: Callable[[], bool]
    then: Callable[[], Reply]


class ScpiInstrument(StatusReporting, Instrument):
    """An instrument that speaks SCPI over IEEE 488.2 message exchange."""

    #: The model's own table; COMMON_COMMANDS come first.
    commands: ClassVar[tuple[Command, ...]] = ()
    #: Event registers by the weight of their summary bit in the status byte.
    register_bits: ClassVar[Mapping[str, int]] = {"operation": 128, "questionable": 8}
    error_depth: ClassVar[int] = 20
    overflow_text: ClassVar[str] = "Queue overflow"
    no_error: ClassVar[str] = '+0,"No error"'
    installed_options: ClassVar[str] = "0"
    #: Errors that this model words in its own way.
    error_texts: ClassVar[Mapping[int, str]] = {}

    _tree: ClassVar[CommandTree]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._tree = CommandTree((*COMMON_COMMANDS, *cls.commands))

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().__init__(wires, rng, options)
        self.settings: dict[Any, Any] = {}
        self.registers = {name: EventRegister() for name in self.register_bits}
        errors = ErrorQueue(self.error_depth, self.overflow_text)
        self.status = StatusModel({bit: self.registers[n] for n, bit in self.register_bits.items()}, errors)
        self._input = InputBuffer()
        self._messages: deque[str] = deque()
        self._units: Iterator[Call] | None = None
        self._replies: list[str | bytes] = []
        self._hold: Hold | None = None
        self._completion_asked = False
        self._states: dict[int, dict[Any, Any]] = {}
        self._load_defaults(power_on=True)

    # What a model overrides.

    @abc.abstractmethod
    def identification(self) -> str:
        """Return what *IDN? answers."""

    def format_number(self, value: float) -> str:
        """Write a real number as this instrument does."""
        return f"{value:+.8E}"

    def format_integer(self, value: int) -> str:
        """Write an integer as this instrument does."""
        return str(value)

    def format_register(self, value: int) -> str:
        """Write the contents of a status register."""
        return self.format_integer(value)

    def reset(self) -> None:
        """Do what *RST does beyond the settings in the table."""

    def recalled(self) -> None:
        """Do what the settings say that *RCL has just brought back."""

    def elapse(self, now: float) -> None:
        """Let the device's own time go on to bench time `now` (s)."""

    def software_trigger(self) -> None:
        """Take *TRG or a group execute trigger."""
        raise ScpiError(-211)

    @property
    def operation_pending(self) -> bool:
        """Whether an overlapped command is still at work."""
        return False

    # The byte level.

    @property
    def busy(self) -> bool:
        """Whether a message is held up by an unfinished operation."""
        return self._hold is not None

    def write(self, data: bytes, end: bool) -> None:
        """Take bytes from the bus and execute the messages they complete."""
        messages, overran = self._input.feed(data, end)
        if overran:
            # Nobody reads the reply that waits and input goes on: each side waits for the other.
            self._report(ScpiError(-430 if self.output else -363))
            self.output.clear()
        self._messages.extend(messages)
        if self._hold is None:
            self._run()
        self.status.update(bool(self.output))

    def clear(self) -> None:
        """Do a device clear (IEEE 488.2-1992, 5.8): buffers and waiting go, the rest stays."""
        self._input.clear()
        self._messages.clear()
        self._units = None
        self._replies = []
        self._hold = None
        self._completion_asked = False
        self.output.clear()
        self.status.update(False)

    def status_byte(self) -> int:
        """Return the status byte with RQS, and withdraw the service request."""
        return self.status.poll(bool(self.output))

    def trigger(self) -> None:
        """Take a group execute trigger."""
        try:
            self.software_trigger()
        except ScpiError as error:
            self._report(error)
        self.status.update(bool(self.output))

    def starved(self) -> None:
        """Note a read without a query."""
        if self.message_exchange:
            self._report(ScpiError(-420))
            self.status.update(False)

    def interrupted(self) -> None:
        """Note a message in place of the reading of a reply."""
        self._report(ScpiError(-410))

    def advance(self, now: float) -> None:
        """Live until bench time `now` (s), and go on with what was waiting."""
        self.elapse(now)
        if self._completion_asked and not self.operation_pending:
            self._completion_asked = False
            self.status.event_status |= OPERATION_COMPLETE
        if self._hold is not None and self._hold.ready():
            self._run()
        if self.status.service_enable:  # which else has nothing to request, and on every tick
            self.status.update(bool(self.output))

    # Execution.

    def _run(self) -> None:
        while True:
            if self._units is None:
                if not self._messages:
                    return
                if self.output and self.message_exchange:
                    self.output.clear()
                    self.interrupted()
                self._units = iter(self._tree.parse(self._messages.popleft()))
            if not self._finish_message(self._units):
                return
            self._units = None
            if self._replies:
                self.output.push(self._joined())
                self._replies = []

    def _finish_message(self, units: Iterator[Call]) -> bool:
        """Execute the units that are left; False if one has to wait."""
        if self._hold is not None:
            if not self._hold.ready():
                return False
            hold, self._hold = self._hold, None
            self._attempt(hold.then, ())
        for call in units:
            if call.error is not None or call.handler is None:
                self._report(call.error or ScpiError(-113))
                continue
            result = self._attempt(call.handler, (self, *call.arguments))
            if isinstance(result, Hold):
                if not result.ready():
                    self._hold = result
                    return False
                self._attempt(result.then, ())
        return True

    def _attempt(self, handler: Callable[..., Any], arguments: tuple[Any, ...]) -> Hold | None:
        try:
            result = handler(*arguments)
        except ScpiError as error:
            self._report(error)
            return None
        if isinstance(result, Hold):
            return result
        if result is not None:
            self._append(result)
        return None

    def _append(self, reply: str | bytes) -> None:
        # Only END ends an indefinite block, so nothing can follow it (IEEE 488.2-1992, 8.7.10).
        if self._replies and self._replies[-1][:2] in ("#0", b"#0"):
            self._report(ScpiError(-440))
        else:
            self._replies.append(reply)

    def _joined(self) -> bytes:
        parts = [reply.encode("latin-1") if isinstance(reply, str) else reply for reply in self._replies]
        return b";".join(parts) + b"\n"

    def _report(self, error: ScpiError) -> None:
        own = self.error_texts.get(error.code)
        text = error.text if own is None else error.text.replace(ERROR_TEXTS[error.code], own, 1)
        self.status.report(error.code, text)
        self.tell_refusal(f'{error.code},"{text}"')

    # Common commands.

    def _load_defaults(self, *, power_on: bool = False) -> None:
        for command in self._tree.settings.values():
            if command.default is not None and (power_on or not command.lasting):
                for key in command.setting_keys():
                    self.settings[key] = command.default

    def reset_instrument(self) -> None:
        """Do what *RST does: settings to their defaults, overlapped commands abandoned."""
        self._completion_asked = False
        self._load_defaults()
        self.reset()

    def _lasting_settings(self) -> dict[Any, Any]:
        """Return the settings that neither *RST nor *RCL nor a power failure touches."""
        lasting = (command for command in self._tree.settings.values() if command.lasting)
        return {key: self.settings[key] for command in lasting for key in command.setting_keys()}

    def inherit(self, before: Self) -> None:
        """Keep the lasting settings and the states that were saved."""
        self.settings.update(before._lasting_settings())
        self._states = before._states

    def save_state(self, number: int) -> None:
        """Do what *SAV does."""
        self._states[number] = dict(self.settings)

    def recall_state(self, number: int) -> None:
        """Do what *RCL does; a place in which nothing was saved holds the settings after *RST (U)."""
        if number not in self._states:
            self.reset_instrument()
            return
        self._completion_asked = False
        self.settings.update(self._states[number] | self._lasting_settings())
        self.recalled()

    def clear_status(self) -> None:
        """Do what *CLS does (IEEE 488.2-1992, 10.3)."""
        self._completion_asked = False
        self.status.clear()

    def ask_completion(self) -> None:
        """Do what *OPC does: set the event bit once nothing is pending."""
        if self.operation_pending:
            self._completion_asked = True
        else:
            self.status.event_status |= OPERATION_COMPLETE

    def wait_completion(self) -> Hold:
        """Do what *WAI does."""
        return Hold(lambda: not self.operation_pending, lambda: None)

    def reply_completion(self) -> Hold:
        """Do what *OPC? does."""
        return Hold(lambda: not self.operation_pending, lambda: "1")

    def take_event_status(self) -> str:
        """Do what *ESR? does: read and clear."""
        value, self.status.event_status = self.status.event_status, 0
        return self.format_register(value)

    def next_error(self) -> str:
        """Take the oldest error out of the queue."""
        code, text = self.status.errors.pop()
        return f'{code},"{text}"' if code else self.no_error

    def preset_status(self) -> None:
        """Do what STATus:PRESet does."""
        for register in self.registers.values():
            register.preset()

    def set_event_enable(self, mask: float) -> None:
        """Do what *ESE does."""
        self.status.event_enable = int(mask)

    def set_service_enable(self, mask: float) -> None:
        """Do what *SRE does; bit 6 cannot be set."""
        self.status.service_enable = int(mask) & ~64


COMMON_COMMANDS: tuple[Command, ...] = (
    Command("*CLS", ScpiInstrument.clear_status),
    Command(
        "*ESE",
        ScpiInstrument.set_event_enable,
        lambda self: self.format_register(self.status.event_enable),
        (Mask(255),),
    ),
    Command("*ESR", None, ScpiInstrument.take_event_status),
    Command("*IDN", None, lambda self: self.identification()),
    Command("*OPC", ScpiInstrument.ask_completion, ScpiInstrument.reply_completion),
    Command("*OPT", None, lambda self: self.installed_options),
    Command("*RST", ScpiInstrument.reset_instrument),
    Command(
        "*SRE",
        ScpiInstrument.set_service_enable,
        lambda self: self.format_register(self.status.service_enable),
        (Mask(255),),
    ),
    Command("*STB", None, lambda self: self.format_register(self.status.query(bool(self.output)))),
    Command("*TRG", lambda self: self.software_trigger()),
    Command("*TST", None, lambda self: self.format_integer(0)),
    Command("*WAI", ScpiInstrument.wait_completion),
    Command("SYSTem:ERRor[:NEXT]", None, ScpiInstrument.next_error),
    Command("SYSTem:VERSion", None, lambda self: "1999.0"),
    Command("STATus:PRESet", ScpiInstrument.preset_status),
)


def state_commands(last: int) -> tuple[Command, ...]:
    """Return *SAV and *RCL for the places 0 to `last`."""
    place = (Number(0, last, integer=True),)
    return (
        Command("*SAV", ScpiInstrument.save_state, None, place),
        Command("*RCL", ScpiInstrument.recall_state, None, place),
    )


def register_commands(node: str, name: str) -> tuple[Command, ...]:
    """Return the commands of one event register, as SCPI-1999 volume 1, 9.1 lays them out.

    Parameters
    ----------
    node
        Its place under STATus, such as 'OPERation'.
    name
        Its key in the instrument's `registers`.
    """

    def get(attribute: str) -> Callable[[ScpiInstrument], str]:
        return lambda instrument: instrument.format_register(getattr(instrument.registers[name], attribute))

    def put(attribute: str) -> Callable[[ScpiInstrument, float], None]:
        return lambda instrument, mask: setattr(instrument.registers[name], attribute, int(mask) & EventRegister.mask)

    return (
        Command(f"STATus:{node}[:EVENt]", None, lambda self: self.format_register(self.registers[name].take())),
        Command(f"STATus:{node}:CONDition", None, get("condition")),
        Command(f"STATus:{node}:ENABle", put("enable"), get("enable"), (Mask(),)),
        Command(f"STATus:{node}:PTRansition", put("positive_transition"), get("positive_transition"), (Mask(),)),
        Command(f"STATus:{node}:NTRansition", put("negative_transition"), get("negative_transition"), (Mask(),)),
    )
