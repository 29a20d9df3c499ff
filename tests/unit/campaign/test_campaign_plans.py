"""Which plan is best for a night, and what counts as a right verdict."""

from __future__ import annotations

import pytest

from mqtctl.campaign.plans import best_plan, outcomes_of, right_and_wrong


def rows(switches: str, hours: float, *, right: int, error: float, given: bool = False) -> list[dict[str, str]]:
    """Return ten draws of a plan, of which so many end with the right verdict."""
    return [
        {
            "plan.switches": switches,
            "as_given": str(int(given)),
            "truth": "tunnelling",
            "verdict": "tunnelling" if number < right else "cannot be told apart",
            "cold_time_s": str(3600.0 * hours),
            "crossover_temperature_K": "0.0303",
            "true_crossover_temperature_K": "0.03",
            "crossover_temperature_stderr_K": str(0.0303 * error),
        }
        for number in range(10)
    ]


THREE = [
    *rows("1000", 1.0, right=4, error=0.03),
    *rows("4000", 4.0, right=10, error=0.01),
    *rows("10000", 10.0, right=9, error=0.01, given=True),
]


def test_the_best_plan_of_a_night_is_the_shortest_of_those_that_decide_as_often_and_know_the_crossover_as_well() -> (
    None
):
    choice = best_plan(outcomes_of(THREE), None)
    assert choice.night == 36000.0
    assert choice.best is not None
    assert choice.given is not None
    assert (choice.best.plan, choice.given.plan) == ("switches 4000", "switches 10000")
    assert choice.best.right.value == 1.0
    assert choice.best.crossover_precision == pytest.approx(0.01)
    assert choice.best.crossover_deviation == pytest.approx(0.01)


@pytest.mark.parametrize(("hours", "best"), [(0.5, None), (2.0, "switches 1000"), (5.0, "switches 4000")])
def test_a_shorter_night_has_another_best_plan_or_none(hours: float, best: str | None) -> None:
    found = best_plan(outcomes_of(THREE), 3600.0 * hours).best
    assert (found and found.plan) == best


def test_a_plan_as_given_of_which_nothing_came_to_its_end_is_no_reason_to_find_every_plan_too_long() -> None:
    failed = [{**row, "cold_time_s": "", "verdict": ""} for row in rows("20000", 1.0, right=0, error=0.0, given=True)]
    plans = outcomes_of([*failed, *THREE[:20]])
    assert [plan.plan for plan in plans] == ["switches 1000", "switches 4000", "switches 20000"]
    choice = best_plan(plans, None)
    assert choice.night == 14400.0
    assert choice.best is not None
    assert choice.best.plan == "switches 4000"


def test_a_verdict_is_right_if_it_says_whether_the_junction_tunnels() -> None:
    said = [
        ("tunnelling", "tunnelling"),
        ("tunnelling, noisy", "tunnelling"),
        ("decoupled", "thermal"),
        ("thermal", "tunnelling"),
        ("tunnelling", "heated"),
        ("tunnelling", "not identifiable"),
        ("thermal", ""),
    ]
    right, wrong = right_and_wrong({"truth": truth, "verdict": verdict} for truth, verdict in said)
    assert (right.count, wrong.count, right.of) == (3, 2, 7)
