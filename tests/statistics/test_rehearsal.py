"""The errors and times that a rehearsal predicts are those of the runs themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqtctl.analysis import fit_sweep
from mqtctl.rehearsal import RehearsalOptions, rehearse
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

RUNS = 24


@pytest.mark.slow
def test_predicted_errors_and_times_are_those_of_24_runs(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "[100 mK]", "[15 mK, 150 mK, 500 mK]")
    laboratory.change("sample.yaml", "critical_current: 9.5 uA", "critical_current: 9.489 uA")
    plan: Path = laboratory.folder / "plan.yaml"
    predicted = rehearse(plan, RehearsalOptions(seed=100))
    free, shared, times = [], [], []
    for seed in range(RUNS):
        taken = acquire(plan, Options(output=laboratory.folder / f"run{seed}", seed=seed))
        fit = fit_sweep(load_sweep(taken.folder.database).sweep)
        free.append([point.alone.escape_temperature for point in fit.points if point.alone])
        shared.append([point.shared.escape_temperature for point in fit.points if point.shared])
        times.append(taken.lab_time)
    assert predicted.duration is not None
    assert predicted.duration == pytest.approx(np.mean(times), rel=0.02)
    precisions = [point.ramps[0].precision for point in predicted.points]
    for values, errors in (
        (free, [precision.free_stderr for precision in precisions if precision]),
        (shared, [precision.scatter for precision in precisions if precision]),
    ):
        ratios = np.std(values, axis=0, ddof=1) / np.array(errors, dtype=float)
        # 24 runs know each scatter to 15 %; over three temperatures, in part together, to 11 %
        assert np.sqrt(np.mean(ratios**2)) == pytest.approx(1.0, abs=0.3)
