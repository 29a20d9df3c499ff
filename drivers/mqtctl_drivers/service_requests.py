"""Waits for an instrument's service request, where the VISA library and the interface have such a thing.

GPIB, USB-TMC and VXI-11 do under a full VISA library; bare sockets, serial lines and pyvisa-py do not.
The rules that make no request get lost (IEEE 488.2, section 11.3; VPP-4.3, section 3.7): what is queued is
discarded and the status byte polled *before* the condition is asked for, and the poll follows every
request, for until then the instrument makes no other one.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from pyvisa.constants import EventMechanism, EventType
from pyvisa.errors import VisaIOError

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["ServiceRequests"]

#: What a VISA library that has no events raises.
_NOT_THERE = (VisaIOError, NotImplementedError)


class ServiceRequests:
    """The service requests of one instrument.

    Parameters
    ----------
    instrument
        Any QCoDeS VISA instrument; which events request service is its driver's business.
    """

    def __init__(self, instrument: VisaInstrument) -> None:
        self._instrument = instrument
        self._session: object = None  # that queues; one that was opened later does not

    @property
    def listening(self) -> bool:
        """Whether requests are queued."""
        return self._session is not None and self._session is self._instrument.visa_handle

    def listen(self) -> bool:
        """Queue requests from now on; return False where that cannot be."""
        if not self.listening:
            with suppress(*_NOT_THERE):
                self._instrument.visa_handle.enable_event(EventType.service_request, EventMechanism.queue)
                self._session = self._instrument.visa_handle
        return self.listening

    def forget(self) -> None:
        """Discard what is queued and let the instrument request again; then ask for the condition, and `wait`."""
        handle = self._instrument.visa_handle
        handle.discard_events(EventType.service_request, EventMechanism.queue)
        handle.read_stb()

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` s for a request; return whether one came, after polling the status byte."""
        handle = self._instrument.visa_handle
        milliseconds = max(1, math.ceil(1e3 * timeout))
        answer = handle.wait_on_event(EventType.service_request, milliseconds, capture_timeout=True)
        if not answer.timed_out:
            handle.read_stb()
        return not answer.timed_out
