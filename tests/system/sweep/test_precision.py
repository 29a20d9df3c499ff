"""A plan that asks for a precision, through the whole command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mqtctl.storage import load_sweep


@pytest.mark.slow
@pytest.mark.usefixtures("blank_figures")
def test_a_precision_that_the_most_switches_do_not_give_is_remarked(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "switches: 1000", "switches: 500\nprecision: 1 %")
    outcome = laboratory.sweep("--json")
    assert outcome.exit_code == 0, outcome.stderr
    (point,) = json.loads(outcome.stdout)["points"]
    assert point["switches"] == 500
    # 1.18/√500 = 5.3 %
    assert "500 switches, the most that the plan allows, gave 5." in outcome.stderr
    assert "instead of 1 % of the escape temperature; plan more switches or ask for less" in outcome.stderr


@pytest.mark.usefixtures("blank_figures")
def test_every_polarity_comes_to_the_precision_and_the_looks_are_kept(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "switches: 1000", "precision: 5 %\nprecision_of: width\npolarity: both")
    outcome = laboratory.sweep("--json", seed=4)
    assert outcome.exit_code == 0, outcome.stderr
    points = load_sweep(laboratory.folder / "run" / "data.db").points
    assert [point.histogram.polarity for point in points] == [1, -1]
    for point in points:
        assert point.result is not None
        number = point.histogram.switching_currents.size
        assert point.result.precision is not None
        assert point.result.precision <= 0.05
        switches, precision = point.result.looks[-1]
        assert switches is not None
        # a switch that comes between the last look and the end of the burst is kept, and counts in the precision
        assert number - 2 <= switches <= number
        assert precision == pytest.approx(point.result.precision, rel=0.02)
        assert 200 <= number <= 1000
    assert "precision 4." in outcome.stderr or "precision 5 %" in outcome.stderr


def test_a_precision_of_something_else_is_refused_before_anything_is_touched(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "switches: 1000", "precision: 1 %\nprecision_of: mean")
    outcome = laboratory.sweep()
    assert outcome.exit_code == 2
    assert "precision_of" in outcome.stderr
    assert "escape temperature" in outcome.stderr
