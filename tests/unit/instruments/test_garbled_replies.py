"""One reply of a conversation is damaged: an error of ours or the right result, and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import count
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mqtctl_drivers.keithley_6221 import Keithley6221
from mqtctl_drivers.keysight_53230a import Keysight53230A
from qcodes.instrument import VisaInstrument
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372

from mqtctl.errors import MqtctlError
from mqtctl.instruments.keithley_6221.adapter import Keithley6221RampSource
from mqtctl.instruments.keysight_53230a.adapter import Keysight53230ATimingCounter
from mqtctl.instruments.lakeshore.model_372 import Lakeshore372Controller
from tests.unit.drivers.scripted_visa import Device, ScriptedVisaLibrary, library_for, resource_on
from tests.unit.instruments.fake_clock import FakeClock
from tests.unit.instruments.test_keithley_6221 import RAMP, Source
from tests.unit.instruments.test_keysight_53230a import Counter
from tests.unit.instruments.test_lakeshore_372 import OPTIONS, Bridge

_names = count()

#: What can happen to a reply: lost, cut, doubled, or bytes that were never sent.
DAMAGE = st.one_of(
    st.just(("lost", b"")),
    st.tuples(st.just("cut"), st.binary(min_size=1, max_size=1)),
    st.just(("doubled", b"")),
    st.tuples(st.just("replaced"), st.binary(max_size=40)),
    st.tuples(st.just("replaced"), st.text("0123456789+-.E,;#\n", max_size=20).map(str.encode)),
)


Result = TypeVar("Result")


def outcome(action: Callable[[], Result]) -> Result | None:
    """Return what an action returns, or None if it ends in a proper error."""
    try:
        return action()
    except MqtctlError as exc:
        if "\n" in str(exc):
            pytest.fail(f"more than one line: {exc}")
        return None


class Line:
    """A cable between library and device that damages the reply of a given number."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.arm(-1, ("lost", b""))

    def arm(self, victim: int, damage: tuple[str, bytes]) -> None:
        self.replies, self.victim, self.damage = 0, victim, damage

    def receive(self, message: str) -> bytes:
        reply = self.device.receive(message)
        if not reply:
            return reply
        self.replies += 1
        if self.replies - 1 != self.victim:
            return reply
        kind, replacement = self.damage
        if kind == "cut":
            return reply[: replacement[0] % len(reply)]
        return {"lost": b"", "doubled": reply + reply, "replaced": replacement}[kind]

    def clear(self) -> None:
        self.device.clear()


@pytest.fixture
def opened() -> Iterator[list[VisaInstrument]]:
    instruments: list[VisaInstrument] = []
    yield instruments
    for instrument in instruments:
        instrument.close()


def empty(library: ScriptedVisaLibrary) -> None:
    """Throw away what damage has left on the line: each example begins in step."""
    library._output.clear()


@given(victim=st.integers(0, 20), damage=DAMAGE)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_source_gives_the_planned_ramp_or_an_error(
    opened: list[VisaInstrument], victim: int, damage: tuple[str, bytes]
) -> None:
    line = Line(Source())
    instrument = Keithley6221(f"garbled_{next(_names)}", resource=resource_on(library_for(line)))
    opened.append(instrument)
    source = Keithley6221RampSource(instrument, {"points": 200}, FakeClock())
    line.arm(victim, damage)
    actual = outcome(lambda: source.configure(RAMP))
    if actual is not None:
        assert actual.rate == pytest.approx(RAMP.rate, rel=1e-3)  # within what the read-back allows
        assert actual.stop_current == pytest.approx(RAMP.stop_current, rel=1e-3)


@given(victim=st.integers(0, 12), damage=DAMAGE)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_counter_gives_its_intervals_or_an_error_and_never_others(
    opened: list[VisaInstrument], victim: int, damage: tuple[str, bytes]
) -> None:
    device = Counter()
    line = Line(device)
    instrument = Keysight53230A(f"garbled_{next(_names)}", resource=resource_on(library_for(line)))
    opened.append(instrument)
    counter = Keysight53230ATimingCounter(instrument, {"stop_threshold": "1 V"}, FakeClock())
    counter.configure(RAMP)
    line.arm(victim, damage)
    truth = np.linspace(7e-4, 8e-4, 50)
    read: list[float] = []

    def acquire() -> None:
        counter.arm(50)
        device.readings = list(truth)
        for _ in range(5):
            read.extend(counter.read(10))

    outcome(acquire)
    np.testing.assert_array_equal(read, truth[: len(read)])


@given(damage=DAMAGE)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_thermometer_gives_its_temperature_or_says_that_it_does_not(
    opened: list[VisaInstrument], damage: tuple[str, bytes]
) -> None:
    if not opened:
        opened.append(_bridge())
    library = opened[0].visa_handle.visalib
    assert isinstance(library, ScriptedVisaLibrary)
    empty(library)
    line = library.device
    assert isinstance(line, Line)
    controller = Lakeshore372Controller(opened[0], OPTIONS, FakeClock())  # type: ignore[arg-type]  # a list of any
    line.arm(0, damage)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pyvisa's, of a missing terminator: only a warning in use
        first = outcome(controller.read)
    if first is not None:
        assert first.temperature == 0.05 or not first.valid or damage[0] == "replaced"


def _bridge() -> LakeshoreModel372:
    library = library_for(Line(Bridge()))
    resource = resource_on(library, "GPIB0::13::INSTR")
    quiet = {"address": None, "print_connect_message": False}
    return LakeshoreModel372(f"garbled_{next(_names)}", resource=resource, **quiet)  # type: ignore[arg-type]  # as above
