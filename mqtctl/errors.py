"""Every error a user can meet, with the exit code the command line gives it.

MqtctlError
├── InputError            2   plan, station, sample file or option is wrong; also a ValueError
├── HardwareError        10   an instrument did not do what it was told; made safe
├── StorageError         11   data could not be stored
├── CryostatError        12   temperature not reachable, not readable or not safe
├── BenchBusyError       13   another process holds the bench or the database
├── UnsafeError          20   the safe state could not be confirmed
└── InterruptedRunError 128 + the signal that asked to stop; made safe

A message is one sentence that says what was wrong, the value, the limit and what to do.
"""

from __future__ import annotations

import signal
from typing import ClassVar

__all__ = [
    "BenchBusyError",
    "CryostatError",
    "GlitchError",
    "HardwareError",
    "InputError",
    "InterruptedRunError",
    "LostError",
    "MqtctlError",
    "StorageError",
    "UnsafeError",
]


class MqtctlError(Exception):
    """Base of all errors raised on purpose by mqtctl.

    Attributes
    ----------
    finding
        The finding of a check for which a plan is refused; None for what was not found by a check.
    """

    exit_code: ClassVar[int] = 1
    finding: object = None


class InputError(MqtctlError, ValueError):
    """A plan, station, sample file, data file or option is wrong.

    Attributes
    ----------
    location
        Keys and, in lists, numbers from 0 that lead to what is wrong in a document; empty where that is not known.
    """

    exit_code = 2
    location: tuple[int | str, ...] = ()


class HardwareError(MqtctlError):
    """An instrument is missing, refused a command or answered nonsense."""

    exit_code = 10


class GlitchError(HardwareError):
    """One exchange with an instrument failed, or its answer cannot be; nothing says that the next one will, too."""


class LostError(HardwareError):
    """The session to an instrument is over, or the instrument lost its power.

    Opened anew, and set up from zero, it may go on.
    """


class StorageError(MqtctlError):
    """Data could not be written, or did not read back as written."""

    exit_code = 11


class CryostatError(MqtctlError):
    """A temperature was not reached, not held, or could not be believed."""

    exit_code = 12


class BenchBusyError(MqtctlError):
    """Another process is using the same instruments, or writing to the same database."""

    exit_code = 13


class UnsafeError(MqtctlError):
    """The source or heater could not be confirmed off: look at the instruments."""

    exit_code = 20


class InterruptedRunError(MqtctlError):
    """The user or the system asked the run to stop; everything was made safe first.

    Attributes
    ----------
    signal_number
        The signal that asked: 2 for Ctrl-C, 15 for a request to end, 1 for a terminal that is gone, 3 for a quit.
    """

    def __init__(self, signal_number: int) -> None:
        name = "Ctrl-C" if signal_number == signal.SIGINT else signal.Signals(signal_number).name
        super().__init__(f"stopped by {name}; source and heater are off")
        self.signal_number = signal_number
