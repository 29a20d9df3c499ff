"""The blind test of the verdict in its short form; `benchmarks/bench_verdict.py` makes the whole table."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def benchmark() -> ModuleType:
    """Return the benchmark, which lies in no package."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "bench_verdict.py"
    spec = importlib.util.spec_from_file_location("bench_verdict", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BLIND = benchmark()


@pytest.mark.parametrize("truth", BLIND.TRUTHS)
def test_one_random_junction_of_each_truth_gets_the_right_verdict(truth: str) -> None:
    found = BLIND.run_one(truth, 1500, 41)
    assert found["verdict"] == BLIND.RIGHT[truth], found["sentence"]


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_random_junctions_of_every_truth_get_the_right_verdict() -> None:
    results = [
        BLIND.run_one(truth, 10_000, 100 * place + number)
        for place, truth in enumerate(BLIND.TRUTHS)
        for number in range(5)
    ]
    assert not any(map(BLIND.is_wrong, results)), BLIND.table(results)
    for found in results:
        assert found["verdict"] == BLIND.RIGHT[found["truth"]] or found["power"] is None or found["power"] < 0.9, found


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_the_stated_power_is_the_rate_at_which_few_switches_decide() -> None:
    results = [BLIND.run_one("noise in quadrature", 60, seed) for seed in range(40)]
    stated = [found["power"] for found in results if found["power"] is not None]
    decided = [found["verdict"] != "cannot be told apart" for found in results if found["power"] is not None]
    assert len(stated) > 30
    mean = sum(stated) / len(stated)
    scatter = (sum(power * (1.0 - power) for power in stated) ** 0.5 + 1.0) / len(stated)
    assert abs(sum(decided) / len(decided) - mean) < 4.0 * scatter
    assert sum(map(BLIND.is_wrong, results)) <= 2


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_a_control_decides_for_few_switches_and_never_wrongly() -> None:
    results = [
        BLIND.run_one(truth, 300, 10_000 * place + number, 0.4)
        for place, truth in enumerate(BLIND.TRUTHS)
        for number in range(6)
    ]
    assert not any(map(BLIND.is_wrong, results)), BLIND.table(results)
    decided = [found["verdict"] not in ("cannot be told apart", "not identifiable") for found in results]
    alone = [found["alone"] not in ("cannot be told apart", "not identifiable") for found in results]
    assert sum(decided) > sum(alone)
    assert sum(decided) >= 0.9 * len(decided), BLIND.table(results)
