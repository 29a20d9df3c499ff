"""Tables, figures and a self-contained HTML page of a sweep; see docs/report.md. `plot_...` are single plots."""

from mqtctl.report.plots import plot_escape_temperatures, plot_histograms, plot_rates
from mqtctl.report.rate_table import write_rates
from mqtctl.report.writer import FORMATS, write_histogram_report, write_report

__all__ = [
    "FORMATS",
    "plot_escape_temperatures",
    "plot_histograms",
    "plot_rates",
    "write_histogram_report",
    "write_rates",
    "write_report",
]
