"""Builds the parts of a bench from the sections of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from mqtctl.bench_description import BenchFile, split_port
from mqtctl.physics import Junction, NoiseTemperature
from mqtctl.physics.well.names import potential
from pyvisa_mqt.sample.cables import MarkerLine, MarkerRecord, Readout
from pyvisa_mqt.sample.cryostat import Cryostat, CryostatModel
from pyvisa_mqt.sample.dummy_resistor import DummyResistor
from pyvisa_mqt.sample.junction import Sample
from pyvisa_mqt.sample.resistor_readout import ResistorReadout

__all__ = ["build_cryostat", "build_markers", "build_readouts", "build_sample"]


def build_cryostat(file: BenchFile) -> Cryostat:
    """Return the cryostat at rest; its section holds the wiring of heaters and sensors besides."""
    section = file.cryostat
    return Cryostat(CryostatModel(**{field.name: getattr(section, field.name) for field in fields(CryostatModel)}))


def build_sample(file: BenchFile) -> Sample | DummyResistor | None:
    """Return the junction, or the resistor in its place, or None if the bench has neither."""
    section, bias = file.junction, file.bias
    lag, noise, offset = (bias.total_lag, bias.total_noise, bias.offset) if bias else (0.0, 0.0, 0.0)
    if file.dummy_resistor is not None:
        return DummyResistor(file.dummy_resistor, lag=lag, noise=noise, offset=offset, seed=file.seed)
    if section is None:
        return None
    model = section.law
    if bias and bias.noise_temperature:
        model = NoiseTemperature(model, bias.noise_temperature, bias.noise_exponent)
    own = potential(section.potential)
    return Sample(
        Junction(section.critical_current, section.capacitance, section.resistance, potential=own),
        model,
        gap_voltage=section.gap_voltage,
        retrapping_current=section.retrapping_current,
        retrapping_noise=section.retrapping_noise,
        share=section.share,
        drift=section.critical_current_drift,
        lag=lag,
        noise=noise,
        offset=offset,
        seed=file.seed,
    )


def build_markers(file: BenchFile) -> dict[tuple[str, str], list[MarkerRecord]]:
    """Return the marker lines by the source's connector; one connector can feed several inputs."""
    records: dict[tuple[str, str], list[MarkerRecord]] = {}
    for m in file.markers:
        line = MarkerLine(m.to, low=m.low, high=m.high, width=m.width, active_low=m.pulse == "low", delay=m.delay)
        records.setdefault(split_port(m.source), []).append(MarkerRecord(line))
    return records


def build_readouts(file: BenchFile) -> Mapping[str, Readout | ResistorReadout]:
    """Return the voltage read-outs by the counter input they end at."""
    if file.dummy_resistor is not None:
        return _resistor_readouts(file)
    if file.junction is None:
        return {}
    bias_delay = file.bias.delay if file.bias else 0.0
    return {
        r.to: Readout(
            gain=r.gain,
            rise_time=r.rise_time,
            noise=r.noise,
            delay=bias_delay + r.delay,
            gap_voltage=file.junction.gap_voltage,
            offset=r.offset,
            seed=file.seed,
        )
        for r in file.readouts
    }


def _resistor_readouts(file: BenchFile) -> dict[str, ResistorReadout]:
    """Return the read-outs of a dummy resistor."""
    bias_delay = file.bias.delay if file.bias else 0.0
    return {
        r.to: ResistorReadout(
            gain=r.gain,
            rise_time=r.rise_time,
            noise=r.noise,
            delay=bias_delay + r.delay,
            offset=r.offset,
            seed=file.seed,
        )
        for r in file.readouts
    }
