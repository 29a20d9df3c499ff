"""What a bench file may say, as pydantic models; `pyvisa_mqt.bench.bench_file` reads one for the bench.

Quantities carry their unit in the text ("9.489 uA"); pure numbers (gain, factor, exponents) do
not. Unknown keys are errors. docs/bench.md explains each key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, model_validator
from pyvisa.rname import InvalidResourceName, to_canonical_name

from mqtctl.errors import InputError
from mqtctl.physics import AmbegaokarBaratoff, EscapeModel, NoiseTemperature, PlasmaDamping
from mqtctl.physics.models.names import escape_model
from mqtctl.physics.well.names import WASHBOARD, checked_potential
from mqtctl.quantities import (
    Amperes,
    BytesPerSecond,
    Farads,
    Hertz,
    Kelvins,
    KelvinsPerSecond,
    Ohms,
    PerSecond,
    Seconds,
    Volts,
    Watts,
)

from .fault_plan import QUANTITIES, FaultPlan, fault_plan

__all__ = [
    "BenchFile",
    "BiasSection",
    "CryostatSection",
    "InstrumentSection",
    "JunctionSection",
    "MarkerSection",
    "ReadoutSection",
    "SourceSection",
    "TransportSection",
    "split_port",
]


def _port(text: str) -> str:
    """Check that a port reads INSTRUMENT.CONNECTOR."""
    if not re.fullmatch(r"[A-Za-z]\w*\.[A-Za-z]\w*", text):
        raise ValueError(f"{text!r} is not a port; write INSTRUMENT.CONNECTOR, such as 'source.output'")
    return text


def split_port(port: str) -> tuple[str, str]:
    """Return instrument name and connector of "source.output"."""
    instrument, connector = port.split(".")
    return instrument, connector


def _address(text: str) -> str:
    """Return a VISA resource name in its canonical form."""
    try:
        return str(to_canonical_name(text))
    except InvalidResourceName as exc:
        raise ValueError(f"{text!r} is not a VISA resource name, such as 'GPIB0::12::INSTR'") from exc


def _escape(name: str) -> str:
    """Check that an escape model can be made of its name."""
    escape_model(name, in_a_file=True)
    return name


def _fault(content: Any) -> FaultPlan:
    """Return the plan of one fault; its quantities are written with their units."""
    if not isinstance(content, dict) or not isinstance(content.get("kind"), str):
        raise ValueError(  # noqa: TRY004  # pydantic takes ValueError only
            "a fault is a mapping with 'kind' and what belongs to it"
        )
    for key in QUANTITIES.keys() & content.keys():
        if not isinstance(content[key], str):
            raise ValueError(  # noqa: TRY004  # pydantic takes ValueError only
                f"{key}: {content[key]!r} has no unit; write for example '5 {QUANTITIES[key]}'"
            )
    try:
        return fault_plan(**content)
    except InputError as exc:
        raise ValueError(str(exc)) from exc


Port = Annotated[str, AfterValidator(_port)]
Fault = Annotated[InstanceOf[FaultPlan], BeforeValidator(_fault)]
Node = Literal["mixing_chamber", "sample", "nowhere"]
PositiveAmperes = Annotated[Amperes, Field(gt=0)]
PositiveKelvins = Annotated[Kelvins, Field(gt=0)]
PositiveSeconds = Annotated[Seconds, Field(gt=0)]
PositiveWatts = Annotated[Watts, Field(gt=0)]
Duration = Annotated[Seconds, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, populate_by_name=True)


class TransportSection(_Section):
    """Time that messages take."""

    latency: Duration = 1e-3
    byte_rate: Annotated[BytesPerSecond, Field(gt=0)] = 300e3


class InstrumentSection(_Section):
    """One instrument: its model, its address, its own settings, perhaps a faster or slower line."""

    model: str
    address: Annotated[str, AfterValidator(_address)]
    options: dict[str, Any] = Field(default_factory=dict)
    transport: TransportSection | None = None


class JunctionSection(_Section):
    """The sample."""

    critical_current: PositiveAmperes
    capacitance: Annotated[Farads, Field(gt=0)]
    resistance: Annotated[Ohms, Field(gt=0)]
    gap_voltage: Annotated[Volts, Field(gt=0)] = 2.7e-3
    retrapping_current: PositiveAmperes | None = None
    retrapping_noise: Annotated[Amperes, Field(ge=0)] = 0.0
    escape: Annotated[str, AfterValidator(_escape)] = "escape"
    potential: Annotated[str, AfterValidator(checked_potential)] = WASHBOARD
    plasma_resistance: Annotated[Ohms, Field(gt=0)] | None = None
    decoupling_temperature: Annotated[Kelvins, Field(ge=0)] = 0.0
    decoupling_exponent: Annotated[float, Field(ge=1)] = 5.0
    critical_temperature: PositiveKelvins | None = None
    critical_current_drift: PerSecond = 0.0

    @model_validator(mode="after")
    def _retraps_below_critical(self) -> Self:
        if self.retrapping_current is not None and self.retrapping_current > self.critical_current:
            raise ValueError(
                f"retrapping_current is {self.retrapping_current:g} A; it cannot exceed the critical current of "
                f"{self.critical_current:g} A"
            )
        return self

    @property
    def law(self) -> EscapeModel:
        """How the junction escapes at the sample's temperature, without noise from outside."""
        model = escape_model(self.escape)
        if self.plasma_resistance is not None:
            model = PlasmaDamping(model, self.plasma_resistance)
        if self.decoupling_temperature:
            model = NoiseTemperature(model, self.decoupling_temperature, self.decoupling_exponent)
        return model

    def share(self, temperature: float, time: float = 0.0) -> float:
        """Return Ic over `critical_current`, at a temperature of the sample in K and a time on the bench in s."""
        cold = self.critical_temperature
        ratio = 1.0 if cold is None else float(AmbegaokarBaratoff(cold).ratio(temperature))
        return ratio * (1.0 + self.critical_current_drift * time)


