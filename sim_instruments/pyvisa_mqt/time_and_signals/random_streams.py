"""Random numbers that depend on what they are for and on their index, and on nothing else.

A sequential generator gives other numbers to ramp 1000 if somebody polled in between or the
ramps were drawn in other chunks. Here the n-th number of a stream is a pure function of
(seed, purpose, n): the Philox counter is the index (Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", SC11, section 3).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

__all__ = ["Stream", "generator"]

_BLOCK = 1024


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Return an ordinary generator of its own for one purpose, reproducible from the bench's seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(crc32(purpose.encode()),)))


class Stream:
    """Uniform random numbers in [0, 1), addressed by index.

    Parameters
    ----------
    seed
        The bench's seed, a non-negative integer.
    purpose
        What the numbers are for; streams of different purposes are independent.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        self._key = generator(seed, purpose).integers(0, 2**63, size=2, dtype=np.uint64)
        self._block = lru_cache(maxsize=4)(self._make_block)
        self._normals = lru_cache(maxsize=4)(self._make_normals)

    def _make_block(self, index: int) -> NDArray[np.float64]:
        """Return the numbers index * _BLOCK .. (index + 1) * _BLOCK - 1."""
        # The block's index goes into the counter's second word: blocks can never overlap.
        counter = np.array([0, index, 0, 0], dtype=np.uint64)
        numbers = np.random.Generator(np.random.Philox(key=self._key, counter=counter)).random(_BLOCK)
        numbers.setflags(write=False)
        return numbers

    def uniform(self, first: int, count: int) -> NDArray[np.float64]:
        """Return numbers first .. first + count - 1, shape (count,), read-only or a copy."""
        return _span(self._block, _BLOCK, first, count)

    def exponential(self, first: int, count: int) -> NDArray[np.float64]:
        """Return unit exponentials, -ln(1 - u) of `uniform`, shape (count,)."""
        return -np.log1p(-self.uniform(first, count))

    def normal(self, first: int, count: int) -> NDArray[np.float64]:
        """Return standard normal numbers, shape (count,), read-only or a copy."""
        return _span(self._normals, _BLOCK // 2, first, count)

    def _make_normals(self, index: int) -> NDArray[np.float64]:
        """Return the normal numbers of a block, by the Box-Muller transform of two uniforms each."""
        pairs = self._block(index).reshape(-1, 2)
        radius = np.sqrt(-2.0 * np.log1p(-pairs[:, 0]))
        numbers = np.asarray(radius * np.cos(2.0 * np.pi * pairs[:, 1]), dtype=np.float64)
        numbers.setflags(write=False)
        return numbers


def _span(block: Callable[[int], NDArray[np.float64]], length: int, first: int, count: int) -> NDArray[np.float64]:
    """Return numbers first .. first + count - 1 of those that come in blocks of a length."""
    index, offset = divmod(first, length)
    if offset + count <= length:
        return block(index)[offset : offset + count]
    joined = np.concatenate([block(b) for b in range(index, (first + count - 1) // length + 1)])
    return joined[offset : offset + count]
