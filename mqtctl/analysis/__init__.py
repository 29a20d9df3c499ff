"""From switching currents to critical current, escape temperature, crossover, and how surely it is tunnelling.

One histogram: `moments`, `fulton_dunkelberger` (for the eye), `fit_histogram` (Ic and T free),
`fit_escape_temperature` (Ic known), `fit_point` (all of it). As older papers have it: `escape_temperature_curve`,
`logarithmic_plot`, `collapse_of_rates`, `two_thirds_law`. A sweep: `fit_sweep`. Data from elsewhere:
`read`. All quantities are in SI base units; docs/analysis.md explains the statistics.
"""

from mqtctl.analysis.histogram.escape_temperature import fit_escape_temperature
from mqtctl.analysis.histogram.fit import fit_histogram
from mqtctl.analysis.histogram.fulton_dunkelberger import fulton_dunkelberger
from mqtctl.analysis.histogram.health.checks import Health, check_health
from mqtctl.analysis.histogram.moments import moments
from mqtctl.analysis.histogram.rate_plots import (
    EscapeTemperatureCurve,
    LogarithmicPlot,
    escape_temperature_curve,
    logarithmic_plot,
)
from mqtctl.analysis.histogram.results import (
    EscapeRates,
    EscapeTemperatureFit,
    GoodnessOfFit,
    HistogramFit,
    Moments,
    PointFit,
)
from mqtctl.analysis.histogram.rounding import Rounding, find_rounding
from mqtctl.analysis.histogram.single_histogram import fit_point
from mqtctl.analysis.importers import SwitchingData, SwitchingRecord, read
from mqtctl.analysis.importers.switching_values import imported_histogram, read_switching_data
from mqtctl.analysis.sweep.analysis import fit_sweep
from mqtctl.analysis.sweep.results import (
    MeasuredCrossover,
    NoiseThermometry,
    Saturation,
    SweepFit,
    TunnellingTest,
    WidthExponent,
)
from mqtctl.analysis.sweep.scaling import Collapse, TwoThirds, collapse_of_rates, two_thirds_law
from mqtctl.physics import EscapeModel

__all__ = [
    "Collapse",
    "EscapeModel",
    "EscapeRates",
    "EscapeTemperatureCurve",
    "EscapeTemperatureFit",
    "GoodnessOfFit",
    "Health",
    "HistogramFit",
    "LogarithmicPlot",
    "MeasuredCrossover",
    "Moments",
    "NoiseThermometry",
    "PointFit",
    "Rounding",
    "Saturation",
    "SweepFit",
    "SwitchingData",
    "SwitchingRecord",
    "TunnellingTest",
    "TwoThirds",
    "WidthExponent",
    "check_health",
    "collapse_of_rates",
    "escape_temperature_curve",
    "find_rounding",
    "fit_escape_temperature",
    "fit_histogram",
    "fit_point",
    "fit_sweep",
    "fulton_dunkelberger",
    "imported_histogram",
    "logarithmic_plot",
    "moments",
    "read",
    "read_switching_data",
    "two_thirds_law",
]
