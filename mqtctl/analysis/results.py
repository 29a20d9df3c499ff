"""What the analysis returns: plain frozen data in SI base units, and the JSON the command line prints.

`HistogramFit` and `EscapeTemperatureFit` belong to one histogram, `PointFit` to one histogram of a sweep,
`SweepFit` to a whole sweep. A number that the data cannot give is None, and `SweepFit.reasons` says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mqtctl.analysis.histogram_results import EscapeRates, EscapeTemperatureFit, GoodnessOfFit, HistogramFit, Moments
from mqtctl.analysis.sweep_results import MeasuredCrossover, NoiseThermometry, Saturation, TunnellingTest, WidthExponent
from mqtctl.records import JunctionEstimate

__all__ = [
    "EscapeRates",
    "EscapeTemperatureFit",
    "GoodnessOfFit",
    "HistogramFit",
    "MeasuredCrossover",
    "Moments",
    "NoiseThermometry",
    "PointFit",
    "Saturation",
    "SweepFit",
    "TunnellingTest",
    "WidthExponent",
]


@dataclass(frozen=True)
class PointFit:
    """One histogram of a sweep.

    Attributes
    ----------
    point, run_id
        Index in the sweep and run in the database.
    temperature, temperature_std
        Mean and standard deviation of the bath in K.
    switches, censored
        Switches, and ramps without one.
    ramp_rate, polarity
        dI/dt in A/s, and the direction of the bias current, +1 or -1; currents are given as magnitudes.
    moments
        None with fewer than two switches.
    regime
        "thermal" (its histogram carries the shared critical current), "saturated", "between", or
        "unknown" where no crossover temperature could be computed.
    crossover_temperature
        ħ ω_R / (2 π k_B) in K at this point's mean switching current, None if not computable.
    shared
        a_t = 1 escape temperature with the sweep's shared critical current; its standard error includes
        that of the critical current and of the capacitance. None if there is no shared critical current.
    alone
        a_t = 1 fit of this histogram alone, critical current and temperature free; None if it cannot be fitted.
    model_temperature, model_temperature_stderr
        Temperature in K from the joint fit with the full escape model, thermal points only.
    predicted_escape_temperature
        a_t = 1 escape temperature in K that the escape model predicts at this bath temperature.
    resolution
        Step in A to which the currents were rounded, as declared or found; None if they are exact.
    flags
        Sentences about what is doubtful here.
    """

    point: int
    run_id: int | None
    temperature: float
    temperature_std: float
    switches: int
    censored: int
    ramp_rate: float = math.nan
    polarity: int = 1
    moments: Moments | None = None
    regime: str = "unknown"
    crossover_temperature: float | None = None
    shared: EscapeTemperatureFit | None = None
    alone: HistogramFit | None = None
    model_temperature: float | None = None
    model_temperature_stderr: float | None = None
    predicted_escape_temperature: float | None = None
    resolution: float | None = None
    flags: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the keys of one point of the JSON contract; what does not exist or did not converge is None."""
        moments = self.moments
        shared = self.shared if self.shared and self.shared.converged else None
        alone = self.alone if self.alone and self.alone.converged else None
        result: dict[str, Any] = {
            "point": self.point,
            "temperature_K": self.temperature,
            "temperature_std_K": self.temperature_std,
            "switches": self.switches,
            "censored": self.censored,
            "ramp_rate_A_per_s": self.ramp_rate,
            "polarity": self.polarity,
            "mean_switching_current_A": moments and moments.mean,
            "mean_switching_current_stderr_A": moments and moments.mean_stderr,
            "std_switching_current_A": moments and moments.std,
            "std_switching_current_stderr_A": moments and moments.std_stderr,
            "skewness": moments and moments.skewness,
            "kurtosis": moments and moments.kurtosis,
            "escape_temperature_K": shared and shared.escape_temperature,
            "escape_temperature_stderr_K": shared and shared.escape_temperature_stderr,
            "escape_temperature_statistical_stderr_K": shared and shared.statistical_stderr,
            "critical_current_free_A": alone and alone.critical_current,
            "critical_current_free_stderr_A": alone and alone.critical_current_stderr,
            "escape_temperature_free_K": alone and alone.escape_temperature,
            "escape_temperature_free_stderr_K": alone and alone.escape_temperature_stderr,
            "free_fit_pvalue": alone and alone.goodness.pvalue,
            "regime": self.regime,
            "crossover_temperature_K": self.crossover_temperature,
            "model_temperature_K": self.model_temperature,
            "model_temperature_stderr_K": self.model_temperature_stderr,
            "predicted_escape_temperature_K": self.predicted_escape_temperature,
            "resolution_A": self.resolution,
            "run_id": self.run_id,
            "flags": list(self.flags),
        }
        return {key: _jsonable(value) for key, value in result.items()}


