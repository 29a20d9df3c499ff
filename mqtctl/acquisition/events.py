"""What a running measurement tells whoever watches it; it never waits for an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["BlockStored", "Event", "Notify", "PointFinished", "Remark", "Settling"]


@dataclass(frozen=True)
class Settling:
    """One bath reading on the way to a set point: K, K, and s since the set point was given."""

    point: int
    points: int
    target: float
    temperature: float
    elapsed: float


@dataclass(frozen=True)
class BlockStored:
    """A block is on disk: counts so far, the wanted number, the bath in K, and bench time in s since the first ramp."""

    point: int
    points: int
    switches: int
    wanted: int
    censored: int
    temperature: float
    elapsed: float
    mean: float
    std: float


@dataclass(frozen=True)
class PointFinished:
    """A histogram is complete: mean and width in A, bath in K, the share of time in which ramps counted."""

    point: int
    points: int
    run_id: int
    switches: int
    censored: int
    temperature: float
    mean: float
    std: float
    live_fraction: float


@dataclass(frozen=True)
class Remark:
    """Something the user should know, in one sentence."""

    text: str


Event = Settling | BlockStored | PointFinished | Remark
Notify = Callable[[Event], None]
