"""The events of a short sweep, as a measurement tells them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from mqtctl.acquisition import BlockStored, Event, PointFinished, RampsBegin, Settling
from mqtctl.records import MeasuredRamp

RAMP = MeasuredRamp(0.0, 9.8e-6, 1e-3, 12.5e-3, 0.0)
BAND, DWELL, TIME_CONSTANT = 0.01, 120.0, 30.0


def point_events(
    point: int, points: int, target: float, blocks: int = 20, precision: float | None = None
) -> list[Event]:
    """Settle as an exponential from half the target, then take blocks of 500 switches at 79 a second."""
    rng = np.random.default_rng(point)
    settled = TIME_CONSTANT * math.log(0.5 / BAND) + DWELL
    events: list[Event] = [
        Settling(point, points, target, target * (1 - 0.5 * math.exp(-t / TIME_CONSTANT)), float(t), BAND, DWELL)
        for t in range(math.ceil(settled))
    ]
    of = "" if precision is None else "escape temperature"
    events.append(RampsBegin(point, points, target, RAMP, "switching", 1, precision, of))
    currents = 9.4e-6 - 6e-9 * rng.gumbel(size=500 * blocks)
    for block in range(1, blocks + 1):
        taken = currents[: 500 * block]
        events.append(
            BlockStored(
                point=point,
                points=points,
                switches=taken.size,
                wanted=currents.size,
                censored=block,
                temperature=target,
                elapsed=taken.size / 79.0,
                mean=float(taken.mean()),
                std=float(taken.std()),
                lost=3,
                precision=None if precision is None else 1.18 / math.sqrt(taken.size),
                currents=taken[-500:],
            )
        )
    last = events[-1]
    assert isinstance(last, BlockStored)
    events.append(
        PointFinished(point, points, point + 1, last.switches, last.censored, target, last.mean, last.std, 0.99)
    )
    return events


@pytest.fixture
def sweep_events() -> list[Event]:
    """Three points."""

    def all_points() -> Iterator[Event]:
        for point, target in enumerate((0.05, 0.1, 0.2)):
            yield from point_events(point, 3, target)

    return list(all_points())


@pytest.fixture
def precise_events() -> list[Event]:
    """One point of a plan that asks for 1 %."""
    return point_events(0, 2, 0.1, precision=0.01)
