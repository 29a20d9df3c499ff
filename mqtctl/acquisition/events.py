"""What a running measurement tells whoever watches it; it never waits for an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mqtctl.plan import Purpose
from mqtctl.records import MeasuredRamp

__all__ = [
    "AtRest",
    "BlockStored",
    "Event",
    "Notify",
    "OutputsInUse",
    "PointFinished",
    "PointSkipped",
    "RampsBegin",
    "Remark",
    "Settling",
]


@dataclass(frozen=True)
class Settling:
    """One bath reading on the way to a set point: K, K, and s since the set point was given.

    It counts as reached after `dwell` (s) within `band` (relative); 0 where that is not known.
    """

    point: int
    points: int
    target: float
    temperature: float
    elapsed: float
    band: float = 0.0
    dwell: float = 0.0


@dataclass(frozen=True)
class RampsBegin:
    """A histogram begins.

    Attributes
    ----------
    target
        Set point in K, None at the present temperature.
    ramp
        The ramp as measured.
    purpose, polarity
        What the ramp is made for, and +1 or -1.
    precision, precision_of
        Relative standard error that is asked for, and of what; None where a number of switches is.
    """

    point: int
    points: int
    target: float | None
    ramp: MeasuredRamp
    purpose: Purpose = "switching"
    polarity: int = 1
    precision: float | None = None
    precision_of: str = ""


def _no_currents() -> NDArray[np.float64]:
    return np.empty(0)


@dataclass(frozen=True)
class BlockStored:
    """A block is on disk: counts so far, the bath in K, and bench time in s since the first ramp.

    Attributes
    ----------
    wanted
        Switches wanted in all; where a precision is asked for, as many as are expected to be needed at present.
    mean, std
        Of all switching currents of the histogram so far, in A.
    lost
        Ramps so far that are in no reading.
    precision
        Relative standard error to be expected of what there is; None where a number of switches is asked for.
    currents
        Switching currents of this block in A, shape (n_switch,).
    """

    point: int
    points: int
    switches: int
    wanted: int
    censored: int
    temperature: float
    elapsed: float
    mean: float
    std: float
    lost: int = 0
    precision: float | None = None
    currents: NDArray[np.float64] = field(default_factory=_no_currents, compare=False, repr=False)


@dataclass(frozen=True)
class PointFinished:
    """A histogram is complete: mean and width in A, bath in K, the share of time in which ramps counted, its purpose.

    Mean and width have the sign and the meaning of the ramp: a negative polarity switches at negative currents.
    `precision` is the relative standard error that was reached, None where a number of switches was asked for.
    """

    point: int
    points: int
    run_id: int
    switches: int
    censored: int
    temperature: float
    mean: float
    std: float
    live_fraction: float
    purpose: Purpose = "switching"
    precision: float | None = None


@dataclass(frozen=True)
class PointSkipped:
    """A point was given up, as the plan's policy has it: its set point in K, and why. What was taken stays unfinished.

    `skipped` is how many points have been skipped so far.
    """

    point: int
    points: int
    target: float | None
    reason: str
    skipped: int


@dataclass(frozen=True)
class OutputsInUse:
    """From now on source and heater may be on: the station file says which."""

    station: str


@dataclass(frozen=True)
class AtRest:
    """Source and heater are off, confirmed, and stay off."""


@dataclass(frozen=True)
class Remark:
    """Something the user should know, in one sentence; `point` is the one it is about, None for none."""

    sentence: str
    point: int | None = None

    @property
    def text(self) -> str:
        """The sentence with the point that it is about."""
        return self.sentence if self.point is None else f"point {self.point}: {self.sentence}"


Event = OutputsInUse | AtRest | Settling | RampsBegin | BlockStored | PointFinished | PointSkipped | Remark
Notify = Callable[[Event], None]
