"""The description of the bench that answers in a rehearsal: the station's own simulated one, a file's, or a new one.

In each of them the junction is the sample file's estimate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from mqtctl.bench_description import BenchFile, JunctionSection
from mqtctl.documents import load_yaml, validate_document
from mqtctl.errors import InputError
from mqtctl.instruments.roles.diagnostic import Amplifier
from mqtctl.instruments.roles.stand_in import (
    ControllerStandIn,
    CounterStandIn,
    MarkerLine,
    SourceStandIn,
    StandIn,
    StopInput,
)
from mqtctl.plan import ResolvedPlan, Sample
from mqtctl.quantities import format_quantity, readable
from mqtctl.records import Histogram
from mqtctl.rehearsal.prediction.line import Line, counter_readout, line_of, players
from mqtctl.rehearsal.wiring import part_for
from mqtctl.station import InstrumentEntry, StationFile

__all__ = ["BenchFileError", "RehearsalBench", "choose_bench", "simulated_bench", "wired_bench"]

#: The library that a simulated bench is opened with, and the package that brings the built-in ones.
_LIBRARY, _PACKAGE = "@mqt", "pyvisa_mqt"
#: Cooling power and where it is so: of a dilution refrigerator, and of an insert whose base is warmer than this (K).
_COOLING, _WARM_BASE, _HELIUM_COOLING = ("400 uW", "100 mK"), 0.2, ("100 uW", "300 mK")
_SERIAL_TRANSPORT = {"latency": "0.1 ms", "byte_rate": "0.87 kB/s"}


class BenchFileError(InputError):
    """The bench file that the user named is wrong."""


@dataclass(frozen=True)
class RehearsalBench:
    """A bench description, ready to be written to a file.

    Attributes
    ----------
    content
        As in a bench file.
    assumed
        Sentences on what was assumed because neither the station nor the sample file says it.
    origin
        Where the wiring comes from, in words.
    counter
        Address of the station's counter.
    line
        The way from the station's source to the junction and on to its counter, on this bench.
    """

    content: Mapping[str, Any]
    assumed: tuple[str, ...]
    origin: str
    counter: str = ""
    line: Line = field(default_factory=Line)

    @cached_property
    def file(self) -> BenchFile:
        """The description as the bench itself reads it; raises `InputError` with the key at fault."""
        return validate_document(dict(self.content), BenchFile, self.origin)

    @property
    def junction(self) -> JunctionSection:
        """The junction; there is one on each bench that is rehearsed on."""
        if self.file.junction is None:
            raise InputError(f"{self.origin}: has no junction to measure; add the section 'junction' and its wiring")
        return self.file.junction

    def time_of(self, histogram: Histogram) -> float:
        """Return the middle of a histogram's ramps in s since the bench's beginning; 0 where nobody noted it."""
        since = histogram.time - self.file.epoch.timestamp()
        return since if math.isfinite(since) else 0.0

    @property
    def amplifier(self) -> Amplifier | None:
        """The pre-amplifier before the counter; None if the description does not wire the counter to the junction."""
        readout = counter_readout(self.file, self.counter)
        return None if readout is None else Amplifier(readout.gain, readout.noise or None)


def choose_bench(file: StationFile, plan: ResolvedPlan, bench: Path | None = None) -> RehearsalBench:
    """Return the bench for a rehearsal.

    Parameters
    ----------
    file
        The station.
    plan
        Says where the station's file lies; its sample gives the junction, its calibration the delay.
    bench
        A bench file that describes the user's bench, None for none.

    Raises
    ------
    BenchFileError
        No such bench file, or it describes no bench that can be rehearsed on.
    InputError
        Nothing can stand in for an instrument.
    """
    station, sample = plan.station, plan.sample
    if bench is not None:
        return _wired(_described(bench, sample), file, plan)
    own = simulated_bench(file, station)
    if own is not None:
        content, origin = own
        return _wired(_existing(content, sample, origin), file, plan)
    return _wired(_from_station(file, plan), file, plan)


def simulated_bench(file: StationFile, station: Path) -> tuple[dict[str, Any], str] | None:
    """Return the description of the simulated bench that a station stands on, and its name in words; None: on none."""
    libraries = {(entry.init.visalib or "") for entry in players(file).values()}
    names = {library.removesuffix(_LIBRARY).partition("?")[0] for library in libraries if library.endswith(_LIBRARY)}
    if len(names) == 1 and len(libraries) == 1 and not (name := names.pop()).startswith("serve:"):
        return _simulated(name, station)
    return None


def wired_bench(content: Mapping[str, Any], origin: str, file: StationFile, plan: ResolvedPlan) -> RehearsalBench:
    """Return a bench that keeps the junction of its own description, whatever the sample file says of it.

    It writes no transcript; raises `InputError` where the description is wrong or has no junction.
    """
    bench = RehearsalBench({key: value for key, value in content.items() if key != "transcript"}, (), origin)
    _ = bench.junction  # there is one
    return _wired(bench, file, plan)


def _wired(bench: RehearsalBench, file: StationFile, plan: ResolvedPlan) -> RehearsalBench:
    """Return the bench with what it means for the station's instruments."""
    counter = next((entry.address for entry in players(file).values() if _role(entry) == "timing_counter"), "")
    return replace(bench, counter=counter, line=line_of(bench.file, file, plan))