class SourceSection(_Section):
    """One source of bias current: a current source's factor, or a voltage source's resistor."""

    port: Port
    factor: Annotated[float, Field(description="share of the output that reaches the junction")] = 1.0
    resistance: Annotated[Ohms, Field(gt=0)] | None = None
    bandwidth: Annotated[Hertz, Field(gt=0)] | None = None
    noise: Annotated[Amperes, Field(ge=0)] = 0.0

    @property
    def lag(self) -> float:
        """Time constant in s of the source's own single-pole response."""
        return 0.0 if self.bandwidth is None else 1.0 / (2.0 * math.pi * self.bandwidth)

    @property
    def scale(self) -> float:
        """Current at the junction in A per A or V put out."""
        return self.factor if self.resistance is None else self.factor / self.resistance


class BiasSection(_Section):
    """From the sources to the junction."""

    sources: list[SourceSection] = Field(min_length=1)
    offset: Amperes = 0.0
    lag: Duration = 0.0
    delay: Duration = 0.0
    noise: Annotated[Amperes, Field(ge=0)] = 0.0
    noise_temperature: Annotated[Kelvins, Field(ge=0)] = 0.0
    noise_exponent: Annotated[float, Field(ge=1)] = 1.0

    @property
    def total_lag(self) -> float:
        """Time constant in s of line and slowest source: a ramp is delayed by the sum of both."""
        return self.lag + max(source.lag for source in self.sources)

    @property
    def total_noise(self) -> float:
        """Standard deviation in A of the slow noise of line and sources together."""
        return math.hypot(self.noise, *(source.noise for source in self.sources))


class MarkerSection(_Section):
    """From a marker or sync output to a counter input."""

    source: Annotated[Port, Field(alias="from")]
    to: Port
    low: Volts = 0.0
    high: Volts = 5.0
    width: PositiveSeconds = 1e-6
    pulse: Literal["low", "high"] = "low"
    delay: Duration = 0.0

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low is {self.low:g} V; it must be below high, {self.high:g} V")
        return self


class ReadoutSection(_Section):
    """From the junction's voltage through the pre-amplifier to a counter input."""

    to: Port
    gain: float = 1000.0
    rise_time: Duration = 0.5e-6
    noise: Annotated[Volts, Field(ge=0)] = 0.0
    offset: Volts = 0.0
    delay: Duration = 0.0

    @model_validator(mode="after")
    def _amplifies(self) -> Self:
        if self.gain == 0.0:
            raise ValueError("gain is 0; give the voltage gain of the pre-amplifier, such as 1000")
        return self


