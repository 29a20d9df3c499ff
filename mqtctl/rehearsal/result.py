"""What a rehearsal says: plain frozen data in SI base units, and the JSON that the command line prints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mqtctl.instruments.roles.findings import Finding
from mqtctl.notation import jsonable
from mqtctl.rehearsal.prediction.precision import PointPrecision, Precision, Resolution

__all__ = ["PredictedPoint", "PredictedRamp", "Rehearsal"]


@dataclass(frozen=True)
class PredictedRamp:
    """One kind of ramp at one temperature.

    Attributes
    ----------
    purpose, polarity, rate, repetition
        As in the plan's variants; A/s with its sign, and ramps per second.
    switches
        How many will be taken.
    duration
        Time in s that it takes, None where it was not rehearsed.
    censored_fraction
        Share of ramps without a switch.
    mean, std
        Of the switching (or retrapping) currents in A, as magnitudes.
    precision
        What its fit will give; None for what is not fitted.
    """

    purpose: str
    polarity: int
    rate: float
    repetition: float
    switches: int
    duration: float | None
    censored_fraction: float | None
    mean: float | None
    std: float | None
    precision: PointPrecision | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        precision = self.precision or PointPrecision()
        return {
            "purpose": self.purpose,
            "polarity": self.polarity,
            "ramp_rate_A_per_s": self.rate,
            "repetition_Hz": self.repetition,
            "switches": self.switches,
            "ramping_time_s": self.duration,
            "censored_fraction": self.censored_fraction,
            "mean_switching_current_A": self.mean,
            "std_switching_current_A": self.std,
            "escape_temperature_K": precision.escape_temperature,
            "escape_temperature_stderr_K": precision.stderr,
            "escape_temperature_scatter_K": precision.scatter,
            "escape_temperature_free_K": precision.free,
            "escape_temperature_free_stderr_K": precision.free_stderr,
        }


@dataclass(frozen=True)
class PredictedPoint:
    """One temperature: set point and expected bath in K, times in s, its ramps, and what was found."""

    temperature: float
    bath: float | None
    settling_time: float | None
    ramping_time: float | None
    ramps: tuple[PredictedRamp, ...]
    findings: tuple[Finding, ...]

    @property
    def duration(self) -> float | None:
        """Settling and ramping together in s, None where it was not rehearsed."""
        if self.settling_time is None or self.ramping_time is None:
            return None
        return self.settling_time + self.ramping_time

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data; the plan's own ramp first, all of them under `ramps`."""
        own = self.ramps[0].to_dict()
        times = {
            "settling_time_s": self.settling_time,
            "ramping_time_s": self.ramping_time,
            "duration_s": self.duration,
        }
        kept = {key: value for key, value in own.items() if key not in ("purpose", "polarity", "ramping_time_s")}
        return {
            "temperature_K": self.temperature,
            "bath_temperature_K": self.bath,
            **times,
            **kept,
            "ramps": [ramp.to_dict() for ramp in self.ramps],
            "findings": [asdict(finding) for finding in self.findings],
        }


@dataclass(frozen=True)
class Rehearsal:
    """All that a rehearsal says.

    Attributes
    ----------
    points
        In the plan's order.
    duration
        Of the whole in s on the laboratory's clock; None if the sweep would not come to its end.
    precision
        The predicted fit; None where nothing can be fitted.
    findings
        What holds for the whole plan, then what was found at its points.
    assumed
        Sentences on what was assumed.
    exit_code
        0, or the code that the sweep would have ended with.
    """

    points: tuple[PredictedPoint, ...]
    duration: float | None
    precision: Precision | None
    findings: tuple[Finding, ...]
    assumed: tuple[str, ...]
    exit_code: int

    @property
    def fault(self) -> Finding | None:
        """The first finding that would have ended the sweep or spoilt it."""
        return next((finding for finding in self.findings if finding.verdict == "fault"), None)

    @property
    def resolution(self) -> Resolution:
        """Whether the crossover will be resolved; not with a fault, whatever could be fitted without it."""
        if self.precision is None:
            return Resolution(False, "nothing can be fitted")
        found = self.precision.resolution
        if self.fault is None:
            return found
        without = "it would be" if found.resolved else "it would not be either"
        return Resolution(False, f"there are faults; without them {without}: {found.text}")

    def to_dict(self) -> dict[str, Any]:
        """Return the keys of `mqtctl rehearse --json`; what does not exist is None."""
        precision = self.precision
        result = {
            "points": [point.to_dict() for point in self.points],
            "duration_s": self.duration,
            "crossover_temperature_K": precision and precision.crossover,
            "crossover_temperature_stderr_K": precision and precision.crossover_stderr,
            "measured_crossover_temperature_K": precision and precision.measured,
            "measured_crossover_temperature_stderr_K": precision and precision.measured_stderr,
            "crossover_resolved": self.resolution.resolved,
            "crossover_criterion": self.resolution.text,
            "findings": [asdict(finding) for finding in self.findings],
            "assumed": list(self.assumed),
            "spread": precision and precision.spread,
            "exit_code": self.exit_code,
        }
        plain: dict[str, Any] = jsonable(result)
        return plain
