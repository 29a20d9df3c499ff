"""What a Lake Shore controller tells in a check, and that it is only asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372

from mqtctl.errors import InputError
from mqtctl.instruments.roles.diagnostic import AssessingController, Inspectable
from mqtctl.instruments.roles.findings import Finding
from tests.unit.instruments.test_lakeshore_372 import Bridge, build

_values = count(50_000)


def moving() -> str:
    return f"+{next(_values)}.0E+00"


@pytest.fixture
def opened() -> Iterator[list[LakeshoreModel372]]:
    instruments: list[LakeshoreModel372] = []
    yield instruments
    for instrument in instruments:
        instrument.close()


def inspected(opened: list[Any], **answers: object) -> dict[str, Finding]:
    device = Bridge({"SRDG? 6": moving} | answers)
    controller, _ = build(opened, device)
    assert isinstance(controller, Inspectable)
    device.seen.clear()
    found = {finding.subject: finding for finding in controller.inspect(None)}
    assert all("?" in message for message in device.seen)  # nothing but questions
    return found


def test_a_thermometer_whose_sensor_moves_is_alive(opened: list[Any]) -> None:
    found = inspected(opened)
    assert {subject: finding.verdict for subject, finding in found.items()} == {
        "identity": "good",
        "error queue": "good",
        "self-test": "good",
        "heater": "good",
        "thermometer": "good",
    }
    assert "50 mK, valid" in found["thermometer"].text
    assert "off" in found["heater"].text


def test_a_sensor_that_does_not_move_is_a_warning(opened: list[Any]) -> None:
    found = inspected(opened, **{"SRDG? 6": "+5.0E+04"})
    assert found["thermometer"].verdict == "warning"
    assert "not changed at all in 7 s" in found["thermometer"].text


def test_a_scanner_elsewhere_is_a_warning_for_a_sweep_will_move_it(opened: list[Any]) -> None:
    found = inspected(opened, **{"KRDG? 6;RDGST? 6;SCAN?": "+5.0E-02;000;03,1"})
    assert found["thermometer"].verdict == "warning"
    assert "scanner is on channel 3" in found["thermometer"].text


def test_a_reading_that_is_not_valid_is_a_fault(opened: list[Any]) -> None:
    found = inspected(opened, **{"KRDG? 6;RDGST? 6;SCAN?": "+0.0E+00;064;06,0"})
    assert found["thermometer"].verdict == "fault"


def test_a_failed_self_test_a_refused_command_and_a_heater_that_is_on_are_told(opened: list[Any]) -> None:
    found = inspected(opened, **{"*TST?": "1", "*ESR?": "16", "RANGE? 0": "5"})
    assert found["self-test"].verdict == "fault"
    assert "refused" in found["error queue"].text
    assert found["heater"].verdict == "good"
    assert "on (range 5)" in found["heater"].text


def test_a_temperature_without_heating_is_a_warning(opened: list[Any]) -> None:
    controller, _ = build(opened, Bridge())
    assert isinstance(controller, AssessingController)
    assert controller.assess_temperatures([0.011, 0.05, 0.5]) == []
    (finding,) = controller.assess_temperatures([0.02, 0.025, 0.05])
    assert finding.verdict == "warning"
    assert "20 mK, 25 mK" in finding.text
    with pytest.raises(InputError, match="outside what this cryostat holds"):
        controller.assess_temperatures([2.0])
