"""The rules of SCPI-1999 volume 1 chapter 6 and IEEE 488.2-1992 chapter 7 that the engine keeps, one by one."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from pyvisa_mqt.grammar.instrument import InputBuffer
from pyvisa_mqt.grammar.parameters import Boolean, ChannelList, Choice, Number, Text
from pyvisa_mqt.grammar.scpi import Command, CommandTree, setting
from pyvisa_mqt.grammar.scpi_instrument import Hold, ScpiInstrument, register_commands, state_commands

from tests.protocol.silent_wires import SilentWires


class _Toy(ScpiInstrument):
    """An instrument with one command of each kind, and an operation that takes a second."""

    error_depth = 3
    done = 0.0

    def identification(self) -> str:
        return "TOY"

    @property
    def operation_pending(self) -> bool:
        return self.wires.clock.now() < self.done

    def begin(self) -> None:
        self.done = self.wires.clock.now() + 1.0

    def next_event(self) -> float:
        return self.done

    def result(self) -> Hold:
        return Hold(lambda: not self.operation_pending, lambda: "42")

    commands: ClassVar = (
        *register_commands("OPERation", "operation"),
        setting("[SOURce]:FREQuency[:CW]", "frequency", Number(1, 1e6, 1e3, unit="HZ"), 1e3),
        setting("[SOURce]:VOLTage:LEVel", "voltage", Number(-10, 10, 0, unit="V", infinite=False), 0.0),
        setting("[SOURce]:VOLTage:STATe", "voltage_on", Boolean(), False),
        setting("INPut{1-2}:LEVel{1-2}", "level", Number(-5, 5, 0), 0.0),
        setting("FUNCtion", "function", Choice("SINusoid", "RAMP", "ARB0"), "SIN"),
        setting("DISPlay:TEXT", "text", Text(20), ""),
        setting("TIMeout", "timeout", Number(0, 10, infinite=True), 1.0),
        setting("COUNt", "count", Number(0, 255, 1, integer=True), 1),
        Command("ROUTe", None, lambda self, channels: str(channels), (), (ChannelList(4),)),
        Command("SUM", None, lambda self, *numbers: f"{sum(numbers):g}", (), (Number(0, 9), Number(0, 9))),
        Command("INITiate", begin),
        Command("FETCh", None, result),
        setting("ADDRess", "address", Number(0, 30, 3, integer=True), 3, lasting=True),
        *state_commands(4),
        Command("ENDLess", None, lambda self: b"#0abc"),
        Command("BLOCk", None, lambda self: b"#13\n;\xff"),
    )


@pytest.fixture
def toy() -> _Toy:
    return _Toy(SilentWires(), np.random.default_rng(0), {})


def ask(toy: _Toy, message: str) -> str:
    toy.write(message.encode("latin-1") + b"\n", True)
    reply = ""
    while toy.output:
        reply += toy.output.take(1 << 20)[0].decode("latin-1")
    return reply


def error(toy: _Toy) -> int:
    return int(ask(toy, "SYST:ERR?").split(",")[0])


@pytest.mark.parametrize(
    "header",
    ["FREQ?", "freq?", "FREQUENCY?", "Frequency:cw?", ":SOUR:FREQ?", "SOURCE:FREQ:CW?", ":freq:CW?", "SOUR1:FREQ?"],
)
def test_short_and_long_forms_in_any_case_with_and_without_optional_nodes_are_one_command(
    toy: _Toy, header: str
) -> None:
    assert ask(toy, header) == "+1.00000000E+03\n"


@pytest.mark.parametrize("header", ["FRE?", "FREQU?", "FREQUENC?", "SOURC:FREQ?", "STAT:OPE?", "CW?"])
def test_forms_between_short_and_long_are_undefined_headers(toy: _Toy, header: str) -> None:
    assert ask(toy, header) == ""
    assert error(toy) == -113


def test_a_semicolon_keeps_the_path_and_a_colon_returns_to_the_root(toy: _Toy) -> None:
    assert ask(toy, "VOLT:LEV 3;STAT ON;LEV?;STAT?;:FREQ?") == "+3.00000000E+00;1;+1.00000000E+03\n"
    assert ask(toy, "VOLT:LEV 3;FREQ?") == ""
    assert error(toy) == -113


def test_common_commands_leave_the_path_alone(toy: _Toy) -> None:
    assert ask(toy, "VOLT:LEV 2;*CLS;LEV?;*OPC?;STAT?") == "+2.00000000E+00;1;0\n"


def test_what_clients_get_away_with_is_tolerated(toy: _Toy) -> None:
    ask(toy, ":stat:pres;:*CLS; ;")
    assert ask(toy, " \t *IDN?  ;; \r") == "TOY\n"
    assert error(toy) == 0


def test_numeric_suffixes_choose_the_channel_and_default_to_one(toy: _Toy) -> None:
    ask(toy, "INP2:LEV2 1.5;:INP:LEV 0.5")
    assert ask(toy, "INP1:LEV1?;:INPUT2:LEVEL2?;LEV1?") == "+5.00000000E-01;+1.50000000E+00;+0.00000000E+00\n"
    ask(toy, "INP3:LEV 1")
    assert error(toy) == -114


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("+1.E3", 1e3),
        (".5E+1", 5.0),
        ("2 kHz", 2e3),
        ("2KHZ", 2e3),
        ("0.1 MHZ", 1e5),
        ("500 HZ", 500.0),
        ("MIN", 1.0),
        ("MAXimum", 1e6),
        ("DEF", 1e3),
        ("1 E 3", 1e3),
    ],
)
def test_numbers_take_exponents_units_and_keywords(toy: _Toy, text: str, value: float) -> None:
    ask(toy, f"FREQ {text}")
    assert toy.settings["frequency"] == pytest.approx(value, rel=1e-15)
    assert error(toy) == 0


def test_small_units_are_small_and_mega_is_only_for_hertz(toy: _Toy) -> None:
    ask(toy, "VOLT:LEV 5 MV")
    assert toy.settings["voltage"] == 5e-3


def test_limits_can_be_asked_for(toy: _Toy) -> None:
    assert ask(toy, "FREQ? MIN;FREQ? MAX;FREQ? DEF") == "+1.00000000E+00;+1.00000000E+06;+1.00000000E+03\n"


def test_infinity_goes_where_it_is_allowed_and_reads_back_as_a_large_number(toy: _Toy) -> None:
    assert ask(toy, "TIM INF;TIM?") == "+9.90000000E+37\n"
    ask(toy, "FREQ INF")
    assert error(toy) == -222


def test_non_decimal_numbers_booleans_choices_and_strings(toy: _Toy) -> None:
    assert ask(toy, "COUN #HFF;COUN?;COUN #B101;COUN?;COUN #Q17;COUN?") == "255;5;15\n"
    assert ask(toy, "VOLT:STAT ON;STAT?;STAT 0;STAT?;STAT 2;STAT?") == "1;0;1\n"
    assert ask(toy, "FUNC ramp;FUNC?;FUNC sinusoid;FUNC?;FUNC ARB0;FUNC?") == "RAMP;SIN;ARB0\n"
    assert ask(toy, "DISP:TEXT 'a; \"b\", c';TEXT?") == '"a; ""b"", c"\n'


def test_channel_lists_and_lists_of_numbers(toy: _Toy) -> None:
    assert ask(toy, "ROUT? (@1, 3)") == "(1, 3)\n"
    assert ask(toy, "SUM? 1 , 2") == "3\n"
    ask(toy, "SUM? 1")
    assert error(toy) == -109


def test_replies_of_one_message_are_joined_and_keep_their_bytes(toy: _Toy) -> None:
    toy.write(b"COUN?;BLOC?;*IDN?\n", True)
    assert toy.output.take(100) == (b"1;#13\n;\xff;TOY\n", True, False)


def test_a_command_error_ends_the_message_and_an_execution_error_only_its_unit(toy: _Toy) -> None:
    assert ask(toy, "COUN 7;NONSENSE;COUN 8;:COUN?") == ""
    assert ask(toy, "COUN?") == "7\n"
    assert ask(toy, "COUN 999;COUN 9;COUN?") == "9\n"
    assert [error(toy), error(toy), error(toy)] == [-113, -222, 0]


def test_the_error_queue_is_first_in_first_out_and_its_last_place_tells_the_overflow(toy: _Toy) -> None:
    for message in ("BAD", "COUN 999", "COUN", "BAD"):
        ask(toy, message)
    assert [error(toy) for _ in range(4)] == [-113, -222, -350, 0]


def test_a_new_message_before_the_reply_was_read_is_an_interrupted_query(toy: _Toy) -> None:
    toy.write(b"*IDN?\n", True)
    toy.write(b"COUN?\n", True)
    assert toy.output.take(100)[0] == b"1\n"
    assert error(toy) == -410


def test_a_stream_without_message_exchange_queues_replies_instead(toy: _Toy) -> None:
    toy.message_exchange = False
    toy.write(b"*IDN?\nCOUN?\n", False)
    assert [toy.output.take(100)[0], toy.output.take(100)[0]] == [b"TOY\n", b"1\n"]
    assert error(toy) == 0


def test_a_read_without_a_query_is_an_unterminated_query(toy: _Toy) -> None:
    toy.starved()
    assert error(toy) == -420


def test_overlapped_operations_hold_wai_opc_query_and_fetch_but_not_the_next_command(toy: _Toy) -> None:
    clock = toy.wires.clock
    assert ask(toy, "INIT;*OPC;*ESR?") == "128\n"
    toy.write(b"FETC?;*OPC?;COUN 5;COUN?\n", True)
    assert toy.busy
    assert toy.settings["count"] == 1
    clock.sleep(0.5)
    toy.advance(clock.now())
    assert not toy.output
    clock.sleep(0.5)
    toy.advance(clock.now())
    assert toy.output.take(100)[0] == b"42;1;5\n"
    assert ask(toy, "*ESR?") == "1\n"


def test_a_device_clear_empties_the_buffers_and_keeps_settings_and_status(toy: _Toy) -> None:
    ask(toy, "COUN 5;BAD")
    toy.write(b"INIT;*WAI;COUN 6\n", True)
    toy.write(b"COUN?;", False)
    toy.clear()
    assert not toy.busy
    assert ask(toy, "COUN?") == "5\n"
    assert error(toy) == -113


def test_cls_clears_events_and_errors_and_leaves_enables_and_preset_clears_enables(toy: _Toy) -> None:
    ask(toy, "STAT:OPER:ENAB 16;*SRE 128;*ESE 32")
    toy.registers["operation"].set(16, True)
    ask(toy, "BAD")
    assert ask(toy, "*STB?") == "228\n"  # 128 OPER, 64 summary, 32 ESB, 4 error queue
    assert ask(toy, "*CLS;*STB?;*SRE?;*ESE?;STAT:OPER:ENAB?;COND?") == "0;128;32;16;16\n"
    assert ask(toy, "STAT:PRES;OPER:ENAB?") == "0\n"


def test_events_latch_on_the_transitions_that_are_let_through(toy: _Toy) -> None:
    register = toy.registers["operation"]
    ask(toy, "STAT:OPER:PTR 0;NTR 16")
    register.set(16, True)
    assert ask(toy, "STAT:OPER?") == "0\n"
    register.set(16, False)
    assert ask(toy, "STAT:OPER:EVEN?;EVEN?") == "16;0\n"


def test_a_serial_poll_withdraws_the_request_and_the_summary_stays(toy: _Toy) -> None:
    ask(toy, "*SRE 4;BAD")
    assert toy.service_requests == 1
    assert toy.status_byte() == 68
    assert toy.status_byte() == 4
    assert ask(toy, "*STB?") == "68\n"


def test_message_available_is_in_the_status_byte_while_a_reply_waits(toy: _Toy) -> None:
    toy.write(b"*SRE 16;*IDN?\n", True)
    assert toy.status_byte() == 80
    toy.output.take(100)
    assert toy.status_byte() == 0


def test_a_message_may_come_in_pieces_and_several_in_one_piece() -> None:
    buffer = InputBuffer()
    assert buffer.feed(b"COU", False) == ([], False)
    assert buffer.feed(b"N?\r\n*IDN?\nFR", False) == (["COUN?", "*IDN?"], False)
    assert buffer.feed(b"EQ?", True) == (["FREQ?"], False)


def test_a_line_feed_inside_a_binary_block_does_not_end_the_message() -> None:
    assert InputBuffer().feed(b"DATA #14a\nb\n;*IDN?\nCOUN?\n", False) == (["DATA #14a\nb\n;*IDN?", "COUN?"], False)


def test_endless_input_is_dropped_up_to_its_end_and_reported_once() -> None:
    buffer = InputBuffer(capacity=100)
    assert buffer.feed(b"x" * 101, False) == ([], True)
    assert buffer.feed(b"x" * 1000, False) == ([], False)
    assert buffer.feed(b"x\n*IDN?\n", False) == (["*IDN?"], False)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("COUN " + "1" * 256, -124),
        ("FREQ 1E32001", -123),
        ("FREQ 1E-" + "9" * 300, -123),
        ("COUN #H1_0", -121),
        ("COUN #H-5", -121),
        ("COUN #B2", -121),
        ("COUN #H", -121),
        ("COUN #Q" + "7" * 300, -124),
        ("DISP:TEXT 'it's'", -151),
        ('DISP:TEXT "a""', -151),
        ("VOLT:STAT 1 V", -138),
        ("VOLT:STAT 1E400", 0),
        ("INP0:LEV 1", -114),
        ("INP01:LEV02 1", 0),
        ("INP" + "1" * 40 + ":LEV 1", -114),
        (":" * 1000, -110),
        ("VOLT:" * 1000 + "LEV 1", -113),
        ("VOLT::LEV 1", -110),
        ("*IDN2?", -113),
        ("FR\u00c9Q 1", -101),
        ("FREQ 1\u00b2", -121),
        ("COUN (1)", -178),
        ("COUN #15abcde", -168),
        ("ROUT? (@1,\u00b2)", -171),
        ("FREQ 1;;;;;;FREQ 2", 0),
    ],
)
def test_odd_messages_are_refused_with_their_errors(toy: _Toy, message: str, code: int) -> None:
    ask(toy, message)
    assert error(toy) == code
    assert ask(toy, "*IDN?") == "TOY\n"


@pytest.mark.shown(3)
@pytest.mark.parametrize(
    "message",
    [
        *("FREQ " + "1" * 500_000 + "!", "FREQ 1" + " " * 500_000 + "!", "ROUT? (@" + " " * 500_000 + "!)"),
        *(";" * 1_000_000, "#" * 1_000_000, ":" * 1_000_000, "(" * 500_000, "'" * 500_001, "A" * 1_000_000),
        *("DISP:TEXT '" + "''" * 400_000, "FREQ" + " ," * 400_000, " #1" * 300_000, "\0" * 1_000_000),
    ],
    ids=range(13),
)
@pytest.mark.timeout(5)
def test_a_megabyte_of_anything_takes_no_longer_than_reading_it(toy: _Toy, message: str) -> None:
    ask(toy, message)
    assert ask(toy, "*CLS;*IDN?") == "TOY\n"


def test_a_mnemonic_may_end_in_a_digit_of_its_own() -> None:
    tree = CommandTree([Command("CALCulate:MODE", lambda i: 1), Command("CALCulate2:MODE", lambda i: 2)])
    answers = {
        h: [c.handler(None) if c.handler else c.error for c in tree.parse(h)] for h in ("CALC:MODE", "CALC1:MODE")
    }
    assert answers == {"CALC:MODE": [1], "CALC1:MODE": [1]}
    (call,) = tree.parse("calculate2:mode")
    assert call.handler is not None
    assert call.handler(None) == 2
    assert tree.parse("CALC3:MODE")[0].error is not None


def test_nothing_can_follow_an_indefinite_block(toy: _Toy) -> None:
    assert ask(toy, "COUN?;ENDL?;COUN?") == "1;#0abc\n"
    assert error(toy) == -440


def test_endless_input_while_a_reply_waits_is_a_deadlock(toy: _Toy) -> None:
    toy.write(b"*IDN?\n", True)
    toy.write(b"x" * (1 << 20) + b"x", False)
    toy.write(b"\n", False)
    assert error(toy) == -430
    assert ask(toy, "*IDN?") == "TOY\n"


def test_settings_that_last_survive_reset_and_power_failure_and_others_do_not(toy: _Toy) -> None:
    ask(toy, "ADDR 7;:COUN 5;*RST")
    assert ask(toy, "ADDR?;:COUN?") == "7;1\n"
    ask(toy, "COUN 6;*SAV 1;:COUN 7;:ADDR 8")
    toy.power_cycle()
    assert ask(toy, "ADDR?;:COUN?;*ESR?") == "8;1;128\n"
    ask(toy, "*RCL 1")
    assert ask(toy, "ADDR?;:COUN?") == "8;6\n"
    ask(toy, "*RCL 2")
    assert ask(toy, "COUN?") == "1\n"


def test_a_block_larger_than_the_buffer_arrives_and_one_that_cannot_be_swallows_nothing() -> None:
    buffer = InputBuffer()
    message = b"DATA #73000000" + b"\n" * 3_000_000
    found = [buffer.feed(message[i : i + 65536], False) for i in range(0, len(message), 65536)]
    assert not any(messages or overran for messages, overran in found)
    assert buffer.feed(b"\n", False) == ([message.decode("latin-1")], False)
    assert buffer.feed(b"DATA #9999999999\n*IDN?\n", False) == (["DATA #9999999999", "*IDN?"], False)
    assert buffer.feed(b"#9000000999\nX#15\n*IDN?\n", False) == (["#9000000999", "X#15", "*IDN?"], False)


def test_a_malformed_pattern_in_a_command_table_is_found_when_the_table_is_built() -> None:
    with pytest.raises(ValueError, match="malformed node"):
        CommandTree([Command("FREQ{1:2}:CW")])


def test_unknown_options_of_a_bench_file_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no option 'colour'"):
        _Toy(SilentWires(), np.random.default_rng(0), {"colour": "red"})
