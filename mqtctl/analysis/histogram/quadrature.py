"""Quadratures of the likelihoods: Chebyshev nodes with their integrals, and graded Gauss-Legendre panels."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray

__all__ = ["chebyshev_nodes", "graded_panels", "integration_matrix", "to_coefficients"]


def graded_panels(
    near: float, far: float, scale: float, degree: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Gauss-Legendre nodes and weights from `near` to `far`, in panels that double away from `near`."""
    length = abs(far - near)
    if length == 0.0 or not math.isfinite(length):
        return np.empty(0), np.empty(0)
    doublings = math.ceil(math.log2(1.0 + length / scale))
    edge = np.minimum(scale * (2.0 ** np.arange(doublings + 1) - 1.0), length)
    edge[-1] = length
    node, weight = leggauss(degree)
    half = 0.5 * np.diff(edge)
    distance = edge[:-1, np.newaxis] + half[:, np.newaxis] * (1.0 + node)
    return near + math.copysign(1.0, far - near) * distance.ravel(), (half[:, np.newaxis] * weight).ravel()


@lru_cache(maxsize=8)
def chebyshev_nodes(order: int) -> NDArray[np.float64]:
    """Return the Chebyshev nodes of the first kind on [-1, 1], ascending."""
    nodes = -np.cos(np.pi * (np.arange(order) + 0.5) / order)
    nodes.flags.writeable = False
    return nodes


@lru_cache(maxsize=8)
def to_coefficients(order: int) -> NDArray[np.float64]:
    """Return the matrix from values on the nodes to Chebyshev coefficients."""
    matrix = chebyshev.chebvander(chebyshev_nodes(order), order - 1).T * (2.0 / order)
    matrix[0] *= 0.5
    return np.asarray(matrix)


@lru_cache(maxsize=8)
def integration_matrix(order: int, to_end: bool = False) -> NDArray[np.float64]:
    """Return the matrix from values on the nodes to their integrals from -1 to each node (or, one row, to +1)."""
    antiderivative = chebyshev.chebint(to_coefficients(order), lbnd=-1, axis=0)
    if to_end:
        return np.asarray(antiderivative.sum(axis=0, keepdims=True))  # every T_j(1) is 1
    return np.asarray(chebyshev.chebvander(chebyshev_nodes(order), order) @ antiderivative)
