"""Applies a calibration to stored data: currents are computed again from the raw intervals, nothing is rewritten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mqtctl.plan import Calibration, load_calibration
from mqtctl.records import Histogram
from mqtctl.storage import StoredPoint, StoredSweep

__all__ = ["recalibrated"]


def recalibrated(stored: StoredSweep, file: Path | None) -> StoredSweep:
    """Return a sweep with the currents that another calibration gives; None leaves it as it was measured.

    Raises
    ------
    InputError
        A fault in the calibration file.
    """
    if file is None:
        return stored
    calibration = load_calibration(file)
    points = tuple(_recalibrated(point, calibration) for point in stored.points)
    return replace(
        stored,
        points=points,
        beside=tuple(_recalibrated(point, calibration) for point in stored.beside),
        sweep=replace(stored.sweep, histograms=tuple(point.histogram for point in points)),
    )


def _recalibrated(point: StoredPoint, calibration: Calibration) -> StoredPoint:
    """Return one run with its currents recomputed; a calibration that it was measured with is undone first."""
    histogram = point.histogram
    ramp = histogram.ramp if histogram.polarity > 0 else histogram.ramp.mirrored
    former = point.header.document.calibration
    if former is not None:
        ramp = former.undo(ramp)
    ramp = calibration.apply(ramp)
    if histogram.polarity < 0:
        ramp = ramp.mirrored
    rest = histogram.intervals - ramp.ramps_before(histogram.intervals) * ramp.period
    found: Histogram = replace(histogram, ramp=ramp, switching_currents=ramp.current(rest))
    return replace(point, histogram=found)
