"""What a report shows, free of how it was computed and of how it will be drawn.

Figures, captions and tables read only these records, so that a report can be written with or without a fit. Numbers
stand under the names of the table of what was measured (`mqtctl.analysis.quantity`). Everything is in SI base units;
what was not measured, not fitted or not identifiable is None or an empty `Estimate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.notation import Estimate

__all__ = ["Content", "Curve", "PointContent", "RatePoints", "TheoryCurves"]


SAMPLE_FILE = "from the sample file"


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
    results
        The quantities of the table `POINT`, by name.
    density
        Fitted probability density in 1/A over the bias current in A.
    ramp_rate, polarity
        dI/dt in A/s, and the direction of the bias current; currents are magnitudes.
    rates, fitted_rate
        Fulton-Dunkelberger points, and the fitted rate in 1/s over the bias current in A.
    thermal, saturated
        Whether the point helped to fix the shared critical current, or the saturation.
    cold
        Whether its bath is below three times the crossover temperature, as the explanations count.
    remarks
        What is doubtful about it, one sentence each.
    """

    index: int
    run_id: int | None
    temperature: float
    temperature_std: float
    switching_currents: NDArray[np.float64]
    censored: int
    results: Mapping[str, Estimate]
    density: Curve | None = None
    ramp_rate: float | None = None
    polarity: int = 1
    rates: RatePoints | None = None
    fitted_rate: Curve | None = None
    thermal: bool = False
    saturated: bool = False
    cold: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def std(self) -> Estimate:
        """Width of the histogram: standard deviation of the switching currents in A."""
        return self.results["std_switching_current"]


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
    results
        The quantities of the table `SWEEP`, by name.
    fitted
        Whether an analysis was handed in at all.
    verdict
        Of the saturation against tunnelling's prediction, in words.
    sentence, concluded, explanations, reasons, changes
        What may be concluded from the sweep, in one sentence; whether anything is; the explanations that were compared,
        as cells of a table; what it stands on, and what would change it.
    potential
        Name of the junction's potential.
    source
        Where capacitance, resistance and potential are from.
    unidentified
        What could not be determined, and why: name and reason.
    warnings
        One sentence each.
    impossible
        What makes all of it wrong, if something does.
    theory
        Curves of the escape model, None where it could not be computed.
    """

    title: str
    points: tuple[PointContent, ...]
    results: Mapping[str, Estimate]
    fitted: bool = False
    verdict: str | None = None
    sentence: str = ""
    concluded: bool = False
    explanations: tuple[tuple[str, str, str, str], ...] = ()
    reasons: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    unidentified: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    impossible: str = ""
    theory: TheoryCurves | None = None
    potential: str = "washboard"
    source: str = SAMPLE_FILE

    @property
    def sigmas(self) -> float | None:
        """By how many standard errors saturation and prediction differ."""
        return self.results["tunnelling_sigmas"].value

    @property
    def by_temperature(self) -> tuple[PointContent, ...]:
        """The points from cold to warm, without those whose bath temperature is not a positive number."""
        usable = [p for p in self.points if np.isfinite(p.temperature) and p.temperature > 0.0]
        return tuple(sorted(usable, key=lambda p: (p.temperature, p.index)))

    @property
    def drawn(self) -> tuple[PointContent, ...]:
        """The points from cold to warm, then those whose bath temperature is not known: for what does not need it."""
        known = self.by_temperature
        return (*known, *(point for point in self.points if all(point is not other for other in known)))
