"""The description of the bench that answers in a rehearsal: the station's own simulated one, a file's, or a new one.

In each of them the junction is the sample file's estimate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from mqtctl.documents import load_yaml
from mqtctl.errors import InputError
from mqtctl.instruments.diagnostic_roles import Amplifier
from mqtctl.plan import ResolvedPlan, Sample
from mqtctl.quantities import format_quantity, parse_quantity, readable
from mqtctl.station import InstrumentEntry, StationFile, canonical_address
from mqtctl.workflow.rehearsal.wiring import Part, StopInput, part_for

__all__ = ["RehearsalBench", "choose_bench", "players"]

#: The library that a simulated bench is opened with, and the package that brings the built-in ones.
_LIBRARY, _PACKAGE = "@mqt", "pyvisa_mqt"
#: What a station file cannot know is as on the built-in bench.
_GAP_VOLTAGE, _GAIN, _AMPLIFIER_NOISE, _RISE_TIME, _LAG, _CURRENT_NOISE = 2.7e-3, 1000.0, 2e-6, 0.5e-6, 10e-6, 0.1e-9
#: Cooling power and where it is so: of a dilution refrigerator, and of an insert whose base is warmer than this (K).
_COOLING, _WARM_BASE, _HELIUM_COOLING = ("400 uW", "100 mK"), 0.2, ("100 uW", "300 mK")
_SERIAL_TRANSPORT = {"latency": "0.1 ms", "byte_rate": "0.87 kB/s"}


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
    """

    content: Mapping[str, Any]
    assumed: tuple[str, ...]
    origin: str
    counter: str = ""

    @property
    def escape(self) -> str:
        """Name of the escape model."""
        return str(self.content["junction"].get("escape", "escape"))

    @property
    def gap_voltage(self) -> float:
        """Voltage in V of the voltage state."""
        return self.quantity("junction", "gap_voltage", "V", _GAP_VOLTAGE)

    @property
    def lag(self) -> float:
        """Time constant in s of the bias line's filter."""
        return self.quantity("bias", "lag", "s", 0.0)

    @property
    def current_noise(self) -> float:
        """Standard deviation in A of the slow noise of the bias current."""
        return self.quantity("bias", "noise", "A", 0.0)

    @property
    def amplifier(self) -> Amplifier | None:
        """The pre-amplifier before the counter; None if the description does not wire the counter to the junction."""
        wanted = canonical_address(self.counter)
        for name, section in (self.content.get("instruments") or {}).items():
            if canonical_address(str(section.get("address"))) != wanted:
                continue
            for readout in self.content.get("readouts") or ():
                if str(readout.get("to")).partition(".")[0] == name:
                    return Amplifier(
                        float(readout.get("gain", _GAIN)), parse_quantity(readout.get("noise", "0 V"), "V") or None
                    )
        return None

    def quantity(self, section: str, key: str, unit: str, default: float) -> float:
        """Return a quantity of the description in its base unit; raises `InputError` if it is none."""
        content = self.content.get(section)
        value = content.get(key) if isinstance(content, Mapping) else None
        try:
            return default if value is None else parse_quantity(value, unit)
        except InputError as exc:
            raise InputError(f"{self.origin}: {section}.{key}: {exc}") from exc


