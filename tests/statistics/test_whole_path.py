"""What comes out of the whole path agrees with what the bench put in.

Plan, station, VISA bytes, drivers, blocks, database and back: no shortcut. Truth comes from the
bench, which only a test may look into.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
from scipy.stats import kstest

from mqtctl.analysis import fit_histogram
from mqtctl.physics import Escape, Junction, SwitchingDistribution
from mqtctl.records import Histogram, JunctionEstimate
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

CRITICAL_CURRENT, CAPACITANCE, RESISTANCE = 9.489e-6, 6.35e-12, 190.0


@dataclass(frozen=True)
class Replica:
    histogram: Histogram
    true_temperature: float


def measure(laboratory: Any, seed: int) -> Replica:
    """Measure one histogram of 10 000 switches and note the sample's true temperature during the ramps."""
    folder: Path = laboratory.folder / f"seed{seed}"
    library: Any = pyvisa.ResourceManager(f"{laboratory.folder / 'bench.yaml'}?seed={seed}@mqt").visalib
    truth: list[float] = []

    def listen(event: object) -> None:
        if type(event).__name__ == "BlockStored":
            truth.append(library.bench.cryostat.sample)

    taken = acquire(laboratory.folder / "plan.yaml", Options(output=folder, seed=seed), notify=listen)
    (histogram,) = load_sweep(taken.folder.database).sweep.histograms
    assert len(truth) == 20
    return Replica(histogram, float(np.mean(truth)))


@pytest.fixture(scope="module")
def room_for_replicas(tmp_path_factory: pytest.TempPathFactory, build_laboratory: Callable[[Path], Any]) -> Any:
    """Return a laboratory whose plan is one histogram of 10 000 switches at 300 mK."""
    laboratory = build_laboratory(tmp_path_factory.mktemp("whole-path"))
    laboratory.change("plan.yaml", "[100 mK]", "[300 mK]")
    laboratory.change("plan.yaml", "switches: 1000", "switches: 10000")
    return laboratory


@pytest.fixture(scope="module")
def first(room_for_replicas: Any) -> list[Replica]:
    """One seed: enough to see that something is wrong, not that an error bar is too small."""
    return [measure(room_for_replicas, 0)]


@pytest.fixture(scope="module")
def replicas(room_for_replicas: Any, first: list[Replica]) -> list[Replica]:
    """Twenty seeds."""
    return first + [measure(room_for_replicas, seed) for seed in range(1, 20)]


def pulls_of(replicas: list[Replica]) -> dict[str, list[float]]:
    """Return by how many of their standard errors the fitted values are off."""
    junction = JunctionEstimate(9.5e-6, CAPACITANCE, RESISTANCE)
    fits = [fit_histogram(replica.histogram, junction, Escape()) for replica in replicas]
    return {
        "critical current": [(f.critical_current - CRITICAL_CURRENT) / f.critical_current_stderr for f in fits],
        "temperature": [
            (f.escape_temperature - replica.true_temperature) / f.escape_temperature_stderr
            for f, replica in zip(fits, replicas, strict=True)
        ],
    }


def p_values_of(replicas: list[Replica]) -> list[float]:
    """Return how well each replica's currents follow the law at the temperature that the sample had."""
    junction = Junction(CRITICAL_CURRENT, CAPACITANCE, RESISTANCE)
    laws = [SwitchingDistribution(junction, replica.true_temperature, 1e-3) for replica in replicas]
    return [
        float(kstest(law.cdf(replica.histogram.switching_currents), "uniform").pvalue)
        for law, replica in zip(laws, replicas, strict=True)
    ]


def test_what_comes_out_of_a_replica_is_what_the_bench_put_in(first: list[Replica]) -> None:
    # two pulls of unit normals, the seed fixed: one above 3 comes with 0.5 % of all seeds
    assert all(np.max(np.abs(values)) < 3.0 for values in pulls_of(first).values())
    # the p-value lies below this with 0.3 % of all seeds
    assert min(p_values_of(first)) > 3e-3


@pytest.mark.slow
def test_pulls_of_critical_current_and_temperature_are_standard_normal(replicas: list[Replica]) -> None:
    for name, values in pulls_of(replicas).items():
        # 20 replicas: the mean pull has a standard error of 0.22, the width one of 0.16
        assert abs(np.mean(values)) < 0.7, (name, values)
        assert 0.7 < np.std(values, ddof=1) < 1.3, (name, values)


@pytest.mark.slow
def test_stored_currents_follow_the_switching_distribution_at_the_true_temperature(replicas: list[Replica]) -> None:
    p_values = p_values_of(replicas)
    # uniform p-values: 20 of them fail this test themselves once in a thousand sets of seeds
    assert kstest(p_values, "uniform").pvalue > 1e-3, p_values


@pytest.mark.slow
def test_replicas_of_different_seeds_differ_and_of_the_same_seed_do_not(
    replicas: list[Replica], tmp_path: Path, room_for_replicas: Any
) -> None:
    firsts = {replica.histogram.switching_currents[0] for replica in replicas}
    assert len(firsts) == len(replicas)
    elsewhere = tmp_path / "lab"
    shutil.copytree(room_for_replicas.folder, elsewhere, ignore=shutil.ignore_patterns("seed*"))
    again = measure(replace(room_for_replicas, folder=elsewhere), 2)
    np.testing.assert_array_equal(again.histogram.intervals, replicas[2].histogram.intervals)
