"""Numbers of cases.json and of the tables against `independent`, which knows nothing of mqtctl."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.reference import independent

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("cases.json").read_text(encoding="utf-8"))
PLAIN = [
    case for case in CASES if case["quantity"] == "switching_moments" and case["id"].startswith(("sw_th", "sw_mqt"))
]
RATES = [
    case
    for case in CASES
    if case["quantity"] == "ln_rate"
    and case["inputs"].get("branch") != "erfc"
    and case["inputs"]["one_minus_s"] >= 1e-3
]
JUNCTION_1985 = {"Ic": 9.489e-6, "C": 6.35e-12, "R": 190.0, "rate_A_per_s": 1e-3}


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["quantity"] == "barrier_plasma"], ids=lambda c: c["id"]
)
def test_barrier_and_plasma_frequency_come_out_of_the_printed_formulas(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    got = independent.geometry(inputs["Ic"], inputs["C"], inputs["one_minus_s"])
    for name, value in got.items():
        assert case["expected"][name] == pytest.approx(value, rel=1e-13), name


@pytest.mark.parametrize("case", RATES, ids=lambda case: str(case["id"]))
def test_rates_come_out_of_the_printed_formulas(case: dict[str, Any]) -> None:
    inputs = {**case["inputs"], "branch": (case["inputs"].get("branch") or "").replace("undamped", "0.87")}
    if case["inputs"].get("branch") == "mqt_undamped":
        inputs["R"] = None
    got = float(independent.log_rate(inputs, np.array([inputs["one_minus_s"]]))[0])
    assert case["expected"]["ln_rate"] == pytest.approx(got, rel=1e-9)


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: str(case["id"]))
def test_switching_moments_come_out_of_equal_panels(case: dict[str, Any]) -> None:
    expected = case["expected"]
    lowest = max(case["inputs"]["I0"], expected["mean_A"] - 40.0 * expected["sigma_A"])
    got = independent.switching_moments(case["inputs"], lowest)
    assert got["mass"] == pytest.approx(1.0, abs=1e-10)
    for name in ("mean_A", "sigma_A", "skew", "kurt"):
        assert expected[name] == pytest.approx(got[name], rel=1e-8), name


@pytest.mark.parametrize(
    ("temperature", "width"),
    [(0.05, 8.509), (0.1, 13.288), (0.2, 20.758), (0.3, 26.949), (0.5, 37.439), (0.8, 50.650)],
)
def test_the_table_of_thermal_widths_comes_out_of_equal_panels(temperature: float, width: float) -> None:
    inputs = {**JUNCTION_1985, "prefactor": "tst", "T": temperature}
    assert independent.switching_moments(inputs, 7e-6)["sigma_A"] * 1e9 == pytest.approx(width, abs=6e-4)


@pytest.mark.parametrize("case", [case for case in CASES if case["id"].startswith("exactcubic")], ids=lambda c: c["id"])
def test_levels_of_the_cubic_well_come_out_of_complex_scaling(case: dict[str, Any]) -> None:
    for number in (0, 1):
        level = independent.cubic_level(case["inputs"]["N"], number)
        assert case["expected"][f"E{number}"] == pytest.approx(level.real, rel=1e-9)
        rate = -2.0 * level.imag
        # double precision resolves a rate to 1e-13 of the energy
        assert case["expected"][f"Gamma{number}"] == pytest.approx(rate, rel=1e-7, abs=3e-13)


@pytest.mark.parametrize("case", [case for case in CASES if case["quantity"] == "bounce"], ids=lambda case: case["id"])
def test_the_action_of_the_cold_bounce_comes_out_of_an_iteration_on_long_rings(case: dict[str, Any]) -> None:
    damping, period = 1.0 / case["inputs"]["Q"], 600.0
    short, long = independent.bounce_action(damping, period), independent.bounce_action(damping, 2.0 * period)
    cold = (4.0 * long - short) / 3.0  # the action falls as the square of the temperature
    assert case["expected"]["B_over_B0"] == pytest.approx(cold, rel=1e-6)
    assert abs(long - cold) > 1e-5 * damping  # a ring of this length alone is not cold


@pytest.mark.parametrize("case", [case for case in CASES if case["quantity"] == "bounce_T"], ids=lambda c: c["id"])
def test_the_action_of_a_warm_bounce_comes_out_of_an_iteration_on_its_ring(case: dict[str, Any]) -> None:
    damping = 1.0 / case["inputs"]["Q"]
    growth = math.sqrt(1.0 + 0.25 * damping**2) - 0.5 * damping
    period = 2.0 * math.pi / (growth * case["inputs"]["T_over_T0"])
    barrier = 2.0 / 27.0 * period / (8.0 / 15.0)  # of V at q = 2/3, for that long
    got = independent.bounce_action(damping, period)
    assert case["expected"]["S_over_dUkT"] == pytest.approx(got / barrier, rel=1e-7)
