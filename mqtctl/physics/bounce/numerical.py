"""The bounce in the cubic potential with ohmic damping, at any temperature: action and prefactor, numerically.

In units of the plasma frequency the escaping coordinate moves in V(y) = y^2/2 - y^3 (barrier 1/54 at y = 1/3); a
barrier of N = dU/(hbar wp) quanta multiplies the action by 54 N. A path of period 1/T is a sum over Matsubara
frequencies nu_n = 2 pi n T, and the Euclidean action is quadratic in it but for the cubic term
(Caldeira and Leggett, Ann. Phys. 149, 374 (1983), eq. 4.27 [M]; Grabert, Weiss and Hanggi, PRL 52, 2193
(1984), eq. 3 [M]):

    S/(54 N hbar) = (1/T) sum_n (nu_n^2 + g |nu_n| + 1) |Y_n|^2 / 2  -  int y^3 dtau,     g = 1/Q

Newton's method finds the stationary path, the determinant of fluctuations gives the prefactor. Below the crossover
temperature T0 the odd harmonics are real. Above it the same solution continues analytically with imaginary odd
harmonics; no path of that kind exists, but the continued action is what the uniform formula of `escape` needs.

This is the slow, exact calculation (0.01 s to 1 s). Rates use the table that was made from it: `bounce_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lu_factor, lu_solve
from scipy.special import digamma

from mqtctl.errors import InputError

__all__ = ["Bounce", "kramers_factor", "solve_bounce"]

ComplexArray = NDArray[Any]  # real below T0, complex above
_MOST_STEPS = 60  # of Newton's method; 5 to 7 are usual


@dataclass(frozen=True)
class Bounce:
    """A stationary path and what it contributes to the rate.

    Gamma = wp sqrt(N) prefactor exp(-N action), N = dU/(hbar wp).

    Attributes
    ----------
    action
        Action per barrier quantum in hbar; 36/5 without damping at T = 0.
    prefactor
        Dimensionless; sqrt(120 pi 7.2)/(2 pi) without damping at T = 0.
    harmonics
        Fourier coefficients Y_n of the path, n = 0..M; imaginary at odd n above T0.
    """

    action: float
    prefactor: float
    harmonics: ComplexArray


def kramers_factor(inverse_quality: float) -> float:
    """Return wR/wp = (1 + g^2/4)^(1/2) - g/2, g = 1/Q (Kramers, Physica 7, 284 (1940), eq. 25 [M])."""
    half = 0.5 * inverse_quality
    return float(1.0 / (np.hypot(1.0, half) + half))


def solve_bounce(
    quality_factor: float,
    temperature_ratio: float = 0.0,
    *,
    start: ComplexArray | None = None,
    modes: int | None = None,
) -> Bounce:
    """Return the bounce at Q and T/T0.

    Parameters
    ----------
    quality_factor
        Q = wp R C, 0.02 to inf.
    temperature_ratio
        T/T0 with T0 = hbar wR / 2 pi k, 0 to 2.5, but not within 0.005 of 1, where the path shrinks to a
        point. 0 is the limit of four low temperatures (the corrections go as even powers of T).
    start
        Harmonics to begin from, such as those of a neighbour; saves time in a table.
    modes
        Number of harmonics; by default enough for 1e-9 in the action and 1e-5 in the prefactor.

    Raises
    ------
    InputError
        If the arguments are out of range or Newton's method finds only the constant path.
    """
    if not quality_factor >= 0.02:
        raise InputError(f"quality_factor is {quality_factor}; the numerical bounce covers 0.02 to inf")
    if not 0.0 <= temperature_ratio <= 2.5 or abs(temperature_ratio - 1.0) < 0.005:
        raise InputError(
            f"temperature_ratio T/T0 is {temperature_ratio}; the numerical bounce covers 0 to 2.5 except 0.995 to 1.005"
        )
    if temperature_ratio == 0.0:
        return _zero_temperature(quality_factor)
    damping = 1.0 / quality_factor
    factor = kramers_factor(damping)
    fundamental = factor * temperature_ratio  # nu_1 in units of wp: 2 pi k T0 = hbar wR
    count = modes if modes is not None else int(np.clip(np.ceil(46.0 / temperature_ratio), 48, 900))
    index = np.arange(2 * count + 1)
    kernel = (index * fundamental) ** 2 + damping * index * fundamental + 1.0
    path = start if start is not None else _neighbour(quality_factor, temperature_ratio)
    harmonics = _initial(kernel, temperature_ratio) if path is None else _resize(path, count)
    if temperature_ratio < 1.0:  # real arithmetic is four times as fast
        harmonics = harmonics.real
    harmonics = _newton(harmonics, kernel[: count + 1])
    cube = _cube_mean(harmonics)
    period = 2.0 * np.pi / fundamental
    if abs(harmonics[1]) < 1e-9:
        raise InputError(
            f"no bounce at Q = {quality_factor}, T/T0 = {temperature_ratio}: only the constant path was found"
        )
    action = 54.0 * 0.5 * period * cube  # on a stationary path the quadratic part is 3/2 of the cubic one
    velocity = 2.0 * period * np.sum((index[: count + 1] * fundamental * harmonics) ** 2)
    log_ratio = _log_determinant_ratio(harmonics, kernel[: count + 1], fundamental, damping)
    square = 54.0 * velocity / (2.0 * np.pi) * np.exp(log_ratio)
    return Bounce(float(action.real), float(np.sqrt(np.abs(square))), harmonics.astype(np.complex128))


def _zero_temperature(quality_factor: float) -> Bounce:
    """Extrapolate action and log prefactor to T = 0 in powers of T^2."""
    ratios = np.array([0.05, 0.065, 0.08, 0.1])
    bounces = [solve_bounce(quality_factor, float(ratio)) for ratio in ratios]
    vander = np.vander(ratios**2, increasing=True)
    action = np.linalg.solve(vander, [bounce.action for bounce in bounces])[0]
    log_prefactor = np.linalg.solve(vander, np.log([bounce.prefactor for bounce in bounces]))[0]
    return Bounce(float(action), float(np.exp(log_prefactor)), bounces[0].harmonics)


def _neighbour(quality_factor: float, ratio: float) -> ComplexArray | None:
    """Return the path at a ratio closer to where a good first guess is known; None if there is one here."""
    if 0.6 < ratio < 0.95:
        return solve_bounce(quality_factor, max(0.6, ratio - 0.06)).harmonics
    if ratio > 1.1:
        return solve_bounce(quality_factor, max(1.1, ratio - 0.1)).harmonics
    return None


def _initial(kernel: NDArray[np.float64], ratio: float) -> ComplexArray:
    """Return harmonics to begin from: a sech^2 pulse well below T0, the leading ripple on the barrier top near it.

    The ripple follows from K_n Y_n = 3 (y^2)_n to third order: Y_0 = 1/3 - 6 Y_1^2, Y_2 = 3 Y_1^2 / (K_2 - 2).
    """
    count = len(kernel) // 2
    harmonics = np.zeros(count + 1, dtype=np.complex128)
    if ratio > 0.9:
        square = (2.0 - kernel[1]) / (36.0 - 18.0 / (kernel[2] - 2.0))  # Y_1^2, negative above T0
        harmonics[0] = 1.0 / 3.0 - 6.0 * square
        harmonics[1] = np.sqrt(complex(square))
        harmonics[2] = 3.0 * square / (kernel[2] - 2.0)
        return harmonics
    argument = np.pi * np.maximum(np.arange(count + 1), 1e-9) * ratio
    harmonics[:] = ratio * argument / np.sinh(np.minimum(argument, 300.0)) / np.pi
    return harmonics


def _resize(harmonics: ComplexArray, count: int) -> ComplexArray:
    result = np.zeros(count + 1, dtype=harmonics.dtype)
    size = min(count + 1, len(harmonics))
    result[:size] = harmonics[:size]
    return result


def _square(harmonics: ComplexArray) -> ComplexArray:
    """Return harmonics 0..2M of y^2 for an even path with harmonics 0..M."""
    full = np.concatenate([harmonics[:0:-1], harmonics])
    return np.asarray(np.convolve(full, full)[2 * (len(harmonics) - 1) :])


def _cube_mean(harmonics: ComplexArray) -> complex:
    """Return the mean of y^3 over one period."""
    square = _square(harmonics)[: len(harmonics)]
    return complex(square[0] * harmonics[0] + 2.0 * np.sum(square[1:] * harmonics[1:]))


def _coupling(harmonics: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Return y_{|n-m|} and y_{n+m} for n, m = 0..M, zero beyond the last harmonic."""
    count = len(harmonics)
    padded = np.concatenate([harmonics, np.zeros(count, dtype=harmonics.dtype)])
    index = np.arange(count)
    return padded[np.abs(index[:, None] - index[None, :])], padded[index[:, None] + index[None, :]]


