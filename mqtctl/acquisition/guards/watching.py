"""Asks instruments whether they are still as they were set up, before what they say is believed."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mqtctl.errors import GlitchError, HardwareError
from mqtctl.instruments.roles.experiment import Watched

__all__ = ["look_after"]

log = logging.getLogger(__name__)


def look_after(parts: Sequence[object], conclusion: HardwareError | None = None) -> None:
    """Raise `HardwareError` if one of these instruments is not as it was set up.

    Parameters
    ----------
    parts
        Adapters; those that are not `Watched` are passed over.
    conclusion
        What would be said otherwise: it stands if an instrument cannot be asked.
    """
    for part in parts:
        if not isinstance(part, Watched):
            continue
        try:
            part.verify_unchanged()
        except GlitchError as exc:
            if conclusion is None:
                raise
            log.warning("%s", exc)  # the conclusion stands
