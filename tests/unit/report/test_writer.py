from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest

from mqtctl.analysis.sweep.analysis import fit_sweep
from mqtctl.analysis.sweep.results import SweepFit
from mqtctl.errors import StorageError
from mqtctl.physics import Escape, Junction, SwitchingDistribution
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep
from mqtctl.report import style, write_histogram_report, write_report
from mqtctl.report.content import Content
from mqtctl.report.curves import escape_temperature_of_rate, law_curves, theory_curves
from mqtctl.report.gather import gather

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
ESTIMATE = JunctionEstimate(9.5e-6, 6.35e-12, 190.0, 0.1e-12)
RAMP = MeasuredRamp(start_current=8.0e-6, stop_current=9.6e-6, rate=1e-3, period=2e-3, delay=0.0)
BATH = (0.012, 0.015, 0.04, 0.1, 0.2, 0.4)


def histogram(point: int, temperature: float, switches: int, censored: int = 0) -> Histogram:
    """Return a histogram drawn from the escape model at this bath temperature in K."""
    law = SwitchingDistribution(JUNCTION, temperature, RAMP.rate, Escape(), RAMP.start_current)
    currents = law.sample(switches, np.random.default_rng(10 + point))
    intervals = (currents - RAMP.start_current) / RAMP.rate
    return Histogram(currents, intervals, RAMP, censored, temperature, 0.002 * temperature, point, point + 1)


