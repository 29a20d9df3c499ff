"""Runs the user's command (mail, chat) when a measurement needs somebody: once for each reason, with a deadline."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from mqtctl.supervision.apart import APART, end_with_children
from mqtctl.supervision.status import Status

__all__ = ["OPTION", "Alarm", "alarm_command", "run_command"]

OPTION = "--alarm-command"
#: So long (s) the user's command may take.
DEADLINE = 30.0
#: A plan or option that is wrong is told to whoever typed it.
_WRONG_INPUT = 2
#: Exit codes of what somebody asked to stop, by signals 1, 2, 3 and 15.
_ASKED = (129, 130, 131, 143)


def alarm_command(arguments: Sequence[str]) -> list[str]:
    """Return the words of the alarm command in a command line; empty if there is none.

    One that cannot be taken apart is told by the worker, which reads the same option.
    """
    words: list[str] = []
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == OPTION:
            text = value if equals else "".join(arguments[place + 1 : place + 2])
            with suppress(ValueError):
                words = shlex.split(text)
    return words


def run_command(command: Sequence[str], facts: Mapping[str, Any], deadline: float = DEADLINE) -> str:
    """Run a command with facts as JSON on its input; returns what went wrong, "" if nothing did."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **APART
        )
    except (OSError, ValueError) as exc:
        return f"cannot be run ({exc})"
    try:
        process.communicate(json.dumps(facts).encode(), timeout=deadline)
    except subprocess.TimeoutExpired:
        end_with_children(process)
        process.wait()
        return f"took longer than {deadline:.0f} s and was ended"
    except OSError as exc:
        process.wait()
        return f"cannot be told ({exc})"
    return f"ended with exit code {process.returncode}" if process.returncode else ""


class Alarm:
    """Looks at a status as it changes, and calls for somebody when it needs to be looked at.

    The command runs on a thread of its own: making safe never waits for it.

    Parameters
    ----------
    command
        The words of the user's command; empty if nobody is to be called.
    deadline
        How long in s it may take.
    """

    def __init__(self, command: Sequence[str], deadline: float = DEADLINE) -> None:
        self._command, self._deadline = list(command), deadline
        self._called: set[str] = set()
        self._failures: list[str] = []
        self._threads: list[threading.Thread] = []

    def changed(self, status: Status, _kind: str = "") -> None:
        """Call once for each reason there is."""
        reasons = [status.alarm] if status.alarm else []
        ended_badly = status.state in ("failed", "stopped") and status.exit_code not in (_WRONG_INPUT, *_ASKED)
        if ended_badly and not status.alarm:
            reasons.append(f"ended with exit code {status.exit_code}; source and heater are {status.outputs}")
        for reason in reasons:
            if self._command and reason not in self._called:
                self._called.add(reason)
                self._call({"reason": reason, **asdict(status)})

    def ended(self, status: Status) -> list[str]:
        """Call for how it ended, and wait for what was called; returns remarks on what went wrong with it."""
        self.changed(status)
        for thread in self._threads:
            thread.join()  # each has its deadline
        return self._failures

    def _call(self, facts: Mapping[str, Any]) -> None:
        before = self._threads[-1:]

        def work() -> None:
            for thread in before:  # one call after the other
                thread.join()
            failure = run_command(self._command, facts, self._deadline)
            if failure:
                self._failures.append(f"the alarm command {shlex.join(self._command)} {failure}; nobody was called")

        thread = threading.Thread(target=work, name="alarm", daemon=True)
        self._threads.append(thread)
        thread.start()
