"""What comes out of the whole path agrees with what the bench put in.

Plan, station, VISA bytes, drivers, blocks, database and back: no shortcut. Truth comes from the
bench, which only a test may look into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
def replicas(tmp_path_factory: pytest.TempPathFactory, build_laboratory: Callable[[Path], Any]) -> list[Replica]:
    """Twenty seeds at 300 mK."""
    laboratory = build_laboratory(tmp_path_factory.mktemp("whole-path"))
    laboratory.change("plan.yaml", "[100 mK]", "[300 mK]")
    laboratory.change("plan.yaml", "switches: 1000", "switches: 10000")
    return [measure(laboratory, seed) for seed in range(20)]


def test_pulls_of_critical_current_and_temperature_are_standard_normal(replicas: list[Replica]) -> None:
    junction = JunctionEstimate(9.5e-6, CAPACITANCE, RESISTANCE)
    fits = [fit_histogram(replica.histogram, junction, Escape()) for replica in replicas]
    pulls = {
        "critical current": [(f.critical_current - CRITICAL_CURRENT) / f.critical_current_stderr for f in fits],
        "temperature": [
            (f.escape_temperature - replica.true_temperature) / f.escape_temperature_stderr
            for f, replica in zip(fits, replicas, strict=True)
        ],
    }
    for name, values in pulls.items():
        # 20 replicas: the mean pull has a standard error of 0.22, the width one of 0.16
        assert abs(np.mean(values)) < 0.7, (name, values)
        assert 0.7 < np.std(values, ddof=1) < 1.3, (name, values)


def test_stored_currents_follow_the_switching_distribution_at_the_true_temperature(replicas: list[Replica]) -> None:
    junction = Junction(CRITICAL_CURRENT, CAPACITANCE, RESISTANCE)
    p_values = []
    for replica in replicas:
        law = SwitchingDistribution(junction, replica.true_temperature, 1e-3)
        p_values.append(kstest(law.cdf(replica.histogram.switching_currents), "uniform").pvalue)
    # uniform p-values: 20 of them fail this test themselves once in a thousand sets of seeds
    assert kstest(p_values, "uniform").pvalue > 1e-3, p_values


def test_replicas_of_different_seeds_differ_and_of_the_same_seed_do_not(
    replicas: list[Replica], tmp_path: Path, build_laboratory: Callable[[Path], Any]
) -> None:
    firsts = {replica.histogram.switching_currents[0] for replica in replicas}
    assert len(firsts) == len(replicas)
    laboratory = build_laboratory(tmp_path)
    laboratory.change("plan.yaml", "[100 mK]", "[300 mK]")
    laboratory.change("plan.yaml", "switches: 1000", "switches: 10000")
    again = measure(laboratory, 3)
    np.testing.assert_array_equal(again.histogram.intervals, replicas[3].histogram.intervals)
