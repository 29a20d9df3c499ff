"""What a report shows, free of how it was computed and of how it will be drawn.

Figures, captions and tables read only these records, so that a report can be written with or
without a fit, and only `gather` knows the names of `mqtctl.analysis`. Everything is in SI base
units; what was not measured, not fitted or not identifiable is None or an empty `Estimate`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.notation import NOTHING, Estimate
from mqtctl.records import JunctionEstimate

__all__ = ["Content", "Curve", "PointContent", "RatePoints", "TheoryCurves"]


@dataclass(frozen=True)
class Curve:
    """A line to draw: `x` and `y` of shape (n,), units stated by whoever holds it."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclass(frozen=True)
class RatePoints:
    """Escape rates of one histogram after Fulton and Dunkelberger.

    Attributes
    ----------
    bias_current
        Bias current in A, shape (n_bin,).
    rate, rate_low, rate_high
        Escape rate in 1/s and the ends of its one-sigma interval, same shape.
    """

    bias_current: NDArray[np.float64]
    rate: NDArray[np.float64]
    rate_low: NDArray[np.float64]
    rate_high: NDArray[np.float64]


@dataclass(frozen=True)
class PointContent:
    """One temperature of the sweep.

    Attributes
    ----------
    index, run_id
        Index in the sweep from 0; run in the database.
    temperature, temperature_std
        Bath temperature and its scatter during the ramps, in K.
    switching_currents
        In A, shape (n_switch,).
    censored
        Ramps that reached the top without a switch.
    mean, std, skewness
        Moments of the switching currents, in A, A and 1.
    escape_temperature
        In K, a_t = 1, with the critical current shared by the sweep.
    critical_current_free, escape_temperature_free
        In A and K, a_t = 1, both fitted to this histogram alone.
    density
        Fitted probability density in 1/A over the bias current in A.
    ramp_rate, polarity
        dI/dt in A/s, and the direction of the bias current; currents are magnitudes.
    rates, fitted_rate
        Fulton-Dunkelberger points, and the fitted rate in 1/s over the bias current in A.
    thermal, saturated
        Whether the point helped to fix the shared critical current, or the saturation.
    remarks
        What is doubtful about it, one sentence each.
    """

    index: int
    run_id: int | None
    temperature: float
    temperature_std: float
    switching_currents: NDArray[np.float64]
    censored: int
    mean: Estimate
    std: Estimate
    skewness: Estimate
    escape_temperature: Estimate = NOTHING
    critical_current_free: Estimate = NOTHING
    escape_temperature_free: Estimate = NOTHING
    density: Curve | None = None
    ramp_rate: float | None = None
    polarity: int = 1
    rates: RatePoints | None = None
    fitted_rate: Curve | None = None
    thermal: bool = False
    saturated: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class TheoryCurves:
    """What the model gives with the sweep's critical current and the sample's C and R.

    Attributes
    ----------
    width
        Standard deviation in A over the bath temperature in K.
    escape_temperature
        Escape temperature in K (a_t = 1, at the mean switching current) over the bath temperature in K.
    """

    width: Curve
    escape_temperature: Curve


@dataclass(frozen=True)
class Content:
    """The whole report.

    Attributes
    ----------
    title
        As the experimenter wrote it; may hold any character.
    points
        In the order of the sweep.
    junction
        What was known beforehand.
    fitted
        Whether an analysis was handed in at all.
    critical_current
        In A, shared by the sweep, from its thermal points.
    quality_factor
        At the mean switching current of the saturated points, from the sample's C and R.
    saturation
        Escape temperature in K (a_t = 1, shared critical current) below the crossover.
    saturation_flatness
        p-value of the saturated points agreeing with one temperature.
    predicted_saturation
        The same temperature from tunnelling theory, in K.
    crossover
        Computed crossover temperature in K at the mean switching current of the saturated points.
    measured_crossover, measured_crossover_rise
        Bath temperature in K at which the measured escape temperature passes `rise` times its saturation.
    thermometry, thermometry_scatter
        Temperature of the full escape model over bath temperature at the thermal points, and its scatter.
    width_exponent
        d ln(sigma) / d ln(T) of the warm points.
    verdict, verdict_sigmas
        Of the saturation against tunnelling's prediction: in words, and by how many standard errors they differ.
    sentence, concluded, reasons, changes
        What may be concluded from the sweep, in one sentence; whether anything is; why, and what would change it.
    unidentified
        What could not be determined, and why: name and reason.
    warnings
        One sentence each.
    theory
        Curves of the escape model, None where it could not be computed.
    """

    title: str
    points: tuple[PointContent, ...]
    junction: JunctionEstimate
    fitted: bool = False
    critical_current: Estimate = NOTHING
    quality_factor: float | None = None
    saturation: Estimate = NOTHING
    saturation_flatness: float | None = None
    predicted_saturation: Estimate = NOTHING
    crossover: Estimate = NOTHING
    measured_crossover: Estimate = NOTHING
    measured_crossover_rise: float | None = None
    thermometry: Estimate = NOTHING
    thermometry_scatter: float | None = None
    width_exponent: Estimate = NOTHING
    verdict: str | None = None
    verdict_sigmas: float | None = None
    sentence: str = ""
    concluded: bool = False
    reasons: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    unidentified: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    theory: TheoryCurves | None = None

    @property
    def by_temperature(self) -> tuple[PointContent, ...]:
        """The points from cold to warm, without those whose bath temperature is not a positive number."""
        usable = [p for p in self.points if np.isfinite(p.temperature) and p.temperature > 0.0]
        return tuple(sorted(usable, key=lambda p: (p.temperature, p.index)))
