"""The 53230A as timing counter: set-up, arming, blocks of readings, and what must not be believed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from mqtctl_drivers.keysight_53230a import Keysight53230A

from mqtctl.errors import HardwareError, InputError
from mqtctl.instruments.keysight_53230a.adapter import Keysight53230ATimingCounter
from mqtctl.instruments.roles.diagnostic import Assessing, DiagnosticCounter, Inspectable
from mqtctl.instruments.roles.experiment import RampProgram, StopEdge, TimingCounter
from tests.unit.drivers.scripted_visa import SILENCE, Responder, resource_for
from tests.unit.instruments.fake_clock import FakeClock

IDN = "Agilent Technologies,53230A,MY50001484,02.05-1519.2858-1.19-4.15-127-155-35"
RAMP = RampProgram(start_current=0.0, stop_current=12e-6, rate=12e-6 / 0.9e-3, period=1e-3)
_names = count()


def block(values: list[float]) -> bytes:
    content = np.array(values, dtype=">f8").tobytes()
    length = str(len(content))
    return f"#{len(length)}{length}".encode() + content + b"\n"


class Counter(Responder):
    """A 53230A whose memory the test fills."""

    def __init__(self, answers: dict[str, object] | None = None) -> None:
        self.readings: list[float] = []
        standard: dict[str, object] = {"*IDN?": IDN, "DATA:POIN?": lambda: f"+{len(self.readings)}"}
        super().__init__(standard | (answers or {}))

    def receive(self, message: str) -> bytes:
        if message.startswith("R? ") and message not in self.answers:
            self.seen.append(message)
            wanted = int(message[3:])
            taken, self.readings = self.readings[:wanted], self.readings[wanted:]
            return block(taken)
        if message.startswith("CONF:"):
            kind = message.removeprefix("CONF:").partition(" ")[0]
            self.settings |= {"FUNC": f'"{kind}"', "INP1:LEV:AUTO": "1", "INP2:LEV:AUTO": "1", "INP1:SLOP": "POS"}
        return super().receive(message)


@pytest.fixture
def opened() -> Iterator[list[Keysight53230A]]:
    instruments: list[Keysight53230A] = []
    yield instruments
    for instrument in instruments:
        instrument.close()


def build(
    opened: list[Keysight53230A], device: Responder, **options: object
) -> tuple[Keysight53230ATimingCounter, FakeClock]:
    clock = FakeClock()
    resource = resource_for(device, "TCPIP0::192.0.2.53::inst0::INSTR")
    instrument = Keysight53230A(f"counter_{next(_names)}", resource=resource)
    opened.append(instrument)
    return Keysight53230ATimingCounter(instrument, {"stop_threshold": "1 V"} | options, clock), clock


def test_it_plays_the_role(opened: list[Keysight53230A]) -> None:
    counter, _ = build(opened, Counter(), delay="12.3 us")
    assert isinstance(counter, TimingCounter)
    assert isinstance(counter, DiagnosticCounter)
    assert isinstance(counter, Inspectable)
    assert isinstance(counter, Assessing)
    assert counter.memory == 1_000_000
    assert counter.delay == 12.3e-6
    assert counter.identify().startswith("Agilent Technologies 53230A, serial MY50001484")


def test_inputs_are_set_after_the_function_and_the_time_out_always(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    assert [m for m in device.seen if not m.endswith("?")] == [
        "*RST;*CLS",
        "SYST:TIM 0.0205",
        "CONF:TINT (@1),(@2)",
        "INP1:LEV:AUTO 0",
        "INP1:COUP DC",
        "INP1:IMP 1000000",
        "INP1:RANG 5",
        "INP1:LEV 1",
        "INP1:SLOP NEG",
        "INP1:NREJ 0",
        "INP2:LEV:AUTO 0",
        "INP2:COUP DC",
        "INP2:IMP 1000000",
        "INP2:RANG 5",
        "INP2:LEV 1",
        "INP2:SLOP POS",
        "INP2:NREJ 1",
        "TRIG:SOUR IMM",
        "TRIG:COUN 1",
        "FORM REAL,64",
        "FORM:BORD NORM",
    ]


@pytest.mark.parametrize(
    ("period", "wish", "ramps"),
    [
        (1e-3, None, 20),
        (0.1, None, 20),
        (10.0, None, 20),
        (300.0, None, 6),  # not beyond the counter's 2000 s
        (1e-4, None, 100),  # not less than the counter's 10 ms
        (1e-3, "10 ms", 10),
        (0.1, "150 ms", 1),
        (0.1, "151 ms", 2),
    ],
)
def test_the_time_out_is_a_half_integer_number_of_periods(
    opened: list[Keysight53230A], period: float, wish: str | None, ramps: int
) -> None:
    device = Counter()
    counter, _ = build(opened, device, **({} if wish is None else {"timeout": wish}))
    counter.configure(RampProgram(0.0, 1e-5, 1e-5 / (0.9 * period), period))
    assert counter.timeout_ramps == ramps
    assert float(device.settings["SYST:TIM"]) == pytest.approx((ramps + 0.5) * period, rel=1e-9)
    assert 0.01 <= float(device.settings["SYST:TIM"]) <= 2000.0


def test_a_time_out_shorter_than_the_ramp_is_refused_before_anything_is_sent(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(opened, device, timeout="1.4 ms")
    device.seen.clear()
    for refuse in (counter.configure, counter.assess):
        with pytest.raises(InputError, match=r"timeout of 1.4 ms is shorter than the ramp needs.*1.5 ms"):
            refuse(RAMP)
    assert device.seen == []


def test_another_stop_edge_holds_until_it_is_configured_again(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    assert counter.stop_edge == StopEdge(1.0, rising=True)
    counter.configure(RAMP, counter.stop_edge.mirrored)
    assert (device.settings["INP2:LEV"], device.settings["INP2:SLOP"]) == ("-1", "NEG")
    device.readings = [1e-3] * 5
    counter.measure_period(RAMP)
    assert (device.settings["INP2:LEV"], device.settings["INP2:SLOP"]) == ("-1", "NEG")
    counter.configure(RAMP, counter.stop_edge.reversed)
    assert (device.settings["INP2:LEV"], device.settings["INP2:SLOP"]) == ("1", "NEG")
    counter.configure(RAMP)
    assert (device.settings["INP2:LEV"], device.settings["INP2:SLOP"]) == ("1", "POS")


@pytest.mark.parametrize(
    ("count_", "ready", "timeout", "slept"),
    [
        (100, 0, 10.0, 0.1005),  # 100 ramps of 1 ms, and half of one: the last may be late
        (100, 40, 10.0, 0.0605),
        (100, 100, 10.0, 0.0),
        (100, 0, 0.03, 0.03),  # never longer than the time-out
        (1, 0, 10.0, 0.02),  # nor asking all the time
        (5_000_000, 0, 10.0, 10.0),
    ],
)
def test_without_service_requests_it_waits_as_long_as_the_ramps_take(
    opened: list[Keysight53230A], count_: int, ready: int, timeout: float, slept: float
) -> None:
    device = Counter()
    counter, clock = build(opened, device)
    counter.configure(RAMP)
    counter.arm(1_000_000)
    device.readings = [5e-4] * ready
    counter.available()
    device.seen.clear()
    before = clock.now()
    counter.wait_for(count_, timeout)
    assert clock.now() - before == pytest.approx(slept)
    assert device.seen == []  # not one message


def test_readings_that_came_in_time_are_read_without_being_counted_until_they_come_short(
    opened: list[Keysight53230A],
) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    counter.arm(1_000_000)
    assert not counter.wait_for(100, 10.0)  # nothing is known of this burst yet
    device.readings = [5e-4] * 100
    assert counter.available() == 100
    assert counter.read(100).size == 100
    device.seen.clear()
    assert counter.wait_for(100, 10.0)
    device.readings = [5e-4] * 103
    assert counter.read(5000).size == 103  # all there are, so that none stays behind
    assert device.seen == ["R? 200"]
    assert not counter.wait_for(100, 0.05)  # less time than they take: they are not there
    assert counter.wait_for(100, 10.0)
    device.readings = [5e-4] * 3
    assert counter.read(5000).size == 3
    device.readings = [5e-4] * 20
    assert not counter.wait_for(100, 10.0)
    assert counter.read(5000).size == 20
    assert device.seen[1:] == ["R? 200", "DATA:POIN?", "R? 20"]
    assert not counter.wait_for(100, 10.0)
    assert counter.available() == 0


def test_ramps_made_during_a_transfer_are_not_waited_for_once_more(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, clock = build(opened, device)
    counter.configure(RAMP)
    counter.arm(1_000_000)
    device.readings = [5e-4] * 100
    counter.wait_for(100, 10.0)
    counter.available()
    counter.read(100)
    counter.wait_for(100, 10.0)

    def slow_transfer() -> bytes:
        clock.sleep(0.0403)
        return block([5e-4] * 100)

    device.answers["R? 200"] = slow_transfer
    assert counter.read(5000).size == 100
    before = clock.now()
    assert counter.wait_for(100, 10.0)
    assert clock.now() - before == pytest.approx(0.0605)  # 100 less 40 whole ramps, and half of one


def test_edges_at_the_stop_input_are_counted_for_a_while(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, clock = build(opened, device)
    device.readings = [7.0]
    assert counter.count_edges(StopEdge(0.005, rising=True), 0.5) == 7
    assert "CONF:TOT 0.5,(@2)" in device.seen
    assert (device.settings["INP2:LEV"], device.settings["INP2:LEV:AUTO"]) == ("0.005", "0")
    with pytest.raises(HardwareError, match="configure first"):
        counter.arm(1)
    with pytest.raises(HardwareError, match="did not count"):
        counter.count_edges(StopEdge(0.005, rising=True), 0.5)
    assert clock.now() >= 0.5


def test_the_marker_is_a_pulse_to_the_level_where_it_stays_for_less_time(opened: list[Keysight53230A]) -> None:
    class Marked(Counter):
        low, high = 1e-6, 999e-6

        def receive(self, message: str) -> bytes:
            if message == "INIT":
                above = self.settings["INP1:SLOP"] == "POS"
                assert self.settings["INP1:SLOP2"] == ("NEG" if above else "POS")
                self.readings = [self.high if above else self.low] * 5
            return super().receive(message)

    device = Marked()
    counter, _ = build(opened, device)
    assert counter.marker_pulse(RAMP) == (False, 1e-6)
    device.low, device.high = 980e-6, 20e-6
    assert counter.marker_pulse(RAMP) == (True, 20e-6)
    device.low = device.high = 9.91e37
    with pytest.raises(HardwareError, match="no marker arrives at the start input"):
        counter.marker_pulse(RAMP)


def test_it_says_who_it_is_and_how_it_feels(opened: list[Keysight53230A]) -> None:
    errors = iter(['-113,"Undefined header"', '0,"No error"'])
    device = Counter(
        {"SYST:ERR?": lambda: next(errors), "*TST?": "+3", "STAT:QUES:COND?": "+1", "SENS:ROSC:SOUR?": "INT"}
    )
    counter, _ = build(opened, device)
    found = {finding.subject: finding for finding in counter.inspect(None)}
    assert found["identity"].verdict == "good"
    assert found["error queue"].verdict == "warning"
    assert "-113" in found["error queue"].text
    assert found["self-test"].verdict == "fault"
    assert "code 3" in found["self-test"].text
    assert found["counter inputs"].verdict == "fault"
    assert "internal" in found["counter time base"].text


def test_another_instrument_at_its_address_is_not_asked_any_further(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    device.answers["*IDN?"] = "ACME,1,2,3"
    (finding, *others) = counter.inspect(None)
    assert finding.verdict == "fault"
    assert "ACME" in finding.text
    assert "self-test" not in {other.subject for other in others}


def test_inputs_can_be_exchanged_and_high_thresholds_get_the_wide_range(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(
        opened,
        device,
        start_input=2,
        stop_input=1,
        stop_threshold="-12 V",
        stop_slope="negative",
        start_impedance="50 Ohm",
    )
    counter.configure(RAMP)
    assert "CONF:TINT (@2),(@1)" in device.seen
    assert device.settings["INP1:RANG"] == "50"
    assert device.settings["INP1:LEV"] == "-12"
    assert device.settings["INP1:SLOP"] == "NEG"
    assert device.settings["INP2:IMP"] == "50"


@pytest.mark.parametrize(
    ("query", "reply", "words"),
    [
        ("SYST:TIM?", "+1.00000000000000E+000", "time-out"),
        ("SYST:TIM?", "+9.90000000000000E+037", "time-out"),
        ("FUNC?", '"FREQ"', "function"),
        ("FORM?", "ASC,15", "data format"),
        ("FORM:BORD?", "SWAP", "byte order"),
        ("INP2:COUP?", "AC", "stop coupling"),
        ("INP1:LEV:AUTO?", "1", "start autolevel"),
        ("INP2:LEV?", "+5.00000000000000E-001", "stop level"),
        ("INP1:SLOP?", "POS", "start slope"),
        ("TRIG:COUN?", "+2", "trigger count"),
        ("SYST:ERR?", '-113,"Undefined header"', "error queue"),
        ("INP1:IMP?", SILENCE, "no answer"),
        ("INP1:COUP?", "SIDEWAYS", "makes no sense"),
    ],
)
def test_anything_that_does_not_read_back_is_a_fault(
    opened: list[Keysight53230A], query: str, reply: object, words: str
) -> None:
    counter, _ = build(opened, Counter({query: reply}))
    with pytest.raises(HardwareError, match=words):
        counter.configure(RAMP)
    with pytest.raises(HardwareError, match="configure first"):
        counter.arm(10)


def test_a_level_rounded_by_the_converter_is_accepted(opened: list[Keysight53230A]) -> None:
    counter, _ = build(opened, Counter({"INP2:LEV?": "+9.97500000000000E-001"}))
    counter.configure(RAMP)


def test_a_period_beyond_the_counters_time_out_is_refused(opened: list[Keysight53230A]) -> None:
    counter, _ = build(opened, Counter())
    with pytest.raises(InputError, match="2000 s"):
        counter.configure(RampProgram(0.0, 1e-5, 1e-8, 1400.0))


def test_arming_verifies_clears_and_starts(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    device.seen.clear()
    counter.arm(10_000)
    assert device.seen[0] == "ABOR"
    assert {":FUNC?", ":SYST:TIM?", ":INP2:NREJ?", ":INP1:RANG?", "*ESR?"} < set(device.seen[1].split(";"))
    assert device.seen[2:] == ["SAMP:COUN 10000", "INIT", "SYST:ERR?"]


@pytest.mark.parametrize("number", [0, -5, 1_000_001])
def test_more_intervals_than_the_memory_holds_are_refused(opened: list[Keysight53230A], number: int) -> None:
    counter, _ = build(opened, Counter())
    counter.configure(RAMP)
    with pytest.raises(InputError, match="1000000"):
        counter.arm(number)


def test_a_counter_that_lost_its_settings_is_not_armed(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    device.settings["INP2:LEV"] = "0.5"
    with pytest.raises(HardwareError, match="changed"):
        counter.arm(10)
    assert "INIT" not in device.seen


def test_time_outs_in_the_error_queue_are_ramps_without_a_switch_and_no_fault(opened: list[Keysight53230A]) -> None:
    replies = iter(['+321,"Measurement timeout"', '+321,"Measurement timeout"', '+0,"No error"'])
    device = Counter()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    device.answers["SYST:ERR?"] = lambda: next(replies)
    counter.arm(10)


def test_intervals_come_oldest_first_and_time_outs_as_infinity(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    counter.arm(5)
    device.readings = [7.1e-4, 9.91e37, 7.2e-4, 9.9e37, -9.9e37, 0.0, 1.5e-3]
    assert counter.available() == 7
    np.testing.assert_array_equal(counter.read(2), [7.1e-4, np.inf])
    np.testing.assert_array_equal(counter.read(100), [7.2e-4, np.inf, np.inf, 0.0, 1.5e-3])
    assert counter.available() == 0
    assert counter.read(10).size == 0
    assert [m for m in device.seen if m.startswith("R?")] == ["R? 2", "R? 5"]  # never asks an empty memory


def test_one_lost_reply_does_not_end_the_measurement_but_three_do(opened: list[Keysight53230A]) -> None:
    replies: Iterator[object] = iter([SILENCE, b"+1", "+12", SILENCE, SILENCE, SILENCE])
    device = Counter({"DATA:POIN?": lambda: next(replies)})
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    assert counter.available() == 12
    with pytest.raises(HardwareError, match="no answer"):
        counter.available()


def test_an_answer_to_an_earlier_question_is_not_taken_for_this_one(opened: list[Keysight53230A]) -> None:
    replies: Iterator[object] = iter(
        [b'+0,"No error"\n+77\n', "+12"]
    )  # a doubled reply from before, then the right one
    device = Counter({"DATA:POIN?": lambda: next(replies)})
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    assert counter.available() == 12
    assert device.clears == 2  # when it was opened, and after the nonsense


def test_bytes_that_look_like_terminators_do_not_end_a_block(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    raw = bytes.fromhex("3f470a0a0a0a0a0a")  # 7.0e-4 and eight bytes of which six are line feeds
    value = float(np.frombuffer(raw, dtype=">f8")[0])
    device.readings = [value] * 1000
    np.testing.assert_array_equal(counter.read(1000), np.full(1000, value))
    assert counter.available() == 0  # in step afterwards


@pytest.mark.parametrize("bad", [np.nan, -1e-6, 0.5, 1e300, -np.inf])
def test_a_reading_that_cannot_be_rejects_the_whole_block(opened: list[Keysight53230A], bad: float) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    device.readings = [7e-4, 7e-4, bad]
    if bad == -np.inf:  # an overflow code, like +-9.9E37
        assert np.isinf(counter.read(3)[2])
        return
    with pytest.raises(HardwareError, match="interval 2 of 3"):
        counter.read(3)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (block([7e-4, 7e-4])[:-9], "cut short"),
        (block([7e-4, 7e-4])[:-1] + b"garbage\n", "bytes more"),
        (b"#216" + b"\n" * 3, "cut short"),
        (b"+7.00000000000000E-004\n", "no definite block"),
        (b"#0" + bytes(16) + b"\n", "no definite block"),
        (b"#212" + bytes(12) + b"\n", "whole number"),
        (b"#232" + bytes(32) + b"\n", "4 readings came"),
        (b"#9\n", "length"),
        (SILENCE, "no answer"),
    ],
)
def test_a_damaged_block_is_rejected_and_the_next_question_is_answered(
    opened: list[Keysight53230A], reply: object, words: str
) -> None:
    device = Counter({"R? 2": reply})
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    device.readings = [7e-4, 7e-4]
    with pytest.raises(HardwareError, match=words):
        counter.read(2)
    assert counter.available() == 2


def test_the_period_is_measured_at_the_start_input_and_the_time_interval_restored(
    opened: list[Keysight53230A],
) -> None:
    device = Counter()
    counter, clock = build(opened, device)
    counter.configure(RAMP)
    device.answers["DATA:POIN?"] = lambda: "+5" if clock.now() > 0.5 else "+2"
    device.readings = [1.0001e-3, 1.0002e-3, 1.0003e-3, 1.0002e-3, 1.0002e-3]
    device.seen.clear()
    assert counter.measure_period(RAMP) == pytest.approx(1.0002e-3, rel=1e-12)
    assert device.seen[1] == "CONF:PER (@1)"
    assert device.seen.index("INP1:SLOP NEG") > device.seen.index("CONF:PER (@1)")
    assert "CONF:TINT (@1),(@2)" in device.seen
    counter.arm(10)


def test_a_marker_that_does_not_arrive_is_told(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    with pytest.raises(HardwareError, match="0 of 5 readings"):
        counter.measure_period(RAMP)
    device.readings = [9.91e37] * 5
    with pytest.raises(HardwareError, match="no marker arrives at input 1"):
        counter.measure_period(RAMP)


def test_stopping_aborts_and_keeps_the_readings(opened: list[Keysight53230A]) -> None:
    device = Counter()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    counter.arm(10)
    device.readings = [7e-4]
    device.seen.clear()
    counter.stop()
    assert device.seen == ["ABOR"]
    np.testing.assert_array_equal(counter.read(10), [7e-4])
    counter.make_safe()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stop_threshold": 1.0}, "has no unit"),
        ({"stop_input": 1}, "must differ"),
        ({"stop_input": 3}, "stop_input"),
        ({"start_impedance": "75 Ohm"}, "50 Ohm or 1 MOhm"),
        ({"start_slope": "down"}, "start_slope"),
        ({"stop_threshold": "60 V"}, "stop_threshold"),
        ({"delays": "1 us"}, "did you mean 'delay'"),
        ({"delay": "1 uA"}, "another kind"),
    ],
)
def test_wrong_options_are_refused_with_their_key(
    opened: list[Keysight53230A], options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        build(opened, Counter(), **options)


def test_the_stop_threshold_has_no_default(opened: list[Keysight53230A]) -> None:
    instrument = Keysight53230A(f"counter_{next(_names)}", resource=resource_for(Counter()))
    opened.append(instrument)
    with pytest.raises(InputError, match="'stop_threshold' is missing"):
        Keysight53230ATimingCounter(instrument, {}, FakeClock())
