"""What the instruments themselves say: nothing moves, and what is tried for a moment is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from mqtctl.acquisition.preflight.planned import programs_of
from mqtctl.acquisition.retry import persist
from mqtctl.errors import MqtctlError
from mqtctl.instruments.roles.diagnostic import DiagnosticCounter, Inspectable, MarkerSource
from mqtctl.instruments.roles.experiment import OffsetSource, RampProgram, RampSource, StopEdge
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.talk.inspection import look
from mqtctl.plan import ResolvedPlan
from mqtctl.quantities import readable
from mqtctl.station import Station

__all__ = ["TOGETHER", "inspection_findings", "live_findings", "noise_findings", "source_findings"]

#: Is told what was tried again.
Remark = Callable[[str], None]
#: So long (s) is listened for edges that noise makes at the stop input.
_LISTENING = 0.5
#: The marker is tried with this period (s) where the plan's is longer: its pulse is the same.
_LONGEST_PERIOD = 0.02
#: What several instruments are needed for.
TOGETHER = ("noise", "start marker", "output", "bath")
#: A pulse that takes between these shares of the period has no leading edge that could be told from the other.
_SQUARE = (0.4, 0.6)


def live_findings(plan: ResolvedPlan, station: Station, *, check: Callable[[], None]) -> list[Finding]:
    """Look at every instrument, and try the counter's inputs; outputs are as before afterwards.

    Parameters
    ----------
    check
        Called where stopping is safe; raises to stop.
    """
    found: list[Finding] = []
    for role, part in _parts(station):
        check()
        found += inspection_findings(role, part, plan)
    idle = source_findings(plan, station)
    found += idle
    if isinstance(station.counter, DiagnosticCounter):
        quiet = all(finding.verdict == "good" for finding in idle)
        found += _tried(plan, station.source, station.counter, quiet=quiet, check=check)
        with suppress(MqtctlError):  # it would have been told above; a sweep sets it up anew
            station.counter.make_safe()
    found += [_unchanged(finding, part) for finding, (_, part) in zip(idle, _sources(station), strict=True)]
    return [*found, look("bath", partial(_bath, plan, station))]


def inspection_findings(role: str, part: Any, plan: ResolvedPlan) -> list[Finding]:
    """Return what one instrument says of itself, at least who it is; nothing is tried."""
    return [replace(finding, instrument=role) for finding in _inspection(part, programs_of(plan)[0])]


def source_findings(plan: ResolvedPlan, station: Station, remark: Remark | None = None) -> list[Finding]:
    """Say of every source whether its output is off, as it must be before a measurement.

    With `remark` an exchange that fails is told of and made again.
    """
    return [_idle(role, part, remark) for role, part in _sources(station)]


def noise_findings(plan: ResolvedPlan, station: Station, remark: Remark | None = None) -> list[Finding]:
    """Listen for false stops, where noise is not declared; the sources must be off. `remark`: as above."""
    counter = station.counter
    if not isinstance(counter, DiagnosticCounter) or None not in (counter.amplifier.gain, counter.amplifier.noise):
        return []
    return [look("noise", _again(partial(_false_stops, counter, edge), remark)) for edge in _edges(plan, counter)]


def _again(observe: Callable[[], Finding], remark: Remark | None) -> Callable[[], Finding]:
    """Return what observes again if an exchange fails, where there is somebody to tell."""
    return observe if remark is None else partial(persist, observe, remark)


def _edges(plan: ResolvedPlan, counter: DiagnosticCounter) -> list[StopEdge]:
    """Return the edges that a plan's switches make."""
    positive = counter.stop_edge
    return [positive] if plan.plan.polarity == "positive" else [positive, positive.mirrored]


def _idle(role: str, source: RampSource | OffsetSource, remark: Remark | None = None) -> Finding:
    """Say whether a source's output is off."""

    def state() -> Finding:
        if source.output_on():
            return Finding(
                "output",
                "fault",
                "the output of the source is already on: somebody may be using it",
                "if nobody is, `mqtctl safe` with the station file switches it off",
            )
        return Finding("output", "good", "off")

    return replace(look("output", _again(state, remark)), instrument=role)


def _parts(station: Station) -> Iterator[tuple[str, Any]]:
    """Return every role with its adapter."""
    yield "ramp_source", station.source
    yield "timing_counter", station.counter
    yield "temperature_controller", station.thermometer
    if station.offset is not None:
        yield "offset_source", station.offset


