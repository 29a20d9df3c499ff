"""The way from the source's programme to a record, as a bench's description has it: scale, offset, noise, delay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from mqtctl.bench_description import BenchFile, ReadoutSection, SourceSection, split_port
from mqtctl.errors import InputError
from mqtctl.instruments.roles.stand_in import CounterStandIn, SourceStandIn, StandIn
from mqtctl.plan import ResolvedPlan
from mqtctl.rehearsal.wiring import part_for
from mqtctl.station import InstrumentEntry, StationFile, canonical_address

__all__ = ["Line", "counter_readout", "line_of", "players"]

_Kind = TypeVar("_Kind", bound=StandIn)


@dataclass(frozen=True)
class Line:
    """What a ramp goes through on its way to the junction, and a switch on its way to the record.

    Attributes
    ----------
    noise
        Standard deviation in A of slow noise of the bias current.
    lag
        Time constant in s of the filters before the junction.
    noise_temperature, noise_exponent
        T_n in K and n: fast noise makes the junction escape as if it were at (T^n + T_n^n)^(1/n).
    jitter
        Standard deviation in s of the stop event, from the amplifier's noise.
    scale, offset
        The junction's current is scale x the programmed one, and offset (A) besides; None: as the records have it.
    late
        By polarity: how much later in s a stop event comes than the records take it to come.
    delay
        By polarity: by how much in s it lags the junction's current on a straight ramp; empty if that is not known.
    """

    noise: float = 0.0
    lag: float = 0.0
    noise_temperature: float = 0.0
    jitter: float = 0.0
    scale: float | None = None
    offset: float | None = None
    late: Mapping[int, float] = field(default_factory=dict)
    delay: Mapping[int, float] = field(default_factory=dict)
    noise_exponent: float = 1.0


def players(file: StationFile) -> dict[str, InstrumentEntry]:
    """Return name -> entry of the instruments that play a role."""
    return {name: entry for name, entry in file.instruments.items() if entry.init.metadata.mqtctl is not None}


def line_of(bench: BenchFile, file: StationFile, plan: ResolvedPlan) -> Line:
    """Return the line between this station's instruments on a bench, which has a junction."""
    entries = {entry.init.metadata.mqtctl.role: entry for entry in players(file).values() if entry.init.metadata.mqtctl}
    bias = bench.bias
    if bias is None or "ramp_source" not in entries or "timing_counter" not in entries:
        return Line()
    scale = _scale(bench, entries["ramp_source"])
    offset = bias.offset
    if "offset_source" in entries:
        trim = _scale(bench, entries["offset_source"])
        offset += (1.0 if trim is None else trim) * plan.plan.ramp.offset_current
    counter = _part(entries["timing_counter"], CounterStandIn)
    readout = counter_readout(bench, entries["timing_counter"].address)
    delay, late, jitter = {}, {}, 0.0
    if counter is not None and readout is not None:
        cables = bias.delay + bias.total_lag + readout.delay - _marker_delay(bench, counter)
        stated = counter.stop.delay if plan.calibration is None else plan.calibration.delay
        for polarity in (1, -1):
            passed = _amplifier(bench, readout, polarity * counter.stop.threshold, polarity)
            if passed is not None:
                delay[polarity] = cables + passed[0]
                late[polarity], jitter = delay[polarity] - stated, max(jitter, passed[1])
    return Line(
        bias.total_noise,
        bias.total_lag,
        bias.noise_temperature,
        jitter,
        scale,
        None if scale is None else offset,
        late,
        delay,
        bias.noise_exponent,
    )


def counter_readout(bench: BenchFile, counter: str) -> ReadoutSection | None:
    """Return the read-out that ends at the counter with this address, None if there is none."""
    name = _name(bench, counter)
    return next((readout for readout in bench.readouts if split_port(readout.to)[0] == name), None)


def _part(entry: InstrumentEntry, kind: type[_Kind]) -> _Kind | None:
    """Return an instrument's connectors; None where its adapter says nothing of them."""
    try:
        return part_for(entry, "", kind)
    except InputError:
        return None


def _name(bench: BenchFile, address: str) -> str | None:
    wanted = canonical_address(address)
    found = (name for name, section in bench.instruments.items() if canonical_address(section.address) == wanted)
    return next(found, None)


def _scale(bench: BenchFile, entry: InstrumentEntry) -> float | None:
    """Return the junction's current over that which the adapter means to put out; None if that cannot be known."""
    part, name, bias = _part(entry, SourceStandIn), _name(bench, entry.address), bench.bias
    sections = [section for section in (bias.sources if bias else ()) if split_port(section.port)[0] == name]
    if part is None or not sections:
        return None
    section: SourceSection = next((s for s in sections if split_port(s.port)[1] == part.connector), sections[0])
    return section.scale * (1.0 if part.resistance is None else part.resistance)


def _amplifier(
    bench: BenchFile, readout: ReadoutSection, threshold: float, polarity: int
) -> tuple[float, float] | None:
    """Return how long in s the amplified step takes to the threshold (V), and its jitter in s; None if it never does.

    It answers with gain V (1 - exp(-t/tau)), tau = rise time / ln 9, so that a threshold s is passed
    tau ln[gain V / (gain V - s)] later, with a jitter of noise over slope.
    """
    if bench.junction is None:
        return None
    step = polarity * readout.gain * bench.junction.gap_voltage
    ratio = (threshold - readout.gain * readout.offset) / step
    if not 0.0 < ratio < 1.0:
        return None
    constant = readout.rise_time / math.log(9.0)
    return -constant * math.log1p(-ratio), constant * abs(readout.gain) * readout.noise / (abs(step) * (1.0 - ratio))


def _marker_delay(bench: BenchFile, counter: CounterStandIn) -> float:
    """Return how late in s the start marker comes: its cable, and its width where its end is waited for."""
    start = counter.start
    wired = [m for m in bench.markers if split_port(m.to)[1] == start.connector]
    if not wired:
        return 0.0
    return wired[0].delay + (wired[0].width if start.rising == (wired[0].pulse == "low") else 0.0)
