"""The signals that ask a command to stop, and which of them may be taken over: one rule for worker and supervisor."""

from __future__ import annotations

import signal

__all__ = ["STOP_SIGNALS", "is_ours_to_take"]

#: Ctrl-C, a request to end, a terminal or connection that is gone, Ctrl-\, a closed Windows console: where they exist.
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK") if hasattr(signal, name)
)


def is_ours_to_take(number: int) -> bool:
    """Return whether a signal may be handled here: not if nohup has it ignored, or a handler that is not Python's.

    An ignored Ctrl-C is taken: every job in a script's background has it ignored, and nobody asked for that.
    """
    before = signal.getsignal(number)
    kept_alive = number == getattr(signal, "SIGHUP", None) and before is signal.SIG_IGN
    return before is not None and not kept_alive
