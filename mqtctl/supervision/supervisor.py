"""Runs a command that drives outputs in a process of its own, and sees to it that nothing is left on.

The supervisor speaks to no instrument while all is well. It passes signals on, keeps the status, and listens for the
worker's heartbeat. When the worker ends while outputs are in use, or falls silent, `mqtctl safe` is run until it
confirms.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

from mqtctl.stop_signals import STOP_SIGNALS, is_ours_to_take
from mqtctl.supervision.alarm import Alarm, alarm_command
from mqtctl.supervision.apart import APART
from mqtctl.supervision.ear import HANDLE_NAME, Ear
from mqtctl.supervision.page_file import PageFile
from mqtctl.supervision.resting import bring_to_rest, own_command
from mqtctl.supervision.status import Status, StatusFile, now

__all__ = ["SILENCE", "Beside", "Supervisor", "is_supervised", "supervise"]

#: Commands that switch outputs on.
COMMANDS = ("sweep", "histogram", "calibrate", "resume")
#: A worker from which nothing was heard for so long (s) while outputs are in use is ended. It has a sign of life at
#: every exchange with an instrument; three that each wait for a VISA time-out of 5 s are the longest silence there is,
#: and a report on a slow computer.
SILENCE = 90.0
#: A worker that brings its bench to rest speaks to nobody; it tries for three minutes by itself.
RESTING_SILENCE = 240.0
#: So long (s) a worker has to make safe by itself after it was asked to end.
GRACE = 15.0
#: Exit code for a worker that had to be killed.
KILLED = 137


def is_supervised(arguments: Sequence[str]) -> bool:
    """Return whether a command line is run under a supervisor: it drives outputs, and is not a worker already."""
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    asks = {"--help", "--version"} & set(arguments)
    return command in COMMANDS and not asks and HANDLE_NAME not in os.environ


def supervise(arguments: Sequence[str]) -> int:
    """Run a command of mqtctl as worker; returns the exit code."""
    ear = Ear()
    environment = {**os.environ, HANDLE_NAME: ear.address}
    worker = subprocess.Popen(
        [*own_command(), *arguments],
        env=environment,
        pass_fds=ear.inherited,
        stdin=subprocess.DEVNULL,
        **APART,  # Ctrl-C and Ctrl-Z reach the supervisor alone
    )
    ear.begun()
    status = Status(command=" ".join(arguments), process=worker.pid, begun=now(), updated=now())
    beside = (Alarm(alarm_command(arguments)), PageFile())
    supervisor = Supervisor(worker, ear, StatusFile(status), beside=beside)
    with _passing_on(supervisor):
        return supervisor.run()


class Beside(Protocol):
    """Something that looks at the status as it changes, and never keeps the watch waiting."""

    def changed(self, status: Status, kind: str) -> None:
        """Take a change, and what the worker told."""

    def ended(self, status: Status) -> list[str]:
        """Come to an end; returns what is to be remarked."""


def _say(sentence: str) -> None:
    with suppress(OSError, AttributeError):  # nobody there to read it
        print(f"mqtctl: {sentence}", file=sys.stderr, flush=True)  # noqa: T201


@dataclass
class Supervisor:
    """Watches one worker until it has ended and everything is off.

    Attributes
    ----------
    worker
        The process.
    ear
        Where it is heard.
    file
        Where its status is kept.
    rest
        Brings a bench to rest: (station file, tell) -> whether that is confirmed.
    beside
        Told of every change of the status.
    """

    worker: subprocess.Popen[bytes]
    ear: Ear
    file: StatusFile
    rest: Callable[[str, Callable[[str], object]], bool] = bring_to_rest
    silence: float = SILENCE
    grace: float = GRACE
    beside: Sequence[Beside] = ()
    _in_use: bool = False
    _asked: list[int] = field(default_factory=list)
    _rest_of_line: bytes = b""

    def run(self) -> int:
        """Return the exit code when the worker has ended and, as far as can be had, everything is off."""
        code = self._ended(silent=not self._listen())
        status = self.file.status
        if self._in_use:
            code = self._make_safe(code)
        status.exit_code = code
        status.state = "complete" if code == 0 else "stopped" if code > 128 else "failed"
        status.left_s = None
        status.updated = now()
        self.file.write()
        for listener in self.beside:
            for text in listener.ended(status):
                self.file.take("remark", {"text": text})
                _say(text)
        return code

    def pass_on(self, number: int) -> None:
        """Pass a signal on to the worker."""
        self._asked.append(number)
        self._ask(number)

    def _ask(self, number: int) -> None:
        with suppress(OSError):
            if not self.ear.ask(number):
                self.worker.send_signal(number)

    def _listen(self) -> bool:
        """Take what the worker tells until that is over; returns False if it has been silent for too long."""
        heard = time.monotonic()
        while True:
            piece = self.ear.hear(1.0)
            if piece:
                heard = time.monotonic()
                self._take(piece)
            elif piece is not None or self.worker.poll() is not None:
                return True
            limit = RESTING_SILENCE if self._asked else self.silence
            if self._in_use and time.monotonic() - heard > limit:
                _say(f"nothing was heard of the measurement for {limit:.0f} s; it is ended")
                return False

    def _take(self, piece: bytes) -> None:
        """Take a piece of what the worker wrote."""
        *lines, self._rest_of_line = (self._rest_of_line + piece).split(b"\n")
        for line in lines:
            told = _parsed(line)
            if told is None:
                continue
            kind = told.pop("kind")
            self._in_use = {"outputs in use": True, "at rest": False}.get(kind, self._in_use)
            self.file.take(kind, told)
            self._tell_beside(kind)

    def _tell_beside(self, kind: str) -> None:
        for listener in self.beside:
            listener.changed(self.file.status, kind)

    def _ended(self, *, silent: bool) -> int:
        """Wait for the worker, ask it to end where it does not, end it where it is deaf; returns its exit code."""
        code = None
        ways: list[Callable[[], None]] = [lambda: self._ask(signal.SIGTERM), self.worker.kill]
        for end in ways if silent else [lambda: None, *ways]:
            with suppress(OSError):
                end()
            with suppress(subprocess.TimeoutExpired):
                code = self.worker.wait(self.grace)
                break
        while piece := self.ear.hear(0.0):  # what it said while nobody listened any more
            self._take(piece)
        if silent:
            return 10
        return KILLED if code is None else code if code >= 0 else 128 - code

    def _make_safe(self, code: int) -> int:
        """Bring the bench to rest in the worker's place; returns the exit code."""
        status = self.file.status
        status.alarm = "the measurement ended without making safe"
        status.set_outputs("being switched off")
        self.file.write()
        self._tell_beside("alarm")
        if code != 20:
            _say("the measurement ended without making safe; source and heater are being switched off")
        confirmed = self.rest(status.station, _say)
        status.set_outputs("off, confirmed" if confirmed else "NOT confirmed off")
        status.alarm = "" if confirmed else "source or heater may be on: look at the instruments"
        if not confirmed:
            return 20
        return code if code not in (0, 20) else 10


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return what a line says; None for what no worker of ours wrote, which is no reason to stop watching."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and isinstance(told.get("kind"), str) else None


@contextmanager
def _passing_on(supervisor: Supervisor) -> Iterator[None]:
    """Pass every signal that asks to stop on to the worker for as long as the block runs."""

    def take(number: int, _frame: FrameType | None) -> None:
        supervisor.pass_on(number)

    previous = {number: signal.signal(number, take) for number in STOP_SIGNALS if is_ours_to_take(number)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
