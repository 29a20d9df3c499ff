"""From switching currents to critical current, escape temperature, crossover, and how surely it is tunnelling.

One histogram: `moments`, `fulton_dunkelberger` (for the eye), `fit_histogram` (Ic and T free),
`fit_escape_temperature` (Ic known), `fit_point` (all of it). A sweep: `fit_sweep`. Data from elsewhere:
`read_switching_data`. All quantities are in SI base units; docs/analysis.md explains the statistics.
"""

from mqtctl.analysis.escape_temperature import fit_escape_temperature
from mqtctl.analysis.fit import fit_histogram
from mqtctl.analysis.fulton_dunkelberger import fulton_dunkelberger
from mqtctl.analysis.health import Health, check_health
from mqtctl.analysis.importers import SwitchingData, imported_histogram, read_switching_data
from mqtctl.analysis.likelihood import EscapeModel
from mqtctl.analysis.moments import moments
from mqtctl.analysis.point import fit_point
from mqtctl.analysis.results import (
    EscapeRates,
    EscapeTemperatureFit,
    GoodnessOfFit,
    HistogramFit,
    MeasuredCrossover,
    Moments,
    NoiseThermometry,
    PointFit,
    Saturation,
    SweepFit,
    TunnellingTest,
    WidthExponent,
)
from mqtctl.analysis.rounding import Rounding, find_rounding
from mqtctl.analysis.sweep import fit_sweep

__all__ = [
    "EscapeModel",
    "EscapeRates",
    "EscapeTemperatureFit",
    "GoodnessOfFit",
    "Health",
    "HistogramFit",
    "MeasuredCrossover",
    "Moments",
    "NoiseThermometry",
    "PointFit",
    "Rounding",
    "Saturation",
    "SweepFit",
    "SwitchingData",
    "TunnellingTest",
    "WidthExponent",
    "check_health",
    "find_rounding",
    "fit_escape_temperature",
    "fit_histogram",
    "fit_point",
    "fit_sweep",
    "fulton_dunkelberger",
    "imported_histogram",
    "moments",
    "read_switching_data",
]
