"""A QCoDeS station that speaks to no instrument by itself; loads QCoDeS, so it is imported where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qcodes.station import Station

__all__ = ["QuietStation"]


class QuietStation(Station):
    """A station whose snapshots say what is known already.

    Since 0.62 QCoDeS asks at the beginning of each run for every parameter that was not read yet: hundreds of messages
    to instruments that are about to measure, and seconds of the bench's time.
    """

    def snapshot_base(self, update: Any = False, params_to_skip_update: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the snapshot without a question to an instrument, whatever was asked for."""
        return super().snapshot_base(update=False, params_to_skip_update=params_to_skip_update)