def players(file: StationFile) -> dict[str, InstrumentEntry]:
    """Return name -> entry of the instruments that play a role."""
    return {name: entry for name, entry in file.instruments.items() if entry.init.metadata.mqtctl is not None}


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
    InputError
        No such bench file, or nothing can stand in for an instrument.
    """
    station, sample = plan.station, plan.sample
    counter = next((entry.address for entry in players(file).values() if _role(entry) == "timing_counter"), "")
    if bench is not None:
        return replace(_existing(load_yaml(bench), sample, f"the bench file {bench}"), counter=counter)
    libraries = {(entry.init.visalib or "") for entry in players(file).values()}
    names = {library.removesuffix(_LIBRARY).partition("?")[0] for library in libraries if library.endswith(_LIBRARY)}
    if len(names) == 1 and len(libraries) == 1 and not (name := names.pop()).startswith("serve:"):
        content, origin = _simulated(name, station)
        return replace(_existing(content, sample, origin), counter=counter)
    return replace(_from_station(file, plan), counter=counter)


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


def _existing(content: dict[str, Any], sample: Sample, origin: str) -> RehearsalBench:
    """Return a bench with its junction replaced by the estimate; it writes no transcript."""
    kept = {key: value for key, value in content.items() if key != "transcript"}
    before = kept.get("junction")
    if not isinstance(before, Mapping):
        raise InputError(f"{origin}: has no junction to measure; add the section 'junction' and its wiring")
    junction = {**before, **_junction(sample)}
    kept["junction"] = junction
    bench = RehearsalBench(kept, (f"wiring, cryostat and transport are those of {origin}",), origin)
    if bench.quantity("junction", "retrapping_current", "A", 0.0) > sample.junction.critical_current:
        del junction["retrapping_current"]
    return bench


def _junction(sample: Sample) -> dict[str, Any]:
    """Return the estimate of the junction as a bench file has it."""
    facts = sample.junction
    known = {
        "critical_current": format_quantity(facts.critical_current, "A"),
        "capacitance": format_quantity(facts.capacitance, "F"),
        "resistance": format_quantity(facts.resistance, "Ohm"),
    }
    gap = facts.gap_voltage
    return known if gap is None else {**known, "gap_voltage": format_quantity(gap, "V")}


def _from_station(file: StationFile, plan: ResolvedPlan) -> RehearsalBench:
    """Return a bench of simulated instruments wired as the station file says, and typical numbers for the rest."""
    station, sample, calibration = plan.station, plan.sample, plan.calibration
    entries = {entry.init.metadata.mqtctl.role: entry for entry in players(file).values() if entry.init.metadata.mqtctl}
    names = {role: name for name, entry in players(file).items() for role in [_role(entry)]}
    parts = {role: part_for(entry, f"{station}: instruments.{names[role]}") for role, entry in entries.items()}
    source, counter, bath = parts["ramp_source"], parts["timing_counter"], parts["temperature_controller"]
    if source.marker is None:
        raise InputError(
            f"{station}: instruments.{names['ramp_source']}: nothing marks the start of this source's ramps in a "
            "rehearsal; describe your bench in a file and name it with --bench"
        )
    if counter.stop is not None and calibration is not None:
        counter = replace(counter, stop=replace(counter.stop, delay=calibration.delay))
    readout, bias, cable, assumed = _stop_line(counter, sample, source.filter_time)
    if calibration is not None and calibration.offset is not None:
        bias["offset"] = format_quantity(calibration.offset, "A")
    scale = 1.0 if calibration is None else calibration.scale
    power, cold = _COOLING if bath.coldest < _WARM_BASE else _HELIUM_COOLING
    content = {
        "instruments": {role: _instrument(part, entries[role].address) for role, part in parts.items()},
        "junction": _junction(sample),
        "bias": {"sources": [_biased(part, scale) for part in parts.values() if part.bias is not None], **bias},
        "markers": [_marker(source, counter, max(0.0, -cable))],
        "readouts": [readout],
        "cryostat": {
            "base_temperature": format_quantity(bath.coldest, "K"),
            "cooling_power": power,
            "cooling_temperature": cold,
            "heaters": {f"{bath.role}.{bath.heater}": "mixing_chamber"},
            "sensors": {f"{bath.role}.{bath.sensor}": "mixing_chamber"},
        },
    }
    assumed += (
        f"cryostat: {readable(bath.coldest, 'K')} without heat, {power} of cooling power at {cold} and growing as T^2, "
        "a time constant of 20 s, the sample on a link of 1.5 mW at 100 mK",
        "messages: 1 ms each way and 300 kB/s; a serial line 0.87 kB/s",
    )
    return RehearsalBench(content, assumed, f"a bench wired as {station.name} says")


def _role(entry: InstrumentEntry) -> str:
    """Return the role that an entry plays."""
    settings = entry.init.metadata.mqtctl
    return "" if settings is None else settings.role


def _instrument(part: Part, address: str) -> dict[str, Any]:
    """Return a simulated instrument's entry."""
    entry: dict[str, Any] = {"model": part.model, "address": address}
    return {**entry, "transport": _SERIAL_TRANSPORT} if address.upper().startswith("ASRL") else entry