def _sources(station: Station) -> list[tuple[str, RampSource | OffsetSource]]:
    """Return the instruments that can put out a current."""
    found: list[tuple[str, RampSource | OffsetSource]] = [("ramp_source", station.source)]
    return found if station.offset is None else [*found, ("offset_source", station.offset)]


def _inspection(part: Any, program: RampProgram) -> list[Finding]:
    """Return what an instrument says of itself, at least who it is."""
    try:
        if isinstance(part, Inspectable):
            return part.inspect(program)
        return [Finding("identity", "good", part.identify())]
    except MqtctlError as exc:
        return [Finding("identity", "fault", str(exc))]


def _tried(
    plan: ResolvedPlan, source: RampSource, counter: DiagnosticCounter, *, quiet: bool, check: Callable[[], None]
) -> Iterator[Finding]:
    """Try the counter's inputs one after the other; only while nobody uses the sources."""
    if not quiet:
        for subject in ("noise", "start marker"):
            text = "not tried, for the output of a source is on, or it does not say"
            yield Finding(subject, "not checked", text, instrument="timing_counter")
        return
    for edge in _edges(plan, counter):
        check()
        yield replace(look("noise", partial(_false_stops, counter, edge)), instrument="timing_counter")
    check()
    if isinstance(source, MarkerSource):
        found = look("start marker", partial(_marker_pulse, programs_of(plan)[0], source, counter))
    else:
        found = Finding("start marker", "not checked", "this source cannot put out its marker without a ramp")
    yield replace(found, instrument="timing_counter")


def _false_stops(counter: DiagnosticCounter, edge: StopEdge) -> Finding:
    """Count edges that nothing but noise can have made."""
    count = counter.count_edges(edge, _LISTENING)
    level = readable(edge.threshold, "V")
    if not count:
        text = f"no false stop at {level} in {readable(_LISTENING, 's')} without current"
        return Finding("noise", "good", text)
    return Finding(
        "noise",
        "fault",
        f"stop_threshold is below the noise: {count} edges passed {level} in {readable(_LISTENING, 's')} without "
        "current",
        "raise stop_threshold, or find where the noise comes from",
    )


def _marker_pulse(program: RampProgram, source: MarkerSource, counter: DiagnosticCounter) -> Finding:
    """Let the source put out its marker alone, and compare its pulses' leading edge with the start slope."""
    program = replace(program, period=min(program.period, _LONGEST_PERIOD))
    with source.marking(program.period):
        positive, width = counter.marker_pulse(program)
    shape = f"pulses to the {'high' if positive else 'low'} level, {readable(width, 's')} wide"
    share = width / program.period
    if _SQUARE[0] <= share <= _SQUARE[1]:
        text = "a square wave arrives; which of its edges is the start of the ramp cannot be told"
        return Finding("start marker", "good", text)
    if counter.start_edge.rising == positive:
        return Finding("start marker", "good", f"it arrives: {shape}; start_slope is their leading edge")
    return Finding(
        "start marker",
        "fault",
        f"wrong polarity: the marker comes as {shape}, and start_slope waits for their trailing edge: all intervals "
        f"would be {readable(width, 's')} too short",
        f"set start_slope: {'positive' if positive else 'negative'}",
        cause="file",
    )


def _unchanged(before: Finding, part: RampSource | OffsetSource) -> Finding:
    """Say whether an output is as it was."""
    after = _idle(before.instrument, part)
    if after.verdict == before.verdict:
        return Finding("output afterwards", "good", "as before", instrument=before.instrument)
    text = (
        f"the output was {'off' if before.verdict == 'good' else 'on or not readable'} before the check, and now is not"
    )
    return Finding(
        "output afterwards", "fault", text, "look at the instrument; run `mqtctl safe`", instrument=before.instrument
    )


def _bath(plan: ResolvedPlan, station: Station) -> Finding:
    """Compare the bath with the sample's limit."""
    reading, limit = station.thermometer.read(), plan.sample.limits.max_temperature
    found = Finding("bath", "good", readable(reading.temperature, "K"), instrument="temperature_controller")
    if not reading.valid:
        return replace(found, verdict="not checked", text=f"no valid reading ({reading.status})")
    if reading.temperature > limit:
        text = f"the bath is at {found.text}, above the sample's limit of {readable(limit, 'K')}"
        return replace(found, verdict="warning", text=text, advice="cool down first")
    return found
