"""Write the report: four figures as PNG, and everything in one HTML file; figures and table in other formats, too.

Use `write_report` for a sweep and `write_histogram_report` for one histogram alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mqtctl.analysis.sweep.results import SweepFit
from mqtctl.errors import StorageError
from mqtctl.records import Histogram, JunctionEstimate, Sweep
from mqtctl.report import captions
from mqtctl.report.content import Content
from mqtctl.report.gather import gather
from mqtctl.report.histogram_figure import draw_histograms, histogram_height, histogram_points
from mqtctl.report.html import Picture, page, simulated_mark
from mqtctl.report.rate_figure import draw_rates, rate_points
from mqtctl.report.style import render
from mqtctl.report.table_files import csv_table, netcdf_table
from mqtctl.report.temperature_figures import draw_escape_temperatures, draw_widths
from mqtctl.whole_files import write_whole

__all__ = ["FORMATS", "write_content", "write_histogram_report", "write_report"]

#: What may be written besides: the figures as PDF or SVG, the table of all histograms as CSV or netCDF.
FORMATS = ("pdf", "svg", "csv", "netcdf")


def write_report(
    sweep: Sweep,
    fit: SweepFit | None,
    directory: Path,
    facts: Mapping[str, Any],
    *,
    besides: Mapping[str, Any] | None = None,
    state: str = "",
    formats: Collection[str] = (),
) -> Path:
    """Write ``report.html`` and ``figures/*.png`` into `directory` and return the HTML file's path.

    Parameters
    ----------
    sweep
        The histograms; any number of points, with any number of switches.
    fit
        Its analysis, or None: the report then shows the data and says that no fit was made.
    directory
        Made where it does not exist; an older report in it is replaced.
    facts
        Provenance to print: sample, station, plan hash, versions, seeds, times and whatever else.
        Keys that end in a unit (`lab_time_s`) hold numbers in that unit. What is `simulated` is marked so on every
        figure and above everything else.
    besides
        What was measured besides the histograms, in the same form.
    state
        What is to be known before anything else: that the measurement still runs, or how it ended.
    formats
        Of `FORMATS`: ``figures/*.pdf``, ``figures/*.svg``, ``table.csv``, ``table.nc`` besides.

    Raises
    ------
    StorageError
        If a file cannot be written.
    """
    content = gather(sweep, fit)
    target = write_content(content, directory, facts, besides=besides or {}, state=state, formats=formats)
    if fit is not None:
        with _writing(directory):
            for name, file, table in (("csv", "table.csv", csv_table), ("netcdf", "table.nc", netcdf_table)):
                if name in formats:
                    write_whole(directory / file, table(fit))
    return target


def write_histogram_report(
    histogram: Histogram,
    junction: JunctionEstimate,
    directory: Path,
    facts: Mapping[str, Any],
    title: str = "",
    fit: SweepFit | None = None,
) -> Path:
    """Write the report of one histogram; see `write_report`, of which it is the case of one point."""
    return write_report(Sweep((histogram,), junction, title), fit, directory, facts)


def write_content(
    content: Content,
    directory: Path,
    facts: Mapping[str, Any],
    *,
    besides: Mapping[str, Any] | None = None,
    state: str = "",
    formats: Collection[str] = (),
) -> Path:
    """Render and write what `gather` collected; see `write_report`."""
    target = directory / "report.html"
    with _writing(directory):
        # first, so that a folder that cannot be used costs no drawing
        (directory / "figures").mkdir(parents=True, exist_ok=True)
        pictures = _pictures(content, simulated_mark(facts), formats)
        for picture in pictures:
            for kind, drawn in {"png": picture.png, **picture.others}.items():
                write_whole(directory / "figures" / f"{picture.name}.{kind}", drawn)
        text = page(content, pictures, facts, besides or {}, state)
        write_whole(target, text.encode("utf-8", errors="replace"))
    return target


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    """Turn what the disk refuses into one sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"the report cannot be written to {directory} ({reason}): choose a folder that can be written to"
        raise StorageError(message) from error


def _pictures(content: Content, mark: str, formats: Collection[str]) -> list[Picture]:
    """Draw every figure for which there are data, with a mark across it if it needs one."""
    pictures = []
    kinds = [kind for kind in ("pdf", "svg") if kind in formats]

    def add(name: str, heading: str, caption: str, draw: Callable[[Figure, Content], None], height: float) -> None:
        png = render(lambda figure: draw(figure, content), height=height, mark=mark)
        others = {
            kind: render(lambda figure: draw(figure, content), height=height, mark=mark, kind=kind) for kind in kinds
        }
        pictures.append(Picture(name, heading, caption, png, others))

    if histogram_points(content):
        caption = captions.histogram_caption(content)
        add("histograms", "Switching histograms", caption, draw_histograms, histogram_height(content))
    if any(p.std for p in content.by_temperature):
        caption = captions.width_caption(content)
        add("width", "Width against bath temperature", caption, draw_widths, 10.8)
    if rate_points(content):
        add("escape_rate", "Escape rate", captions.rate_caption(content), draw_rates, 9.6)
    if any(p.results["escape_temperature"] or p.results["escape_temperature_free"] for p in content.by_temperature):
        caption = captions.escape_temperature_caption(content)
        add("escape_temperature", "Escape temperature", caption, draw_escape_temperatures, 11.2)
    return pictures
