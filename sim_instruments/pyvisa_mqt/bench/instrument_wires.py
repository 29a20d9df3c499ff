"""Puts an instrument on the bench: what its section of the bench file says, and the connectors it has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mqtctl.quantities import parse_quantity
from pyvisa_mqt.bench.bench_file import BenchFileError
from pyvisa_mqt.bench.works import Works
from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.instruments import MODELS
from pyvisa_mqt.time_and_signals.clock import VirtualClock
from pyvisa_mqt.time_and_signals.random_streams import generator
from pyvisa_mqt.time_and_signals.signals import Waveform

__all__ = ["InstrumentWires", "build_instrument"]


def build_instrument(bench: Works, name: str) -> Instrument:
    """Return the instrument that the bench file describes under a name.

    Raises
    ------
    BenchFileError
        If its model or an option is unknown or wrong; names the key.
    """
    section = bench.file.instruments[name]
    if section.model not in MODELS:
        known = ", ".join(sorted(MODELS))
        raise BenchFileError(
            f"instruments.{name}.model: {section.model!r} is unknown; choose one of {known}, or install the package "
            "that registers it as an entry point of the group pyvisa_mqt.instruments"
        )
    model = MODELS[section.model]
    rng = generator(bench.file.seed, f"instrument {name}")
    # An instrument says which of its options are quantities; a bare number is refused for those.
    units: Mapping[str, str] = {**Instrument.served_units, **getattr(model, "option_units", {})}
    try:
        options = {
            key: parse_quantity(value, units[key]) if key in units else value for key, value in section.options.items()
        }
        return model(InstrumentWires(bench, name), rng, options)
    except ValueError as exc:
        raise BenchFileError(f"instruments.{name}.options: {exc}") from exc


class InstrumentWires:
    """The bench as one instrument sees it: its own connectors only.

    Parameters
    ----------
    bench
        The bench.
    name
        The instrument's name on it.
    """

    def __init__(self, bench: Works, name: str) -> None:
        self._bench = bench
        self._name = name

    @property
    def clock(self) -> VirtualClock:
        """The bench's time."""
        return self._bench.clock

    def drive(self, port: str, waveform: Waveform, marker_port: str | None = None) -> None:
        """Let an output follow a waveform from now on, and a marker line its markers."""
        marker = None if marker_port is None else (self._name, marker_port)
        self._bench.drive((self._name, port), waveform, marker)

    def edges(self, port: str, threshold: float, rising: bool, since: float, until: float) -> NDArray[np.float64]:
        """Return the times in s, since < t <= until, at which the signal at an input crosses a threshold (V)."""
        return self._bench.edges(f"{self._name}.{port}", threshold, rising, since, until)

    def temperature(self, sensor: str) -> float:
        """Return the true temperature in K at a sensor."""
        return self._bench.temperature((self._name, sensor))

    def heat(self, heater: str, power: float) -> None:
        """Let a heater give a power in W."""
        self._bench.set_heater((self._name, heater), power)