class CryostatSection(_Section):
    """Temperatures, powers and time constants of the cryostat."""

    base_temperature: Annotated[Kelvins, Field(ge=1e-3)] = 0.012
    cooling_power: PositiveWatts = 400e-6
    cooling_temperature: PositiveKelvins = 0.1
    time_constant: PositiveSeconds = 20.0
    capacity_exponent: Annotated[float, Field(ge=-3, le=6)] = 1.0
    link_power: PositiveWatts = 1.5e-3
    link_temperature: PositiveKelvins = 0.1
    link_exponent: Annotated[float, Field(ge=1, le=6)] = 2.0
    sample_time_constant: PositiveSeconds = 1.0
    sample_capacity_exponent: Annotated[float, Field(ge=-3, le=6)] = 1.0
    heat_leak: Annotated[Watts, Field(ge=0)] = 0.0
    drift: KelvinsPerSecond = 0.0
    heaters: dict[Port, Node] = Field(default_factory=dict)
    sensors: dict[Port, Node] = Field(default_factory=dict)


class BenchFile(_Section):
    """A whole bench file; `spec`, `devices` and `resources` belong to stock pyvisa-sim and pass through."""

    seed: Annotated[int, Field(ge=0)] = 0
    epoch: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    transport: TransportSection = TransportSection()
    instruments: dict[str, InstrumentSection] = Field(default_factory=dict)
    junction: JunctionSection | None = None
    dummy_resistor: Annotated[Ohms, Field(gt=0)] | None = None
    bias: BiasSection | None = None
    markers: list[MarkerSection] = Field(default_factory=list)
    readouts: list[ReadoutSection] = Field(default_factory=list)
    cryostat: CryostatSection = CryostatSection()
    faults: list[Fault] = Field(default_factory=list)
    transcript: str | None = None
    spec: Any = None
    devices: dict[str, Any] = Field(default_factory=dict)
    resources: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _wired_to_what_exists(self) -> Self:
        for key, port in self._ports():
            name = split_port(port)[0]
            if name not in self.instruments:
                known = ", ".join(self.instruments) or "none"
                raise ValueError(f"{key}: {port!r} names no instrument of this bench (known: {known})")
        if self.junction is None and self.dummy_resistor is None and (self.bias is not None or self.readouts):
            raise ValueError("junction: Field required, since bias or readouts are wired to it (or dummy_resistor)")
        return self

    @model_validator(mode="after")
    def _nothing_wired_twice(self) -> Self:
        taken: dict[str, str] = {}
        inputs = [(f"markers, entry {n + 1}, to", m.to) for n, m in enumerate(self.markers)]
        inputs += [(f"readouts, entry {n + 1}, to", r.to) for n, r in enumerate(self.readouts)]
        sources = self.bias.sources if self.bias else []
        inputs += [(f"bias.sources, entry {n + 1}, port", s.port) for n, s in enumerate(sources)]
        for name, instrument in self.instruments.items():
            inputs.append((f"instruments.{name}.address", instrument.address))
        inputs += [(f"resources.{name}", _address(name)) for name in self.resources]
        for key, what in inputs:
            if what in taken:
                raise ValueError(f"{key}: {what!r} is already used by {taken[what]}")
            taken[what] = key
        return self

    def _ports(self) -> Iterator[tuple[str, str]]:
        """Yield the dotted key and the name of every port mentioned."""
        for n, source in enumerate(self.bias.sources if self.bias else []):
            yield f"bias.sources, entry {n + 1}, port", source.port
        for n, marker in enumerate(self.markers):
            yield f"markers, entry {n + 1}, from", marker.source
            yield f"markers, entry {n + 1}, to", marker.to
        for n, readout in enumerate(self.readouts):
            yield f"readouts, entry {n + 1}, to", readout.to
        for kind in ("heaters", "sensors"):
            for port in getattr(self.cryostat, kind):
                yield f"cryostat.{kind}", port
