"""Builds the parts of a bench from the sections of its file."""

from __future__ import annotations

from dataclasses import fields

from mqtctl.physics import Junction
from mqtctl.physics.by_name import ESCAPE_MODELS

from .bench_schema import BenchFile, split_port
from .cryostat import Cryostat, CryostatModel
from .sample import Sample
from .wiring import MarkerLine, MarkerRecord, Readout

__all__ = ["build_cryostat", "build_markers", "build_readouts", "build_sample"]


def build_cryostat(file: BenchFile) -> Cryostat:
    """Return the cryostat at rest; its section holds the wiring of heaters and sensors besides."""
    section = file.cryostat
    return Cryostat(CryostatModel(**{field.name: getattr(section, field.name) for field in fields(CryostatModel)}))


def build_sample(file: BenchFile) -> Sample | None:
    """Return the junction, None if the bench has none."""
    section, bias = file.junction, file.bias
    if section is None:
        return None
    return Sample(
        Junction(section.critical_current, section.capacitance, section.resistance),
        ESCAPE_MODELS[section.escape](),
        gap_voltage=section.gap_voltage,
        retrapping_current=section.retrapping_current,
        lag=bias.lag if bias else 0.0,
        noise=bias.noise if bias else 0.0,
        offset=bias.offset if bias else 0.0,
        seed=file.seed,
    )


def build_markers(file: BenchFile) -> dict[tuple[str, str], list[MarkerRecord]]:
    """Return the marker lines by the source's connector; one connector can feed several inputs."""
    records: dict[tuple[str, str], list[MarkerRecord]] = {}
    for m in file.markers:
        line = MarkerLine(m.to, low=m.low, high=m.high, width=m.width, active_low=m.pulse == "low", delay=m.delay)
        records.setdefault(split_port(m.source), []).append(MarkerRecord(line))
    return records


def build_readouts(file: BenchFile) -> dict[str, Readout]:
    """Return the voltage read-outs by the counter input they end at."""
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
