"""What plan, station and sample say of each other; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mqtctl.acquisition.preflight.stop_edge import stop_edge_findings
from mqtctl.acquisition.ramps import program_of
from mqtctl.analysis.histogram.health.plausibility import implausible_junction
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.errors import HardwareError, InputError, MqtctlError
from mqtctl.instruments.roles.diagnostic import Assessing, AssessingController, DiagnosticCounter, LimitedSource
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.instruments.roles.findings import Finding
from mqtctl.plan import ResolvedPlan
from mqtctl.quantities import readable
from mqtctl.station import Station

__all__ = ["first_fault", "plan_findings", "programs_of"]

#: The ramp's top over the critical current: a junction switches between half of it and itself, unless it is tiny and
#: warm, and a top far above only heats. Beyond the second pair one of the two numbers is wrong.
_USUAL_TOPS, _POSSIBLE_TOPS = (0.5, 1.6), (0.1, 10.0)


def plan_findings(plan: ResolvedPlan, station: Station) -> list[Finding]:
    """Return what speaks for and against a plan on this station; sends nothing."""
    return [
        *_temperatures(plan, station),
        *_memory(plan, station),
        *_offset(plan, station),
        *_ramps(plan, station),
        *_limits(plan, station),
        *_plausible(plan),
        *_stop_edge(plan, station),
    ]


def first_fault(findings: list[Finding], plan: ResolvedPlan) -> MqtctlError | None:
    """Return the error to end with, if there is a fault; what files are to blame for comes first."""
    faults = sorted((f for f in findings if f.verdict == "fault"), key=lambda f: f.cause != "file")
    if not faults:
        return None
    fault = faults[0]
    error: MqtctlError = HardwareError(f"{fault.instrument or fault.subject}: {fault.sentence}")
    if fault.cause == "file":
        error = InputError(f"{plan.source}: {fault.subject}: {fault.sentence}")
    error.finding = fault
    return error


def programs_of(plan: ResolvedPlan) -> list[RampProgram]:
    """Return every kind of ramp of a plan once, the plan's own first."""
    variants = [variant for target in plan.plan.temperatures for variant in plan.variants(target)]
    return list(dict.fromkeys(program_of(variant) for variant in variants))


def _temperatures(plan: ResolvedPlan, station: Station) -> Iterator[Finding]:
    """Compare the temperatures with what the cryostat holds, and with the heater's ranges."""
    lowest, highest = station.thermometer.range
    held = []
    for temperature in plan.plan.temperatures:
        if lowest <= temperature <= highest:
            held.append(temperature)
            continue
        yield Finding(
            "temperatures",
            "fault",
            f"the plan asks for {readable(temperature, 'K')}, but this cryostat holds {readable(lowest, 'K')} to "
            f"{readable(highest, 'K')} (minimum and maximum of the thermometer in {plan.station.name})",
            "leave it out",
            cause="file",
        )
    if isinstance(station.thermometer, AssessingController):
        yield from station.thermometer.assess_temperatures(held)
    if len(held) == len(plan.plan.temperatures):
        text = f"all {len(held)} lie within {readable(lowest, 'K')} to {readable(highest, 'K')}"
        yield Finding("temperatures", "good", text)


def _memory(plan: ResolvedPlan, station: Station) -> Iterator[Finding]:
    """Compare the planned block, if there is one, with the counter's memory."""
    block = min(plan.plan.block or 1, plan.plan.most_switches)
    if block > station.counter.memory:
        text = f"block is {block} readings, but the counter's memory holds {station.counter.memory}"
        yield Finding("block", "fault", text, "plan a smaller block", cause="file")


