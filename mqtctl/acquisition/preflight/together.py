"""Refuses a plan that cannot go well on the open station, before the first ramp; moves nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mqtctl.acquisition.preflight.live import noise_findings, source_findings
from mqtctl.acquisition.preflight.planned import first_fault, plan_findings
from mqtctl.plan import ResolvedPlan
from mqtctl.station import Station

__all__ = ["check_plan"]


def check_plan(plan: ResolvedPlan, station: Station, remark: Callable[[str], None]) -> None:
    """Raise unless the files fit each other, the sources are off, and noise makes no stops.

    Parameters
    ----------
    remark
        Called with a sentence about each exchange that failed and is made again.

    Raises
    ------
    InputError
        Plan, station and sample contradict each other.
    HardwareError
        A source's output is on already, or cannot be asked for; or noise passes the stop's threshold (measured only
        where the station file does not say how large it is).
    """
    for look in (plan_findings, partial(source_findings, remark=remark), partial(noise_findings, remark=remark)):
        error = first_fault(look(plan, station), plan)
        if error is not None:
            raise error
