"""Tables, figures and a self-contained HTML page of a sweep; see docs/report.md."""

from mqtctl.report.rate_table import write_rates
from mqtctl.report.writer import write_histogram_report, write_report

__all__ = ["write_histogram_report", "write_rates", "write_report"]
