"""Single samples of an SR620: the binary dump, in which it waits with each sample until the one before was taken.

Sources: SR620 manual rev 2.2, p. 34, and two public decoders (scale factors). Unconfirmed: the longest dump.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from .blocks import without_termination
from .errors import InstrumentError
from .ieee488 import Ieee488Instrument

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrumentKWArgs
    from qcodes.parameters import Parameter
    from typing_extensions import Unpack

__all__ = ["LONGEST_DUMP", "SECONDS_PER_COUNT", "SampleDump"]

#: Samples that one BDMP can ask for (unconfirmed).
LONGEST_DUMP = 65_535
#: Value of the least bit of a dumped time interval in s.
SECONDS_PER_COUNT = 1.05963812934e-14
_BYTES = 8
#: What one count of the dump is worth in each mode: s, Hz, degrees or events.
_SCALES = dict.fromkeys(("time", "width", "rise and fall time", "period"), SECONDS_PER_COUNT) | {
    "frequency": 1.24900090270331e-9,
    "phase": 8.3819032e-8,
    "count": 1 / 256,
}
_EXPANDED = ("frequency", "period")


class SampleDump(Ieee488Instrument):
    """The part of the driver that takes single samples; parameters as in `SrsSR620`."""

    mode: Parameter
    """Control what is measured."""
    expand: Parameter
    """Control whether frequency and period are resolved 1000 times finer."""

    def __init__(self, name: str, address: str | None = None, **kwargs: Unpack[VisaInstrumentKWArgs]) -> None:
        super().__init__(name, address, **kwargs)
        self._partial = bytearray()  # the beginning of a sample whose rest has not come yet
        self._scale = SECONDS_PER_COUNT

    def start_dump(self, count: int) -> None:
        """Start to measure and send `count` single samples (BDMP); take them with `read_dump`.

        Raises
        ------
        ValueError
            `count` is not between 1 and `LONGEST_DUMP`.
        """
        if not 1 <= count <= LONGEST_DUMP:
            raise ValueError(f"a dump has between 1 and {LONGEST_DUMP} samples, not {count}")
        mode = self.mode.cache.get()
        finer = mode in _EXPANDED and self.expand.cache.get()
        self._scale = _SCALES[mode] / (1000 if finer else 1)
        self._partial.clear()
        self.write(f"BDMP {int(count)}")

    def read_dump(self, count: int, timeout: float) -> NDArray[np.float64]:
        """Take samples of a dump as they come.

        Every sample is one read, so that a time-out loses nothing: with fewer samples than asked for, the next
        call goes on where this one ended.

        Parameters
        ----------
        count
            How many to wait for; not more than are still to come.
        timeout
            Longest wait for each of them in s.

        Returns
        -------
        NDArray
            Shape (n_sample,), n_sample <= count, in s (Hz, degrees or events in the modes frequency, phase and
            count); fewer than `count` only if the time-out passed without one.
        """
        handle = self.visa_handle
        samples = bytearray()
        usual = handle.timeout
        with without_termination(handle):
            handle.timeout = 1e3 * timeout
            try:
                while len(samples) < count * _BYTES and self._complete_sample():
                    samples += self._partial
                    self._partial.clear()
            finally:
                handle.timeout = usual
        return np.frombuffer(bytes(samples), dtype="<i8").astype(np.float64) * self._scale

    def _complete_sample(self) -> bool:
        """Read until a sample is complete; return False if the time-out passes before."""
        handle = self.visa_handle
        while len(self._partial) < _BYTES:
            try:
                with handle.ignore_warning(StatusCode.success_device_not_present, StatusCode.success_max_count_read):
                    chunk, _ = handle.visalib.read(handle.session, _BYTES - len(self._partial))
            except VisaIOError as exc:
                if exc.error_code == StatusCode.error_timeout:
                    return False
                raise
            if not chunk:
                raise InstrumentError(f"{self.name}: a read of the dump ended without a byte")
            self._partial += chunk
        return True

    def end_dump(self) -> None:
        """End a dump: clear the device, discard what was on its way and wait for the identity."""
        self._partial.clear()
        self._synchroniser.resynchronise()
