"""A slice of the fault matrix, and a checker that is itself tested: every deliberately broken mqtctl must be caught."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.reliability.cells import FAULTS, PHASES, Cell, judge, prepare, run_case, run_cell, undisturbed
from tests.reliability.kills import kill_and_resume
from tests.reliability.sabotage import SABOTAGES

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


@pytest.mark.parametrize("cell", SLICE[::6], ids=lambda cell: f"{cell.fault.name}, {cell.phase}")
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


@pytest.mark.parametrize("message", [700, 1500])
def test_a_sweep_killed_at_a_message_is_gone_on_with_and_whole(message: int, tmp_path: Path) -> None:
    assert kill_and_resume(message, tmp_path).wrong == []
