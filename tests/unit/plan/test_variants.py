"""Which ramps a plan makes at each temperature."""

from __future__ import annotations

from pathlib import Path

import pytest

from mqtctl.plan import Calibration, Plan, load_calibration, save_calibration
from mqtctl.plan.variants import variants_of
from mqtctl.records import MeasuredRamp

PLAN = {
    "title": "t",
    "station": "station.yaml",
    "sample": "sample.yaml",
    "temperatures": ["20 mK", "50 mK"],
    "switches": 1000,
    "ramp": {"start_current": "1 uA", "stop_current": "9.8 uA", "rate": "1 mA/s", "repetition": "80 Hz"},
}


def plan(**changes: object) -> Plan:
    return Plan.model_validate({**PLAN, **changes})


def test_a_plain_plan_makes_one_kind_of_ramp() -> None:
    (own,) = variants_of(plan(), coldest=True)
    assert (own.purpose, own.polarity, own.switches) == ("switching", 1, 1000)
    assert (own.start_current, own.stop_current, own.rate, own.repetition) == (1e-6, 9.8e-6, 1e-3, 80.0)


def test_both_polarities_and_further_rates_multiply() -> None:
    found = variants_of(plan(polarity="both", further_rates=["0.25 mA/s", "2 mA/s"]), coldest=False)
    assert [(v.polarity, v.rate) for v in found] == [
        (1, 1e-3), (-1, -1e-3), (1, 2.5e-4), (-1, -2.5e-4), (1, 2e-3), (-1, -2e-3),
    ]  # fmt: skip
    for variant in found:
        assert variant.rise_time == pytest.approx(8.8e-6 / abs(variant.rate))
        # a slower ramp is repeated less often: no larger duty cycle; a faster one is not repeated oftener
        assert variant.repetition == pytest.approx(min(80.0, 80.0 * abs(variant.rate) / 1e-3))


def test_retrapping_falls_from_the_top_to_zero_in_its_period() -> None:
    found = variants_of(plan(polarity="both", retrapping=50), coldest=False)
    falls = [v for v in found if v.purpose == "retrapping"]
    assert [(v.polarity, v.start_current, v.stop_current, v.rate) for v in falls] == [
        (1, 9.8e-6, 0.0, -1e-3), (-1, -9.8e-6, 0.0, 1e-3),
    ]  # fmt: skip
    assert all(v.rise_time * v.repetition <= 0.9 and v.switches == 50 for v in falls)


def test_heating_is_checked_at_the_lowest_temperature_alone() -> None:
    asked = plan(heating_check=True)
    assert [v.purpose for v in variants_of(asked, coldest=False)] == ["switching"]
    slow = variants_of(asked, coldest=True)[-1]
    assert (slow.purpose, slow.repetition, slow.switches) == ("heating", 20.0, 250)


def test_a_calibration_comes_back_from_its_file_and_is_undone_as_it_was_applied(tmp_path: Path) -> None:
    calibration = Calibration.model_validate(
        {
            "date": "2026-11-22T18:00:00Z", "method": "junction", "station": "station.yaml",
            "instruments": {"b": "B", "a": "A"}, "simulated": True, "sweep_id": "0" * 32, "database": "data.db",
            "delay": "10.1 us", "delay_uncertainty": "0.1 us", "offset": "3 nA", "offset_uncertainty": "0.1 nA",
            "scale": 1.01,
        }
    )  # fmt: skip
    file = tmp_path / "here" / "calibration.yaml"
    save_calibration(calibration, file)
    again = load_calibration(file)
    assert again == calibration
    assert again.digest == calibration.digest
    assert Calibration.from_reference(calibration.reference()) == calibration
    ramp = MeasuredRamp(1e-6, 9.8e-6, 1e-3, 0.0125, delay=0.0, offset=2e-9)
    applied = calibration.apply(ramp)
    assert applied.delay == 10.1e-6
    assert applied.rate == pytest.approx(1.01e-3)
    assert applied.offset == pytest.approx(5e-9)
    undone = calibration.undo(applied)
    assert (undone.start_current, undone.rate, undone.offset) == pytest.approx((1e-6, 1e-3, 2e-9))
