"""The lock by which one interface session keeps a Keysight instrument for itself: SYSTem:LOCK.

53220A/53230A Programmer's Reference, p. 453: requests are counted, as many releases let go, and a LAN connection that
ends lets go of all. Not confirmed (U): how sessions are named, and that the 33500B counts as the counter does. A
lock tells who wants to be alone; the commands of others are executed all the same (U).
"""

from __future__ import annotations

from typing import Any

from pyvisa_mqt.grammar.instrument import OutputQueue
from pyvisa_mqt.grammar.scpi import Command
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument

__all__ = ["LOCK_COMMANDS", "LockableInstrument"]

LOCKED = 1 << 10  # of the operation register


class LockableInstrument(ScpiInstrument):
    """An instrument that one session can lock; a session is told by the queue that its replies go to."""

    def __init__(self, *arguments: Any) -> None:
        self._holder: OutputQueue | None = None
        self._holder_name = "NONE"
        self._requests = 0
        super().__init__(*arguments)

    @property
    def _session_name(self) -> str:
        return "USB" if self.message_exchange else "LAN127.0.0.1"

    def request_lock(self) -> str:
        """Take the lock, once more if the session has it; return 1, or 0 if another one has it."""
        if self._holder is not None and self._holder is not self.output:
            return self.format_integer(0)
        self._holder, self._holder_name = self.output, self._session_name
        self._requests += 1
        self.registers["operation"].set(LOCKED, True)
        return self.format_integer(1)

    def release_lock(self) -> None:
        """Take one request back; of a session that has none it means nothing."""
        if self._holder is self.output:
            self._requests -= 1
            if not self._requests:
                self._let_go()

    def _let_go(self) -> None:
        self._holder, self._holder_name, self._requests = None, "NONE", 0
        self.registers["operation"].set(LOCKED, False)

    def lock_owner(self) -> str:
        """Return the session that has the lock, or NONE."""
        return f'"{self._holder_name}"'

    def own_name(self) -> str:
        """Return the name of the session that asks."""
        return f'"{self._session_name}"'

    def disconnected(self, replies: OutputQueue) -> None:
        """Let go of what a connection that has ended had locked."""
        if self._holder is replies:
            self._let_go()


LOCK_COMMANDS: tuple[Command, ...] = (
    Command("SYSTem:LOCK:REQuest", None, LockableInstrument.request_lock),
    Command("SYSTem:LOCK:RELease", LockableInstrument.release_lock),
    Command("SYSTem:LOCK:OWNer", None, LockableInstrument.lock_owner),
    Command("SYSTem:LOCK:NAME", None, LockableInstrument.own_name),
)
