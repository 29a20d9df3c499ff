"""The sweep's shared critical current, and each point's escape temperature with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.escape_temperature import fit_below, fit_reduced_temperature
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram
from mqtctl.analysis.histogram.results import EscapeTemperatureFit
from mqtctl.analysis.histogram.single_histogram import PreparedPoint
from mqtctl.analysis.sweep.joint_fit import JointFit, fit_joint
from mqtctl.analysis.sweep.stacked_covariance import StackedCovariance, curvature, stack
from mqtctl.errors import InputError
from mqtctl.physics import EscapeModel, Junction
from mqtctl.records import JunctionEstimate

__all__ = ["SharedFit", "consistent_places", "share_critical_current", "thermal_places"]


@dataclass(frozen=True)
class SharedFit:
    """One critical current for all, and what follows from it.

    Attributes
    ----------
    junction
        With the shared critical current.
    joint, thermal
        The joint fit, and the places (in the sequence of points) of its histograms.
    fits, reduced
        Escape temperature and reduced histogram by place, for all points that have one.
    places
        Places in the order of the covariance.
    covariance
        Of (ln C, Ic/Ic0, ln T of the joint fit ..., ln T_esc of `places` ..., ln R where it has an error).
    """

    junction: Junction
    joint: JointFit
    thermal: tuple[int, ...]
    fits: dict[int, EscapeTemperatureFit]
    reduced: dict[int, ReducedHistogram]
    places: tuple[int, ...]
    covariance: StackedCovariance

    @property
    def critical_current_stderr(self) -> float:
        """Standard error of Ic in A, those of the capacitance and the resistance included."""
        return self.junction.critical_current * math.sqrt(self.covariance.matrix[1, 1])

    @property
    def critical_current_statistical_stderr(self) -> float:
        """Standard error of Ic in A with capacitance and resistance taken as exact."""
        return self.junction.critical_current * math.sqrt(self.covariance.statistical_current_variance)

    @property
    def shared_covariance(self) -> NDArray[np.float64]:
        """Covariance of (ln C, Ic/Ic0), and ln R where it has an error, shape (2, 2) or (3, 3)."""
        rows = list(self.covariance.shared)
        return self.covariance.matrix[np.ix_(rows, rows)]

    @property
    def joint_covariance(self) -> NDArray[np.float64]:
        """Covariance of ln T of the joint fit, shape (n_thermal, n_thermal)."""
        return self.covariance.matrix[2 : 2 + len(self.thermal), 2 : 2 + len(self.thermal)]

    def rows(self, places: Sequence[int]) -> list[int]:
        """Return the rows of the covariance that belong to ln T_esc at these places."""
        return [2 + len(self.thermal) + self.places.index(place) for place in places]


def thermal_places(
    points: Sequence[PreparedPoint], estimate: JunctionEstimate, ratio: float, critical_current: float | None
) -> tuple[int, ...]:
    """Return the places whose bath is at least `ratio` times the crossover temperature at their mean current.

    The crossover temperature is evaluated with this critical current (A), or the histogram's own if None.
    """
    places = []
    for place, point in enumerate(points):
        crossover = point.crossover_temperature(estimate, critical_current)
        fitted = point.reduced is not None and point.alone is not None and point.alone.converged
        bath = point.histogram.temperature
        if fitted and crossover is not None and math.isfinite(bath) and bath >= ratio * crossover:
            places.append(place)
    return tuple(places)


def share_critical_current(
    points: Sequence[PreparedPoint],
    estimate: JunctionEstimate,
    models: tuple[EscapeModel, EscapeModel],
    thermal_ratio: float,
) -> SharedFit | str:
    """Fit the thermal points jointly and give every point its escape temperature, or say why that is impossible.

    Parameters
    ----------
    points
        Prepared histograms.
    estimate
        Capacitance and resistance with their standard errors.
    models
        Escape model of the joint fit, and the law that defines the escape temperature.
    thermal_ratio
        Bath over crossover temperature from which a point is thermal.
    """

    def fit(places: tuple[int, ...]) -> JointFit:
        return fit_joint([reduced for place in places if (reduced := points[place].reduced)], estimate, models[0])

    def choose(critical_current: float | None) -> tuple[int, ...]:
        return thermal_places(points, estimate, thermal_ratio, critical_current)

    thermal, joint = consistent_places(choose, fit)
    if joint is None:
        return _no_thermal_point(points, thermal_ratio)
    if not joint.converged:
        return "the joint fit of the thermal histograms found no maximum: see their flags"
    junction = junction_of(estimate, joint.critical_current)
    return _escape_temperatures(points, estimate, models, joint, thermal, junction)


def consistent_places(
    choose: Callable[[float | None], tuple[int, ...]], fit: Callable[[tuple[int, ...]], JointFit]
) -> tuple[tuple[int, ...], JointFit | None]:
    """Return thermal places that are chosen again with the critical current (A) of their own fit, and that fit.

    A point on the limit may be thermal with the critical current that the others have, and not with its own in it. Such
    points, which would come and go for ever, are left out; where nothing else is left, the latest fit stands.
    """
    places, joint = choose(None), None
    tried: list[tuple[int, ...]] = []
    while places and places not in tried:
        joint = fit(places)
        tried.append(places)
        places = choose(joint.critical_current)
    if joint is None or places == tried[-1] or not places:
        return tried[-1] if tried else (), joint
    circle = tried[tried.index(places) :]
    always = tuple(place for place in places if all(place in other for other in circle))
    if not always or always == tried[-1]:
        return tried[-1], joint
    return always, fit(always)


def _escape_temperatures(
    points: Sequence[PreparedPoint],
    estimate: JunctionEstimate,
    models: tuple[EscapeModel, EscapeModel],
    joint: JointFit,
    thermal: tuple[int, ...],
    junction: Junction,
) -> SharedFit | str:
    fits: dict[int, EscapeTemperatureFit] = {}
    reduced: dict[int, ReducedHistogram] = {}
    for place, point in enumerate(points):
        if point.reduced is None:
            continue
        if point.reduced.largest < junction.critical_current:
            reduced[place] = point.reduced
            fits[place] = fit_reduced_temperature(point.reduced, junction, None, models[1])
            continue
        with suppress(InputError):  # too few switches below it: the point has no escape temperature
            fits[place], reduced[place] = fit_below(point.histogram, junction, None, models[1])
    places = tuple(place for place, fit in fits.items() if math.isfinite(fit.statistical_stderr))
    relative = (estimate.capacitance_stderr or 0.0) / estimate.capacitance
    damping = (estimate.resistance_stderr or 0.0) / estimate.resistance
    damped = damping > 0.0
    parts = [
        curvature(reduced[place], junction, models[0], temperature, damped)
        for place, temperature in zip(thermal, joint.temperatures, strict=True)
    ]
    if min(part.information[2, 2] for part in parts) <= 0.0 or sum(part.information[1, 1] for part in parts) <= 0.0:
        return "the thermal histograms leave the critical current open: see their flags"
    covariance = stack(
        parts,
        [curvature(reduced[place], junction, models[1], fits[place].escape_temperature, damped) for place in places],
        [thermal.index(place) if place in thermal else None for place in places],
        relative,
        damping,
    )
    found = SharedFit(junction, joint, thermal, fits, reduced, places, covariance)
    for place, row in zip(places, found.rows(places), strict=True):
        temperature = fits[place].escape_temperature
        fits[place] = replace(
            fits[place],
            escape_temperature_stderr=temperature * math.sqrt(covariance.matrix[row, row]),
            statistical_stderr=temperature * math.sqrt(covariance.own[row]),
            critical_current_stderr=found.critical_current_stderr,
        )
    return found


def _no_thermal_point(points: Sequence[PreparedPoint], ratio: float) -> str:
    if not any(point.alone is not None and point.alone.converged for point in points):
        return "no histogram can be fitted: see the flags of the points"
    return (
        f"no bath temperature reaches {ratio:g} times the crossover temperature, where the critical current"
        " can be measured without assuming tunnelling"
    )
