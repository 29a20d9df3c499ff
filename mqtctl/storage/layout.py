"""Names under which things stand in the database; the one place where writer and reader agree.

`interval` and `switching_current` are arrays without set points, one pair per block and equally
long, so that `load_by_id(n).to_xarray_dataset()` gives them along one `index`. An interval that
is not a switch on the rise (the ramp had passed its top) has the current NaN. What belongs to a
block as a whole stands along `block`.
"""

from __future__ import annotations

__all__ = [
    "BATH_TEMPERATURE",
    "BLOCK",
    "BLOCK_CENSORED",
    "BLOCK_READINGS",
    "BLOCK_TIME",
    "CURRENT",
    "CURVE_RUN_NAME",
    "EXPERIMENT",
    "FALLING_CURRENT",
    "INTERVAL",
    "METADATA_TAG",
    "NEVER",
    "OVERVIEW_EXPERIMENT",
    "RISING_CURRENT",
    "RUN_NAME",
    "THRESHOLD",
]

EXPERIMENT = "switching_currents"
#: Begins the name of a run; what the ramps were made for is filled in.
RUN_NAME = "{}_histogram"
CURVE_RUN_NAME = "iv_curve"
#: Runs that can be computed again from the others stand in an experiment of their own.
OVERVIEW_EXPERIMENT = "switching_currents_overview"
INTERVAL = "interval"
CURRENT = "switching_current"
BLOCK = "block"
BLOCK_READINGS = "block_readings"
BLOCK_CENSORED = "block_censored_ramps"
BLOCK_TIME = "block_time"
BATH_TEMPERATURE = "bath_temperature"
THRESHOLD = "threshold"
RISING_CURRENT = "rising_current"
FALLING_CURRENT = "falling_current"
#: QCoDeS writes by itself after so many seconds; everything is flushed by hand.
NEVER = 1e9
#: Run metadata under which the header and the closing facts of a point stand, as JSON.
METADATA_TAG = "mqtctl_{}"
