"""A slice of the fault matrix, and a checker that is itself tested: every deliberately broken mqtctl must be caught."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability.cells import FAULTS, PHASES, Cell, run_cell, undisturbed
from tests.reliability.children import judge, prepare, run_case
from tests.reliability.glitches import Glitch, run_glitch
from tests.reliability.kills import kill_and_resume, kill_at_message, kill_at_statement
from tests.reliability.nights import run_night
from tests.reliability.sabotage import SABOTAGES
from tests.reliability.together import SHARED, run_together

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="children are forked"),
]


@pytest.fixture(scope="module")
def times(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """When the phases of an undisturbed sweep begin, which is without a violation."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed") / "lab")


#: Every fault once, each in another phase than the one before.
SLICE = [Cell(fault, PHASES[(4 * number) % len(PHASES)]) for number, fault in enumerate(FAULTS)]


@pytest.mark.parametrize("cell", SLICE[::12], ids=lambda cell: f"{cell.fault.name}, {cell.phase}")
def test_no_fault_violates_an_invariant(cell: Cell, times: dict[str, float], tmp_path: Path) -> None:
    outcome = run_cell(cell, times, tmp_path)
    assert outcome.wrong == [], outcome.said


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if place % 3 == 0 else pytest.mark.campaign) for place, name in enumerate(SABOTAGES)],
)
def test_the_checker_catches_what_was_broken_on_purpose(name: str, tmp_path: Path) -> None:
    sabotage, invariant = SABOTAGES[name]
    prepare(tmp_path / "lab", seed=7)
    wrong = judge(tmp_path / "lab", run_case(tmp_path / "lab", sabotage, longest=30.0))
    assert any(each.startswith(invariant) for each in wrong), wrong


@pytest.mark.parametrize(
    ("kill", "number"),
    [(kill_at_message, 250), (kill_at_message, 450), (kill_at_statement, 60), (kill_at_statement, 100)],
)
def test_a_sweep_killed_anywhere_is_gone_on_with_and_whole(
    kill: Callable[[int], None], number: int, tmp_path: Path
) -> None:
    killed = kill_and_resume(number, tmp_path, kill)
    assert (killed.code, killed.wrong) == (137, [])


@pytest.mark.parametrize(
    "glitch",
    [
        Glitch("lost-message", "counter", 49, "CONF:PER (@1)"),
        Glitch("lost-message", "thermometer", 16, "RANGE 0,5"),
        Glitch("disconnect", "source", 90, ""),
    ],
    ids=lambda glitch: f"{glitch.kind}, {glitch.instrument}, {glitch.number}",
)
def test_one_exchange_that_fails_ends_no_sweep(glitch: Glitch, tmp_path: Path) -> None:
    struck = run_glitch(glitch, tmp_path)
    assert (struck.exit_code, struck.wrong) == (0, []), struck.said


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_night_with_one_fault_completes(seed: int, tmp_path: Path) -> None:
    night = run_night(seed, (1.0, 200.0), tmp_path)
    assert (night.exit_code, night.wrong) == (0, []), night


@pytest.mark.parametrize("shared", SHARED)
def test_of_three_sweeps_at_once_one_measures_and_two_are_told_why_not(shared: str, tmp_path: Path) -> None:
    together = run_together(shared, 3, 2, tmp_path)
    assert together.wrong == []
    assert together.codes.count(0) == 1
