"""What is true of a draw, from the bench's description alone; the analysis never sees it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.sweep.prediction import predicted_escape_temperature
from mqtctl.campaign.draws import Draw
from mqtctl.physics import Escape, TransitionState
from mqtctl.rehearsal.points import circumstances_of
from mqtctl.rehearsal.prediction.expectation import Circumstances, expect

__all__ = ["TRUTH", "thermometer_factor", "true_circumstances", "truth_of"]

#: Columns with numbers of the truth.
TRUTH = (
    "true_critical_current_A",
    "true_capacitance_F",
    "true_resistance_Ohm",
    "true_crossover_temperature_K",
    "true_tunnelling_escape_temperature_K",
    "true_saturation_escape_temperature_K",
)
_CLASSICAL = ("kramers", "transition-state", "melnikov-meshkov", "buttiker-harris-landauer")


def thermometer_factor(draw: Draw) -> float:
    """Return what the thermometer shows over the true temperature: a jumping one with a share of 1 is a wrong one."""
    faults = draw.bench.file.faults
    return math.prod(fault.factor or 1.0 for fault in faults if fault.kind == "jumping-thermometer")


def true_circumstances(draw: Draw) -> Circumstances:
    """Return what the switches really depend on: the bench's junction in the place of the estimate."""
    own, sample = draw.bench.junction, draw.plan.sample
    facts = sample.junction.model_copy(
        update={
            "critical_current": own.critical_current,
            "capacitance": own.capacitance,
            "resistance": own.resistance,
            "potential": own.potential,
        }
    )
    return replace(circumstances_of(draw.plan, draw.bench), sample=sample.model_copy(update={"junction": facts}))


def truth_of(draw: Draw) -> dict[str, Any]:
    """Return the junction's own numbers and what makes it switch, by column; NaN is what its ramp never shows."""
    circumstances, own = true_circumstances(draw), draw.bench.junction
    junction = junction_of(circumstances.sample.junction.estimate)
    coldest = min(draw.plan.plan.temperatures) / thermometer_factor(draw)
    law = expect(circumstances, draw.plan.variants(min(draw.plan.plan.temperatures))[0], coldest)
    crossover = tunnelling = saturation = math.nan
    if law is not None:
        mean = (law.moments[0] - law.shift) / law.slope
        crossover = float(junction.crossover_temperature(mean)) if mean < own.critical_current else math.nan
        tunnelling = predicted_escape_temperature(junction, coldest, law.ramp, Escape(), TransitionState())
        saturation = predicted_escape_temperature(junction, coldest, law.ramp, circumstances.law, TransitionState())
    numbers = (own.critical_current, own.capacitance, own.resistance, crossover, tunnelling, saturation)
    return {"truth": _cause(draw), **dict(zip(TRUTH, numbers, strict=True))}


def _cause(draw: Draw) -> str:
    """Return what keeps the coldest histograms from following the bath, in the verdict's words."""
    own, bias = draw.bench.junction, draw.bench.file.bias
    if own.escape.split("(")[0].strip().replace("_", "-").lower() not in _CLASSICAL:
        return (
            "tunnelling"
            if not (own.decoupling_temperature or (bias and bias.noise_temperature))
            else "tunnelling, noisy"
        )
    return "decoupled" if own.decoupling_temperature and not (bias and bias.noise_temperature) else "thermal"
