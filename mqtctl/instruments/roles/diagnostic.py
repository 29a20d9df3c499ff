"""What an adapter may offer beyond its role, for `check`: to look, to foresee, to try its parts by themselves.

None of it is needed for a measurement; an adapter of a lab that lacks it is checked for less.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mqtctl.instruments.roles.experiment import RampProgram, StopEdge, TimingCounter
from mqtctl.instruments.roles.findings import Finding

__all__ = [
    "Amplifier",
    "Assessing",
    "AssessingController",
    "DiagnosticCounter",
    "Inspectable",
    "LimitedSource",
    "MarkerSource",
]


@runtime_checkable
class Assessing(Protocol):
    """An adapter that can say from its options alone what a ramp would meet."""

    def assess(self, program: RampProgram) -> list[Finding]:
        """Return faults and warnings about this ramp; sends nothing.

        Raises
        ------
        InputError
            The instrument cannot make, or time, this ramp.
        """


@runtime_checkable
class AssessingController(Protocol):
    """A controller that can say from its options alone what a plan's temperatures would meet."""

    def assess_temperatures(self, temperatures: Collection[float]) -> list[Finding]:
        """Return faults and warnings about holding these temperatures (K); sends nothing.

        Raises
        ------
        InputError
            One is outside of what the cryostat holds.
        """


@runtime_checkable
class Inspectable(Protocol):
    """An adapter that can look at its instrument without moving anything."""

    def inspect(self, program: RampProgram | None) -> list[Finding]:
        """Return what the instrument says of itself: identity, error queue, self-test, settings that matter.

        `program` is the ramp that is planned, None where the instrument has no part in it.
        """


@runtime_checkable
class LimitedSource(Protocol):
    """A source that lets no more than so much through, whatever it is asked for."""

    @property
    def current_limit(self) -> float | None:
        """Largest magnitude of current in A; None if the station file sets none."""

    @property
    def compliance(self) -> float | None:
        """Largest voltage in V across the load; None for a source of voltage."""


@runtime_checkable
class MarkerSource(Protocol):
    """A source that can put out its marker without ramping the sample."""

    def marking(self, period: float) -> AbstractContextManager[None]:
        """Put out a marker each `period` s within the block, and put every setting back at its end.

        No current beyond the source's smallest flows meanwhile.

        Raises
        ------
        HardwareError
            The output is on: somebody may be using it. Or a setting does not read back as it was before.
        """


@dataclass(frozen=True)
class Amplifier:
    """What stands between the junction and a counter's stop input.

    Attributes
    ----------
    gain
        Voltage gain, negative if it inverts; None if not known.
    noise
        V rms at its input; None if not known.
    """

    gain: float | None = None
    noise: float | None = None


@runtime_checkable
class DiagnosticCounter(TimingCounter, Protocol):
    """A timing counter that can look at its inputs by themselves."""

    @property
    def start_edge(self) -> StopEdge:
        """The edge of the ramp's marker, as the station file has it."""

    @property
    def amplifier(self) -> Amplifier:
        """What stands in front of the stop input, as far as the station file says."""

    def count_edges(self, stop: StopEdge, duration: float) -> int:
        """Return how many such edges the stop input saw in `duration` s."""

    def marker_pulse(self, program: RampProgram) -> tuple[bool, float]:
        """Return whether the marker's pulses are positive, and their width in s, while the source ramps.

        Raises `HardwareError` if none arrives.
        """
