"""Single plots for notebooks, and the report's figures and table in other formats."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from mqtctl.analysis import fit_point, fit_sweep
from mqtctl.analysis.sweep.results import SweepFit
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep
from mqtctl.report import plot_escape_temperatures, plot_histograms, plot_rates, style, write_report

ESTIMATE = JunctionEstimate(2.5e-6, 1.2e-12, float("inf"))


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    found = []
    for point, bath in enumerate((0.3, 0.6)):
        law = SwitchingDistribution(Junction(2.4e-6, 1.2e-12), bath, 2e-4, model=TransitionState())
        currents = np.asarray(law.sample(200, np.random.default_rng(point)))
        ramp = MeasuredRamp(0.0, float(currents.max()), 2e-4, 0.02, 0.0)
        found.append(Histogram(currents, currents / 2e-4, ramp, 0, bath, 0.001, point))
    return Sweep(tuple(found), ESTIMATE, "B7")


@pytest.fixture(scope="module")
def fit(sweep: Sweep) -> SweepFit:
    return fit_sweep(sweep, power=False)


def test_plots_return_the_axes_that_they_drew_into_in_the_scale_of_the_data(sweep: Sweep, fit: SweepFit) -> None:
    axes: list[Axes] = list(Figure().subplots(1, 3))
    assert plot_histograms(sweep, fit, axes[0]) is axes[0]
    assert axes[0].get_xlabel() == "Switching current (µA)"
    assert len(axes[0].lines) == 2  # the law of each
    stairs = [patch for patch in axes[0].patches if isinstance(patch, StepPatch)]
    area = []
    for one in stairs:
        values, edges, _ = one.get_data()
        area.append(float(np.sum(values * np.diff(edges))))
    np.testing.assert_allclose(area, 1.0, atol=1e-9)
    assert plot_rates(sweep, fit, axes[1]).get_yscale() == "log"
    plot_escape_temperatures(fit, axes[2])
    assert "bath temperature" in axes[2].get_legend_handles_labels()[1]


def test_one_histogram_with_its_own_fit_is_plotted_into_a_new_figure(sweep: Sweep) -> None:
    from matplotlib import pyplot

    mpl.use("agg")
    one = Sweep(sweep.histograms[:1], sweep.junction)
    axes = plot_rates(one, fit_point(one.histograms[0], one.junction))
    assert len(axes.lines) > 1
    pyplot.close("all")


def test_the_report_has_figures_and_table_in_the_formats_that_were_asked_for(
    sweep: Sweep, fit: SweepFit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "RESOLUTION", 30)
    write_report(sweep, fit, tmp_path, {}, formats=("pdf", "svg", "csv", "netcdf"))
    for png in (tmp_path / "figures").glob("*.png"):
        assert png.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        assert b"<svg" in png.with_suffix(".svg").read_bytes()
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = xarray.load_dataset(tmp_path / "table.nc", engine="h5netcdf")
    expected = [point["escape_temperature_free_K"] for point in fit.to_dict()["points"]]
    assert [float(row["escape_temperature_free_K"]) for row in rows] == expected
    assert table["escape_temperature_free_K"].to_numpy().tolist() == expected
    assert table.attrs["title"] == "B7"
    write_report(sweep, fit, tmp_path / "plain", {})
    assert {path.suffix for path in (tmp_path / "plain").rglob("*.*")} == {".html", ".png"}
