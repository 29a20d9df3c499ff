"""The 6221 as ramp source: the commands it gets, what is read back, and how it is made safe."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from mqtctl_drivers.keithley_6221 import Keithley6221

from mqtctl.errors import GlitchError, HardwareError, InputError, UnsafeError
from mqtctl.instruments.keithley_6221.adapter import Keithley6221RampSource
from mqtctl.instruments.roles.experiment import RampProgram, RampSource
from tests.unit.drivers.scripted_visa import SILENCE, Responder, resource_for
from tests.unit.instruments.fake_clock import FakeClock

IDN = "KEITHLEY INSTRUMENTS INC.,MODEL 6221,1234567,A03  /700x"
RAMP = RampProgram(start_current=2e-6, stop_current=12e-6, rate=1e-5 / 0.9e-3, period=1e-3)
_names = count()


class Source(Responder):
    """A 6221 as far as the adapter sees it: ARB points are counted, the wave ends at once."""

    def __init__(self, answers: dict[str, object] | None = None) -> None:
        self.samples: list[float] = []
        self.event = 0
        standard: dict[str, object] = {
            "*IDN?": IDN,
            "SOUR:WAVE:ARB:POIN?": lambda: str(len(self.samples)),
            "STAT:OPER:EVEN?": self._take_event,
        }
        super().__init__(standard | (answers or {}))

    def _take_event(self) -> str:
        event, self.event = self.event, 0
        return str(event)

    def receive(self, message: str) -> bytes:
        header, _, values = message.partition(" ")
        if header in {"SOUR:WAVE:ARB:DATA", "SOUR:WAVE:ARB:APP"}:
            kept = [] if header.endswith("DATA") else self.samples
            self.samples = kept + [float(value) for value in values.split(",")]
        if message == "SOUR:WAVE:ARM":
            self.settings["OUTP"] = "1"  # arming turns the output on
        if message == "*RST;*CLS":
            self.settings = {"OUTP": "0", "SOUR:CURR": "0", "SOUR:WAVE:FUNC": "SIN"}
        return super().receive(message)


@pytest.fixture
def opened() -> Iterator[list[Keithley6221]]:
    instruments: list[Keithley6221] = []
    yield instruments
    for instrument in instruments:
        instrument.close()


def build(opened: list[Keithley6221], device: Responder, **options: object) -> tuple[Keithley6221RampSource, FakeClock]:
    clock = FakeClock()
    instrument = Keithley6221(f"source_{next(_names)}", resource=resource_for(device))
    opened.append(instrument)
    return Keithley6221RampSource(instrument, options, clock), clock


def test_it_plays_the_role(opened: list[Keithley6221]) -> None:
    source, _ = build(opened, Source())
    assert isinstance(source, RampSource)
    assert source.identify() == "KEITHLEY INSTRUMENTS INC. MODEL 6221, serial 1234567, firmware A03  /700x"


def test_another_instrument_at_its_address_is_found_out(opened: list[Keithley6221]) -> None:
    source, _ = build(opened, Source({"*IDN?": "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1,C34"}))
    with pytest.raises(HardwareError, match="2400"):
        source.identify()


def test_the_ramp_is_set_up_with_the_output_off_and_read_back(opened: list[Keithley6221]) -> None:
    device = Source()
    source, _ = build(opened, device, compliance="0.2 V", marker_line=4)
    actual = source.configure(RAMP)
    sent = [m for m in device.seen if not m.endswith("?") and ":ARB:APP" not in m and ":ARB:DATA" not in m]
    assert sent == [
        "SOUR:WAVE:ABOR",
        "*RST;*CLS",
        "OUTP 0",
        "SOUR:CURR 0",
        "SOUR:CURR:RANG 2E-05",
        "SOUR:CURR:COMP 0.2",
        "OUTP:RESP FAST",
        "SOUR:CURR:FILT 0",
        "SOUR:WAVE:FUNC ARB0",
        "SOUR:WAVE:AMPL 6E-06",
        "SOUR:WAVE:OFFS 6E-06",
        "SOUR:WAVE:FREQ 1000",
        "SOUR:WAVE:RANG FIX",
        "SOUR:WAVE:PMAR:OLIN 4",
        "SOUR:WAVE:PMAR 0",
        "SOUR:WAVE:PMAR:STAT 1",
        "SOUR:WAVE:DUR:CYCL 1",
    ]
    assert actual.start_current == pytest.approx(RAMP.start_current, rel=1e-9)
    assert actual.stop_current == pytest.approx(RAMP.stop_current, rel=1e-9)
    assert actual.rate == pytest.approx(RAMP.rate, rel=1e-9)
    assert actual.period == pytest.approx(RAMP.period, rel=1e-9)


def test_no_command_carries_more_than_a_hundred_points(opened: list[Keithley6221]) -> None:
    device = Source()
    source, _ = build(opened, device)
    source.configure(RAMP)
    assert len(device.samples) == 10_000
    uploads = [m for m in device.seen if ":ARB:DATA" in m or ":ARB:APP" in m]
    assert max(m.count(",") + 1 for m in uploads) == 100
    assert [m for m in uploads if ":ARB:DATA" in m] == uploads[:1]
    samples = np.array(device.samples)
    assert samples[0] == pytest.approx(2 * 2 / 12 - 1, abs=6e-8)  # 2 uA of 12 uA, in seven decimals
    assert samples[8999] == pytest.approx(1 - (1 / 9000) * 10 / 12, abs=6e-8)
    assert samples[9500] == -1
    assert np.all(np.abs(samples) <= 1)


def test_the_rate_follows_what_the_instrument_reads_back(opened: list[Keithley6221]) -> None:
    source, _ = build(opened, Source({"SOUR:WAVE:AMPL?": "+6.000120E-06"}))
    actual = source.configure(RAMP)
    assert actual.rate == pytest.approx(RAMP.rate * 1.00002, rel=1e-9)
    assert actual.stop_current == pytest.approx(12.00012e-6, rel=1e-9)


@pytest.mark.parametrize(
    ("query", "reply", "words"),
    [
        ("SOUR:CURR:RANG?", "+2.000000E-04", "range"),
        ("SOUR:CURR:COMP?", "+1.000000E+01", "compliance"),
        ("SOUR:WAVE:AMPL?", "+5.000000E-06", "amplitude"),
        ("SOUR:WAVE:OFFS?", "+0.000000E+00", "offset"),
        ("SOUR:WAVE:FREQ?", "+1.001000E+03", "frequency"),
        ("SOUR:WAVE:FUNC?", "SIN", "wave function"),
        ("SOUR:WAVE:RANG?", "BEST", "ranging"),
        ("SOUR:WAVE:PMAR?", "+1.800000E+02", "marker phase"),
        ("SOUR:WAVE:PMAR:STAT?", "0", "marker"),
        ("SOUR:WAVE:PMAR:OLIN?", "5", "marker line"),
        ("OUTP?", "1", "output"),
        ("SOUR:CURR?", "+1.000000E-06", "current"),
        ("SOUR:WAVE:AMPL?", "NAN", "amplitude"),
        ("SOUR:WAVE:ARB:POIN?", "9900", "9900"),
        ("SYST:ERR?", '-221,"Settings conflict"', "error queue"),
        ("SOUR:WAVE:FREQ?", "garbage", "makes no sense"),
        ("SOUR:WAVE:FREQ?", SILENCE, "no answer"),
        ("SOUR:WAVE:FREQ?", b"+1.0000", "cut short"),
    ],
)
def test_anything_that_does_not_read_back_is_a_fault(
    opened: list[Keithley6221], query: str, reply: object, words: str
) -> None:
    source, _ = build(opened, Source({query: reply}))
    with pytest.raises(HardwareError, match=words):
        source.configure(RAMP)
    with pytest.raises(HardwareError, match="configure first"):
        source.start(10)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (RampProgram(0.0, 0.2, 1.0, 1.0), "current limit"),
        (RampProgram(0.0, 1e-12, 1e-9, 0.1), "4 pA"),
        (RampProgram(0.0, 1e-6, 1e-6 / 900, 2000.0), "1000 s"),
    ],
)
def test_a_ramp_beyond_the_instrument_is_refused_before_anything_is_sent(
    opened: list[Keithley6221], program: RampProgram, words: str
) -> None:
    device = Source()
    source, _ = build(opened, device)
    device.seen.clear()
    with pytest.raises(InputError, match=words):
        source.configure(program)
    assert device.seen == []


def test_the_current_limit_of_the_options_holds_in_adapter_and_driver(opened: list[Keithley6221]) -> None:
    device = Source()
    source, _ = build(opened, device, current_limit="11 uA")
    with pytest.raises(InputError, match="exceeds the source's current limit"):
        source.configure(RAMP)
    with pytest.raises(ValueError, match="exceeds the current limit"):
        opened[0].current.set(12e-6)
    assert not [m for m in device.seen if m.startswith("SOUR:CURR 1")]


def test_the_range_is_the_smallest_that_holds_the_whole_ramp(opened: list[Keithley6221]) -> None:
    for peak, expected in ((2.1e-6, "2E-06"), (2.11e-6, "2E-05"), (-50e-6, "0.0002"), (0.105, "0.1")):
        device = Source()
        source, _ = build(opened, device)
        source.configure(RampProgram(0.0, peak, peak / 0.9e-3, 1e-3))
        assert device.settings["SOUR:CURR:RANG"] == expected


def test_a_burst_is_finite_and_ends_by_the_wave_stopped_event(opened: list[Keithley6221]) -> None:
    device = Source()
    source, _ = build(opened, device)
    source.configure(RAMP)
    assert not source.running()
    device.seen.clear()
    device.event = 128  # left over from a burst before
    source.start(500)
    assert [m for m in device.seen if not m.endswith("?")] == [
        "SOUR:WAVE:DUR:CYCL 500",
        "SOUR:WAVE:ARM",
        "SOUR:WAVE:INIT",
    ]
    device.event = 16  # started
    assert source.running()
    device.event = 128
    assert not source.running()
    assert not source.running()
    device.seen.clear()
    source.start(500)
    assert device.seen[0] == "SOUR:WAVE:ABOR"  # what is armed cannot be set


def test_a_wave_that_never_started_is_no_burst_under_way(opened: list[Keithley6221]) -> None:
    device = Source()
    source, _ = build(opened, device)
    source.configure(RAMP)
    source.start(500)
    with pytest.raises(GlitchError, match="told to start the ramps and has not"):
        source.running()


def test_a_burst_that_does_not_end_is_a_fault_and_not_a_hang(opened: list[Keithley6221]) -> None:
    device = Source()
    source, clock = build(opened, device)
    source.configure(RAMP)
    source.start(1000)
    device.event = 16
    clock.sleep(5.9)
    assert source.running()
    clock.sleep(0.2)
    with pytest.raises(HardwareError, match="not over"):
        source.running()


def test_a_source_that_lost_its_settings_is_not_started(opened: list[Keithley6221]) -> None:
    device = Source()
    source, _ = build(opened, device)
    source.configure(RAMP)
    device.settings = {"OUTP": "0", "SOUR:CURR": "0", "SOUR:WAVE:FUNC": "SIN"}  # power failure
    device.seen.clear()
    with pytest.raises(HardwareError, match="switched off"):
        source.start(10)
    assert "SOUR:WAVE:ARM" not in device.seen
    assert "SOUR:WAVE:INIT" not in device.seen


@pytest.mark.parametrize("cycles", [0, -1, 10**12])
def test_a_burst_without_ramps_or_without_end_is_refused(opened: list[Keithley6221], cycles: int) -> None:
    source, _ = build(opened, Source())
    source.configure(RAMP)
    with pytest.raises(InputError, match="burst"):
        source.start(cycles)


def test_stopping_returns_to_zero_current(opened: list[Keithley6221]) -> None:
    device = Source()
    source, _ = build(opened, device)
    source.configure(RAMP)
    source.start(10)
    device.seen.clear()
    source.stop()
    assert device.seen == ["SOUR:WAVE:ABOR", "SOUR:CURR 0", "SYST:ERR?"]
    assert not source.running()


def test_making_safe_needs_no_configuration_and_reads_back(opened: list[Keithley6221]) -> None:
    device = Source()
    source, _ = build(opened, device)
    device.settings |= {"OUTP": "1", "SOUR:CURR": "1E-05"}
    device.seen.clear()
    source.make_safe()
    assert device.seen == ["SOUR:WAVE:ABOR", "SOUR:CURR 0", "OUTP 0", "OUTP?", "SOUR:CURR?"]


def test_a_dead_link_is_given_up_after_short_time_outs(opened: list[Keithley6221]) -> None:
    source, _ = build(opened, Source({"OUTP?": SILENCE, "*IDN?": SILENCE}))
    instrument = opened[0]
    patience: list[float | None] = []
    instrument.device_clear = lambda: patience.append(instrument.timeout.get())  # type: ignore[method-assign]  # a spy
    with pytest.raises(UnsafeError):
        source.make_safe()
    assert set(patience) == {1.0}
    assert instrument.timeout.get() == 5.0


def test_one_silent_reply_does_not_keep_the_source_from_being_made_safe(opened: list[Keithley6221]) -> None:
    replies = iter([SILENCE, "0", "0", "0"])
    device = Source({"OUTP?": lambda: next(replies)})
    source, _ = build(opened, device)
    source.make_safe()
    assert device.settings["OUTP"] == "0"


@pytest.mark.parametrize(
    ("query", "reply"), [("OUTP?", "1"), ("SOUR:CURR?", "+1.000000E-06"), ("OUTP?", SILENCE), ("OUTP?", "x")]
)
def test_an_unconfirmed_safe_state_is_told(opened: list[Keithley6221], query: str, reply: object) -> None:
    device = Source({query: reply})
    source, _ = build(opened, device)
    with pytest.raises(UnsafeError, match="could not be confirmed"):
        source.make_safe()
    assert device.seen.count("OUTP 0") == 3  # each round tries everything


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"compliance": 0.1}, "compliance: 0.1 has no unit"),
        ({"compliance": "0.05 V"}, "compliance"),
        ({"compliance": "1 A"}, "another kind"),
        ({"marker_line": 7}, "marker_line"),
        ({"marker_line": 2}, "marker_line: line 2 is in conflict"),
        ({"marker_lines": 3}, "did you mean 'marker_line'"),
        ({"points": 10}, "points"),
        ({"points": 1e4}, "points"),
        ({"response": "quick"}, "response"),
        ({"current_limit": "1 A"}, "current_limit"),
    ],
)
def test_wrong_options_are_refused_with_their_key(
    opened: list[Keithley6221], options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        build(opened, Source(), **options)
