"""What the sources put out: through the bias line to the junction, and as markers to the counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mqtctl.bench_description import BenchFile, split_port
from pyvisa_mqt.messages.transcript import TruthWitness
from pyvisa_mqt.sample.bias import bias_stretches
from pyvisa_mqt.sample.cables import MarkerRecord
from pyvisa_mqt.sample.dummy_resistor import DummyResistor
from pyvisa_mqt.sample.junction import Sample
from pyvisa_mqt.time_and_signals.signals import Waveform

__all__ = ["Outputs"]

Port = tuple[str, str]


class Outputs:
    """The outputs of all sources, by connector.

    Parameters
    ----------
    file
        The bench file, whose bias section says which output reaches the junction, and how.
    sample
        What they drive; None for nothing.
    sample_temperature
        Returns its temperature in K.
    markers
        Marker lines by the connector they come from.

    Attributes
    ----------
    scales
        Current in A that reaches the junction per unit put out, by output.
    witness
        Who writes down what is put out; None for nobody.
    """

    def __init__(
        self,
        file: BenchFile,
        sample: Sample | DummyResistor | None,
        sample_temperature: Callable[[], float],
        markers: Mapping[Port, list[MarkerRecord]],
    ) -> None:
        self.scales = {split_port(s.port): s.scale for s in (file.bias.sources if file.bias else [])}
        self.witness: TruthWitness | None = None
        self._offset = file.bias.offset if file.bias else 0.0
        self._sample = sample
        self._sample_temperature = sample_temperature
        self._markers = markers
        self._marker_of: dict[Port, Port] = {}
        self._biasing: dict[Port, Waveform] = {}
        self._driven: dict[Port, None] = {}  # in the order of their first use, which a set would not keep

    def of(self, instrument: str) -> list[Port]:
        """Return the outputs of an instrument that have ever put out anything."""
        return [output for output in self._driven if output[0] == instrument]

    def drive(self, now: float, output: Port, waveform: Waveform, marker: Port | None) -> None:
        """Let an output follow a waveform from bench time `now` (s) on, and a marker line its markers."""
        self._driven[output] = None
        before = self._marker_of.pop(output, None)
        if before is not None and before != marker:
            for record in self._markers[before]:
                record.drive(now, None)
        if marker is not None and marker in self._markers:
            self._marker_of[output] = marker
            for record in self._markers[marker]:
                record.drive(now, waveform)
        if self._sample is not None and output in self.scales:
            self._bias(self._sample, now, output, waveform)
        elif self.witness is not None:
            self.witness.output(now, output, waveform)

    def _bias(self, sample: Sample | DummyResistor, now: float, output: Port, waveform: Waveform) -> None:
        """Let the junction's bias follow a changed output."""
        sample.draw_until(now, self._sample_temperature())
        if self.witness is not None:
            self.witness.ramps(now)
            self.witness.output(now, output, waveform)
        self._biasing.pop(output, None)
        self._biasing[output] = waveform  # the last one set stands last
        outputs = [(self.scales[port], wave) for port, wave in self._biasing.items()]
        sample.follow(now, bias_stretches(now, outputs, self._offset))
