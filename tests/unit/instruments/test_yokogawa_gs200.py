"""The GS200 as offset source: one range, limits, read-back, and how it is made safe."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from qcodes.instrument_drivers.yokogawa import YokogawaGS200

from mqtctl.errors import HardwareError, InputError, UnsafeError
from mqtctl.instruments.roles.experiment import OffsetSource
from mqtctl.instruments.yokogawa_gs200.adapter import YokogawaGS200OffsetSource
from tests.unit.drivers.scripted_visa import SILENCE, Responder, resource_for
from tests.unit.instruments.fake_clock import FakeClock

IDN = "YOKOGAWA,GS210,90Z631552,2.02"
_names = count()


class Source(Responder):
    """A GS210 as far as the adapter sees it."""

    def __init__(self, answers: dict[str, object] | None = None) -> None:
        super().__init__({"*IDN?": IDN, "*OPT?": "0", "SYST:ERR?": '0,"No error"'} | (answers or {}))
        self.settings = {"SOUR:FUNC": "VOLT", "SOUR:RANG": "1", "SOUR:LEV": "0", "OUTP": "0"}
        self.settings |= {"SOUR:PROT:VOLT": "1", "SOUR:PROT:CURR": "0.001"}

    def receive(self, message: str) -> bytes:
        if message == "*RST;*CLS":
            self.settings |= {"SOUR:FUNC": "VOLT", "SOUR:RANG": "1", "SOUR:LEV": "0", "OUTP": "0"}
        return super().receive(message)


@pytest.fixture
def opened() -> Iterator[list[YokogawaGS200]]:
    instruments: list[YokogawaGS200] = []
    yield instruments
    for instrument in instruments:
        instrument.close()


def build(opened: list[YokogawaGS200], device: Source, **options: object) -> YokogawaGS200OffsetSource:
    resource = resource_for(device, "GPIB0::1::INSTR")
    driver: Any = YokogawaGS200  # its address is declared as text, and None is right beside a resource
    instrument = driver(f"offset_{next(_names)}", None, resource=resource)
    opened.append(instrument)
    device.seen.clear()
    return YokogawaGS200OffsetSource(instrument, {"current_limit": "2 uA"} | options, FakeClock())


def test_it_plays_the_role(opened: list[YokogawaGS200]) -> None:
    source = build(opened, Source())
    assert isinstance(source, OffsetSource)
    assert source.identify() == "YOKOGAWA GS210, serial 90Z631552, firmware 2.02"
    assert not source.output_on()
    assert [(f.subject, f.verdict) for f in source.inspect(None)] == [("identity", "good"), ("error queue", "good")]


def test_a_voltage_behind_a_resistor_is_set_in_one_range_and_read_back(opened: list[YokogawaGS200]) -> None:
    device = Source()
    source = build(opened, device, bias_resistance="100 kOhm")
    assert source.set_current(1.5e-6) == pytest.approx(1.5e-6, rel=1e-12)
    assert [m for m in device.seen if not m.endswith("?")] == [
        "*CLS",
        ":SOUR:LEV 0",
        ":SOUR:FUNC VOLT",
        ":SOUR:PROT:VOLT 1",
        ":SOUR:PROT:CURR 0.001",
        ":SOUR:RANG 1",
        ":SOUR:LEV 1.5000000E-01",
        ":OUTP 1",
    ]
    assert source.output_on()


def test_another_current_later_changes_nothing_but_the_level(opened: list[YokogawaGS200]) -> None:
    device = Source()
    source = build(opened, device, bias_resistance="100 kOhm")
    source.set_current(1.5e-6)
    device.seen.clear()
    source.set_current(-1e-9)
    assert [m for m in device.seen if not m.endswith("?")] == [":SOUR:LEV -1.0000000E-04", ":OUTP 1"]


def test_without_a_resistor_it_is_a_current_source_in_steps_of_its_range(opened: list[YokogawaGS200]) -> None:
    device = Source({"SOUR:LEV?": "+1.50E-6"})
    source = build(opened, device, voltage_limit="5 V")
    assert source.set_current(1.503e-6) == 1.5e-6  # steps of 10 nA
    assert device.settings["SOUR:FUNC"] == "CURR"
    assert device.settings["SOUR:RANG"] == "0.001"
    assert device.settings["SOUR:PROT:VOLT"] == "5"


@pytest.mark.parametrize("current", [2.1e-6, -2.1e-6, float("nan")])
def test_more_than_the_limit_is_refused_before_anything_is_sent(opened: list[YokogawaGS200], current: float) -> None:
    device = Source()
    source = build(opened, device)
    with pytest.raises(InputError, match=r"exceeds the current limit of 2e-06 A"):
        source.set_current(current)
    assert device.seen == []


@pytest.mark.parametrize(("setting", "value"), [("SOUR:FUNC", "CURR"), ("SOUR:RANG", "10")])
def test_an_output_that_is_on_with_other_settings_is_left_alone(
    opened: list[YokogawaGS200], setting: str, value: str
) -> None:
    device = Source()
    device.settings |= {"OUTP": "1", "SOUR:RANG": "1"} | {setting: value}
    source = build(opened, device, bias_resistance="100 kOhm")
    with pytest.raises(HardwareError, match=r"output is on with the (function|range).*switch its output off"):
        source.set_current(1e-6)
    assert all(message.endswith("?") for message in device.seen)


def test_a_level_that_does_not_read_back_is_told(opened: list[YokogawaGS200]) -> None:
    source = build(opened, Source({"SOUR:LEV?": "+0.2E+0"}), bias_resistance="100 kOhm")
    with pytest.raises(HardwareError, match="level was set to"):
        source.set_current(1e-6)


def test_an_error_in_its_queue_is_told(opened: list[YokogawaGS200]) -> None:
    errors = iter(['-222,"Data out of range"', '0,"No error"'])
    source = build(opened, Source({"SYST:ERR?": lambda: next(errors)}), bias_resistance="100 kOhm")
    with pytest.raises(HardwareError, match="-222"):
        source.set_current(1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"current_limit": "1 mA", "bias_resistance": "100 kOhm"}, "32 V"),
        ({"current_limit": "1 A"}, "less than or equal"),
        ({"range": "1 V"}, "range"),
    ],
)
def test_options_that_cannot_be_are_refused(
    opened: list[YokogawaGS200], options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        build(opened, Source(), **options)


def test_it_is_safe_when_zero_and_off_read_back(opened: list[YokogawaGS200]) -> None:
    device = Source()
    source = build(opened, device, bias_resistance="100 kOhm")
    source.set_current(1e-6)
    source.make_safe()
    assert device.settings["OUTP"] == "0"
    assert float(device.settings["SOUR:LEV"]) == 0


def test_it_is_not_safe_when_nobody_answers(opened: list[YokogawaGS200]) -> None:
    device = Source()
    source = build(opened, device)
    device.answers |= {"OUTP?": SILENCE, ":OUTP?": SILENCE, "*IDN?": SILENCE}
    with pytest.raises(UnsafeError, match="could not be confirmed"):
        source.make_safe()