def _simulated(name: str, station: Path) -> tuple[dict[str, Any], str]:
    """Return the description of the simulated bench that a station stands on already, and its name in words."""
    builtin = files(_PACKAGE) / "benches" / f"{name if name not in ('', 'built-in') else 'builtin'}.yaml"
    beside = station.resolve().parent / name
    if name and beside.is_file():
        return load_yaml(beside), f"the station's own bench, {name}"
    if Path(str(builtin)).is_file():
        return load_yaml(Path(str(builtin))), "the built-in bench" if name in (
            "",
            "built-in",
            "builtin",
        ) else f"the built-in bench {name!r}"
    path = Path(name).expanduser()
    if not path.is_file():
        raise InputError(f"{station}: visalib names the bench {name!r}, but there is no such file or built-in bench")
    return load_yaml(path), f"the station's own bench, {name}"


def _described(path: Path, sample: Sample) -> RehearsalBench:
    """Return the bench that the user's file describes."""
    try:
        bench = _existing(load_yaml(path), sample, f"the bench file {path}")
        _ = bench.file  # read with the sample's junction in it
    except InputError as exc:
        raise BenchFileError(str(exc)) from exc
    return bench


def _existing(content: dict[str, Any], sample: Sample, origin: str) -> RehearsalBench:
    """Return a bench with its junction replaced by the estimate; it writes no transcript."""
    kept = {key: value for key, value in content.items() if key != "transcript"}
    written = RehearsalBench(kept, (f"wiring, cryostat and transport are those of {origin}",), origin)
    junction = {**kept.get("junction", {}), **_junction(sample)}
    if (written.junction.retrapping_current or 0.0) > sample.junction.critical_current:
        del junction["retrapping_current"]
    return replace(written, content={**kept, "junction": junction})


def _junction(sample: Sample) -> dict[str, Any]:
    """Return the estimate of the junction as a bench file has it."""
    facts = sample.junction
    known = {
        "critical_current": format_quantity(facts.critical_current, "A"),
        "capacitance": format_quantity(facts.capacitance, "F"),
        "resistance": format_quantity(facts.resistance, "Ohm"),
        "potential": facts.potential,
    }
    gap = facts.gap_voltage
    return known if gap is None else {**known, "gap_voltage": format_quantity(gap, "V")}


