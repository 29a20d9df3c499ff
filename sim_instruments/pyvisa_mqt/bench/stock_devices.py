"""Stock pyvisa-sim devices on the bench: their definitions as they are, on the bench's lines and in its time."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
from pyvisa_sim.devices import Device, Devices
from pyvisa_sim.parser import get_devices

from mqtctl.bench_description import BenchFile
from pyvisa_mqt.bench.bench_file import BenchFileError
from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["StockInstrument", "stock_devices"]


def stock_devices(file: BenchFile, location: Path) -> Devices:
    """Return the stock pyvisa-sim devices defined in the same file.

    Raises
    ------
    BenchFileError
        If pyvisa-sim does not understand a definition.
    """
    if not file.resources:
        return Devices()
    try:
        return get_devices(location, bundled=False)
    except Exception as exc:  # pyvisa-sim raises bare Exception for a malformed definition
        reason = " ".join(str(exc).split())
        raise BenchFileError(f"spec, devices, resources: not a pyvisa-sim definition: {reason[:300]}") from exc


#: Bytes without a message end that are kept.
_MOST_BYTES = 1 << 20


class StockInstrument(Instrument):
    """A pyvisa-sim device: dialogues, properties and channels as pyvisa-sim answers them.

    Parameters
    ----------
    wires, rng
        The bench as it sees it; it is wired to nothing.
    device
        What pyvisa-sim has made of the definition.

    Attributes
    ----------
    message_end
        The bytes at the end of a message to it.
    """

    def __init__(self, wires: Wires, rng: np.random.Generator, device: Device) -> None:
        super().__init__(wires, rng, {})
        self._pristine = device
        self._device: Any = copy.deepcopy(device)
        # pyvisa-sim tells the endings of a device to nobody, but needs them itself in this attribute.
        self.message_end: bytes = self._device._query_eom  # noqa: SLF001
        self._input = bytearray()

    @property
    def name(self) -> str:
        """What the definition calls it."""
        return str(self._pristine.name)

    def write(self, data: bytes, end: bool) -> None:
        """Take bytes; pyvisa-sim sees a message only once it ends as the definition says."""
        self._input += data
        if not self._input.endswith(self.message_end):
            if len(self._input) > _MOST_BYTES:
                self._input.clear()
            return
        message = bytes(self._input)
        self._input.clear()
        self._device.write(message)
        reply = bytearray()
        while True:
            byte, ended = self._device.read()
            reply += byte
            if ended:
                self.output.push(bytes(reply))
                reply.clear()
            elif not byte:
                return

    def clear(self) -> None:
        """Drop an unfinished message and the replies."""
        self._input.clear()
        self.output.clear()

    def status_byte(self) -> int:
        """Return a status byte that tells of a waiting reply and of nothing else."""
        return 16 if self.output else 0

    def power_cycle(self) -> None:
        """Be as defined again."""
        self.clear()
        self._device = copy.deepcopy(self._pristine)
