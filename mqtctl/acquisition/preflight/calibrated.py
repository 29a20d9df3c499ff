"""Whether the calibration that a plan refers to was measured on what stands there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta

from mqtctl.instruments.roles.findings import Finding
from mqtctl.plan import Calibration, ResolvedPlan
from mqtctl.quantities import readable
from mqtctl.station import Station

__all__ = ["calibration_findings"]

#: Instruments by which a calibration holds; the thermometer may be another.
_CALIBRATED = ("ramp_source", "timing_counter")
#: Filters and amplifiers are changed between cooldowns: an older calibration may belong to another.
_OLD = timedelta(days=90)
#: The stop comes later at a higher threshold; thresholds that agree so well are the same.
_SAME_THRESHOLD = 0.02


def calibration_findings(plan: ResolvedPlan, station: Station, identities: Mapping[str, str]) -> list[Finding]:
    """Compare the plan's calibration with the station; nothing where the plan refers to none.

    Not for a rehearsal, where other instruments answer than those that were calibrated.

    Parameters
    ----------
    identities
        Role -> what its instrument says it is, as `Station.identities` returns it.
    """
    calibration = plan.calibration
    if calibration is None:
        return []
    doubts = [
        Finding("calibration", "warning", text, "repeat it with `mqtctl calibrate`", cause="file")
        for text in (
            *_other_instruments(calibration, station, identities),
            *_other_threshold(calibration, station),
            *_age(calibration, station),
        )
    ]
    text = f"of {calibration.date:%Y-%m-%d}, with a {calibration.method}, on these instruments"
    return doubts or [Finding("calibration", "good", text)]


def _other_instruments(calibration: Calibration, station: Station, identities: Mapping[str, str]) -> Iterator[str]:
    """Say which instrument is another now."""
    if calibration.simulated != station.simulated:
        there, here = ("the simulated bench", "a real one")[:: 1 if calibration.simulated else -1]
        yield f"it was measured on {there}, but the station is on {here}"
        return
    for role in _CALIBRATED:
        then, now = calibration.instruments.get(role), identities[role]
        if then is not None and _without_firmware(then) != _without_firmware(now):
            yield f"it was measured with another {role.replace('_', ' ')}: {then} then, {now} now"


def _without_firmware(identity: str) -> str:
    """Return vendor, model and serial: a new firmware is no other instrument."""
    return identity.partition(", firmware")[0]


def _other_threshold(calibration: Calibration, station: Station) -> Iterator[str]:
    """Say whether the stop threshold has been changed, and with it the delay."""
    if calibration.threshold_walk is None:
        return
    then, now = calibration.threshold_walk.first_threshold, station.counter.stop_edge.threshold
    if abs(now - then) > _SAME_THRESHOLD * abs(then):
        yield (
            f"its delay was measured with the stop threshold at {readable(then, 'V')}, the station has "
            f"{readable(now, 'V')}"
        )


def _age(calibration: Calibration, station: Station) -> Iterator[str]:
    """Say whether it is old, or not measured yet."""
    date = calibration.date if calibration.date.tzinfo else calibration.date.replace(tzinfo=UTC)
    age = station.clock.utc() - date
    if age > _OLD:
        yield f"it is {age.days} days old (of {date:%Y-%m-%d})"
    elif age < -timedelta(days=1):
        yield f"it is dated {date:%Y-%m-%d}, which is still to come"
