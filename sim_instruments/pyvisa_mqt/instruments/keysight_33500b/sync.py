"""The Sync connector of the 33500B: which channel drives it, and when it rises."""

from __future__ import annotations

from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument
from pyvisa_mqt.instruments.keysight_33500b.waveform import Shape

__all__ = ["LAST_PHASE", "SynchronisingGenerator"]

#: A marker cannot stand at the very end of a period, where the next one begins.
LAST_PHASE = 1 - 1e-8


class SynchronisingGenerator(ScpiInstrument):
    """The part of the generator that knows when Sync rises."""

    def _synchronised(self, channel: int) -> bool:
        settings = self.settings
        return bool(settings["sync", 1] and settings["sync_source", 1] == f"CH{channel}")

    def _sync_settings(self, channel: int) -> tuple[object, ...]:
        """Return what decides when Sync rises; nothing if this channel does not drive it."""
        settings = self.settings
        if not self._synchronised(channel):
            return ()
        # With upright polarity only the carrier's cycles make a difference.
        carrier = settings["sync_mode", 1] == "CARR" and settings["burst", channel]
        if settings["sync_polarity", 1] == "NORM":
            return (carrier,)
        return (settings["sync_mode", 1], settings["marker_point", channel], settings["marker_cycle", channel])

    def _sync_rise(self, channel: int, shape: Shape) -> float:
        """Return the share of a cycle at which Sync rises: its start, or where it falls if it is inverted."""
        settings = self.settings
        if settings["sync_polarity", 1] == "NORM":
            return 0.0
        if settings["sync_mode", 1] == "MARK" and shape.function == "ARB":
            return float(min(settings["marker_point", channel] / len(shape.points), LAST_PHASE))
        return shape.share if shape.function in ("SQU", "PULS") else 0.5

    def _sync_falls_late(self, cycles: float) -> bool:
        """Whether Sync rises behind the first of a burst's cycles, since it is inverted."""
        return bool(cycles > 1 and self.settings["sync_polarity", 1] == "INV")

    def _burst_rise(self, channel: int, cycles: float) -> float:
        """Return the number of cycles from a burst's start to the rise of Sync, which is high during the burst."""
        settings = self.settings
        if settings["sync_polarity", 1] == "NORM":
            return 0.0
        return float(
            min(settings["marker_cycle", channel] - 1, cycles) if settings["sync_mode", 1] == "MARK" else cycles
        )
