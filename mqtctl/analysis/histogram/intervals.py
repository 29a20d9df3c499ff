"""Likelihood of switches that are only known to lie between two currents: ln[S(low) - S(high)] each.

With H the cumulative hazard and Δ its increase over the interval this is -H(low) + ln(1 - exp(-Δ)). The first part is
linear in the rates, as for exact switches; the second is taken by Gauss-Legendre quadrature of Γ inside each interval,
Γ interpolated from the histogram's Chebyshev nodes. A narrow interval gives ln Γ(middle) + ln(width): the exact
likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray

from mqtctl.analysis.histogram.quadrature import to_coefficients
from mqtctl.analysis.histogram.rounding import Rounding

__all__ = ["Intervals", "make_intervals"]

DEGREE = 6  # Γ grows by e^2.6 over an interval of two widths: 1e-9 of Δ


@dataclass(frozen=True)
class Intervals:
    """Intervals with switches, on the nodes of a reduced histogram.

    Attributes
    ----------
    counts
        Switches in each interval, shape (n_cell,).
    interpolation
        From the body nodes to the quadrature points of all intervals, shape (n_cell * DEGREE, n_body).
    log_weight
        Logarithm of the quadrature weights in s, shape (n_cell, DEGREE).
    to_low
        Weights in s of ∫Γ dt from the smallest current to each interval's low end, shape (n_cell, n_body).
    """

    counts: NDArray[np.float64]
    interpolation: NDArray[np.float64]
    log_weight: NDArray[np.float64]
    to_low: NDArray[np.float64]

    def log_probability(self, log_rate: NDArray[np.float64]) -> float:
        """Return Σ n ln(1 - exp(-Δ)) for ln Γ on the body nodes, shape (n_body,)."""
        log_hazard, _ = self._hazards(log_rate)
        hazard = np.exp(np.minimum(log_hazard, 700.0))
        # below 1e-13 the logarithm is that of Δ, which may be smaller than any number
        inside = np.where(log_hazard < -30.0, log_hazard, np.log(np.maximum(-np.expm1(-hazard), 1e-300)))
        return float(self.counts @ inside)

    def event_weight(self, log_rate: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivatives of `log_probability` with respect to ln Γ on the body nodes, shape (n_body,)."""
        log_hazard, share = self._hazards(log_rate)
        factor, _ = _factors(log_hazard)
        return (share * (self.counts * factor)[:, np.newaxis]).ravel() @ self.interpolation

    def scores(self, log_rate: NDArray[np.float64], jacobian: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ∂ ln(1 - exp(-Δ))/∂θ, shape (n_parameter, n_cell), for ∂ ln Γ/∂θ on the body nodes."""
        log_hazard, share = self._hazards(log_rate)
        return _factors(log_hazard)[0] * self._mean(jacobian, share)

    def information(self, log_rate: NDArray[np.float64], jacobian: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the information of the intervals, shape (n_parameter, n_parameter): always positive.

        Each interval is a count among the ramps that reached it; what multiplies the difference between counts and
        their expectation is left out, as in Fisher's.
        """
        log_hazard, share = self._hazards(log_rate)
        mean = self._mean(jacobian, share)
        return np.asarray((mean * (self.counts * _factors(log_hazard)[1])) @ mean.T)

    def curvature(self, log_rate: NDArray[np.float64], jacobian: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return -Σ n ∂² ln(1 - exp(-Δ))/∂θ∂θ' without the part from second derivatives of ln Γ."""
        log_hazard, share = self._hazards(log_rate)
        factor, _ = _factors(log_hazard)
        points = jacobian @ self.interpolation.T
        within = (points * (share * (self.counts * factor)[:, np.newaxis]).ravel()) @ points.T
        return np.asarray(self.information(log_rate, jacobian) - within)

    def _hazards(self, log_rate: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ln Δ, shape (n_cell,), and the share of each quadrature point in Δ, shape (n_cell, DEGREE)."""
        terms = (self.interpolation @ log_rate).reshape(self.log_weight.shape) + self.log_weight
        largest = terms.max(axis=1)
        share = np.exp(terms - largest[:, np.newaxis])
        total = share.sum(axis=1)
        return largest + np.log(total), share / total[:, np.newaxis]

    def _mean(self, jacobian: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ∂ ln Δ/∂θ, shape (n_parameter, n_cell)."""
        points = (jacobian @ self.interpolation.T).reshape(jacobian.shape[0], *share.shape)
        return np.asarray((points * share).sum(axis=2))


def make_intervals(rounding: Rounding, smallest: float, largest: float, order: int, ramp_rate: float) -> Intervals:
    """Return the intervals of rounded switches on `order` Chebyshev nodes between two currents in A."""
    half = 0.5 * (largest - smallest)

    def position(currents: NDArray[np.float64]) -> NDArray[np.float64]:
        return (currents - smallest) / half - 1.0

    node, weight = leggauss(DEGREE)
    half_width = 0.5 * (rounding.high - rounding.low)
    points = rounding.middle[:, np.newaxis] + half_width[:, np.newaxis] * node
    antiderivative = chebyshev.chebint(to_coefficients(order), lbnd=-1, axis=0)
    return Intervals(
        counts=rounding.counts,
        interpolation=chebyshev.chebvander(position(points.ravel()), order - 1) @ to_coefficients(order),
        log_weight=np.log(half_width[:, np.newaxis] * weight / ramp_rate),
        to_low=half / ramp_rate * (chebyshev.chebvander(position(rounding.low), order) @ antiderivative),
    )


def _factors(log_hazard: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Δ/(exp Δ - 1) and Δ² exp Δ/(exp Δ - 1)²; both are 1 for small Δ and 0 for large."""
    hazard = np.exp(np.clip(log_hazard, -30.0, 6.0))
    first = hazard / np.expm1(hazard)
    return first, first**2 * np.exp(hazard)