@dataclass(frozen=True)
class SweepFit:
    """The whole sweep: shared critical current, saturation, crossover and the test for tunnelling.

    Attributes
    ----------
    critical_current, critical_current_stderr
        Shared, from the thermal points only, in A.
    critical_current_statistical_stderr
        In A, without the capacitance's uncertainty.
    thermal_points
        Indices of the points that carry it.
    thermal_chi2, thermal_dof, thermal_pvalue
        Likelihood-ratio test that these points agree on one critical current.
    crossover_temperature, crossover_temperature_stderr
        ħ ω_R / (2 π k_B) in K at the mean switching current of the saturated points, from Ic, C and R.
    quality_factor
        ω_p R C at that current.
    model_names
        Escape model of the joint fit, and the one that defines the escape temperature.
    reasons
        For every number that is None, why.
    flags
        What is doubtful about the sweep as a whole.
    """

    title: str
    junction: JunctionEstimate
    points: tuple[PointFit, ...]
    critical_current: float | None = None
    critical_current_stderr: float | None = None
    critical_current_statistical_stderr: float | None = None
    thermal_points: tuple[int, ...] = ()
    thermal_chi2: float | None = None
    thermal_dof: int = 0
    thermal_pvalue: float | None = None
    quality_factor: float | None = None
    crossover_temperature: float | None = None
    crossover_temperature_stderr: float | None = None
    saturation: Saturation | None = None
    tunnelling: TunnellingTest = field(default_factory=lambda: TunnellingTest("not identifiable"))
    measured_crossover: MeasuredCrossover | None = None
    thermometry: NoiseThermometry | None = None
    width_exponent: WidthExponent | None = None
    model_names: tuple[str, str] = ("Escape", "TransitionState")
    reasons: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON contract of `sweep`, `resume` and `analyze`; what does not exist is None.

        `lab_time_s`, `wall_time_s`, `live_fraction`, `database` and `report` are None: the caller knows them.
        """
        saturation, measured, thermometry = self.saturation, self.measured_crossover, self.thermometry
        result: dict[str, Any] = {
            "title": self.title,
            "points": [point.to_dict() for point in self.points],
            "critical_current_A": self.critical_current,
            "critical_current_stderr_A": self.critical_current_stderr,
            "critical_current_statistical_stderr_A": self.critical_current_statistical_stderr,
            "thermal_points": list(self.thermal_points),
            "thermal_consistency_pvalue": self.thermal_pvalue,
            "capacitance_F": self.junction.capacitance,
            "capacitance_stderr_F": self.junction.capacitance_stderr,
            "resistance_Ohm": self.junction.resistance,
            "quality_factor": self.quality_factor,
            "crossover_temperature_K": self.crossover_temperature,
            "crossover_temperature_stderr_K": self.crossover_temperature_stderr,
            "saturation_escape_temperature_K": saturation and saturation.escape_temperature,
            "saturation_escape_temperature_stderr_K": saturation and saturation.escape_temperature_stderr,
            "saturation_statistical_stderr_K": saturation and saturation.statistical_stderr,
            "saturated_points": list(saturation.points) if saturation else [],
            "saturation_flatness_pvalue": saturation and saturation.flatness_pvalue,
            "saturation_shape_pvalue": saturation and saturation.shape_pvalue,
            "measured_crossover_temperature_K": measured and measured.temperature,
            "measured_crossover_temperature_stderr_K": measured and measured.temperature_stderr,
            "measured_crossover_by_rate": measured and [each.to_dict() for each in measured.by_rate],
            "tunnelling_escape_temperature_K": self.tunnelling.predicted,
            "tunnelling_escape_temperature_stderr_K": self.tunnelling.predicted_stderr,
            "tunnelling_sigmas": self.tunnelling.sigmas,
            "verdict": self.tunnelling.verdict,
            "noise_thermometry_slope": thermometry and thermometry.slope,
            "noise_thermometry_slope_stderr": thermometry and thermometry.slope_stderr,
            "noise_thermometry_scatter": thermometry and thermometry.scatter,
            "width_exponent": self.width_exponent and self.width_exponent.exponent,
            "width_exponent_stderr": self.width_exponent and self.width_exponent.exponent_stderr,
            "joint_fit_model": self.model_names[0],
            "escape_temperature_model": self.model_names[1],
            "reasons": dict(self.reasons),
            "flags": list(self.flags),
        }
        result |= dict.fromkeys(("lab_time_s", "wall_time_s", "live_fraction", "database", "report"))
        return {key: _jsonable(value) for key, value in result.items()}


def _jsonable(value: Any) -> Any:
    """Return plain Python values; JSON knows neither inf nor nan, so they become None."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
