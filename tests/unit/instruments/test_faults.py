"""Whatever an instrument does becomes one sentence that names it, what was asked, and the cure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mqtctl_drivers.errors import ErrorQueueError, ReplyError
from mqtctl_drivers.keithley_6221 import Keithley6221
from pyvisa.constants import StatusCode
from pyvisa.errors import InvalidSession, VisaIOError

from mqtctl.errors import CryostatError, HardwareError, InputError
from mqtctl.instruments.talk.error_sentences import close_to, speaking
from tests.unit.drivers.scripted_visa import SILENCE, Responder, resource_for


@pytest.fixture
def source() -> Iterator[Keithley6221]:
    device = Responder({"SOUR:CURR?": SILENCE, "OUTP?": "MAYBE"})
    instrument = Keithley6221("ramp", resource=resource_for(device))
    yield instrument
    instrument.close()


def sentence(source: Keithley6221, fault: BaseException) -> str:
    with pytest.raises(HardwareError) as caught, speaking(source, "trying"):
        raise fault
    assert caught.value.__cause__ is fault
    text = str(caught.value)
    assert text.startswith("ramp (GPIB0::12::INSTR), trying: ")
    assert "\n" not in text
    return text


def test_a_time_out_says_what_was_asked_and_how_long_was_waited(source: Keithley6221) -> None:
    with pytest.raises(HardwareError) as caught, speaking(source, "asking for the current"):
        source.current.get()
    assert str(caught.value) == (
        "ramp (GPIB0::12::INSTR), asking for the current: no answer to 'SOUR:CURR?' within 5 s; "
        "check power, cable and address"
    )


def test_an_answer_outside_the_table_of_values_says_what_was_asked(source: Keithley6221) -> None:
    with (
        pytest.raises(HardwareError, match=r"answer \(getting ramp_output\) makes no sense .*MAYBE"),
        speaking(source, "asking for the output"),
    ):
        source.output.get()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (VisaIOError(StatusCode.error_connection_lost), "VI_ERROR_CONN_LOST"),
        (VisaIOError(StatusCode.error_io), "VI_ERROR_IO"),
        (InvalidSession(), "connection failed"),
        (ConnectionResetError(104, "Connection reset by peer"), "connection failed"),
        (ErrorQueueError("ramp", [(-222, "Parameter data out of range")]), "-222"),
        (ReplyError("ramp: reply b'+1.0' was cut short"), "cut short"),
        (ValueError("could not convert string to float: 'x'"), "makes no sense"),
        (KeyError("9"), "makes no sense"),
        (UserWarning("read string doesn't end with termination characters"), "makes no sense"),
    ],
)
def test_every_kind_of_fault_becomes_one_sentence(source: Keithley6221, fault: BaseException, words: str) -> None:
    assert words in sentence(source, fault)


@pytest.mark.parametrize("fault", [InputError("a"), CryostatError("b"), HardwareError("c")])
def test_errors_of_ours_pass_unchanged(source: Keithley6221, fault: Exception) -> None:
    with pytest.raises(type(fault)) as caught, speaking(source, "trying"):
        raise fault
    assert caught.value is fault


def test_a_programming_error_is_not_disguised_as_a_hardware_fault(source: Keithley6221) -> None:
    with pytest.raises(AttributeError), speaking(source, "trying"):
        raise AttributeError("no such method")


def test_nan_is_close_to_nothing() -> None:
    assert not close_to(float("nan"), 1.0, relative=1.0, absolute=1e9)
    assert close_to(1.0, 1.0)
