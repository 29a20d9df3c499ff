"""Whether ramp and distribution fit together at a point, and whether its temperature is reached in time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from mqtctl.instruments.roles.findings import Finding
from mqtctl.physics import SwitchingDistribution
from mqtctl.plan import ResolvedPlan
from mqtctl.quantities import readable
from mqtctl.rehearsal.prediction.expectation import Circumstances

__all__ = ["CUT", "ramp_findings", "settling_findings"]

#: Shares of ramps: a top that so many reach cuts the distribution, and one that so many reach spoils it.
CUT, SPOILT = 0.01, 0.2
#: Probability of a switch while the bias waits at the start current.
EARLY = 1e-3
#: Part of a period's rest that is spent at the start current.
_SETTLING_SHARE = 0.2
#: Part of a period in which the bias returns to zero.
_RETURN_SHARE = 0.02
#: A settling time beyond this share of the deadline is called close.
CLOSE = 0.7


def ramp_findings(plan: ResolvedPlan, circumstances: Circumstances, temperature: float) -> Iterator[Finding]:
    """Say whether ramp and distribution fit together at a temperature of the sample (K)."""
    ramp = plan.plan.ramp
    junction = circumstances.junction_at(temperature)
    critical = junction.critical_current
    scale, offset, model = circumstances.scale, circumstances.offset, circumstances.law
    if scale * ramp.start_current + offset >= critical:
        yield Finding(
            "ramp.start_current",
            "fault",
            f"the ramp starts at {readable(ramp.start_current, 'A')}, above the junction's critical current of "
            f"{readable(critical, 'A')}",
            "start it at zero",
        )
        return
    start, rate = scale * ramp.start_current + offset, scale * ramp.rate
    law = SwitchingDistribution(junction, temperature, rate, model, min(0.0, start))
    yield from _top_findings(plan, law, circumstances)
    yield from _rest_findings(plan, circumstances)
    if start <= 0.0:
        return
    rest = _SETTLING_SHARE * (1.0 / ramp.repetition - ramp.rise_time)
    with np.errstate(over="ignore"):
        escape = float(np.exp(model.log_rate(junction, start, temperature)))
    early = 1.0 - (1.0 - float(law.cdf(start))) * math.exp(-escape * rest)
    if early > EARLY:
        yield Finding(
            "ramp.start_current",
            "fault" if early > SPOILT else "warning",
            f"the start current of {readable(ramp.start_current, 'A')} lies within the distribution: {early:.2g} of "
            "the ramps switch before they begin",
            f"start below {readable((float(law.ppf(1e-6)) - offset) / scale, 'A')}",
        )


def _top_findings(plan: ResolvedPlan, law: SwitchingDistribution, circumstances: Circumstances) -> Iterator[Finding]:
    """Say which share of the ramps reaches the top, which the filter rounds, without a switch."""
    ramp, most = plan.plan.ramp, plan.sample.limits.max_current
    scale, offset = circumstances.scale, circumstances.offset
    rounding = scale * ramp.rate * circumstances.line.lag
    top = scale * ramp.stop_current + offset - rounding
    survivors = float(law.survival(top)) if top < law.junction.critical_current else 0.0
    if survivors <= CUT:
        return
    enough = (float(law.ppf(1.0 - 1e-4)) + rounding - offset) / scale
    advice = f"raise ramp.stop_current to {readable(enough, 'A')} or more"
    if enough + abs(ramp.offset_current) > most:
        advice = (
            f"the sample's limit is {readable(most, 'A')}, and no ramp within it has the whole distribution: check "
            "junction.critical_current and limits.max_current of the sample file, or measure where it is warmer"
        )
    run = plan.plan.empty_ramps_limit
    # expected number of runs of so many empty ramps among those of a histogram
    stops = plan.plan.most_switches * survivors**run > 0.5
    text = (
        f"the ramp is too short: {survivors:.2g} of the ramps reach {readable(ramp.stop_current, 'A')} without a switch"
    )
    if stops:
        text += f", and {run} in a row (empty_ramps_limit) would stop the sweep"
    yield Finding("ramp.stop_current", "fault" if stops or survivors > SPOILT else "warning", text, advice)


def _rest_findings(plan: ResolvedPlan, circumstances: Circumstances) -> Iterator[Finding]:
    """Say if the bias filter is too slow for the junction to return to the zero-voltage state between two ramps."""
    ramp, lag = plan.plan.ramp, circumstances.line.lag
    retrapping = circumstances.junction.retrapping_current
    rest = 1.0 / ramp.repetition - ramp.rise_time
    at_zero = rest * (1.0 - _SETTLING_SHARE if ramp.start_current else 1.0) - _RETURN_SHARE / ramp.repetition
    if lag <= 0.0 or at_zero <= 0.0 or ramp.stop_current * math.exp(-at_zero / lag) < retrapping:
        return
    needed = lag * math.log(ramp.stop_current / retrapping)
    yield Finding(
        "ramp.repetition",
        "fault",
        f"the ramps rest at zero for {readable(at_zero, 's')}, but behind a filter of {readable(lag, 's')} the current "
        f"takes {readable(needed, 's')} to fall below the retrapping current of {readable(retrapping, 'A')}: the "
        "junction stays in the voltage state",
        f"lower ramp.repetition to {readable(1.0 / (1.0 / ramp.repetition + 1.25 * (needed - at_zero)), 'Hz')} or less",
    )


def settling_findings(plan: ResolvedPlan, settling: float | None) -> Iterator[Finding]:
    """Say if a temperature was reached only just in time."""
    deadline = plan.plan.settle.deadline
    if settling is not None and CLOSE * deadline < settling <= deadline:
        yield Finding(
            "settle.deadline",
            "warning",
            f"settling takes {readable(settling, 's')} of the {readable(deadline, 's')} until the deadline",
            "extend settle.deadline",
        )
