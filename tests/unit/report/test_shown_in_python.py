"""Results in Python: one line, a table, plain data, xarray."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mqtctl.analysis import fit_escape_temperature, fit_histogram, fit_point, fit_sweep, fulton_dunkelberger
from mqtctl.analysis.histogram.results import PointFit
from mqtctl.analysis.sweep.results import SweepFit
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep

ESTIMATE = JunctionEstimate(2.5e-6, 1.2e-12, float("inf"))


def histogram(bath: float, point: int = 0) -> Histogram:
    law = SwitchingDistribution(Junction(2.4e-6, 1.2e-12), bath, 2e-4, model=TransitionState())
    currents = np.asarray(law.sample(200, np.random.default_rng(point)))
    ramp = MeasuredRamp(0.0, float(currents.max()), 2e-4, 0.02, 0.0)
    return Histogram(currents, currents / 2e-4, ramp, 0, bath, 0.001, point)


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    return Sweep(tuple(histogram(bath, k) for k, bath in enumerate((0.3, 0.6))), ESTIMATE)


@pytest.fixture(scope="module")
def fit(sweep: Sweep) -> SweepFit:
    return fit_sweep(sweep, power=False)


def test_a_result_is_one_line_with_errors_and_a_table_with_its_notes(fit: SweepFit) -> None:
    point = fit.points[0]
    line = repr(point)
    assert line.startswith("<PointFit: bath = 300 mK, switches = 200")
    assert "T_esc, alone = " in line
    assert "\n" not in line
    assert "(" in line.partition("T_esc, alone")[2]  # with its error
    table = PointFit(0, None, 0.3, 0.0, 5, 0, flags=("too few & <odd>",))._repr_html_()
    assert "<th style='text-align:left'>switches</th><td>5</td>" in table
    assert "<li>too few &amp; &lt;odd&gt;</li>" in table
    assert repr(fit).startswith("<SweepFit: histograms = 2, ")
    assert "not identifiable" in fit._repr_html_().lower()


def test_every_fit_has_a_line_and_plain_data_that_json_takes() -> None:
    data = histogram(0.3)
    for result in (
        fit_histogram(data, ESTIMATE),
        fit_escape_temperature(data, ESTIMATE, 2.4e-6),
        fit_point(data, ESTIMATE),
        fulton_dunkelberger(data, 10),
    ):
        assert len(repr(result)) < 600
        assert json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert "bias current = 9 values from 2." in repr(fulton_dunkelberger(data, 10))


def test_a_sweep_in_xarray_has_the_numbers_of_the_json_with_units(fit: SweepFit) -> None:
    table = fit.to_xarray()
    for key in ("temperature_K", "escape_temperature_free_K", "escape_temperature_free_stderr_K"):
        assert table[key].to_numpy().tolist() == [point[key] for point in fit.to_dict()["points"]]
    assert table["mean_switching_current_A"].attrs["units"] == "A"
    assert table.sizes == {"histogram": 2}
    assert table.attrs["escape_temperature_model"] == "TransitionState"
