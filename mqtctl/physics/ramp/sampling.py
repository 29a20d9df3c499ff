"""Fast sampling of a distribution that is known as current against integrated hazard.

The integrated hazard at the switch is exponentially distributed, so a sample is a current looked up at an
exponential draw. The table is indexed by the leading bits of the draw's own floating-point number, its
exponent and 7 bits of mantissa: a grid that is uniform within octaves, found without a logarithm or a search.
Between its points the current is linear in the draw (error about 1e-5 of the width); cells in which that is not good
enough, such as the one where survivors begin, are solved exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["QuantileTable"]

FloatArray = NDArray[np.float64]

_MANTISSA_BITS = 7
_SHIFT = 52 - _MANTISSA_BITS
_LOWEST, _HIGHEST = -44, 6  # octaves: draws below 2^-44 or above 2^6 have probability < 1e-13
_CHUNK = 32768


@dataclass(frozen=True)
class QuantileTable:
    """Piecewise linear inverse of the integrated hazard.

    Attributes
    ----------
    base, slope
        Current in A at zero draw and its slope per unit draw, in each cell, shape (n_cell,).
    first
        Leading bits of the first cell.
    exact
        Cells that are not linear enough, shape (n_cell,).
    solve
        Exact inverse for those, from draws (n,) to currents (n,) in A.
    """

    base: FloatArray
    slope: FloatArray
    first: int
    exact: NDArray[np.bool_]
    solve: Callable[[FloatArray], FloatArray]

    @classmethod
    def build(cls, solve: Callable[[FloatArray], FloatArray], support: FloatArray) -> QuantileTable:
        """Tabulate `solve`; `support` holds values of the hazard that the panels resolve, used only for its range.

        A cell is exact-solved where the current at its middle is off the chord by more than 1e-4 of the
        distribution's interquartile range and its probability is above 1e-12.
        """
        first = (1023 + _LOWEST) << _MANTISSA_BITS
        bits = (np.arange((_HIGHEST - _LOWEST) << _MANTISSA_BITS, dtype=np.int64) + first) << _SHIFT
        edges = np.append(bits.view(np.float64), 2.0**_HIGHEST)
        middle = 0.5 * (edges[1:] + edges[:-1])
        both = solve(np.concatenate([edges, middle, [0.28768207245178096, 1.3862943611198906]]))
        current, centre = both[: len(edges)], both[len(edges) : -2]
        slope = np.diff(current) / np.diff(edges)
        base = current[:-1] - slope * edges[:-1]
        bend = np.abs(centre - 0.5 * (current[1:] + current[:-1]))
        probability = np.exp(-edges[:-1]) * -np.expm1(-np.diff(edges))
        width = abs(both[-1] - both[-2])
        # in the far lower tail the cell is a power of two from the next: judge by the local scale there
        allowed = 1e-4 * np.maximum(width, 10.0 * np.abs(np.diff(current)))
        edge_of_support = (edges[:-1] <= support[-1]) & (support[-1] < edges[1:])
        exact = ((bend > allowed) | edge_of_support) & (probability > 1e-12)
        return cls(base, slope, first, np.asarray(exact), solve)

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Return n samples in A; works in chunks, so memory is the result plus 1 MB."""
        result = np.empty(n)
        index = np.empty(_CHUNK, dtype=np.int64)
        scratch = np.empty(_CHUNK)
        any_exact = bool(self.exact.any())
        for begin in range(0, n, _CHUNK):
            out = result[begin : begin + _CHUNK]
            size = len(out)
            cell, work = index[:size], scratch[:size]
            rng.standard_exponential(out=out)
            np.right_shift(out.view(np.int64), _SHIFT, out=cell)
            np.subtract(cell, self.first, out=cell)
            draws = out.copy() if any_exact else out
            np.take(self.slope, cell, out=work, mode="clip")
            np.multiply(out, work, out=out)
            np.take(self.base, cell, out=work, mode="clip")
            np.add(out, work, out=out)
            if any_exact:
                chosen = np.flatnonzero(np.take(self.exact, cell, mode="clip"))
                if len(chosen):
                    out[chosen] = self.solve(draws[chosen])
        return result
