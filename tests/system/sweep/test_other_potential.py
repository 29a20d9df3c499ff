"""A junction with another current-phase relation, from sample and bench file to the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqtctl.plan import load_plan

CHANNEL = "transparent-channel(transmission=0.98)"
CRITICAL_CURRENT = 9.489e-6


def described(laboratory: Any, *files: str) -> None:
    for file in files:
        laboratory.change(file, "resistance: 190 Ohm", f'resistance: 190 Ohm\n  potential: "{CHANNEL}"')


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, build_laboratory: Callable[[Path], Any]) -> tuple[Any, Any]:
    """Return a laboratory and the result of a sweep of a channel that is known to be one."""
    laboratory = build_laboratory(tmp_path_factory.mktemp("channel") / "lab")
    laboratory.change("plan.yaml", "[100 mK]", "[15 mK, 20 mK, 200 mK, 300 mK, 450 mK]")
    laboratory.change("plan.yaml", "switches: 1000", "switches: 4000")
    laboratory.change("sample.yaml", "uncertainty: 0.4 pF", "uncertainty: 0.02 pF")
    described(laboratory, "sample.yaml", "bench.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mqtctl.report.writer.render", lambda _draw, **_size: b"\x89PNG")
        return laboratory, laboratory.result(seed=3)


def test_a_channel_is_measured_as_one(measured: tuple[Any, Any]) -> None:
    laboratory, result = measured
    assert result["potential"] == CHANNEL
    assert abs(result["critical_current_A"] - CRITICAL_CURRENT) < 3.0 * result["critical_current_stderr_A"]
    assert abs(result["noise_thermometry_slope"] - 1.0) < 3.0 * result["noise_thermometry_slope_stderr"]
    assert result["saturation_test"] == "agrees with tunnelling"
    assert CHANNEL in (laboratory.folder / "run" / "report.html").read_text(encoding="utf-8")


def test_a_channel_that_is_taken_for_a_washboard_does_not_agree_with_tunnelling(measured: tuple[Any, Any]) -> None:
    laboratory, known = measured
    outcome = laboratory.run("analyze", laboratory.folder / "run", "--potential", "washboard", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    result = json.loads(outcome.stdout)
    assert result["potential"] == "washboard"
    assert result["saturation_test"].startswith("hotter than tunnelling")
    assert result["tunnelling_sigmas"] > 3.5
    # the steeper top of the channel tunnels as one that is a tenth hotter
    ratio = result["tunnelling_escape_temperature_K"] / known["tunnelling_escape_temperature_K"]
    assert 0.85 < ratio < 0.95


def test_a_potential_that_does_not_exist_is_refused_in_one_sentence(measured: tuple[Any, Any]) -> None:
    laboratory, _ = measured
    for arguments in (("analyze", laboratory.folder / "run"), ("simulate", "--switches", "1")):
        outcome = laboratory.run(*arguments, "--potential", "rippled")
        assert outcome.exit_code == 2
        assert "there is no potential 'rippled'" in outcome.stderr


def test_a_list_is_drawn_and_fitted_with_its_potential(laboratory: Any) -> None:
    model = ("--model", "noise-temperature(model=kramers, excess=0.1)", "--potential", CHANNEL)
    hot = ("--temperature", "400 mK", "--seed", "8", "--switches", "3000")
    outcome = laboratory.run("simulate", *hot, *model)
    assert outcome.exit_code == 0, outcome.stderr
    currents = laboratory.folder / "currents.csv"
    currents.write_text(outcome.stdout, encoding="utf-8")
    facts = ("--ramp-rate", "1 mA/s", "--capacitance", "6.35 pF", "--resistance", "190 Ohm", "--model", "kramers")
    outcome = laboratory.run("analyze", currents, *facts, "--potential", CHANNEL, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    result = json.loads(outcome.stdout)
    assert result["potential"] == CHANNEL
    assert abs(result["escape_temperature_free_K"] - 0.5) < 3.0 * result["escape_temperature_free_stderr_K"]
    assert abs(result["critical_current_free_A"] - CRITICAL_CURRENT) < 3.0 * result["critical_current_free_stderr_A"]


def test_a_plan_says_its_potential_only_where_it_is_not_the_washboard(laboratory: Any) -> None:
    plain = load_plan(laboratory.folder / "plan.yaml")
    document: Any = plain.document()
    assert "potential" not in document["sample"]["junction"]  # so that the digest is that of files without the key
    described(laboratory, "sample.yaml")
    other = load_plan(laboratory.folder / "plan.yaml")
    assert other.sample.junction.estimate.potential == CHANNEL
    assert other.digest != plain.digest
    assert np.isclose(other.sample.junction.critical_current, 9.5e-6)
