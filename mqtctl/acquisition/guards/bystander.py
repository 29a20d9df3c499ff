"""Keeps whoever watches a measurement from stopping it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

__all__ = ["Bystander"]

log = logging.getLogger(__name__)


class Bystander:
    """A listener that may fail: the first time it does it is told no more, and what it listened to goes on.

    A terminal that is gone, a closed pipe or a mistake in somebody's callback is no reason to end a night.

    Parameters
    ----------
    listener
        Called with each event until it raises.

    Attributes
    ----------
    failure
        What it raised; None as long as it works.
    """

    def __init__(self, listener: Callable[[Any], None]) -> None:
        self._listener = listener
        self.failure: BaseException | None = None

    def __call__(self, event: object) -> None:
        """Pass an event on."""
        if self.failure is not None:
            return
        try:
            self._listener(event)
        except (Exception, SystemExit) as exc:  # whatever it is, it is the listener's own affair
            self.failure = exc
            log.warning(
                "a listener failed (%s: %s) and is told no more; the measurement goes on", type(exc).__name__, exc
            )
