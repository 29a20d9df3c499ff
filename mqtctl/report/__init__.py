"""Tables, figures and a self-contained HTML page of a sweep; see docs/report.md."""

from mqtctl.report.tables import Estimate, Scale, format_duration, format_number, format_quantity
from mqtctl.report.writer import write_histogram_report, write_report

__all__ = [
    "Estimate",
    "Scale",
    "format_duration",
    "format_number",
    "format_quantity",
    "write_histogram_report",
    "write_report",
]
