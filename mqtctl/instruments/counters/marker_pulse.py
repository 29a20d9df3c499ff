"""The pulse of a marker, from how long its line stays on either side of a threshold."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mqtctl.instruments.roles.experiment import StopEdge

__all__ = ["MarkerDiagnosis"]


class MarkerDiagnosis(ABC):
    """Base of what looks at the inputs of a counter."""

    def marker_pulse(self, start: StopEdge, period: float) -> tuple[bool, float]:
        """Return whether the pulses at the start input are positive, and their width in s.

        Parameters
        ----------
        start
            The threshold at which they are looked at; its direction does not matter.
        period
            Of the marker, s.

        Raises
        ------
        HardwareError
            None arrives.
        """
        low = self._time_at(start, period, above=False)
        high = self._time_at(start, period, above=True)
        return high < low, min(high, low)

    @abstractmethod
    def _time_at(self, start: StopEdge, period: float, *, above: bool) -> float:
        """Return how long (s) the marker stays above, or below, the threshold each time."""