def _newton(harmonics: ComplexArray, kernel: NDArray[np.float64]) -> ComplexArray:
    """Solve kernel Y = 3 (y^2) for an even path; it ends where rounding alone is left of the step."""
    earlier = np.inf
    for _ in range(_MOST_STEPS):
        difference, total = _coupling(harmonics)
        jacobian = np.diag(kernel.astype(harmonics.dtype)) - 6.0 * (difference + total)
        jacobian[:, 0] += 6.0 * harmonics  # the harmonic n = 0 has no mirror image
        residual = kernel * harmonics - 3.0 * _square(harmonics)[: len(harmonics)]
        step = lu_solve(lu_factor(jacobian), residual)
        harmonics = harmonics - step
        size = float(np.max(np.abs(step)))
        # usually 1e-16 at the end; near T0 the matrix is nearly singular and the last steps do not shrink any more
        if size < 1e-13 or (size < 1e-9 and size >= earlier):
            return harmonics
        earlier = size
    raise InputError(
        f"no bounce was found in {_MOST_STEPS} steps, the last of which was {earlier:.2g}; give a path to start from"
    )


def _log_determinant_ratio(
    harmonics: ComplexArray, kernel: NDArray[np.float64], fundamental: float, damping: float
) -> float:
    """Return ln |det(well) / det'(bounce)| with the zero mode (time translation) left out.

    The determinant is taken exactly over the harmonics that the path has, and beyond them in first-order
    perturbation (closed form) plus the leading second-order term.
    """
    count = len(harmonics) - 1
    difference, total = _coupling(harmonics)
    even = np.diag(kernel.astype(harmonics.dtype)) - 6.0 * (difference + total)
    even[:, 0] += 6.0 * harmonics
    odd = (np.diag(kernel.astype(harmonics.dtype)) - 6.0 * (difference - total))[1:, 1:]
    zero_mode = np.arange(1, count + 1) * harmonics[1:]
    odd += np.outer(zero_mode, zero_mode) / np.sum(zero_mode**2)  # moves the zero eigenvalue to 1
    scale = np.log(kernel)
    log_bounce = float(np.linalg.slogdet(even)[1] + np.linalg.slogdet(odd)[1])
    log_well = float(scale[0] + 2.0 * np.sum(scale[1:]))
    return log_well - log_bounce - _tail(harmonics, count, fundamental, damping)


def _tail(harmonics: ComplexArray, count: int, fundamental: float, damping: float) -> float:
    """Return ln det(bounce)/det(well) from harmonics |n| > count."""
    root = np.sqrt(complex(0.25 * damping * damping - 1.0)) / fundamental
    centre = -0.5 * damping / fundamental
    if abs(root) < 1e-6:
        root += 1e-6
    first, second = count + 1 - (centre + root), count + 1 - (centre - root)
    inverse_sum = (digamma(first) - digamma(second)) / (2.0 * root * fundamental**2) * -1.0
    index = np.arange(count + 1, 40 * count)
    kernel = (index * fundamental) ** 2 + damping * index * fundamental + 1.0
    square = _square(harmonics)[0]
    linear = -12.0 * harmonics[0] * inverse_sum
    return float((linear - 36.0 * square * np.sum(kernel**-2.0)).real)
