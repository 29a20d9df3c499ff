"""Reference numbers once more, by other ways than the package's and without a line of it.

Barrier and frequency in 50-digit decimals from the printed formulas (cancellation and all), switching moments by
composite Gauss-Legendre panels of equal width, exact levels by complex scaling in a basis of oscillator states,
the bounce by Petviashvili's iteration on a ring. The numbers of cases.json were made by a third program, which is
not kept here; test_independent.py compares the two.
"""

from __future__ import annotations

import math
from decimal import Decimal, getcontext
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.constants import e, hbar, k

__all__ = ["bounce_action", "cubic_level", "geometry", "log_rate", "switching_moments"]

getcontext().prec = 50


def geometry(critical_current: float, capacitance: float, x: float) -> dict[str, float]:
    """Return barrier (J) and plasma frequency (rad/s) at x = 1 - I/Ic from 2 E_J [sqrt(1-s^2) - s acos(s)]."""
    exact, s = Decimal(x), 1 - Decimal(x)
    half = (exact / 2).sqrt()  # sin of half of acos(s)
    term = half
    angle, n = Decimal(0), 0
    while abs(term) > Decimal(10) ** -48:  # asin's series
        angle += term / (2 * n + 1)
        n += 1
        term *= half * half * (2 * n - 1) / (2 * n)
    energy = Decimal(hbar) * Decimal(critical_current) / (2 * Decimal(e))
    root = (exact * (2 - exact)).sqrt()
    plasma = (2 * Decimal(e) * Decimal(critical_current) / (Decimal(hbar) * Decimal(capacitance))).sqrt()
    return {
        "EJ_J": float(energy),
        "dU_J": float(2 * energy * (root - 2 * s * angle)),
        "wp": float(plasma * root.sqrt()),
    }


def log_rate(inputs: dict[str, Any], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ln(Gamma / 1 s^-1) at x = 1 - I/Ic, in double precision; for x that is not small."""
    s, root = 1.0 - x, np.sqrt(x * (2.0 - x))
    barrier = hbar * inputs["Ic"] / e * (root - s * np.arccos(s))
    plasma = math.sqrt(2.0 * e * inputs["Ic"] / (hbar * inputs["C"])) * np.sqrt(root)
    quality = plasma * (inputs["R"] or math.inf) * inputs["C"]
    attempt = np.log(plasma / (2.0 * math.pi))
    if inputs.get("branch") == "mqt_0.87":
        exponent = 7.2 * barrier / (hbar * plasma)
        return np.asarray(attempt + 0.5 * np.log(120.0 * math.pi * exponent) - exponent * (1.0 + 0.87 / quality))
    u = barrier / (k * inputs["T"])
    a = inputs.get("a", 1.4738)
    prefactor = {
        "tst": np.ones_like(x),
        "kramers": np.sqrt(1.0 + 0.25 / quality**2) - 0.5 / quality,
        "bhl": 4.0 * a / (np.sqrt(1.0 + a * quality / (1.8 * u)) + 1.0) ** 2,
    }[inputs["prefactor"]]
    return np.asarray(attempt + np.log(prefactor) - u)


def switching_moments(inputs: dict[str, Any], lowest: float, panels: int = 4000) -> dict[str, float]:
    """Return mean and standard deviation (A), skewness and kurtosis of the switching current above `lowest` (A)."""
    nodes, weights = legendre.leggauss(12)
    primitive = np.array(  # of each of Lagrange's polynomials, from -1 to each node
        [legendre.legval(nodes, legendre.legint(c, lbnd=-1)) for c in np.linalg.inv(legendre.legvander(nodes, 11)).T]
    ).T
    edges = np.linspace(lowest, inputs["Ic"], panels + 1)
    half = 0.5 * (edges[1] - edges[0])
    current = (0.5 * (edges[1:] + edges[:-1]))[:, None] + half * nodes
    hazard = np.exp(log_rate(inputs, 1.0 - current / inputs["Ic"])) / inputs["rate_A_per_s"]
    before = np.concatenate([[0.0], np.cumsum(half * hazard @ weights)[:-1]])
    density = hazard * np.exp(-before[:, None] - half * hazard @ primitive.T)
    share = half * density * weights
    mean = float((share * current).sum())
    second, third, fourth = (float((share * (current - mean) ** n).sum()) for n in (2, 3, 4))
    return {
        "mean_A": mean,
        "sigma_A": math.sqrt(second),
        "skew": third / second**1.5,
        "kurt": fourth / second**2,
        "mass": float(share.sum()),
    }


def cubic_level(quanta: float, number: int = 0, size: int = 160, angle: float = 0.35) -> complex:
    """Return E - i Gamma/2 in units of hbar wp of a level of the cubic well, q -> q exp(i angle)."""
    n = np.arange(1, size)
    position = np.diag(np.sqrt(0.5 * n), 1) + np.diag(np.sqrt(0.5 * n), -1)
    square = position @ position
    kinetic = np.diag(2.0 * np.arange(size) + 1.0) - square  # p^2 = 2 H - q^2
    turn = np.exp(1j * angle)
    energy = 0.5 * kinetic / turn**2 + 0.5 * square * turn**2 - turn**3 * square @ position / math.sqrt(54.0 * quanta)
    found = np.linalg.eigvals(energy[:-3, :-3])
    return complex(min(found, key=lambda level: abs(level - (number + 0.5) * (1.0 - 5.0 / 36.0 / quanta * number))))


def bounce_action(damping: float, period: float, points: int = 2**14) -> float:
    """Return the action of the bounce of V = q^2/2 - q^3/2 with damping g on a ring of that period (1/wp), over 8/15.

    Of -q'' + g |w| q + q = 3 q^2/2, whose solution without damping on a long ring is cosh(t/2)^-2 with action 8/15.
    """
    frequency = 2.0 * math.pi * np.abs(np.fft.fftfreq(points, period / points))
    inverse = 1.0 / (frequency**2 + damping * frequency + 1.0)
    time = (np.arange(points) - points // 2) * period / points
    bounce = np.cosh(np.clip(0.5 * time, -300.0, 300.0)) ** -2
    for _ in range(200):
        force = np.fft.fft(1.5 * bounce**2)
        image = np.fft.ifft(inverse * force).real
        scale = (bounce @ np.fft.ifft(np.fft.fft(bounce) / inverse).real) / (1.5 * np.sum(bounce**3))
        step = scale**2 * image - bounce
        bounce = bounce + step
        if np.max(np.abs(step)) < 1e-13:
            break
    return float(0.25 * np.sum(bounce**3) * period / points / (8.0 / 15.0))
