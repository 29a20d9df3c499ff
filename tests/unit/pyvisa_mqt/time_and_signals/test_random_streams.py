from __future__ import annotations

import numpy as np
from pyvisa_mqt.time_and_signals.random_streams import Stream, generator
from scipy import stats


def test_numbers_do_not_depend_on_how_they_are_asked_for() -> None:
    at_once = Stream(3, "escape").uniform(0, 5000)
    piecemeal = Stream(3, "escape")
    parts = [piecemeal.uniform(first, min(37, 5000 - first)) for first in range(0, 5000, 37)]
    np.testing.assert_array_equal(np.concatenate(parts), at_once)
    np.testing.assert_array_equal(piecemeal.uniform(4321, 1), at_once[4321:4322])
    np.testing.assert_array_equal(Stream(3, "x").normal(100, 5), Stream(3, "x").normal(0, 200)[100:105])


def test_streams_of_other_seeds_and_purposes_are_unrelated() -> None:
    first = Stream(0, "escape").uniform(0, 20_000)
    for other in (Stream(1, "escape"), Stream(0, "noise")):
        correlation = np.corrcoef(first, other.uniform(0, 20_000))[0, 1]
        assert abs(correlation) < 4 / np.sqrt(20_000)  # 4 sigma


def test_neighbouring_numbers_are_uncorrelated() -> None:
    numbers = Stream(5, "escape").uniform(0, 20_000)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 4 / np.sqrt(20_000)  # 4 sigma


def test_distributions_are_what_they_are_called() -> None:
    stream = Stream(11, "test")
    assert stats.kstest(stream.exponential(0, 20_000), "expon").pvalue > 1e-3
    assert stats.kstest(stream.normal(0, 20_000), "norm").pvalue > 1e-3


def test_generators_repeat_for_the_same_seed_only() -> None:
    assert generator(1, "a").random() == generator(1, "a").random()
    assert generator(1, "a").random() != generator(2, "a").random()
    assert generator(1, "a").random() != generator(1, "b").random()
