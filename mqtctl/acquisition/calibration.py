"""Takes the histograms from which the way from time to current is calibrated, at the present temperature.

With a junction: two ramp rates at both polarities, and one histogram at half the stop threshold. With a dummy resistor
in the junction's place: several thresholds at two rates and both polarities, a few ramps each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from mqtctl.acquisition.job import SweepJob
from mqtctl.acquisition.point import Place, take_histogram
from mqtctl.acquisition.ramps import RampBench, stop_edge
from mqtctl.acquisition.reconnecting import Reconnection
from mqtctl.plan import Plan, Variant
from mqtctl.plan.variants import variants_of

__all__ = [
    "DUMMY_THRESHOLDS",
    "RATE_RATIO",
    "WALK_THRESHOLD",
    "CalibrationStep",
    "calibration_steps",
    "run_calibration",
]

#: The slower of the two ramps is so many times slower.
RATE_RATIO = 4.0
#: The threshold walk is measured between the station's threshold and this part of it.
WALK_THRESHOLD = 0.5
#: Thresholds at which a dummy resistor is timed, as parts of the station's.
DUMMY_THRESHOLDS = (0.2, 0.4, 0.6, 0.8, 1.0)
#: Ramps at each of them.
_DUMMY_RAMPS = 200

Method = Literal["junction", "dummy resistor"]


@dataclass(frozen=True)
class CalibrationStep:
    """One histogram of a calibration: a ramp, and the stop threshold as a part of the station's."""

    variant: Variant
    threshold_share: float = 1.0


def calibration_steps(plan: Plan, method: Method) -> tuple[CalibrationStep, ...]:
    """Return the histograms to be taken: with the plan's ramp and a slower one, whatever else the plan asks for."""
    bare = plan.model_copy(
        update={
            "polarity": "both",
            "further_rates": (plan.ramp.rate / RATE_RATIO,),
            "retrapping": 0,
            "heating_check": False,
        }
    )
    ramps = variants_of(bare, coldest=False)
    own = ramps[0]
    if method == "junction":
        return (*(CalibrationStep(ramp) for ramp in ramps), CalibrationStep(own, WALK_THRESHOLD))
    return tuple(
        CalibrationStep(replace(ramp, purpose="dummy", switches=_DUMMY_RAMPS), share)
        for ramp in ramps
        for share in DUMMY_THRESHOLDS
    )


def run_calibration(job: SweepJob, steps: tuple[CalibrationStep, ...]) -> None:
    """Take and store every histogram; which is which stands in the header of its run."""
    bench = RampBench(job.station, restore=Reconnection(job).restore)
    for number, step in enumerate(steps):
        edge = stop_edge(step.variant, job.station.counter.stop_edge)
        edge = replace(edge, threshold=step.threshold_share * edge.threshold)
        ramp = bench.prepare(step.variant, edge)
        # each step is a point of its own, and has the bath as it is
        place = Place(number, None, 0, step.variant, threshold=edge.threshold)
        take_histogram(job, place, ramp, bench)
