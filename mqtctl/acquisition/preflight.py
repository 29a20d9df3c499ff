"""Checks a plan against the open station before the first ramp; moves nothing."""

from __future__ import annotations

from mqtctl.errors import InputError
from mqtctl.instruments.roles import RampProgram
from mqtctl.plan import ResolvedPlan
from mqtctl.quantities import readable
from mqtctl.station import Station

__all__ = ["check_plan", "ramp_program"]


def ramp_program(plan: ResolvedPlan) -> RampProgram:
    """Return the ramp that a plan asks for."""
    ramp = plan.plan.ramp
    return RampProgram(
        start_current=ramp.start_current,
        stop_current=ramp.stop_current,
        rate=ramp.rate,
        period=1.0 / ramp.repetition,
    )


def check_plan(plan: ResolvedPlan, station: Station) -> None:
    """Raise `InputError` if this station cannot do what the plan asks for."""
    lowest, highest = station.thermometer.range
    for temperature in plan.plan.temperatures:
        if not lowest <= temperature <= highest:
            raise InputError(
                f"{plan.source}: temperatures asks for {readable(temperature, 'K')}, but this cryostat holds "
                f"{readable(lowest, 'K')} to {readable(highest, 'K')} (minimum and maximum of the thermometer in "
                f"{plan.station.name}); leave it out"
            )
    if plan.block > station.counter.memory:
        raise InputError(
            f"{plan.source}: block is {plan.block} readings, but the counter's memory holds {station.counter.memory}; "
            "plan a smaller block"
        )
