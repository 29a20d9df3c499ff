from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from mqtctl.notation import Estimate
from mqtctl.report.content import Content
from mqtctl.report.histogram_figure import bin_edges, draw_histograms, histogram_height, histogram_points
from mqtctl.report.rate_figure import MOST_TEMPERATURES, draw_rates, rate_points
from mqtctl.report.style import TemperatureColors, render
from mqtctl.report.temperature_figures import (
    draw_escape_temperatures,
    draw_widths,
    guide_line,
    saturated_width,
)

DRAWINGS = {
    "histograms": draw_histograms,
    "width": draw_widths,
    "rates": draw_rates,
    "escape temperature": draw_escape_temperatures,
}
MakeContent = Callable[..., Content]


def drawn(draw: Callable[[Figure, Content], None], content: Content) -> Figure:
    """Render a drawing and return its figure as it was laid out."""
    kept: list[Figure] = []

    def keep(figure: Figure) -> None:
        draw(figure, content)
        kept.append(figure)

    render(keep, height=11.0)
    return kept[0]


@pytest.mark.shown(2)
@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS.keys())
def test_a_whole_sweep_is_legible_with_units_on_its_axes(
    draw: Callable[[Figure, Content], None], make_content: MakeContent
) -> None:
    figure = drawn(draw, make_content())
    texts = [t for t in figure.findobj(Text) if isinstance(t, Text) and t.get_text() and t.get_visible()]
    # 14 cm wide; printed at 12 cm 9.4 pt are still 8 pt
    assert min(float(t.get_fontsize()) for t in texts) >= 9.4 - 1e-9
    labels = [axes.get_xlabel() for axes in figure.axes] + [axes.get_ylabel() for axes in figure.axes]
    named = [label for label in labels if label and not label.startswith("ratio")]
    assert named
    assert all(label.endswith(")") and "(" in label for label in named), named
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 > -0.02
    assert box.y0 > -0.02
    assert box.x1 < width + 0.02
    assert box.y1 < height + 0.02


@pytest.mark.shown(2)
@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS.keys())
@pytest.mark.parametrize("temperatures", [(0.3, 0.3), tuple(np.geomspace(0.01, 1.0, 40))], ids=len)
def test_any_number_of_points_can_be_drawn(
    draw: Callable[[Figure, Content], None], temperatures: tuple[float, ...], make_content: MakeContent
) -> None:
    content = make_content(temperatures, switches=300)
    assert render(lambda figure: draw(figure, content), height=histogram_height(content)).startswith(b"\x89PNG")


@pytest.mark.shown(1)
@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS.keys())
def test_missing_numbers_are_left_out_without_a_warning(
    draw: Callable[[Figure, Content], None], bare_content: Content
) -> None:
    assert render(lambda figure: draw(figure, bare_content)).startswith(b"\x89PNG")


def test_the_png_states_its_resolution() -> None:
    png = render(lambda figure: figure.text(0.5, 0.5, "x"), width=14.0, height=7.0)
    width, height = struct.unpack(">II", png[16:24])
    start = png.index(b"pHYs") + 4
    per_metre = struct.unpack(">I", png[start : start + 4])[0]
    assert per_metre * 0.0254 >= 150
    assert width / (per_metre / 100.0) == pytest.approx(14.0, abs=0.05)  # to a pixel
    assert height / (per_metre / 100.0) == pytest.approx(7.0, abs=0.05)


def test_the_users_matplotlib_settings_neither_change_a_figure_nor_are_changed(make_content: MakeContent) -> None:
    content = make_content((0.02, 0.1, 0.3), switches=300)
    expected = render(lambda figure: draw_widths(figure, content))
    with mpl.rc_context({"text.usetex": True, "font.size": 30.0, "axes.facecolor": "black"}):
        assert render(lambda figure: draw_widths(figure, content)) == expected
        assert mpl.rcParams["font.size"] == 30.0


def test_histogram_bins_follow_the_spread_and_ignore_a_stray_switch() -> None:
    rng = np.random.default_rng(3)
    currents = 9.4e-6 - rng.gumbel(0.0, 5e-9, 10_000)
    clean, stray = bin_edges(currents), bin_edges(np.append(currents, 1e-6))
    assert 40 <= clean.size <= 121
    assert stray[-1] - stray[0] == pytest.approx(clean[-1] - clean[0], rel=1e-3)
    equal = bin_edges(np.full(100, 9.4e-6))
    assert np.all(np.diff(equal) > 0.0)
    assert equal[0] < 9.4e-6 < equal[-1]


def test_the_guide_line_has_slope_two_thirds_and_passes_the_warm_points(make_content: MakeContent) -> None:
    content = make_content()
    guide = guide_line(content)
    assert guide is not None
    slope = np.diff(np.log(guide.y)) / np.diff(np.log(guide.x))
    assert slope == pytest.approx(np.full(slope.size, 2.0 / 3.0))
    warmest = content.by_temperature[-1]
    at_warmest = float(np.exp(np.interp(np.log(warmest.temperature), np.log(guide.x), np.log(guide.y))))
    assert at_warmest == pytest.approx(warmest.std.value, rel=0.15)  # 2/3 against the data's own exponent
    assert guide_line(make_content((0.015, 0.02))) is None  # no thermal point, no guide


def test_the_saturated_width_is_the_weighted_mean_of_saturated_points_only(make_content: MakeContent) -> None:
    content = make_content((0.015, 0.02, 0.4))
    first, second, _ = (
        replace(p, results={**p.results, "std_switching_current": Estimate(v, e)})
        for p, v, e in zip(content.points, (6e-9, 9e-9, 40e-9), (1e-10, 2e-10, 1e-10), strict=True)
    )
    level = saturated_width(replace(content, points=(first, second, content.points[2])))
    assert level.value == pytest.approx((4 * 6e-9 + 9e-9) / 5)
    assert level.stderr == pytest.approx(2e-10 / 5**0.5)
    assert not saturated_width(make_content((0.4, 0.8)))


def test_too_many_temperatures_are_thinned_evenly_in_the_rate_figure(make_content: MakeContent) -> None:
    content = make_content(tuple(np.geomspace(0.01, 1.0, 40)), switches=100)
    chosen = rate_points(content)
    assert len(chosen) == MOST_TEMPERATURES
    assert chosen[0].index == 0
    assert chosen[-1].index == 39
    assert len(histogram_points(content)) == 40


def test_points_without_a_usable_bath_temperature_are_not_drawn(make_content: MakeContent) -> None:
    content = make_content((0.1, 0.2, 0.3))
    broken = replace(
        content,
        points=tuple(replace(p, temperature=t) for p, t in zip(content.points, (np.nan, 0.0, 0.3), strict=True)),
    )
    assert [p.index for p in broken.by_temperature] == [2]
    assert render(lambda figure: draw_escape_temperatures(figure, broken)).startswith(b"\x89PNG")


def test_temperatures_have_colours_from_cold_to_warm() -> None:
    colors = TemperatureColors([0.02, 0.8])
    cold, warm = colors(0.02), colors(0.8)
    assert cold[2] > cold[0]  # blue
    assert warm[0] > warm[2]  # orange
    assert colors(float("nan")) == (0.0, 0.0, 0.0, 1.0)
    assert not TemperatureColors([0.3, 0.3]).several