def _biased(part: Part, scale: float) -> dict[str, Any]:
    """Return a source's entry under `bias.sources`; its true current is `scale` times its own."""
    wired = dict(part.bias or {})
    return {"port": f"{part.role}.{wired.pop('connector')}", "factor": scale, **wired}


def _marker(source: Part, counter: Part, late: float) -> dict[str, Any]:
    """Return the marker line, whose pulse comes late by a time in s."""
    line, start = source.marker, counter.start
    if line is None or start is None:
        raise InputError("a bench needs a source with a marker and a counter with two inputs")
    return {
        "from": f"{source.role}.{line.connector}",
        "to": f"{counter.role}.{start.connector}",
        "low": "0 V",
        "high": format_quantity(line.high, "V"),
        "width": format_quantity(line.width, "s"),
        "pulse": line.pulse,
        "delay": format_quantity(late, "s"),
    }


def _stop_line(
    counter: Part, sample: Sample, filter_time: float | None
) -> tuple[dict[str, Any], dict[str, Any], float, tuple[str, ...]]:
    """Return the read-out, the bias line, the cables' delay in s, and what was assumed; all have the station's delay.

    The delay is that of the amplifier until it passes the threshold, tau ln[step / (step - threshold)] with
    tau = rise time / ln 9, of the bias line's filter, and what is left of the cables.
    """
    stop = counter.stop
    if stop is None:
        raise InputError("a bench needs a counter with a stop input")
    gain = stop.gain if stop.gain is not None else math.copysign(_GAIN, stop.threshold or 1.0)
    noise = stop.noise if stop.noise is not None else _AMPLIFIER_NOISE
    gap = sample.junction.gap_voltage or _GAP_VOLTAGE
    rise_time, lag, cable = _share_delay(stop, gain * gap, filter_time)
    readout = {
        "to": f"{counter.role}.{stop.connector}",
        "gain": gain,
        "rise_time": format_quantity(rise_time, "s"),
        "noise": format_quantity(noise, "V"),
        "delay": format_quantity(max(0.0, cable), "s"),
    }
    bias = {"lag": format_quantity(lag, "s"), "noise": format_quantity(_CURRENT_NOISE, "A")}
    assumed = [
        f"line: the delay of {readable(stop.delay, 's')} is a filter of {readable(lag, 's')}, the pre-amplifier and "
        f"cables; current noise {readable(_CURRENT_NOISE, 'A')}"
    ]
    if sample.junction.gap_voltage is None:
        assumed.append(f"gap voltage {readable(gap, 'V')} (junction.gap_voltage of the sample file)")
    if stop.gain is None or stop.noise is None:
        assumed.append(f"pre-amplifier: gain {gain:g}, noise {readable(noise, 'V')} at its input")
    return readout, bias, cable, tuple(assumed)


def _share_delay(stop: StopInput, step: float, filter_time: float | None) -> tuple[float, float, float]:
    """Return rise time, filter's time constant and cables' delay in s that make up the station's delay.

    A negative delay of the cables is a marker that comes late.
    """
    ratio = stop.threshold / step
    amplifier = -_RISE_TIME / math.log(9.0) * math.log1p(-ratio) if 0.0 < ratio < 1.0 else 0.0
    if filter_time is not None:
        return _RISE_TIME, filter_time, stop.delay - amplifier - filter_time
    if amplifier > stop.delay:
        known = max(0.0, stop.delay)
        return (_RISE_TIME * known / amplifier if amplifier else 0.0), 0.0, min(0.0, stop.delay)
    lag = min(_LAG, stop.delay - amplifier)
    return _RISE_TIME, lag, stop.delay - amplifier - lag
