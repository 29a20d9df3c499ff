"""What a sweep concludes beyond its critical current: plain frozen data in SI base units."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CrossoverAtRate",
    "MeasuredCrossover",
    "NoiseThermometry",
    "Saturation",
    "TunnellingTest",
    "WidthExponent",
]


@dataclass(frozen=True)
class Saturation:
    """Where the escape temperature stops following the bath.

    Attributes
    ----------
    escape_temperature, escape_temperature_stderr
        Mean of the saturated points in K, weighted by their statistical errors, with the full covariance.
    statistical_stderr
        In K, without the errors of the critical current and the capacitance that all points share.
    points
        Indices of the points averaged.
    flatness_chi2, flatness_dof, flatness_pvalue
        Scatter of the points about their mean, statistical errors only; None with a single point.
    shape_chi2, shape_pvalue
        The same for the points divided by the escape model's curve, which is not quite flat; same dof.
    mean_switching_current
        Mean switching current in A of these points, where the crossover temperature is evaluated.
    """

    escape_temperature: float
    escape_temperature_stderr: float
    statistical_stderr: float
    points: tuple[int, ...]
    mean_switching_current: float
    flatness_chi2: float | None = None
    flatness_dof: int = 0
    flatness_pvalue: float | None = None
    shape_chi2: float | None = None
    shape_pvalue: float | None = None


@dataclass(frozen=True)
class TunnellingTest:
    """Answers whether the saturation is tunnelling, or only noise.

    Attributes
    ----------
    predicted, predicted_stderr
        Saturation escape temperature in K that tunnelling with the shared Ic and the sample's C and R gives.
    difference, difference_stderr
        Measured less predicted in K; the standard error knows that both contain the same Ic and C.
    sigmas
        difference / difference_stderr.
    verdict
        "agrees with tunnelling", "hotter than tunnelling: noise or heating",
        "colder than tunnelling: check critical current, capacitance and resistance" or "not identifiable".
    """

    verdict: str
    predicted: float | None = None
    predicted_stderr: float | None = None
    difference: float | None = None
    difference_stderr: float | None = None
    sigmas: float | None = None


@dataclass(frozen=True)
class CrossoverAtRate:
    """What the curve of one ramp rate (A/s) gives, in K: as in `MeasuredCrossover`."""

    ramp_rate: float
    temperature: float
    temperature_stderr: float
    predicted: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """Return it as plain data."""
        return {
            "ramp_rate_A_per_s": self.ramp_rate,
            "temperature_K": self.temperature,
            "temperature_stderr_K": self.temperature_stderr,
            "predicted_K": self.predicted,
        }


@dataclass(frozen=True)
class MeasuredCrossover:
    """Bath temperature in K at which the measured escape temperature has left its saturation.

    Attributes
    ----------
    temperature, temperature_stderr
        Where the interpolated T_esc(T) passes `rise` times the saturation; the standard error includes those of the
        critical current and the capacitance, but not the interpolation.
    rise
        The factor that defines it.
    predicted
        The same definition applied to the escape model's curve, in K; None if it is not reached.
    by_rate
        The same of each ramp rate that enters.
    """

    temperature: float
    temperature_stderr: float
    rise: float
    predicted: float | None = None
    by_rate: tuple[CrossoverAtRate, ...] = ()


@dataclass(frozen=True)
class NoiseThermometry:
    """Temperature of the escape model against the bath, T_model = slope x T_bath, over the thermal points.

    Attributes
    ----------
    slope, slope_stderr
        Weighted mean of T_model / T_bath, 1 if the junction is as warm as the thermometer says.
    scatter
        Weighted standard deviation of T_model / T_bath about the slope; None with one point.
    chi2, dof, pvalue
        Of T_model / T_bath being the same at all thermal points, with the full covariance.
    points
        Indices of the thermal points.
    """

    slope: float
    slope_stderr: float
    points: tuple[int, ...]
    scatter: float | None = None
    chi2: float | None = None
    dof: int = 0
    pvalue: float | None = None


@dataclass(frozen=True)
class WidthExponent:
    """Local exponent d ln sigma / d ln T of the width above `minimum_temperature` (K)."""

    exponent: float
    exponent_stderr: float
    minimum_temperature: float
    points: tuple[int, ...]
