"""Waiting by service request: nothing is missed, nothing hangs, and where there is no such thing it is said."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from mqtctl_drivers.keysight_53230a import Keysight53230A
from pyvisa.constants import EventMechanism, EventType, StatusCode
from pyvisa.util import LibraryPath

from tests.unit.drivers.scripted_visa import Responder, ScriptedVisaLibrary, resource_on

_names = count()


class Counter(Responder):
    """A counter whose readings come while a message is under way: `arriving` at the next one."""

    def __init__(self, library: RequestingLibrary) -> None:
        super().__init__({"*IDN?": "Agilent Technologies,53230A,MY1,1", "STAT:OPER:EVEN?": self.take_event})
        self.answers["DATA:POIN?"] = self.count
        self.library = library
        self.ready: int = 0
        self.arriving = 0
        self.event = 0

    @property
    def threshold(self) -> int:
        return int(self.settings.get("DATA:POIN:EVEN:THR", "1"))

    def arrive(self, number: int) -> None:
        """Take readings; the threshold's event latches as it is passed, and requests service once."""
        before, self.ready = self.ready, self.ready + number
        if before < self.threshold <= self.ready:
            self.event |= 4096
            if not self.library.asserted:
                self.library.asserted = True
                self.library.queued += self.library.enabled

    def count(self) -> str:
        return str(self.ready)

    def take_event(self) -> str:
        event, self.event = self.event, 0
        return str(event)

    def receive(self, message: str) -> bytes:
        reply = super().receive(message)
        arriving, self.arriving = self.arriving, 0
        self.arrive(arriving)
        return reply


class RequestingLibrary(ScriptedVisaLibrary):
    """A VISA library with service requests; waiting lets the device's `coming` readings arrive, or time pass."""

    enabled = False
    asserted = False
    queued = 0
    coming = 0
    waited: list[int]

    def enable_event(self, session: Any, event_type: Any, mechanism: Any, context: None = None) -> StatusCode:
        assert (event_type, mechanism) == (EventType.service_request, EventMechanism.queue)
        self.enabled = True
        return StatusCode.success

    def discard_events(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        self.queued = 0
        return StatusCode.success

    def read_stb(self, session: Any) -> Any:
        before, self.asserted = self.asserted, False
        return 0x40 if before else 0, StatusCode.success

    def wait_on_event(self, session: Any, in_event_type: Any, timeout: int) -> Any:
        self.waited.append(timeout)
        device: Any = self.device
        coming, self.coming = self.coming, 0
        device.arrive(coming)
        if not self.queued:
            return in_event_type, 0, self.handle_return_value(session, StatusCode.error_timeout)
        self.queued -= 1
        return EventType.service_request, 1, StatusCode.success


@pytest.fixture
def counter() -> Iterator[tuple[Keysight53230A, Counter, RequestingLibrary]]:
    library = RequestingLibrary(LibraryPath(f"requesting-{next(_names)}"))
    library.waited = []
    device = library.device = Counter(library)
    instrument = Keysight53230A(f"requesting_{next(_names)}", resource=resource_on(library))
    yield instrument, device, library
    instrument.close()


def test_the_threshold_is_set_up_to_request_service(counter: tuple[Keysight53230A, Counter, RequestingLibrary]) -> None:
    instrument, device, library = counter
    assert instrument.request_service()
    assert library.enabled
    assert device.settings["STAT:OPER:ENAB"] == "4096"
    assert device.settings["*SRE"] == "128"


def test_readings_that_are_there_already_are_not_waited_for(
    counter: tuple[Keysight53230A, Counter, RequestingLibrary],
) -> None:
    instrument, device, library = counter
    instrument.request_service()
    device.ready = 100
    assert instrument.wait_for_readings(100, 10.0)
    assert library.waited == []


def test_the_request_wakes_up_and_the_next_one_can_come(
    counter: tuple[Keysight53230A, Counter, RequestingLibrary],
) -> None:
    instrument, device, library = counter
    instrument.request_service()
    for _ in range(3):
        library.coming = 100
        assert instrument.wait_for_readings(device.ready + 100, 10.0)
        assert not library.asserted  # polled: the instrument may request again
    assert library.waited == [10_000] * 3


def test_readings_that_arrive_between_question_and_wait_are_not_missed(
    counter: tuple[Keysight53230A, Counter, RequestingLibrary],
) -> None:
    instrument, device, library = counter
    instrument.request_service()
    device.arriving = 100  # right behind the answer
    assert instrument.wait_for_readings(100, 10.0)
    assert len(library.waited) == 1


def test_a_request_after_the_time_out_neither_gets_lost_nor_fools_the_next_wait(
    counter: tuple[Keysight53230A, Counter, RequestingLibrary],
) -> None:
    instrument, device, library = counter
    instrument.request_service()
    assert not instrument.wait_for_readings(100, 0.5)
    assert library.waited == [500]
    device.arrive(100)  # too late: the request is queued and asserted
    assert library.queued == 1
    assert not instrument.wait_for_readings(200, 0.5)  # the old request does not count for this
    library.coming = 100
    assert instrument.wait_for_readings(200, 0.5)


def test_a_library_without_events_says_so() -> None:
    library = ScriptedVisaLibrary(LibraryPath(f"quiet-{next(_names)}"))
    device = library.device = Responder({"*IDN?": "Agilent Technologies,53230A,MY1,1"})
    instrument = Keysight53230A(f"quiet_{next(_names)}", resource=resource_on(library))
    try:
        assert not instrument.request_service()
        assert "*SRE" not in device.settings
    finally:
        instrument.close()
