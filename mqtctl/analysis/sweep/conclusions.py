"""What a sweep says about tunnelling: saturation, crossover, and the test against noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from mqtctl.analysis.histogram.single_histogram import PreparedPoint
from mqtctl.analysis.sweep.crossover import Curve, crossover_temperature, measured_crossover
from mqtctl.analysis.sweep.prediction import predicted_escape_temperature, prediction_gradient
from mqtctl.analysis.sweep.results import MeasuredCrossover, NoiseThermometry, Saturation, TunnellingTest
from mqtctl.analysis.sweep.saturation import NOT_IDENTIFIABLE, SaturatedPoints, saturation, tunnelling_test
from mqtctl.analysis.sweep.shared_critical_current import SharedFit
from mqtctl.analysis.sweep.thermometry import noise_thermometry
from mqtctl.physics import EscapeModel, Junction
from mqtctl.records import JunctionEstimate

__all__ = ["Conclusions", "conclude"]


@dataclass(frozen=True)
class Conclusions:
    """The sweep's results beyond the critical current; None with a reason where there is none."""

    saturated: tuple[int, ...] = ()
    predicted: dict[int, float] = field(default_factory=dict)
    saturation: Saturation | None = None
    tunnelling: TunnellingTest = field(default_factory=lambda: TunnellingTest(NOT_IDENTIFIABLE))
    crossover: tuple[float, float] | None = None
    quality_factor: float | None = None
    measured: MeasuredCrossover | None = None
    thermometry: NoiseThermometry | None = None
    reasons: dict[str, str] = field(default_factory=dict)


def conclude(
    points: Sequence[PreparedPoint],
    estimate: JunctionEstimate,
    shared: SharedFit,
    models: tuple[EscapeModel, EscapeModel],
    saturation_ratio: float,
) -> Conclusions:
    """Draw the conclusions from the shared fit.

    Parameters
    ----------
    points, estimate, shared, models
        As in `share_critical_current`.
    saturation_ratio
        Bath over crossover temperature up to which a point is saturated.
    """
    bath = {place: point.histogram.temperature for place, point in enumerate(points)}
    predicted = {place: _predict(points[place], models, shared.junction) for place in shared.places}
    thermometry = _thermometry(points, shared)
    saturated = tuple(
        place
        for place in shared.places
        if (crossover := points[place].crossover_temperature(estimate, shared.junction.critical_current)) is not None
        and 0.0 <= bath[place] <= saturation_ratio * crossover
    )
    if not saturated:
        reason = (
            f"no usable point has a bath below {saturation_ratio:g} times the crossover temperature"
            f" (coldest bath: {1e3 * min(bath.values()):.3g} mK)"
        )
        names = ("saturation_escape_temperature_K", "crossover_temperature_K", "measured_crossover_temperature_K")
        return Conclusions(
            (), predicted, thermometry=thermometry, reasons=dict.fromkeys((*names, "saturation_test"), reason)
        )
    chosen = _saturated_points(points, shared, models, saturated, predicted)
    plateau = saturation(chosen)
    current = plateau.mean_switching_current
    passage = _measured(points, shared, predicted, dict(zip(saturated, chosen.weights.tolist(), strict=True)))
    measured = None if isinstance(passage, str) else passage
    tunnelling = tunnelling_test(chosen)
    reasons = {}
    if isinstance(passage, str):
        reasons["measured_crossover_temperature_K"] = passage
    if tunnelling.verdict == NOT_IDENTIFIABLE:
        reasons["saturation_test"] = "the standard error of the difference exceeds a quarter of the temperature"
        if tunnelling.predicted is None:
            reasons["saturation_test"] = (
                "the escape model gives no distribution at the bath temperatures of the saturated points"
            )
    return Conclusions(
        saturated,
        predicted,
        plateau,
        tunnelling,
        crossover_temperature(shared.junction, current, shared.shared_covariance),
        _finite(float(shared.junction.quality_factor(current))),
        measured,
        thermometry,
        reasons,
    )


def _saturated_points(
    points: Sequence[PreparedPoint],
    shared: SharedFit,
    models: tuple[EscapeModel, EscapeModel],
    saturated: tuple[int, ...],
    predicted: dict[int, float],
) -> SaturatedPoints:
    rows, known = shared.rows(saturated), shared.covariance.shared
    index = np.array([*known[:2], *rows, *known[2:]])
    gradient = [
        prediction_gradient(
            shared.junction,
            partial(_predict, points[place], models),
            1.0 - shared.reduced[place].centre / shared.junction.critical_current,
            by_resistance=len(known) > 2,
        )
        for place in saturated
    ]
    return SaturatedPoints(
        indices=tuple(points[place].histogram.point for place in saturated),
        mean_currents=np.array([shared.reduced[place].centre for place in saturated]),
        escape_temperatures=np.array([shared.fits[place].escape_temperature for place in saturated]),
        statistical_variances=shared.covariance.own[rows],
        covariance=shared.covariance.matrix[np.ix_(index, index)],
        predicted=np.array([predicted[place] for place in saturated]),
        predicted_gradient=np.array(gradient),
    )


def _predict(point: PreparedPoint, models: tuple[EscapeModel, EscapeModel], junction: Junction) -> float:
    histogram = point.histogram
    return predicted_escape_temperature(junction, histogram.temperature, histogram.ramp, *models)


def _measured(
    points: Sequence[PreparedPoint], shared: SharedFit, predicted: dict[int, float], weights: dict[int, float]
) -> MeasuredCrossover | str:
    places = [place for place in shared.places if math.isfinite(points[place].histogram.temperature)]
    escape = np.array([shared.fits[place].escape_temperature for place in places])
    rows = shared.rows(places)
    curve = Curve(
        np.array([points[place].histogram.temperature for place in places]),
        escape,
        shared.covariance.matrix[np.ix_(rows, rows)] * np.outer(escape, escape),
        np.array([predicted[place] for place in places]),
        np.array([weights.get(place, 0.0) for place in places]),
        np.array([points[place].histogram.ramp.rate for place in places]),
    )
    return measured_crossover(curve)


def _thermometry(points: Sequence[PreparedPoint], shared: SharedFit) -> NoiseThermometry:
    thermal = [points[place].histogram for place in shared.thermal]
    return noise_thermometry(
        tuple(histogram.point for histogram in thermal),
        np.array(shared.joint.temperatures),
        shared.joint_covariance,
        np.array([histogram.temperature for histogram in thermal]),
        np.nan_to_num([histogram.temperature_std for histogram in thermal]),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
