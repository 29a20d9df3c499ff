"""Four junctions that look alike, measured through the bytes: each gets the sentence that is true of it."""

from __future__ import annotations

from typing import Any

import pytest

TEMPERATURES = "[15 mK, 20 mK, 28 mK, 40 mK, 60 mK, 100 mK, 200 mK, 400 mK]"


@pytest.fixture
def measure(laboratory: Any, blank_figures: None) -> Any:
    """Measure eight temperatures on a bench with changes, and return the result."""
    del blank_figures

    def run(*changes: tuple[str, str], plan: str = "", seed: int = 3) -> dict[str, Any]:
        laboratory.change("plan.yaml", "[100 mK]", TEMPERATURES)
        laboratory.change("plan.yaml", "switches: 1000", f"switches: 5000{plan}")
        for old, new in changes:
            laboratory.change("bench.yaml", old, new)
        result: dict[str, Any] = laboratory.result(seed=seed)
        return result

    return run


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_depleted_junction_that_tunnels_is_called_tunnelling(measure: Any) -> None:
    found = measure()  # Q = 80: without depletion in the analysis it was noise or heating, by 16 standard errors
    assert found["verdict"] == "tunnelling"
    assert found["critical_current_A"] == pytest.approx(9.489e-6, abs=3.0 * found["critical_current_stderr_A"])
    assert found["verdict_sentence"].startswith("Tunnelling")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_classical_junction_with_noise_in_quadrature_is_called_thermal(measure: Any) -> None:
    found = measure(
        ("escape: escape", "escape: melnikov-meshkov"),
        ("noise: 0.1 nA", "noise: 0.1 nA\n  noise_temperature: 32.7 mK\n  noise_exponent: 2"),
    )
    # its escape temperature saturates at what tunnelling predicts, and one number agrees with tunnelling
    assert found["verdict"] == "thermal"
    assert found["hypotheses"][0]["name"] == "classical, noise in quadrature"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_sample_that_does_not_follow_the_thermometer_is_called_decoupled(measure: Any) -> None:
    found = measure(("escape: escape", "escape: melnikov-meshkov\n  decoupling_temperature: 35.9 mK"))
    assert found["verdict"] == "decoupled"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_sample_that_its_own_ramps_heat_is_never_called_tunnelling(measure: Any) -> None:
    found = measure(
        ("escape: escape", "escape: melnikov-meshkov"),
        ("link_power: 1.5 mW", "link_power: 10.2 nW"),
        plan="\nheating_check: true",
    )
    assert found["verdict"] != "tunnelling"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("fact", "words"),
    [
        ("critical_current_drift: -0.4 %/h", "the critical current seems to drift by -0."),
        ("critical_temperature: 1.8 K", "as towards the transition of the superconductor"),
    ],
)
def test_a_critical_current_that_is_not_one_forbids_a_verdict_and_is_named(measure: Any, fact: str, words: str) -> None:
    found = measure(("escape: escape", f"escape: escape\n  {fact}"))
    assert found["verdict"] == "not identifiable"
    assert words in found["verdict_sentence"]
