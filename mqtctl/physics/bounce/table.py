"""The bounce at any damping and temperature by interpolation in a table that `bounce` made.

Coordinates are the Kramers factor kappa = wR/wp (1 without, 0 with infinite damping) and theta = T/T0.
Tabulated are four smooth functions:

- P = kappa x action per quantum; and, since the action meets the thermal exponent 2 pi/(kappa theta)
  quadratically at T0, E = (2 pi - theta P)/(1 - theta)^2, from which the difference of the two follows
  without cancellation;
- L = ln prefactor + (7/2) ln kappa;
- W, what thermal escape adds beyond the bounce's share (see `escape`), switched off smoothly below theta = 0.82.

A quintic spline takes them from the computed grid to a finer, uniform one, a bicubic spline with two continuous
derivatives from there to anywhere (errors: 1e-8 in the action, 1e-6 in the logarithm of the prefactor for Q >= 0.1).
Beyond theta = 2 and below kappa = 0.02 the table's edge is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, make_interp_spline

from mqtctl.physics.bounce.quantum_correction import log_quantum_correction

__all__ = [
    "HIGHEST_RATIO",
    "LOWEST_KRAMERS_FACTOR",
    "BouncePoint",
    "bounce_at",
    "smooth_step",
    "zero_temperature_bounce",
]

FloatArray = NDArray[np.float64]

LOWEST_KRAMERS_FACTOR = 0.02
HIGHEST_RATIO = 2.0
_KAPPA_CELLS, _THETA_CELLS = 98, 160
_JOIN_LOW, _JOIN_HIGH = 0.45, 0.65  # action from P below, from E above, blended between
_CHUNK = 8192  # points per pass: 64 coefficients each stay in the cache


@dataclass(frozen=True)
class BouncePoint:
    """The (continued) bounce at given damping and temperature, per barrier quantum.

    Attributes
    ----------
    action
        In hbar per quantum.
    root_gap
        (theta - 1)/|theta - 1| times the square root of thermal exponent minus action, per quantum: negative below T0.
    log_prefactor
        ln of the prefactor a in Gamma = wp sqrt(N) a exp(-N action).
    remainder
        W(theta) [(kappa/2 pi) f_q / a - 1/(2 sqrt(pi) root_gap)], finite at T0; W rises from 0 at 0.62 to 1 at 0.82.
    """

    action: FloatArray
    root_gap: FloatArray
    log_prefactor: FloatArray
    remainder: FloatArray


def bounce_at(kramers_factor: FloatArray, temperature_ratio: FloatArray) -> BouncePoint:
    """Return the bounce at kappa (0 to 1) and theta = T/T0 >= 0, arrays of equal shape (n,)."""
    theta = np.minimum(temperature_ratio, HIGHEST_RATIO)
    scaled, gap, shifted, remainder = _interpolate(np.maximum(kramers_factor, LOWEST_KRAMERS_FACTOR), theta)
    log_prefactor = shifted - 3.5 * np.log(kramers_factor)
    cold = np.maximum(theta, 0.5 * _JOIN_LOW)
    near = (2.0 * np.pi - (1.0 - cold) ** 2 * gap) / cold
    action = (scaled + smooth_step(theta, _JOIN_LOW, _JOIN_HIGH) * (near - scaled)) / kramers_factor
    root_gap = (theta - 1.0) * np.sqrt(np.maximum(gap, 0.0) / np.maximum(kramers_factor * theta, 1e-300))
    return BouncePoint(action, root_gap, log_prefactor, remainder)


def zero_temperature_bounce(kramers_factor: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return action per quantum and ln prefactor at T = 0 for kappa (0 to 1), any shape."""
    factor = np.asarray(kramers_factor, dtype=np.float64)
    kappa = np.maximum(factor.ravel(), LOWEST_KRAMERS_FACTOR)
    scaled, _, shifted, _ = _interpolate(kappa, np.zeros_like(kappa))
    return scaled.reshape(factor.shape) / factor, shifted.reshape(factor.shape) - 3.5 * np.log(factor)


def smooth_step(value: FloatArray, low: float, high: float) -> FloatArray:
    """Return 0 below low, 1 above high and between them a polynomial with two continuous derivatives."""
    step = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(step * step * step * (10.0 + step * (6.0 * step - 15.0)))


