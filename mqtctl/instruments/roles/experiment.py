"""The three roles an instrument can play; a lab with other instruments writes one adapter for each.

All quantities are in SI base units. Every method raises `HardwareError` if the instrument is
missing, refuses a command, reports an error afterwards or answers nonsense, and
`CryostatError` where the temperature cannot be believed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mqtctl.instruments.roles.findings import Finding

__all__ = [
    "Finding",
    "LimitableSource",
    "OffsetSource",
    "RampProgram",
    "RampSource",
    "StopEdge",
    "TemperatureController",
    "TemperatureReading",
    "TimingCounter",
    "Watched",
]


@dataclass(frozen=True)
class RampProgram:
    """A saw-tooth of bias current: up at constant rate, back, rest; a marker at each start.

    Attributes
    ----------
    start_current, stop_current
        Bias current in A where the rise begins and ends; between bursts the source idles at 0 A.
    rate
        Rate of the rise in A/s, positive when stop_current > start_current.
    period
        Time in s from one start to the next; longer than the rise.
    """

    start_current: float
    stop_current: float
    rate: float
    period: float

    @property
    def rise_time(self) -> float:
        """Duration of the rise in s."""
        return (self.stop_current - self.start_current) / self.rate


@dataclass(frozen=True)
class StopEdge:
    """The edge at the counter's stop input that ends an interval.

    Attributes
    ----------
    threshold
        Level in V that the edge passes.
    rising
        Whether it passes it upwards.
    """

    threshold: float
    rising: bool

    @property
    def mirrored(self) -> Self:
        """The same edge for the other polarity of the bias current."""
        return replace(self, threshold=-self.threshold, rising=not self.rising)

    @property
    def reversed(self) -> Self:
        """The way back through the same level: return to the zero-voltage state instead of escape from it."""
        return replace(self, rising=not self.rising)


@runtime_checkable
class RampSource(Protocol):
    """Ramps the bias current in finite bursts and idles at zero."""

    def identify(self) -> str:
        """Return what the instrument says it is."""

    def output_on(self) -> bool:
        """Return whether the output carries current or could: somebody may be using it."""

    def configure(self, program: RampProgram) -> RampProgram:
        """Set up the ramp at zero current and return it as read back from the instrument."""

    def start(self, cycles: int) -> None:
        """Start a burst of this many ramps; returns at once."""

    def running(self) -> bool:
        """Return whether a burst is still under way."""

    def stop(self) -> None:
        """End the burst; back to zero current, ready for the next start."""

    def make_safe(self) -> None:
        """Zero current, output off, both read back; raises `UnsafeError` if not confirmed."""


@runtime_checkable
class TimingCounter(Protocol):
    """Measures the interval from each ramp's start marker to the voltage step."""

    @property
    def memory(self) -> int:
        """Largest number of intervals one `arm` can ask for."""

    @property
    def timeout_ramps(self) -> int:
        """Number of ramps without a switch for which a reading of inf stands, once configured."""

    @property
    def delay(self) -> float:
        """Calibrated lag in s of the stop event behind the junction's current."""

    def identify(self) -> str:
        """Return what the instrument says it is."""

    @property
    def stop_edge(self) -> StopEdge:
        """The edge by which a switch at positive bias current is recognised, as the station file has it."""

    def configure(self, program: RampProgram, stop: StopEdge | None = None) -> None:
        """Set inputs, thresholds, slopes and time-out for this ramp; read them back.

        `stop` is the edge that ends an interval, by default `stop_edge`.
        """

    def measure_period(self, program: RampProgram) -> float:
        """Measure the period in s of the start marker while the source ramps."""

    def arm(self, count: int) -> None:
        """Get ready for `count` intervals; returns at once."""

    def available(self) -> int:
        """Return how many intervals wait to be read."""

    def wait_for(self, count: int, timeout: float) -> bool:
        """Return when `count` intervals may wait to be read, or after `timeout` s at the latest.

        By service request where the interface has it, else by waiting as long as the ramps need. True if they are
        taken to be there, so that `read` need not be preceded by `available`; it may still give fewer, or none.
        """

    def read(self, count: int) -> NDArray[np.float64]:
        """Take at most `count` intervals (s) out of the memory, oldest first; inf where no stop came."""

    def stop(self) -> None:
        """End the measurement; intervals already taken stay readable."""

    def make_safe(self) -> None:
        """Leave the instrument idle."""


@dataclass(frozen=True)
class TemperatureReading:
    """One reading of the bath thermometer.

    Attributes
    ----------
    temperature
        Value in K.
    valid, status
        Whether the instrument calls it valid, and what it says.
    digits
        The reading as the instrument writes it, where its last digits are noise: the same ones time and again mean
        that it is frozen. Empty where the instrument is too coarse for that.
    heater
        Part of the heater's range that is being given, 0 to 1; None where that is not known.
    stale
        Whether it is not valid only because it is an old one, as on a channel that is not being scanned.
    """

    temperature: float
    valid: bool
    status: str = ""
    digits: str = ""
    heater: float | None = None
    stale: bool = False


@runtime_checkable
class TemperatureController(Protocol):
    """Reads the bath and holds it at a temperature."""

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest temperature in K that this cryostat is known to hold."""

    def identify(self) -> str:
        """Return what the instrument says it is."""

    def read(self) -> TemperatureReading:
        """Read the bath temperature."""

    def set_target(self, temperature: float) -> None:
        """Ask the controller for this temperature (K); returns at once."""

    def make_safe(self) -> None:
        """Heater off, read back; raises `UnsafeError` if not confirmed."""


@runtime_checkable
class OffsetSource(Protocol):
    """Adds a constant current to the bias; not every station has one."""

    def identify(self) -> str:
        """Return what the instrument says it is."""

    def output_on(self) -> bool:
        """Return whether the output is on."""

    def set_current(self, current: float) -> float:
        """Put out this current (A) and return it as read back."""

    def make_safe(self) -> None:
        """Zero current, output off, both read back; raises `UnsafeError` if not confirmed."""


@runtime_checkable
class Watched(Protocol):
    """A source or counter that can say whether it still is as it was set up; one that cannot is believed."""

    def verify_unchanged(self) -> None:
        """Raise `HardwareError` if it lost its power or a setting has changed since it was set up.

        Nothing else changes, but a counter without memory ends its measurement.
        """


@runtime_checkable
class Reopenable(Protocol):
    """An instrument whose session can be opened anew; what was set up counts no longer."""

    def reopen(self) -> None:
        """Close the session, whatever state it is in, and open a new one; raises `HardwareError` if that fails."""


@runtime_checkable
class LimitableSource(Protocol):
    """A source that can be told what the sample may see; the adapters of this package all can."""

    def restrict_current(self, largest: float) -> None:
        """Let no more than this (A) through from now on; a smaller limit of the station file stays."""