def _offset(plan: ResolvedPlan, station: Station) -> Iterator[Finding]:
    """See whether somebody can make the offset that the plan asks for, and whether the junction retraps with it."""
    offset = plan.plan.ramp.offset_current
    facts = plan.sample.junction
    retrapping = junction_of(facts.estimate).retrapping_current
    if abs(offset) >= retrapping:
        text = (
            f"ramp.offset_current is {readable(offset, 'A')}, about the retrapping current or above it "
            f"({readable(retrapping, 'A')} by the sample file): the junction stays in the voltage state between ramps"
        )
        yield Finding("offset current", "warning", text, "choose a smaller one", cause="file")
    if offset and station.offset is None:
        text = f"ramp.offset_current is {readable(offset, 'A')}, but no instrument of the station is its offset_source"
        yield Finding("offset current", "fault", text, "add one to the station, or leave the offset out", cause="file")


def _ramps(plan: ResolvedPlan, station: Station) -> Iterator[Finding]:
    """Ask source and counter what they say to each kind of ramp."""
    for role, part in (("ramp_source", station.source), ("timing_counter", station.counter)):
        if not isinstance(part, Assessing):
            continue
        said: set[str] = set()
        for program in programs_of(plan):
            try:
                found = part.assess(program)
            except InputError as exc:
                found = [Finding("ramp", "fault", str(exc), cause="file")]
            for finding in found:
                if finding.text not in said:  # the same for several ramps is said once
                    said.add(finding.text)
                    yield replace(finding, instrument=role)


def _limits(plan: ResolvedPlan, station: Station) -> Iterator[Finding]:
    """Compare what the source would let through with what the sample may see."""
    source, limits = station.source, plan.sample.limits
    if not isinstance(source, LimitedSource):
        return
    limit, most = source.current_limit, readable(limits.max_current, "A")
    if limit is not None and limit > limits.max_current * (1 + 1e-9):
        text = f"the source would let {readable(limit, 'A')} through, while the sample may see at most {most}"
        advice = f"set current_limit: {most} in the station file, so that the source refuses more, too"
        yield Finding("current limit", "warning", text, advice, cause="file", instrument="ramp_source")
    else:
        own = f"none in the station file (current_limit); a plan may go to the sample's {most}"
        text = own if limit is None else f"{readable(limit, 'A')}; the sample may see {most}"
        yield Finding("current limit", "good", text, instrument="ramp_source")
    gap = plan.sample.junction.gap_voltage
    if source.compliance is not None and gap is not None and source.compliance < 2 * gap:
        text = f"the compliance is {readable(source.compliance, 'V')}, the junction's gap voltage {readable(gap, 'V')}"
        advice = "raise compliance in the station file"
        yield Finding("compliance", "warning", text, advice, cause="file", instrument="ramp_source")


def _plausible(plan: ResolvedPlan) -> Iterator[Finding]:
    """Compare the sample file's junction with what the ramp is made for, and with what junctions are like."""
    facts, ramp = plan.sample.junction, plan.plan.ramp
    ratio = max(abs(ramp.stop_current + sign * abs(ramp.offset_current)) for sign in (1, -1)) / facts.critical_current
    if not _USUAL_TOPS[0] <= ratio <= _USUAL_TOPS[1]:
        possible = _POSSIBLE_TOPS[0] <= ratio <= _POSSIBLE_TOPS[1]
        text = (
            f"the ramp goes to {readable(ramp.stop_current, 'A')}, {ratio:.3g} times the critical current that the "
            f"sample file has, {readable(facts.critical_current, 'A')}"
        )
        advice = "check junction.critical_current there and ramp.stop_current"
        yield Finding("critical current", "warning" if possible else "fault", text, advice, cause="file")
    for text in implausible_junction(facts.estimate):
        yield Finding("junction", "warning", text, cause="file")


def _stop_edge(plan: ResolvedPlan, station: Station) -> Iterator[Finding]:
    """Look at the stop's threshold and slope."""
    counter = station.counter
    if isinstance(counter, DiagnosticCounter):
        found = stop_edge_findings(counter.stop_edge, counter.amplifier, plan.sample.junction.gap_voltage)
        yield from (replace(finding, instrument="timing_counter") for finding in found)
