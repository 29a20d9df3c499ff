"""What stands in for each instrument that mqtctl can use, and how its options say that it is wired.

A station file says what an instrument is and how it is used: which marker line, which inputs, which resistor. That is
what is needed to put a simulated model of it on a bench; one table here, one short function for each adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mqtctl.documents import validate_document
from mqtctl.errors import InputError
from mqtctl.instruments.registry import adapter_for
from mqtctl.quantities import format_quantity
from mqtctl.station import InstrumentEntry, StationFile

__all__ = ["MarkerLine", "Part", "StartInput", "StopInput", "is_streamed", "part_for"]


@dataclass(frozen=True)
class MarkerLine:
    """The connector at which a source marks the start of each ramp, and its pulse: levels in V, width in s."""

    connector: str
    pulse: str
    high: float
    width: float


@dataclass(frozen=True)
class StartInput:
    """Where a counter takes the marker: connector, level in V, and whether it waits for the rising edge."""

    connector: str
    threshold: float
    rising: bool


@dataclass(frozen=True)
class StopInput:
    """Where a counter takes the junction's voltage.

    Attributes
    ----------
    connector
        Of the counter.
    threshold, rising
        Level in V and direction of the edge that ends an interval.
    delay
        Calibrated lag in s of that edge behind the junction's current.
    gain, noise
        Voltage gain of the pre-amplifier and its noise in V at its input, if the station file states them.
    """

    connector: str
    threshold: float
    rising: bool
    delay: float
    gain: float | None = None
    noise: float | None = None


@dataclass(frozen=True)
class Part:
    """A simulated instrument and its connectors; what a role does not have is None.

    Attributes
    ----------
    role, model
        What it does here, and what a bench file calls it.
    bias
        Keys of its entry under `bias.sources` but `port`, and the connector under `connector`.
    marker, start, stop
        Marker line of a source; inputs of a counter.
    filter_time
        Time constant in s of the filters in a source's line, if the station file states it.
    streams
        Whether a counter has no memory, so that each reading is a message of its own.
    sensor, heater
        Connectors of the bath thermometer and of the heater.
    coldest, hottest
        What the cryostat holds, in K.
    """

    role: str
    model: str
    bias: Mapping[str, Any] | None = None
    marker: MarkerLine | None = None
    start: StartInput | None = None
    stop: StopInput | None = None
    filter_time: float | None = None
    streams: bool = False
    sensor: str | None = None
    heater: str | None = None
    coldest: float = 0.0
    hottest: float = 0.0


def part_for(entry: InstrumentEntry, where: str) -> Part:
    """Return what stands in for an instrument of a station.

    Parameters
    ----------
    entry
        The instrument, which plays a role.
    where
        What leads the message of a fault: file and key.

    Raises
    ------
    InputError
        An option is wrong, or nothing stands in for this instrument.
    """
    settings = entry.init.metadata.mqtctl
    if settings is None:
        raise InputError(f"{where}: plays no role; give it one in init.metadata.mqtctl.role")
    try:
        adapter = adapter_for(settings.role, entry.type)
    except InputError as exc:
        raise InputError(f"{where}: {exc}") from exc
    build = _PARTS.get(adapter.__name__)
    if build is None:
        raise InputError(
            f"{where}.type: nothing stands in for {entry.type!r} in a rehearsal; describe your bench in a file and "
            "name it with --bench"
        )
    options = validate_document(dict(settings.model_extra or {}), adapter.options_model, f"{where}: options")
    return build(entry, options)


def is_streamed(file: StationFile) -> bool:
    """Whether the station's counter has no memory; False where that is not known."""
    for name, entry in file.instruments.items():
        settings = entry.init.metadata.mqtctl
        if settings is not None and settings.role == "timing_counter":
            try:
                return part_for(entry, name).streams
            except InputError:  # the acquisition will say it, with the file and the key
                return False
    return False


def _keithley_6221(_entry: InstrumentEntry, options: Any) -> Part:
    """Return a current source with a low-going TTL pulse on a trigger-link line."""
    return Part(
        "ramp_source",
        "keithley-6221",
        bias={"connector": "output"},
        marker=MarkerLine("marker", "low", high=5.0, width=1e-6),
        filter_time=options.filter_time,
    )


def _keysight_33500b(entry: InstrumentEntry, options: Any) -> Part:
    """Return a generator behind a bias resistor, whose Sync output rises at the start."""
    two_channels = "33522B" in entry.type
    return Part(
        "ramp_source",
        "keysight-33522b" if two_channels else "keysight-33512b",
        bias={
            "connector": f"output{options.channel}",
            "resistance": format_quantity(options.bias_resistance, "Ohm"),
        },
        marker=MarkerLine("sync", "high", high=3.3, width=20e-6),
        filter_time=options.filter_time,
    )


def _yokogawa_gs200(_entry: InstrumentEntry, options: Any) -> Part:
    """Return a DC source, of current or behind a resistor."""
    wired: dict[str, Any] = {"connector": "current"}
    if options.bias_resistance is not None:
        wired = {"connector": "voltage", "resistance": format_quantity(options.bias_resistance, "Ohm")}
    return Part("offset_source", "yokogawa-gs200", bias=wired)


def _counter(model: str, names: Mapping[Any, str], *, streams: bool) -> Callable[[InstrumentEntry, Any], Part]:
    """Return the function for a counter whose inputs have these connectors."""

    def build(_entry: InstrumentEntry, options: Any) -> Part:
        return Part(
            "timing_counter",
            model,
            start=StartInput(
                names[options.start_input], options.start_threshold, rising=options.start_slope == "positive"
            ),
            stop=StopInput(
                names[options.stop_input],
                options.stop_threshold,
                rising=options.stop_slope == "positive",
                delay=options.delay,
                gain=options.amplifier_gain,
                noise=options.amplifier_noise,
            ),
            streams=streams,
        )

    return build


def _lakeshore_372(_entry: InstrumentEntry, options: Any) -> Part:
    """Return a resistance bridge with a sample heater and a warm-up heater."""
    return _thermometer(
        "lakeshore-372", f"ch{options.channel}", "sample" if options.heater == "sample" else "warmup", options
    )


def _lakeshore_336(_entry: InstrumentEntry, options: Any) -> Part:
    """Return a controller with four inputs and two heater outputs."""
    return _thermometer("lakeshore-336", f"ch{options.input}", f"output{options.output}", options)


def _thermometer(model: str, sensor: str, heater: str, options: Any) -> Part:
    """Return a controller on the mixing chamber."""
    return Part(
        "temperature_controller",
        model,
        sensor=sensor,
        heater=heater,
        coldest=options.minimum,
        hottest=options.maximum,
    )


#: Name of the adapter -> what stands in for its instrument.
_PARTS: Mapping[str, Callable[[InstrumentEntry, Any], Part]] = {
    "Keithley6221RampSource": _keithley_6221,
    "Keysight33500BRampSource": _keysight_33500b,
    "Keysight53230ATimingCounter": _counter("keysight-53230a", {1: "input1", 2: "input2"}, streams=False),
    "SrsSR620TimingCounter": _counter("srs-sr620", {"a": "inputA", "b": "inputB"}, streams=True),
    "Lakeshore372Controller": _lakeshore_372,
    "Lakeshore336Controller": _lakeshore_336,
    "YokogawaGS200OffsetSource": _yokogawa_gs200,
}
