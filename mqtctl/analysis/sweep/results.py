"""What a sweep concludes beyond its critical current: plain frozen data in SI base units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mqtctl.analysis.histogram.results import POINT, PointFit
from mqtctl.analysis.hypotheses.results import VERDICT_KEYS, Verdict
from mqtctl.analysis.quantity import Quantity, as_json
from mqtctl.analysis.shown import Pairs, Shown, as_dataset, told
from mqtctl.notation import NOTHING, Estimate, jsonable
from mqtctl.records import JunctionEstimate

if TYPE_CHECKING:
    import xarray

__all__ = [
    "SWEEP",
    "CrossoverAtRate",
    "MeasuredCrossover",
    "NoiseThermometry",
    "Saturation",
    "SweepFit",
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


@dataclass(frozen=True, repr=False)
class SweepFit(Shown):
    """The whole sweep: shared critical current, saturation, crossover and the test for tunnelling.

    Attributes
    ----------
    critical_current, critical_current_stderr
        Shared, from the thermal points only, in A.
    critical_current_statistical_stderr
        In A, without those of the capacitance and the resistance.
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
    impossible
        What makes all of it wrong, if something does.
    conclusion
        The verdict of the competing explanations; None if they were not fitted.
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
    impossible: str = ""
    conclusion: Verdict | None = None

    def _facts(self, *, briefly: bool) -> tuple[Pairs, tuple[str, ...]]:
        verdict = "" if self.conclusion is None else self.conclusion.verdict if briefly else self.conclusion.sentence
        ends = [("histograms", str(len(self.points)))]
        return [*ends, *told(SWEEP, self, briefly=briefly), *([("verdict", verdict)] if verdict else [])], self.flags

    def to_xarray(self) -> xarray.Dataset:
        """Return all numbers over the histograms, under the keys of the JSON, those of the whole as attributes."""
        whole = as_json(SWEEP, self) | {
            "title": self.title,
            "potential": self.junction.potential,
            "verdict": self.conclusion and self.conclusion.sentence,
            "joint_fit_model": self.model_names[0],
            "escape_temperature_model": self.model_names[1],
        }
        words = {
            "regime": [point.regime for point in self.points],
            "flags": ["; ".join(point.flags) for point in self.points],
        }
        return as_dataset(POINT, self.points, words, whole)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON contract of `sweep`, `resume` and `analyze`; what does not exist is None.

        `lab_time_s`, `wall_time_s`, `live_fraction`, `database` and `report` are None: the caller knows them.
        """
        saturation, measured = self.saturation, self.measured_crossover
        result: dict[str, Any] = {
            "title": self.title,
            "points": [point.to_dict() for point in self.points],
            **as_json(SWEEP, self),
            "thermal_points": list(self.thermal_points),
            "potential": self.junction.potential,
            "saturated_points": list(saturation.points) if saturation else [],
            "measured_crossover_by_rate": measured and [each.to_dict() for each in measured.by_rate],
            "saturation_test": self.tunnelling.verdict,
            **(self.conclusion.to_dict() if self.conclusion else dict.fromkeys(VERDICT_KEYS)),
            "joint_fit_model": self.model_names[0],
            "escape_temperature_model": self.model_names[1],
            "reasons": dict(self.reasons),
            "flags": list(self.flags),
            "impossible": self.impossible or None,
        }
        result |= dict.fromkeys(("lab_time_s", "wall_time_s", "live_fraction", "database", "report"))
        plain: dict[str, Any] = jsonable(result)
        return plain


def _saturation(value: Callable[[Saturation], Estimate]) -> Callable[[SweepFit], Estimate]:
    """Return what takes a number from the saturation, if there is one."""
    return lambda fit: NOTHING if fit.saturation is None else value(fit.saturation)


def _crossover(value: Callable[[MeasuredCrossover], Estimate]) -> Callable[[SweepFit], Estimate]:
    """Return what takes a number from the measured crossover, if there is one."""
    return lambda fit: NOTHING if fit.measured_crossover is None else value(fit.measured_crossover)


def _thermometry(value: Callable[[NoiseThermometry], Estimate]) -> Callable[[SweepFit], Estimate]:
    """Return what takes a number from the noise thermometry, if there is one."""
    return lambda fit: NOTHING if fit.thermometry is None else value(fit.thermometry)


def _width_exponent(fit: SweepFit) -> Estimate:
    found = fit.width_exponent
    return NOTHING if found is None else Estimate(found.exponent, found.exponent_stderr)


#: What follows from a sweep as a whole, in the order in which it is told.
SWEEP: tuple[Quantity[SweepFit], ...] = (
    Quantity(
        "critical_current",
        "A",
        lambda fit: Estimate(fit.critical_current, fit.critical_current_stderr),
        error="stderr",
        label="critical current, shared (from the points in the thermal regime)",
        heading="Critical current, from the thermal points alone",
        words="shared critical current",
    ),
    Quantity("critical_current_statistical_stderr", "A", lambda fit: Estimate(fit.critical_current_statistical_stderr)),
    Quantity("thermal_consistency_pvalue", "", lambda fit: Estimate(fit.thermal_pvalue)),
    Quantity(
        "capacitance",
        "F",
        lambda fit: Estimate(fit.junction.capacitance, fit.junction.capacitance_stderr),
        error="stderr",
        heading="Capacitance used, from the sample file",
    ),
    Quantity(
        "resistance",
        "Ω",
        lambda fit: Estimate(fit.junction.resistance, fit.junction.resistance_stderr),
        error="stderr",
        heading="Resistance used, from the sample file",
        infinite="none (undamped)",
    ),
    Quantity(
        "quality_factor",
        "",
        lambda fit: Estimate(fit.quality_factor),
        heading="Quality factor at the saturated points' mean switching current",
        infinite="infinite (undamped)",
    ),
    Quantity(
        "saturation_escape_temperature",
        "K",
        _saturation(lambda found: Estimate(found.escape_temperature, found.escape_temperature_stderr)),
        error="stderr",
        label="saturation of the escape temperature (shared Ic)",
        heading="Saturation escape temperature (shared critical current, <i>a</i><sub>t</sub> = 1)",
    ),
    Quantity("saturation_statistical_stderr", "K", _saturation(lambda found: Estimate(found.statistical_stderr))),
    Quantity("saturation_flatness_pvalue", "", _saturation(lambda found: Estimate(found.flatness_pvalue))),
    Quantity("saturation_shape_pvalue", "", _saturation(lambda found: Estimate(found.shape_pvalue))),
    Quantity(
        "tunnelling_escape_temperature",
        "K",
        lambda fit: Estimate(fit.tunnelling.predicted, fit.tunnelling.predicted_stderr),
        error="stderr",
        label="what tunnelling predicts for it",
        heading="Tunnelling theory for the same, from critical current, C and R",
        words="prediction of tunnelling theory",
    ),
    Quantity("tunnelling_sigmas", "", lambda fit: Estimate(fit.tunnelling.sigmas)),
    Quantity(
        "crossover_temperature",
        "K",
        lambda fit: Estimate(fit.crossover_temperature, fit.crossover_temperature_stderr),
        error="stderr",
        label="crossover temperature (from Ic, C and R)",
        heading="Crossover temperature ħω<sub>R</sub>/2π<i>k</i><sub>B</sub>, computed from critical current, "
        "<i>C</i> and <i>R</i>",
    ),
    Quantity(
        "measured_crossover_temperature",
        "K",
        _crossover(lambda found: Estimate(found.temperature, found.temperature_stderr)),
        error="stderr",
        label="measured crossover (escape temperature leaves saturation)",
        heading="Crossover, measured: where the escape temperature leaves its saturation",
        words="measured crossover",
    ),
    Quantity("measured_crossover_rise", "", _crossover(lambda found: Estimate(found.rise))),
    Quantity(
        "noise_thermometry_slope",
        "",
        _thermometry(lambda found: Estimate(found.slope, found.slope_stderr)),
        error="stderr",
        heading="Thermal points: temperature of the full escape model / bath temperature",
        words="noise thermometry",
    ),
    Quantity("noise_thermometry_scatter", "", _thermometry(lambda found: Estimate(found.scatter))),
    Quantity(
        "width_exponent",
        "",
        _width_exponent,
        error="stderr",
        heading="Local exponent d ln σ / d ln T of the warm points",
    ),
)
