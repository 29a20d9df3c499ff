"""The blind test of the verdict in its short form; `benchmarks/bench_verdict.py` makes the whole table."""

from __future__ import annotations

import pytest

from benchmarks.bench_verdict import RIGHT, TRUTHS, is_wrong, run_one, table


@pytest.mark.parametrize("truth", TRUTHS)
def test_one_random_junction_of_each_truth_gets_the_right_verdict(truth: str) -> None:
    found = run_one(truth, 1500, 41)
    assert found["verdict"] == RIGHT[truth], found["sentence"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_random_junctions_of_every_truth_get_the_right_verdict() -> None:
    results = [
        run_one(truth, 10_000, 100 * place + number) for place, truth in enumerate(TRUTHS) for number in range(5)
    ]
    assert not any(map(is_wrong, results)), table(results)
    for found in results:
        assert found["verdict"] == RIGHT[found["truth"]] or found["power"] is None or found["power"] < 0.9, found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_stated_power_is_the_rate_at_which_few_switches_decide() -> None:
    results = [run_one("noise in quadrature", 60, seed) for seed in range(40)]
    stated = [found["power"] for found in results if found["power"] is not None]
    decided = [found["verdict"] != "cannot be told apart" for found in results if found["power"] is not None]
    assert len(stated) > 30
    mean = sum(stated) / len(stated)
    scatter = (sum(power * (1.0 - power) for power in stated) ** 0.5 + 1.0) / len(stated)
    assert abs(sum(decided) / len(decided) - mean) < 4.0 * scatter
    assert sum(map(is_wrong, results)) <= 2
