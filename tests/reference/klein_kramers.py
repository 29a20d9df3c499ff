"""Exact classical escape rates: the lowest eigenvalue of the Klein-Kramers operator of the cubic well.

Written from the equation alone, apart from `mqtctl`. In units of plasma frequency and thermal length the well is
phi(x) = x^2/2 - x^3/(3 b), b = (6 u)^(1/2), in units of kT, and with p(x, v) = exp(-phi/2) sum_n c_n(x) psi_n(v)

    dc_n/dt = -(n/Q) c_n - (n + 1)^(1/2) (d/dx - phi'/2) c_{n+1} - n^(1/2) (d/dx + phi'/2) c_{n-1}.

x stands on a grid in sinc functions; the blocks are eliminated from the highest Hermite function down (a
continued fraction of matrices), which leaves one matrix for c_0 that depends on the eigenvalue. Behind the top, where
the potential has fallen by `fall` kT, the slope fades out and a sink takes whoever comes.

`python tests/reference/klein_kramers.py` writes `klein_kramers.json` beside this file (some minutes).
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lu_factor, lu_solve

__all__ = ["EXPONENTS", "QUALITIES", "log_rate"]

EXPONENTS = 5, 10
QUALITIES = 0.3, 1, 3, 10, 30, 100
_FADING = 3.0  # thermal lengths over which the slope fades out and the sink sets in
_SINK = 4.0  # its rate, in plasma frequencies


def log_rate(exponent: float, quality: float, hermite: int, step: float = 0.2, fall: float = 8.0) -> float:
    """Return ln(Gamma/wp) at u = dU/kT and Q, with so many Hermite functions and a grid of this step."""
    top = math.sqrt(6.0 * exponent)
    reach = np.arange(-3.0 * top, 3.0 * top, 0.01)
    phi = reach**2 / 2.0 - reach**3 / (3.0 * top)
    left = reach[(reach < 0.0) & (phi > exponent + 22.0)][-1]
    right = reach[(reach > top) & (phi < exponent - fall)][0]
    x = np.arange(left, right + 2.0 * _FADING, step)
    behind = np.clip((x - right) / _FADING, 0.0, 1.0)
    behind = behind**3 * (10.0 - 15.0 * behind + 6.0 * behind**2)
    slope, sink = (x - x**2 / top) * (1.0 - behind), _SINK * behind
    places = np.arange(x.size)[:, None] - np.arange(x.size)[None, :]
    derivative = np.where(places == 0, 0.0, (-1.0) ** places / np.where(places == 0, 1, places)) / step
    down, up = derivative - np.diag(slope) / 2.0, derivative + np.diag(slope) / 2.0
    state = np.exp(-np.where(x < top, x**2 / 2.0 - x**3 / (3.0 * top), 2.0 * exponent) / 2.0)

    def remainder(value: float, vector: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the eigenvalue next to 0 of the matrix that is left for c_0, and its vector."""
        matrix = np.diag(hermite / quality + sink - value)
        for n in range(hermite - 1, -1, -1):
            matrix = np.diag(n / quality + sink - value) - (n + 1) * down @ np.linalg.solve(matrix, up)
        factors = lu_factor(matrix)
        for _ in range(3):
            vector = lu_solve(factors, vector)
            vector /= np.linalg.norm(vector)
        return float(vector @ vector / (vector @ lu_solve(factors, vector))), vector

    before, (left_over, state) = 0.0, remainder(0.0, state)
    value = left_over
    for _ in range(8):
        now, state = remainder(value, state)
        before, value, left_over = value, value - now * (value - before) / (now - left_over), now
        if abs(value - before) < 1e-8 * value:
            break
    return math.log(value)


def main() -> None:
    """Write the table; beside each value stands how it changed with half the functions and a finer grid."""
    cases = []
    for exponent in EXPONENTS:
        for quality in QUALITIES:
            hermite = 40 if quality <= 3 else 150 if quality <= 30 else 300
            coarse, fine = (log_rate(exponent, quality, n * hermite) for n in (1, 2))
            finer_grid = log_rate(exponent, quality, hermite, step=0.15, fall=10.0)
            error = abs(fine - coarse) + abs(finer_grid - coarse)
            cases.append(
                {"u": exponent, "Q": quality, "ln_Gamma_over_wp": round(fine, 6), "error": float(f"{error:.1g}")}
            )
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
