from __future__ import annotations

import math

import pytest
from pyvisa_mqt.cryostat import Cryostat, CryostatModel

TICK = 0.25


def run(cryostat: Cryostat, duration: float, heater: float = 0.0, sample: float = 0.0, tick: float = TICK) -> None:
    for _ in range(round(duration / tick)):
        cryostat.step(tick, heater, sample)


def test_it_rests_at_its_base_temperature() -> None:
    cryostat = Cryostat(CryostatModel())
    run(cryostat, 3600)
    assert cryostat.mixing_chamber == pytest.approx(0.012, rel=1e-9)
    assert cryostat.sample == pytest.approx(0.012, rel=1e-9)


def test_heater_power_balances_the_cooling_power() -> None:
    # P = a (T^2 - T_b^2) with a = 400 uW / (100 mK)^2
    for temperature in (0.05, 0.3, 0.8):
        cryostat = Cryostat(CryostatModel())
        run(cryostat, 600, heater=0.04 * (temperature**2 - 0.012**2))
        assert cryostat.mixing_chamber == pytest.approx(temperature, rel=1e-4)
        assert cryostat.sample == pytest.approx(temperature, rel=1e-4)


def test_the_thermometers_heater_reaches_800_millikelvin_within_minutes() -> None:
    cryostat = Cryostat(CryostatModel())
    run(cryostat, 120, heater=0.0316**2 * 100)  # 31.6 mA through 100 Ohm
    assert cryostat.mixing_chamber > 0.8


def test_it_cools_from_800_millikelvin_to_15_millikelvin_within_minutes() -> None:
    cryostat = Cryostat(CryostatModel())
    cryostat.mixing_chamber = cryostat.sample = 0.8
    run(cryostat, 240)
    assert cryostat.sample < 0.015


def test_mixing_chamber_responds_with_its_time_constant() -> None:
    # Small steps at the reference temperature: deviation falls to 1/e in tau (1 + C_s/C_m).
    model = CryostatModel()
    cryostat = Cryostat(model)
    power = 0.04 * (0.1**2 - 0.012**2)
    run(cryostat, 1200, heater=power)
    at_rest = cryostat.mixing_chamber
    run(cryostat, 1200, heater=power * 1.002)
    step = cryostat.mixing_chamber - at_rest
    time = 0.0
    while cryostat.mixing_chamber - at_rest > step / math.e:
        cryostat.step(TICK, power, 0.0)
        time += TICK
    capacities = 1.0 + (1.0 * 2 * 1.5e-3) / (20.0 * 2 * 400e-6)
    assert time == pytest.approx(20.0 * capacities, rel=0.05)


@pytest.mark.parametrize("tick", [0.01, 1.0, 60.0])
def test_result_does_not_depend_on_the_tick(tick: float) -> None:
    fine, coarse = Cryostat(CryostatModel()), Cryostat(CryostatModel())
    for heater in (1e-3, 0.0):
        run(fine, 60, heater=heater, tick=0.05)
        run(coarse, 60, heater=heater, tick=tick)
        # First order in steps that change the temperature by at most 0.5 %.
        assert coarse.mixing_chamber == pytest.approx(fine.mixing_chamber, rel=0.01)


def test_a_stiff_sample_stage_and_violent_heat_stay_stable() -> None:
    cryostat = Cryostat(CryostatModel(sample_time_constant=1e-3, link_exponent=4.0, sample_capacity_exponent=3.0))
    run(cryostat, 10, heater=1.0, sample=1e-6)
    assert 1.0 < cryostat.mixing_chamber < 10.0
    run(cryostat, 3600)
    assert cryostat.sample == pytest.approx(0.012, rel=1e-2)


def test_heat_in_the_sample_warms_it_above_the_mixing_chamber() -> None:
    cryostat = Cryostat(CryostatModel())
    run(cryostat, 600, sample=1e-6)
    # 1.5 mW (T_s^2 - T_m^2) / (100 mK)^2 = 1 uW
    difference = cryostat.sample**2 - cryostat.mixing_chamber**2
    assert difference == pytest.approx(1e-6 / 1.5e-3 * 0.01, rel=1e-4)


def test_leak_and_drift_shift_the_resting_temperature_and_are_absent_by_default() -> None:
    leaking = Cryostat(CryostatModel(heat_leak=1e-6))
    assert leaking.mixing_chamber == pytest.approx(math.sqrt(0.012**2 + 1e-6 / 0.04))
    drifting = Cryostat(CryostatModel(drift=1e-3 / 3600))
    run(drifting, 3600)
    assert drifting.mixing_chamber == pytest.approx(0.013, rel=2e-3)
