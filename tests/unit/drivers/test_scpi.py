"""What all SCPI drivers share: replies, error queue, staying in step after a time-out."""

from __future__ import annotations

from itertools import count

import pytest
from mqtctl_drivers.errors import ErrorQueueError, InstrumentError, ReplyError
from mqtctl_drivers.keithley_6221 import Keithley6221
from pyvisa.errors import VisaIOError

from tests.unit.drivers.scripted_visa import SILENCE, Responder, Transcript, library_for, resource_for, resource_on

IDN = "KEITHLEY INSTRUMENTS INC.,MODEL 6221,1234567,A03  /700x"
_names = count()


def connect(opened: list[Keithley6221], *exchanges: tuple[str, object]) -> tuple[Keithley6221, Transcript]:
    device = Transcript(("<clear>", None), *exchanges)
    instrument = Keithley6221(f"scpi_{next(_names)}", resource=resource_for(device))
    opened.append(instrument)
    return instrument, device


def test_the_identity_gives_the_bare_model_number(opened: list[Keithley6221]) -> None:
    source, device = connect(opened, ("*IDN?", IDN))
    assert source.get_idn() == {
        "vendor": "KEITHLEY INSTRUMENTS INC.",
        "model": "6221",
        "serial": "1234567",
        "firmware": "A03  /700x",
    }
    assert device.finished()


def test_an_identity_without_four_fields_is_refused(opened: list[Keithley6221]) -> None:
    source, _ = connect(opened, ("*IDN?", "hello"))
    with pytest.raises(ReplyError, match="four fields"):
        source.get_idn()


def test_the_error_queue_is_emptied_oldest_first(opened: list[Keithley6221]) -> None:
    source, device = connect(
        opened,
        ("SYST:ERR?", '-222,"Parameter data out of range"'),
        ("SYST:ERR?", '+413,"Says ""no"", twice"'),
        ("SYST:ERR?", '+0,"No error"'),
    )
    with pytest.raises(ErrorQueueError, match="-222") as caught:
        source.check_errors()
    assert caught.value.errors == ((-222, "Parameter data out of range"), (413, 'Says "no", twice'))
    assert device.finished()


def test_an_error_queue_that_never_empties_ends(opened: list[Keithley6221]) -> None:
    device = Responder({"SYST:ERR?": '-350,"Queue overflow"'})
    source = Keithley6221(f"scpi_{next(_names)}", resource=resource_for(device))
    opened.append(source)
    with pytest.raises(InstrumentError, match="never empties"):
        source.errors()


@pytest.mark.parametrize("reply", ["nonsense", "", "1;2", '0 "No error"'])
def test_an_answer_that_is_no_error_entry_is_refused(opened: list[Keithley6221], reply: str) -> None:
    source, _ = connect(opened, ("SYST:ERR?", reply))
    with pytest.raises(ReplyError):
        source.errors()


def test_after_a_time_out_late_answers_are_discarded_before_the_next_question(
    opened: list[Keithley6221],
) -> None:
    source, device = connect(
        opened,
        ("SOUR:CURR?", SILENCE),
        ("<clear>", None),
        ("*IDN?", b"+1.000000E-05\n" + IDN.encode() + b"\n"),  # the late current comes first
        ("SOUR:CURR:COMP?", "+1.000000E-01"),
    )
    with pytest.raises(VisaIOError):
        source.current.get()
    assert source.compliance.get() == 0.1
    assert device.finished()


def test_an_instrument_that_stays_silent_is_asked_for_its_identity_before_it_gets_a_command(
    opened: list[Keithley6221],
) -> None:
    source, device = connect(
        opened,
        ("SOUR:CURR?", SILENCE),
        ("<clear>", None),
        ("*IDN?", SILENCE),
        ("<clear>", None),
        ("*IDN?", IDN + "\n" + IDN),  # both identities arrive now; neither may answer the next query
        ("OUTP 0", None),
        ("OUTP?", "0"),
    )
    with pytest.raises(VisaIOError):
        source.current.get()
    source.output.set(False)
    assert source.output.get() is False
    assert device.finished()


def test_a_socket_without_device_clear_gets_back_in_step_by_the_identity(opened: list[Keithley6221]) -> None:
    device = Transcript(
        ("<clear>", None),
        ("SOUR:CURR?", SILENCE),
        ("*IDN?", b"+1.0E-05\n" + IDN.encode() + b"\n"),
        ("SOUR:CURR?", "+2.000000E-06"),
    )
    library = library_for(device)
    source = Keithley6221(f"scpi_{next(_names)}", resource=resource_on(library))
    opened.append(source)
    library.clear_supported = False
    with pytest.raises(VisaIOError):
        source.current.get()
    assert source.current.get() == 2e-6
    assert library.pending() == b""


def test_a_reply_without_its_terminator_is_not_believed(opened: list[Keithley6221]) -> None:
    source, device = connect(opened, ("SOUR:CURR?", b"+1.0000"), ("<clear>", None), ("*IDN?", IDN))
    with pytest.raises(ReplyError, match="cut short"):
        source.current.get()
    assert device.finished()


def test_a_reply_that_is_not_text_is_not_believed(opened: list[Keithley6221]) -> None:
    source, _ = connect(opened, ("SOUR:CURR?", b"+1.\xff00\n"), ("<clear>", None), ("*IDN?", IDN))
    with pytest.raises(ReplyError, match="not plain text"):
        source.current.get()


def test_a_reset_forgets_what_was_read_but_not_the_drivers_own_limit(opened: list[Keithley6221]) -> None:
    source, _ = connect(opened, ("OUTP:RESP?", "SLOW"), ("*RST;*CLS", None))
    source.response.get()
    source.current_limit.set(20e-6)
    source.reset()
    assert not source.response.cache.valid
    assert source.current_limit.get() == 20e-6


def test_waiting_for_completion_lengthens_the_time_out_only_meanwhile(opened: list[Keithley6221]) -> None:
    source, _ = connect(opened, ("*OPC?", "1"))
    usual = source.timeout.get()
    with source.patience(30.0):
        assert source.timeout.get() == 30.0
    source.wait_complete(20.0)
    assert source.timeout.get() == usual


def test_a_wrong_answer_to_opc_is_refused(opened: list[Keithley6221]) -> None:
    source, _ = connect(opened, ("*OPC?", "+1.000000E-05"))
    with pytest.raises(ReplyError, match="OPC"):
        source.wait_complete()


def test_status_registers_and_common_commands_are_spelled_as_in_the_manual(opened: list[Keithley6221]) -> None:
    source, device = connect(
        opened,
        ("STAT:OPER:COND?", "1024"),
        ("STAT:OPER:EVEN?", "128"),
        ("STAT:OPER:ENAB 128", None),
        ("STAT:MEAS:EVEN?", "8"),
        ("STAT:QUES:COND?", "0"),
        ("*SRE 128", None),
        ("*ESE 1", None),
        ("*STB?", "64"),
        ("*ESR?", "128"),
        ("*TST?", "0"),
        ("STAT:PRES", None),
    )
    assert source.operation.condition.get() == 1024
    assert source.operation.event.get() == 128
    source.operation.enable.set(128)
    assert source.measurement.event.get() == 8
    assert source.questionable.condition.get() == 0
    source.service_request_enable.set(128)
    source.standard_event_enable.set(1)
    assert source.status_byte.get() == 64
    assert source.standard_event_status.get() == 128
    assert source.self_test() == 0
    source.preset_status()
    assert device.finished()
