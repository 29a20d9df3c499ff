"""How fast an interface is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Transport"]


@dataclass(frozen=True)
class Transport:
    """What a message costs: latency in s each way, and byte rate in bytes/s."""

    latency: float
    byte_rate: float