def _interpolate(kappa: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return (P, E, L, W) at points within the table, shape (n,); NaN stays NaN."""
    patches = _patches()
    result = np.empty((4, len(kappa)))
    for begin in range(0, len(kappa), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        across = (kappa[part] - LOWEST_KRAMERS_FACTOR) * (_KAPPA_CELLS / (1.0 - LOWEST_KRAMERS_FACTOR))
        along = theta[part] * (_THETA_CELLS / HIGHEST_RATIO)
        with np.errstate(invalid="ignore"):
            row = np.clip(across.astype(np.int64), 0, _KAPPA_CELLS - 1)
            column = np.clip(along.astype(np.int64), 0, _THETA_CELLS - 1)
        coefficients = patches[row * _THETA_CELLS + column]  # (n, power of kappa, power of theta, function)
        u, v = (along - column)[:, None], (across - row)[:, None, None]
        values = coefficients[:, 0] * v
        for power in (1, 2):
            values += coefficients[:, power]
            values *= v
        values += coefficients[:, 3]
        result[:, part] = ((((values[:, 0] * u + values[:, 1]) * u + values[:, 2]) * u) + values[:, 3]).T
    return result[0], result[1], result[2], result[3]


@cache
def _patches() -> FloatArray:
    """Return polynomial coefficients, shape (cell, power of kappa, power of theta, function), highest power first."""
    kappa, theta, columns = _grid_functions()
    fine_kappa = np.linspace(LOWEST_KRAMERS_FACTOR, 1.0, _KAPPA_CELLS + 1)
    fine_theta = np.linspace(0.0, HIGHEST_RATIO, _THETA_CELLS + 1)
    fine = make_interp_spline(kappa, columns, k=5, axis=0)(fine_kappa)
    fine = make_interp_spline(theta, fine, k=5, axis=1)(np.concatenate([-fine_theta[1:5][::-1], fine_theta]))
    spline_theta = np.concatenate([-fine_theta[1:5][::-1], fine_theta])
    along = CubicSpline(spline_theta, np.moveaxis(fine, 1, 0)).c[:, -_THETA_CELLS:]  # (4, theta, kappa, function)
    across = CubicSpline(fine_kappa, np.moveaxis(along, 2, 0)).c  # (4, kappa, 4, theta, function)
    scale_kappa = (fine_kappa[1] - fine_kappa[0]) ** np.arange(3, -1, -1)
    scale_theta = (fine_theta[1] - fine_theta[0]) ** np.arange(3, -1, -1)
    scaled = across * scale_kappa[:, None, None, None, None] * scale_theta[None, None, :, None, None]
    ordered = scaled.transpose(1, 3, 0, 2, 4)  # kappa cell, theta cell, kappa power, theta power, function
    return np.ascontiguousarray(ordered.reshape(_KAPPA_CELLS * _THETA_CELLS, 4, 4, 4))


def _grid_functions() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return kappa, theta (mirrored about 0) and the four functions on the computed grid (kappa, theta, 4)."""
    with files(__package__).joinpath("bounce_table.npz").open("rb") as stream, np.load(stream) as data:
        kappa, theta = data["kramers_factor"], data["temperature_ratio"]
        action, log_prefactor = data["action"], data["log_prefactor"]
    # P, L and W are even in theta: mirrored columns make the splines flat at T = 0
    mirror = np.concatenate([np.arange(6, 0, -1), np.arange(len(theta))])
    theta = np.concatenate([-theta[6:0:-1], theta])
    scaled = (kappa[:, None] * action)[:, mirror]
    log_prefactor = log_prefactor[:, mirror]
    gap = (2.0 * np.pi - theta * scaled) / (1.0 - theta) ** 2
    shifted = log_prefactor + 3.5 * np.log(kappa)[:, None]
    remainder = _remainder(kappa, theta, gap, log_prefactor)
    return kappa, theta, np.stack([scaled, gap, shifted, remainder], axis=-1)


def _remainder(kappa: FloatArray, theta: FloatArray, gap: FloatArray, log_prefactor: FloatArray) -> FloatArray:
    """Return W on the grid (n_kappa, n_theta), from f_q and the pole that it shares with the bounce."""
    result = np.zeros(gap.shape)
    on = theta > 0.62
    ratio, factor = theta[on], kappa[:, None]
    root_gap = (ratio - 1.0) * np.sqrt(gap[:, on] / (factor * ratio))
    damping = 1.0 / factor - factor
    fundamental = factor * ratio
    first = fundamental**2 + damping * fundamental  # the n = 1 factor of f_q, negative below T0
    correction = np.exp(log_quantum_correction(damping, ratio, first=2)) * (first + 1.0) / (first - 1.0)
    thermal = factor / (2.0 * np.pi) * correction * np.exp(-log_prefactor[:, on])
    result[:, on] = smooth_step(ratio, 0.62, 0.82) * (thermal - 0.5 / (np.sqrt(np.pi) * root_gap))
    return result