def _from_station(file: StationFile, plan: ResolvedPlan) -> RehearsalBench:
    """Return a bench of simulated instruments wired as the station file says, and typical numbers for the rest."""
    station, sample, calibration = plan.station, plan.sample, plan.calibration
    entries = {entry.init.metadata.mqtctl.role: entry for entry in players(file).values() if entry.init.metadata.mqtctl}
    names = {role: name for name, entry in players(file).items() for role in [_role(entry)]}
    where = {role: f"{station}: instruments.{name}" for role, name in names.items()}
    source = part_for(entries["ramp_source"], where["ramp_source"], SourceStandIn)
    counter = part_for(entries["timing_counter"], where["timing_counter"], CounterStandIn)
    bath = part_for(entries["temperature_controller"], where["temperature_controller"], ControllerStandIn)
    sources = {"ramp_source": source}
    if "offset_source" in entries:
        sources["offset_source"] = part_for(entries["offset_source"], where["offset_source"], SourceStandIn)
    parts: Mapping[str, StandIn] = {**sources, "timing_counter": counter, "temperature_controller": bath}
    if source.marker is None:
        raise InputError(
            f"{where['ramp_source']}: nothing marks the start of this source's ramps in a "
            "rehearsal; describe your bench in a file and name it with --bench"
        )
    if calibration is not None:
        counter = replace(counter, stop=replace(counter.stop, delay=calibration.delay))
    typical = _typical()
    readout, bias, cable, assumed = _stop_line(counter.stop, sample, source.filter_time, typical)
    if calibration is not None and calibration.offset is not None:
        bias["offset"] = format_quantity(calibration.offset, "A")
    scale = 1.0 if calibration is None else calibration.scale
    power, cold = _COOLING if bath.coldest < _WARM_BASE else _HELIUM_COOLING
    content = {
        "instruments": {role: _instrument(parts[role], entry.address) for role, entry in entries.items()},
        "junction": _junction(sample),
        "bias": {"sources": [_biased(role, part, scale) for role, part in sources.items()], **bias},
        "markers": [_marker(source.marker, counter, max(0.0, -cable))],
        "readouts": [readout],
        "cryostat": {
            "base_temperature": format_quantity(bath.coldest, "K"),
            "cooling_power": power,
            "cooling_temperature": cold,
            "heaters": {f"temperature_controller.{bath.heater}": "mixing_chamber"},
            "sensors": {f"temperature_controller.{bath.sensor}": "mixing_chamber"},
        },
    }
    bench = RehearsalBench(content, (), f"a bench wired as {station.name} says")
    fridge, transport = bench.file.cryostat, bench.file.transport
    assumed += (
        f"cryostat: {readable(bath.coldest, 'K')} without heat, {power} of cooling power at {cold} and growing as T^2, "
        f"a time constant of {readable(fridge.time_constant, 's')}, the sample on a link of "
        f"{readable(fridge.link_power, 'W')} at {readable(fridge.link_temperature, 'K')}",
        f"messages: {readable(transport.latency, 's')} each way and {readable(transport.byte_rate, 'B/s')}; a serial "
        f"line {_SERIAL_TRANSPORT['byte_rate']}",
    )
    return replace(bench, assumed=assumed)


@dataclass(frozen=True)
class _Typical:
    """What a station file cannot know, as on the built-in bench; in V, s and A."""

    gap_voltage: float
    gain: float
    amplifier_noise: float
    rise_time: float
    lag: float
    current_noise: float


def _typical() -> _Typical:
    path = Path(str(files(_PACKAGE) / "benches" / "builtin.yaml"))
    file = RehearsalBench(load_yaml(path), (), str(path)).file
    if file.junction is None or file.bias is None or not file.readouts:
        raise InputError(f"{path}: the built-in bench has lost its junction, its bias or its read-out")
    (readout, *_), bias = file.readouts, file.bias
    return _Typical(file.junction.gap_voltage, readout.gain, readout.noise, readout.rise_time, bias.lag, bias.noise)


def _role(entry: InstrumentEntry) -> str:
    """Return the role that an entry plays."""
    settings = entry.init.metadata.mqtctl
    return "" if settings is None else settings.role


