"""The faults of a point that a plan may have a policy for, and what the plan says is done about them."""

from __future__ import annotations

from typing import ClassVar

from mqtctl.errors import CryostatError, GlitchError, HardwareError, MqtctlError
from mqtctl.plan import Plan

__all__ = [
    "DriftError",
    "EmptyRampsError",
    "HeatError",
    "ImpossibleIntervalsError",
    "LeftBandError",
    "NotReachedError",
    "SilentError",
    "ThermometerError",
    "UnwatchedError",
    "chosen",
    "may_be_skipped",
]


class ThermometerError(CryostatError):
    """The thermometer is stuck, or invalid for too long."""

    policy: ClassVar[str] = "thermometer"


class NotReachedError(CryostatError):
    """A set point was not reached by the deadline."""

    policy: ClassVar[str] = "not_reached"


class LeftBandError(CryostatError):
    """The bath has left the band around its set point while ramps ran."""

    policy: ClassVar[str] = "bath_outside_band"


class UnwatchedError(CryostatError):
    """Ramps ran while nobody looked at the bath: the computer slept."""

    policy: ClassVar[str] = "unwatched"


class HeatError(CryostatError):
    """The bath is above the sample's limit, or the heater heats what is not read: that is no matter of a policy."""


class SilentError(GlitchError):
    """No readings come although the source ramps: no marker, or a command to the counter was lost on its way."""


class EmptyRampsError(HardwareError):
    """Too many ramps in a row without a switch."""

    policy: ClassVar[str] = "empty_ramps"


class DriftError(HardwareError):
    """The mean has drifted within a histogram."""

    policy: ClassVar[str] = "drift"


class ImpossibleIntervalsError(HardwareError):
    """Intervals in a histogram that no junction makes."""

    policy: ClassVar[str] = "impossible_intervals"


def chosen(plan: Plan, kind: type[MqtctlError]) -> str:
    """Return what the plan says is done about this kind of fault: flag, hold, skip or stop."""
    return getattr(plan.policies, getattr(kind, "policy", ""), None) or plan.on_fault


def may_be_skipped(fault: MqtctlError, plan: Plan) -> bool:
    """Return whether the point is given up for a fault and the sweep goes on.

    What could not be held is done with as the plan's `on_fault` says. Never skipped is what is not the point's fault,
    and whatever is about heat: the sample's limit, and a heater without effect.
    """
    if not isinstance(fault, HardwareError | CryostatError) or isinstance(fault, HeatError):
        return False
    policy = chosen(plan, type(fault))
    return (plan.on_fault if policy in ("hold", "flag") else policy) == "skip"
