"""Does a fitted explanation describe the histograms? A smooth test over all of them, exact about what was fitted.

By the fitted law each switch has a probability u of an earlier one, uniform between 0 and 1. The sums of the first four
Legendre polynomials of u (Neyman's smooth test, Skand. Aktuarietidskr. 20, 150 (1937) [M]) say whether mean, width,
skewness and tails are those of the law. With z of unit variance under the truth, B its covariance with the scores and
F the information with the priors, the fitted z have the covariance 1 - B F⁻¹ Bᵀ: no table by simulation is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.special import gammaincc

from mqtctl.analysis.histogram.likelihood import Slope
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram

if TYPE_CHECKING:
    from mqtctl.analysis.hypotheses.fit import Fitted

__all__ = ["SmoothTest", "smooth_test"]

ORDERS = 4
LEAST_VARIANCE = 0.1  # directions that the fit has used up by nine tenths say nothing
COARSEST_STEP = 0.3  # in widths: switches rounded more coarsely have no u


class SmoothTest:
    """Chi-square of all histograms and its probability; `terms` are the single z, (n, 4), nan where there is none."""

    def __init__(self, chi2: float, dof: int, terms: NDArray[np.float64]) -> None:
        self.chi2, self.dof, self.terms = chi2, dof, terms
        self.pvalue = float(gammaincc(0.5 * dof, 0.5 * chi2)) if dof else None


def smooth_test(fitted: Fitted) -> SmoothTest:
    """Return the test of a fitted explanation; histograms that were rounded coarsely do not enter."""
    evidence = fitted.problem.evidence
    used = [
        place
        for place, (each, slope) in enumerate(zip(evidence.histograms, fitted.slopes, strict=True))
        if not _coarse(each) and _share(each, slope) > 0.0
    ]
    terms = np.full((len(evidence.histograms), ORDERS), np.nan)
    if not used:
        return SmoothTest(0.0, 0, terms)
    rows = []
    for place in used:
        terms[place], covariance = _terms(evidence.histograms[place], fitted.slopes[place])
        rows.append(covariance)
    observed, by_score = terms[used].ravel(), np.vstack(rows)
    variance = np.eye(observed.size) - by_score @ fitted.covariance @ by_score.T
    values, vectors = np.linalg.eigh(variance)
    kept = values > LEAST_VARIANCE
    along = vectors[:, kept].T @ observed
    return SmoothTest(float((along**2 / values[kept]).sum()), int(kept.sum()), terms)


def _coarse(reduced: ReducedHistogram) -> bool:
    return reduced.rounding is not None and not reduced.rounding.step < COARSEST_STEP * reduced.rounding.std


def _share(reduced: ReducedHistogram, slope: Slope) -> float:
    """Return which share of the ramps switches before the top, by the fitted law."""
    total = float(reduced.whole_ramp @ slope.rate)
    return -float(np.expm1(-total)) if np.isfinite(total) else 0.0


def _terms(reduced: ReducedHistogram, slope: Slope) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return z, shape (4,), and its covariance with the scores, (4, n_parameter)."""
    hazard = np.maximum(reduced.cumulative(slope.rate), 0.0)
    passed = -np.expm1(-hazard)
    if reduced.censored:
        passed = passed / _share(reduced, slope)
    polynomials = legendre.legvander(2.0 * np.clip(passed, 0.0, 1.0) - 1.0, ORDERS)[:, 1:].T
    polynomials *= np.sqrt(2.0 * np.arange(1, ORDERS + 1) + 1.0)[:, np.newaxis]
    body = reduced.body
    root = np.sqrt(reduced.switches)
    score = slope.jacobian[:, body] - reduced.cumulative(slope.jacobian * slope.rate)
    expected = (reduced.exposure * slope.rate)[body]
    expected = expected * (reduced.switches / expected.sum())
    return polynomials @ reduced.event_weight[body] / root, (polynomials * expected) @ score.T / root