def _instrument(part: StandIn, address: str) -> dict[str, Any]:
    """Return a simulated instrument's entry."""
    entry: dict[str, Any] = {"model": part.model, "address": address, "options": dict(part.options)}
    return {**entry, "transport": _SERIAL_TRANSPORT} if address.upper().startswith("ASRL") else entry


def _biased(role: str, part: SourceStandIn, scale: float) -> dict[str, Any]:
    """Return a source's entry under `bias.sources`; its true current is `scale` times its own."""
    wired = {"port": f"{role}.{part.connector}", "factor": scale}
    return wired if part.resistance is None else {**wired, "resistance": format_quantity(part.resistance, "Ohm")}


def _marker(line: MarkerLine, counter: CounterStandIn, late: float) -> dict[str, Any]:
    """Return the marker line, whose pulse comes late by a time in s."""
    return {
        "from": f"ramp_source.{line.connector}",
        "to": f"timing_counter.{counter.start.connector}",
        "low": "0 V",
        "high": format_quantity(line.high, "V"),
        "width": format_quantity(line.width, "s"),
        "pulse": line.pulse,
        "delay": format_quantity(late, "s"),
    }


def _stop_line(
    stop: StopInput, sample: Sample, filter_time: float | None, typical: _Typical
) -> tuple[dict[str, Any], dict[str, Any], float, tuple[str, ...]]:
    """Return the read-out, the bias line, the cables' delay in s, and what was assumed; all have the station's delay.

    The delay is that of the amplifier until it passes the threshold, tau ln[step / (step - threshold)] with
    tau = rise time / ln 9, of the bias line's filter, and what is left of the cables.
    """
    gain = stop.gain if stop.gain is not None else math.copysign(typical.gain, stop.threshold or 1.0)
    noise = stop.noise if stop.noise is not None else typical.amplifier_noise
    gap = sample.junction.gap_voltage or typical.gap_voltage
    rise_time, lag, cable = _share_delay(stop, gain * gap, filter_time, typical)
    readout = {
        "to": f"timing_counter.{stop.connector}",
        "gain": gain,
        "rise_time": format_quantity(rise_time, "s"),
        "noise": format_quantity(noise, "V"),
        "delay": format_quantity(max(0.0, cable), "s"),
    }
    bias = {"lag": format_quantity(lag, "s"), "noise": format_quantity(typical.current_noise, "A")}
    assumed = [
        f"line: the delay of {readable(stop.delay, 's')} is a filter of {readable(lag, 's')}, the pre-amplifier and "
        f"cables; current noise {readable(typical.current_noise, 'A')}"
    ]
    if sample.junction.gap_voltage is None:
        assumed.append(f"gap voltage {readable(gap, 'V')} (junction.gap_voltage of the sample file)")
    if stop.gain is None or stop.noise is None:
        assumed.append(f"pre-amplifier: gain {gain:g}, noise {readable(noise, 'V')} at its input")
    return readout, bias, cable, tuple(assumed)


def _share_delay(
    stop: StopInput, step: float, filter_time: float | None, typical: _Typical
) -> tuple[float, float, float]:
    """Return rise time, filter's time constant and cables' delay in s that make up the station's delay.

    A negative delay of the cables is a marker that comes late.
    """
    ratio = stop.threshold / step
    amplifier = -typical.rise_time / math.log(9.0) * math.log1p(-ratio) if 0.0 < ratio < 1.0 else 0.0
    if filter_time is not None:
        return typical.rise_time, filter_time, stop.delay - amplifier - filter_time
    if amplifier > stop.delay:
        known = max(0.0, stop.delay)
        return (typical.rise_time * known / amplifier if amplifier else 0.0), 0.0, min(0.0, stop.delay)
    lag = min(typical.lag, stop.delay - amplifier)
    return typical.rise_time, lag, stop.delay - amplifier - lag
