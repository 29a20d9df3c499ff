"""The cryostat: where it rests, how fast it gets there, and that no heat gets lost."""

from __future__ import annotations

import math
from importlib.resources import files
from pathlib import Path

import pytest
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.sample.cryostat import Cryostat, CryostatModel

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


def internal_energy(model: CryostatModel, cryostat: Cryostat) -> float:
    """Return the heat in J that mixing chamber and sample hold: the integral of C_r (T/T_r)^m, C_r = tau dP/dT."""
    parts = [
        (
            cryostat.mixing_chamber,
            model.cooling_temperature,
            model.capacity_exponent,
            model.time_constant * 2 * model.cooling_power / model.cooling_temperature,
        ),
        (
            cryostat.sample,
            model.link_temperature,
            model.sample_capacity_exponent,
            model.sample_time_constant * model.link_exponent * model.link_power / model.link_temperature,
        ),
    ]
    return math.fsum(c * reference / (m + 1) * (t / reference) ** (m + 1) for t, reference, m, c in parts)


@pytest.mark.parametrize("capacity", [1.0, 3.0])
@pytest.mark.parametrize("link", [2.0, 4.0])
def test_what_goes_in_is_stored_or_carried_away(capacity: float, link: float) -> None:
    model = CryostatModel(capacity_exponent=capacity, link_exponent=link, sample_capacity_exponent=capacity)
    cryostat = Cryostat(model)

    def cooling() -> float:
        return 400e-6 * ((cryostat.mixing_chamber / 0.1) ** 2 - 0.12**2)

    for heater, sample in ((2e-3, 1e-6), (0.0, 0.0), (1e-4, 5e-6)):
        before, given, carried = internal_energy(model, cryostat), 0.0, 0.0
        for _ in range(240):
            start = cooling()
            cryostat.step(TICK, heater, sample)
            given += TICK * (heater + sample)
            carried += TICK * (start + cooling()) / 2
        stored = internal_energy(model, cryostat) - before
        # Of all the heat moved, a hundredth: the steps are of first order and change a temperature by half a per cent.
        assert given - carried == pytest.approx(stored, abs=0.01 * (given + carried))


@pytest.mark.parametrize(("power", "start"), [(1e-3, 0.012), (0.1, 0.012), (0.0, 0.8)])
def test_heating_and_cooling_follow_the_exact_solution(power: float, start: float) -> None:
    # With C ~ T and P ~ T^2 the square of the temperature relaxes exponentially, in tau at every temperature.
    cryostat = Cryostat(CryostatModel(link_power=1e-15))
    cryostat.mixing_chamber = start
    final = power / 0.04 + 0.012**2
    for tick in range(1, 800):
        cryostat.step(TICK, power, 0.0)
        exact = math.sqrt(final + (start**2 - final) * math.exp(-tick * TICK / 20.0))
        assert cryostat.mixing_chamber == pytest.approx(exact, rel=0.015)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 3.0])
def test_the_heat_capacity_grows_as_its_exponent_says(exponent: float) -> None:
    def rise(temperature: float) -> float:
        """Return the first warming in K of a stage at rest, by a small extra power."""
        cryostat = Cryostat(CryostatModel(capacity_exponent=exponent, link_power=1e-15))
        cryostat.mixing_chamber = temperature
        cryostat.step(1e-3, 0.04 * (temperature**2 - 0.012**2) + 1e-6, 0.0)
        return cryostat.mixing_chamber - temperature

    assert rise(0.05) / rise(0.2) == pytest.approx(4.0**exponent, rel=0.01)


@pytest.mark.parametrize("exponent", [2.0, 4.0])
def test_the_link_carries_what_its_exponent_says(exponent: float) -> None:
    for power in (1e-7, 1e-5):
        cryostat = Cryostat(CryostatModel(link_exponent=exponent))
        run(cryostat, 1800, sample=power)
        hot, cold = cryostat.sample / 0.1, cryostat.mixing_chamber / 0.1
        assert 1.5e-3 * (hot**exponent - cold**exponent) == pytest.approx(power, rel=1e-3)


def test_the_cryostat_of_a_bench_does_not_care_how_often_it_is_looked_at(tmp_path: Path) -> None:
    text = (files("pyvisa_mqt") / "benches" / "builtin.yaml").read_text(encoding="utf-8")

    def temperature(looks: int) -> tuple[float, float]:
        path = tmp_path / f"bench{looks}.yaml"
        path.write_text(text, encoding="utf-8")
        bench = open_bench(str(path))
        heater = ("thermometer", "sample")
        for power, until in ((1e-3, 200.0), (0.0, 500.0), (1e-5, 900.0)):
            bench.set_heater(heater, power)
            start = bench.clock.now()
            for look in range(1, looks + 1):
                bench.clock.advance_to(start + (until - start) * look / looks)
        return bench.cryostat.mixing_chamber, bench.cryostat.sample

    assert temperature(1) == temperature(7) == temperature(500)
