from __future__ import annotations

import math
from typing import Any

import pytest

from mqtctl.acquisition.settle import believe, settle
from mqtctl.errors import CryostatError
from mqtctl.instruments.roles.experiment import TemperatureReading
from mqtctl.plan import SettleSettings

SETTINGS = SettleSettings(band="1 %", dwell="60 s", deadline="1 h", interval="1 s")  # type: ignore[arg-type]


def wait(controller: Any, target: float, *, limit: float = 1.0, settings: SettleSettings = SETTINGS) -> Any:
    return settle(
        controller, target, settings, limit=limit, clock=controller.clock, watch=lambda _temperature, _elapsed: None
    )


def test_it_waits_until_the_whole_dwell_lies_inside_the_band(controller: Any) -> None:
    result = wait(controller, 0.2)
    # from 0.1 K with 30 s: inside 1 % after 30 s ln(50) = 117 s, and the slope falls below the band per dwell at once
    assert 117 + 60 <= result.duration <= 117 + 60 + 15
    assert result.temperature == pytest.approx(0.2, rel=0.005)


def test_a_reading_outside_the_band_begins_the_dwell_anew(controller: Any) -> None:
    undisturbed = wait(controller, 0.2).duration
    controller.value, controller.target = 0.1, 0.1
    controller.last = controller.clock.now()
    original = controller.read
    count = 0

    def read() -> TemperatureReading:
        nonlocal count
        count += 1
        reading = original()
        return TemperatureReading(0.25, True, "OK") if count == 170 else reading

    controller.read = read
    assert wait(controller, 0.2).duration >= undisturbed + 45


def test_a_temperature_that_cannot_be_reached_ends_at_the_deadline(controller: Any) -> None:
    controller.base = 0.05
    with pytest.raises(CryostatError, match=r"20 mK was not reached within 3600 s: the bath is at 50\.?\d* mK"):
        wait(controller, 0.02)
    assert controller.clock.now() <= 3600 + 2


@pytest.mark.parametrize(
    "reading",
    [
        TemperatureReading(math.nan, True, "OK"),
        TemperatureReading(math.inf, True, "OK"),
        TemperatureReading(0.0, True, "OK"),
        TemperatureReading(-0.3, True, "OK"),
        TemperatureReading(0.2, False, "T. OVER"),
    ],
)
def test_a_reading_that_cannot_be_believed_never_counts_as_reached(
    controller: Any, reading: TemperatureReading
) -> None:
    controller.override = [reading] * 10_000
    with pytest.raises(CryostatError, match="thermometer reads"):
        wait(controller, 0.2)
    assert controller.clock.now() < 60


def test_a_few_invalid_readings_are_waited_out(controller: Any) -> None:
    controller.override = [TemperatureReading(0.0, False, "CS OVL")] * 5
    assert wait(controller, 0.2).temperature == pytest.approx(0.2, rel=0.005)


def test_a_stuck_thermometer_is_not_a_settled_cryostat(controller: Any) -> None:
    controller.override = [TemperatureReading(0.2, True, "OK")] * 10_000
    with pytest.raises(CryostatError, match="stuck"):
        wait(controller, 0.2)


def test_too_warm_for_the_sample_stops_at_once(controller: Any) -> None:
    controller.target = 1.0
    with pytest.raises(CryostatError, match="above the sample's limit of 150 mK"):
        wait(controller, 0.2, limit=0.15)


def test_a_slow_drift_inside_a_wide_band_is_not_settled(controller: Any) -> None:
    controller.time_constant = 2000.0
    wide = SettleSettings(band="20 %", dwell="60 s", deadline="10 h", slope="0.1 mK/min")  # type: ignore[arg-type]
    result = wait(controller, 0.2, settings=wide)
    # d T / d t = (0.2 - T) / 2000 s <= 0.1 mK/min only when T >= 0.2 K - 3.3 mK; noise of 20 uK over 60 readings
    # gives the slope an error of 9 %: three of them
    assert result.temperature >= 0.2 - 1.27 * 0.0033


def test_a_believable_reading_is_returned() -> None:
    assert believe(TemperatureReading(0.1, True, "OK"), 1.0) == 0.1