@pytest.fixture(autouse=True)
def coarse_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Render quickly where the pictures themselves are not looked at; the slow test times the real thing."""
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(style, "RESOLUTION", 50)


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    """Return a small sweep across the crossover."""
    histograms = tuple(histogram(k, t, 1500) for k, t in enumerate(BATH))
    return Sweep(histograms, ESTIMATE, "Junction <7>")


@pytest.fixture(scope="module")
def fit(sweep: Sweep) -> SweepFit:
    """Return its analysis."""
    return fit_sweep(sweep)


@pytest.fixture(scope="module")
def content(sweep: Sweep, fit: SweepFit) -> Content:
    """Return what its report shows."""
    return gather(sweep, fit)


def test_a_fitted_sweep_makes_a_page_with_four_figures(sweep: Sweep, fit: SweepFit, tmp_path: Path) -> None:
    path = write_report(sweep, fit, tmp_path / "new" / "folder", {"sample": "JJ-7", "lab_time_s": 29520.0})
    assert path == tmp_path / "new" / "folder" / "report.html"
    text = path.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 4
    assert "<title>Junction &lt;7&gt;</title>" in text
    assert "8 h 12 min" in text
    figures = sorted(p.name for p in (path.parent / "figures").iterdir())
    assert figures == ["escape_rate.png", "escape_temperature.png", "histograms.png", "width.png"]
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in (path.parent / "figures").iterdir())


def test_the_numbers_in_the_report_are_those_of_the_fit(fit: SweepFit, content: Content) -> None:
    assert content.results["critical_current"].value == fit.critical_current
    assert fit.saturation is not None
    assert content.results["saturation_escape_temperature"].value == fit.saturation.escape_temperature
    for point, found in zip(content.points, fit.points, strict=True):
        assert found.shared is not None
        assert found.alone is not None
        assert point.results["escape_temperature"].value == found.shared.escape_temperature
        assert point.results["escape_temperature_free"].value == found.alone.escape_temperature
        assert point.results["critical_current_free"].value == found.alone.critical_current
        assert found.moments is not None
        assert point.results["mean_switching_current"].value == found.moments.mean


def test_drawn_densities_are_normalised_and_rates_follow_the_law(content: Content) -> None:
    for point in content.points:
        assert point.density is not None
        assert point.rates is not None
        assert point.fitted_rate is not None
        area = float(np.trapezoid(point.density.y, point.density.x))
        assert area == pytest.approx(1.0, abs=2e-3)  # all but the tails beyond the drawn range
        law = np.exp(np.interp(point.rates.bias_current, point.fitted_rate.x, np.log(point.fitted_rate.y)))
        inside = (point.rates.rate_low < 1.1 * law) & (point.rates.rate_high > 0.9 * law)
        # one-sigma intervals hold 68 %, the wide bins of 1500 switches shift some by a tenth
        assert inside.mean() > 0.6


def test_the_theory_curves_meet_the_published_junction(content: Content) -> None:
    theory = content.theory
    assert theory is not None
    # T = 0: 36.07 mK and 6.245 nA; Ic is fitted here, hence 2 %
    assert theory.escape_temperature.y[0] == pytest.approx(36.07e-3, rel=0.02)
    assert theory.width.y[0] == pytest.approx(6.245e-9, rel=0.02)
    warmest = theory.escape_temperature.y[-1] / theory.escape_temperature.x[-1]
    assert warmest == pytest.approx(0.96, abs=0.01)  # a_t = 1 names a lower temperature than a depleted well has
    assert set(BATH) <= set(theory.width.x.tolist())


def test_a_ramp_from_beyond_the_negative_critical_current_has_curves_too() -> None:
    currents = histogram(0, 0.3, 500).switching_currents
    bipolar = MeasuredRamp(-1e-5, 1e-5, RAMP.rate, 0.1, 0.0)
    expected, _ = law_curves(currents, (9.489e-6, 0.3), ESTIMATE, RAMP)
    density, _ = law_curves(currents, (9.489e-6, 0.3), ESTIMATE, bipolar)
    # 8 uA against 0: what escapes in between at 300 mK is below 1e-9
    assert density.y == pytest.approx(expected.y, rel=1e-6)
    assert np.all(np.isfinite(theory_curves(9.489e-6, ESTIMATE, bipolar, [0.3]).width.y))


def test_the_escape_temperature_of_a_rate_inverts_the_law() -> None:
    current = 9.40170e-6
    attempts = float(JUNCTION.plasma_frequency(current)) / (2.0 * np.pi)
    rate = attempts * float(np.exp(-JUNCTION.barrier(current) / (1.380649e-23 * 0.05)))
    assert escape_temperature_of_rate(JUNCTION, current, rate) == pytest.approx(0.05, rel=1e-9)
    assert np.isnan(escape_temperature_of_rate(JUNCTION, current, 2.0 * attempts))
    assert np.isnan(escape_temperature_of_rate(JUNCTION, current, 0.0))


def test_a_sweep_without_a_fit_still_shows_its_data(sweep: Sweep, tmp_path: Path) -> None:
    text = write_report(Sweep(sweep.histograms[-2:], ESTIMATE), None, tmp_path, {}).read_text(encoding="utf-8")
    assert "No analysis was made" in text
    assert text.count("data:image/png;base64,") == 3  # no escape temperatures
    assert "not identifiable" not in text


def test_a_single_histogram_has_its_own_report(tmp_path: Path) -> None:
    single = histogram(0, 0.3, 800, censored=2)
    fitted = fit_sweep(Sweep((single,), ESTIMATE, "One"))
    path = write_histogram_report(single, ESTIMATE, tmp_path, {"seed": 3}, title="One", fit=fitted)
    text = path.read_text(encoding="utf-8")
    assert "1 bath temperature, 800 switches" in text
    assert "not identifiable" in text  # one temperature has neither saturation nor crossover
    assert fitted.points[0].alone is not None


@pytest.mark.shown(2)
@pytest.mark.parametrize(
    "currents",
    [np.empty(0), np.array([9.4e-6]), np.full(50, 9.4e-6), np.array([9.4e-6, 9.41e-6, np.nan] * 5)],
    ids=["empty", "one switch", "all equal", "not finite"],
)
def test_a_histogram_that_says_nothing_is_reported_as_it_is(currents: np.ndarray, tmp_path: Path) -> None:
    poor = Histogram(currents, currents, RAMP, 7, 0.1)
    text = write_report(Sweep((poor,), ESTIMATE), None, tmp_path, {}).read_text(encoding="utf-8")
    assert "<td>7</td>" in text


@pytest.mark.slow
def test_a_poor_histogram_does_not_spoil_the_others(tmp_path: Path) -> None:
    poor = Histogram(np.empty(0), np.empty(0), RAMP, 7, 0.1, point=0)
    mixed = Sweep((poor, histogram(1, 0.2, 500), histogram(2, 0.4, 500)), ESTIMATE)
    text = write_report(mixed, fit_sweep(mixed), tmp_path, {}).read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 4
    assert "* Point 0:" in text


def test_an_empty_sweep_is_a_report_without_figures(tmp_path: Path) -> None:
    text = write_report(Sweep((), ESTIMATE, "Nothing yet"), None, tmp_path, {}).read_text(encoding="utf-8")
    assert "data:image" not in text
    assert "0 bath temperatures, 0 switches" in text


def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(sweep: Sweep, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageError, match=re.escape(str(blocked))):
        write_report(sweep, None, blocked, {})
    assert blocked.read_text(encoding="utf-8") == "in the way"


@pytest.mark.slow
def test_an_older_report_is_replaced_byte_for_byte_by_the_same_one(sweep: Sweep, tmp_path: Path) -> None:
    small = Sweep(sweep.histograms[:1], ESTIMATE)
    (tmp_path / "report.html").write_text("old", encoding="utf-8")
    first = write_report(small, None, tmp_path, {}).read_bytes()
    assert not first.startswith(b"old")
    assert write_report(small, None, tmp_path, {}).read_bytes() == first
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.slow
def test_a_report_of_fourteen_large_histograms_takes_at_most_four_seconds(tmp_path: Path) -> None:
    histograms = tuple(histogram(k, t, 10_000) for k, t in enumerate(np.geomspace(0.015, 0.8, 14)))
    large = Sweep(histograms, ESTIMATE)
    fitted = fit_sweep(large)
    begin = time.process_time()
    write_report(large, fitted, tmp_path, {})
    assert time.process_time() - begin < 4.0
