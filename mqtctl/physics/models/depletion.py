"""Depletion of the well by escape, from the classical turnover down through the crossover temperature.

Close to the top of the barrier the well loses what escapes, and damping refills it: by D = 7.2 u/Q (in kT) on each
swing, in quanta that the bath takes and gives. With reflection above and transmission below a parabolic top the balance
of one swing with the next is solved in closed form, for T > T0 (Larkin and Ovchinnikov, J. Stat. Phys. 41, 425 (1985)
[M]; Mel'nikov, JETP 60, 380 (1984) [M]; Rips and Pollak, PRA 41, 5366 (1990) [M]; Hanggi, Talkner and Borkovec, RMP 62,
251 (1990), section on the quantum turnover [M]):

    ln Y = (a sin(a/2)/2 pi) int dt ln[1 - P(t)] / [cosh(a t) - cos(a/2)],         a = 2 pi T0/T,
    ln P(t) = -D int_0^inf dy r(y) [cosh(x/2) - cos(t x)] / (x sinh(x/2)),        x = a y,

with r(y) = 30 pi y^4/sinh^2(pi y) the spectrum (integral 1, y in units of wp) of the energy that the swing from and to
the top of a cubic well loses. For a -> 0 that is `log_depletion_factor`. At T0 ln Y vanishes like the reciprocal of the
thermal rate of a parabolic top, 1/f_q: what is lost, Gamma (1 - Y), stays finite there. What `Escape` does with it
through the crossover, where f_q has no meaning, stands in its docstring.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.special import gamma

__all__ = ["HIGHEST_RATIO", "log_loss"]

FloatArray = NDArray[np.float64]

HIGHEST_RATIO = 1.62  # of T0/T; the formula ends at 2
_ROOT_LIMIT = 13.0  # of sqrt(D): beyond, 1 - Y < 1e-11
_DEGREES = 18, 56  # of the Chebyshev series in T0/T and in sqrt(D)


def log_loss(inverse_ratio: FloatArray, loss: FloatArray) -> FloatArray:
    """Return G = ln Y / [sin(a/2)/(a/2)], 0 or less, smooth through T0 (Mel'nikov 1984 [M]; module docstring).

    Parameters
    ----------
    inverse_ratio
        T0/T, 0 to `HIGHEST_RATIO` (more is taken as that).
    loss
        D, > 0; 0 gives -inf.
    """
    ratio, root = np.broadcast_arrays(np.clip(inverse_ratio, 0.0, HIGHEST_RATIO), np.sqrt(loss))
    inner = np.minimum(root, _ROOT_LIMIT)
    with np.errstate(divide="ignore"):
        value = _table().ev(ratio, inner) + _weak(ratio) * 2.0 * np.log(inner)
    return np.asarray(np.where(root >= _ROOT_LIMIT, 0.0, np.minimum(value, 0.0)))


def _weak(ratio: FloatArray) -> FloatArray:
    """Return what ln D is multiplied by for D -> 0: (1 - r)/sinc(r), r = T0/T."""
    return np.asarray(gamma(1.0 + ratio) * gamma(2.0 - ratio))


@lru_cache(maxsize=1)
def _table() -> RectBivariateSpline:
    """Return G - (weak limit) ln D over T0/T and sqrt(D): a Chebyshev fit to the integral, good to 2e-4, splined."""
    places = [np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in (_DEGREES[0] + 2, _DEGREES[1] + 8)]
    ratios = 0.5 * HIGHEST_RATIO * (places[0] + 1.0)
    losses = (0.5 * _ROOT_LIMIT * (places[1] + 1.0)) ** 2
    values = np.array([_integral(float(ratio), losses) for ratio in ratios])
    values -= _weak(ratios)[:, None] * np.log(losses)
    along = chebyshev.chebfit(places[0], values, _DEGREES[0])
    series = chebyshev.chebfit(places[1], along.T, _DEGREES[1]).T
    grid = np.linspace(-1.0, 1.0, 49), np.linspace(-1.0, 1.0, 257)
    knots = 0.5 * HIGHEST_RATIO * (grid[0] + 1.0), 0.5 * _ROOT_LIMIT * (grid[1] + 1.0)
    return RectBivariateSpline(*knots, chebyshev.chebgrid2d(*grid, series))


def _integral(ratio: float, losses: FloatArray) -> FloatArray:
    """Return G at T0/T and many D by quadrature: tanh-sinh in phi, t = tan(phi)/2."""
    t = np.linspace(-3.6, 3.6, 601)
    stretch = 0.5 * np.pi * np.sinh(t)
    cosine = np.sin(0.5 * np.pi / (1.0 + np.exp(2.0 * stretch)))  # cos(phi), phi = (pi/2) / (1 + exp(-2 stretch))
    weight = 0.5 * np.pi * 0.5 / np.cosh(stretch) ** 2 * 0.5 * np.pi * np.cosh(t) * (t[1] - t[0])
    cosine = np.maximum(cosine, 1e-100)
    time = 0.5 * np.sqrt((1.0 - cosine) * (1.0 + cosine)) / cosine
    angle = 2.0 * np.pi * ratio
    swung = np.minimum(angle * time, 60.0)
    # cosh(a t) - cos(a/2) without cancellation, and dt = dphi/(2 cos^2 phi)
    below = 2.0 * (np.sinh(0.5 * swung) ** 2 + np.sin(0.25 * angle) ** 2)
    measure = np.where((cosine > 1e-60) & (angle * time < 60.0), weight / (2.0 * cosine**2 * below), 0.0)
    energy = _quanta_exchanged(angle, swung)
    logs = np.log(-np.expm1(-losses[:, None] * energy[None, :]))
    return np.asarray(2.0 * np.pi * ratio**2 * logs @ measure)  # both signs of t


@cache
def _gauss_legendre() -> tuple[FloatArray, FloatArray]:
    """Return the nodes and weights of `_quanta_exchanged`, which cost more than all that is done with them."""
    nodes, weights = np.polynomial.legendre.leggauss(120)
    return nodes, weights


def _quanta_exchanged(angle: float, swung: FloatArray) -> FloatArray:
    """Return -ln P/D at a t = `swung`, by Gauss-Legendre in y."""
    nodes, weights = _gauss_legendre()
    y = 3.5 * (nodes + 1.0)
    spectrum = 3.5 * weights * 30.0 * np.pi * y**4 / np.sinh(np.pi * y) ** 2
    x = angle * y
    # cosh(x/2) - cos(s y) without cancellation
    share = spectrum / (x * np.sinh(0.5 * x))
    difference = 2.0 * (np.sinh(0.25 * x) ** 2 + np.sin(0.5 * np.outer(swung, y)) ** 2)
    return np.asarray(difference @ share)
