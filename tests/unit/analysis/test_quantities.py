"""What was measured is one table: JSON, terminal and report are written from it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from mqtctl.analysis import moments
from mqtctl.analysis.histogram import results as point_results
from mqtctl.analysis.histogram.results import POINT, EscapeTemperatureFit, GoodnessOfFit, PointFit
from mqtctl.analysis.quantity import Quantity, estimates
from mqtctl.analysis.sweep import results as sweep_results
from mqtctl.analysis.sweep.results import SWEEP, MeasuredCrossover, Saturation, SweepFit, TunnellingTest
from mqtctl.cli import summary as terminal
from mqtctl.notation import NOTHING, Estimate, finite
from mqtctl.records import JunctionEstimate
from mqtctl.report import summary as report
from mqtctl.report.content import Content

T = TypeVar("T")
SHARED = EscapeTemperatureFit(
    0.036, 7e-4, 4e-4, 1e3, 9.5e-6, 1e-9, 12.0, "TransitionState", GoodnessOfFit(0.01, 0.5, 0.6, 1), converged=True
)
FIT = SweepFit(
    "a sweep",
    JunctionEstimate(9.5e-6, 6.35e-12, math.inf, 0.1e-12),
    (
        PointFit(
            0,
            1,
            0.1,
            2e-4,
            switches=4,
            censored=3,
            ramp_rate=1e-3,
            moments=moments([1.0, 2.0, 3.0, 9.0]),
            shared=SHARED,
        ),
    ),
    critical_current=9.4888e-6,
    critical_current_stderr=1.3e-9,
    saturation=Saturation(0.0361, 4e-4, 3e-4, (0,), 9.4e-6, flatness_pvalue=0.4),
    tunnelling=TunnellingTest("agrees with tunnelling", predicted=0.036, predicted_stderr=1e-3, sigmas=0.1),
    measured_crossover=MeasuredCrossover(0.029, 1e-4, 1.1),
)


@pytest.mark.parametrize("table", [POINT, SWEEP], ids=["point", "sweep"])
def test_every_key_stands_for_one_quantity_and_one_error(table: tuple[Quantity[object], ...]) -> None:
    keys = [key for row in table for key in (row.key, row.error_key) if key]
    assert len(keys) == len(set(keys))


def agree(table: tuple[Quantity[T], ...], fit: T, written: dict[str, Any]) -> bool:
    """Whether the numbers that were written are those of the fit, and null where there is none or an infinite one."""
    values = {row.key: row.of(fit).value for row in table}
    errors = {row.key: row.of(fit).stderr for row in table if row.error == "stderr"}
    return all(written[key] == (value if finite(value) else None) for key, value in values.items()) and all(
        row.read(written).stderr == errors[row.key] for row in table if row.key in errors
    )


def test_what_json_has_is_what_the_table_takes_from_the_fit() -> None:
    result = FIT.to_dict()
    assert agree(POINT, FIT.points[0], result["points"][0])
    assert agree(SWEEP, FIT, result)
    assert result["saturation_escape_temperature_stderr_K"] == 4e-4
    assert result["points"][0]["escape_temperature_stderr_K"] == 7e-4
    assert result["points"][0]["temperature_std_K"] == 2e-4
    assert result["points"][0]["ramp_rate_A_per_s"] == 1e-3
    assert result["resistance_Ohm"] is None  # infinite


def test_a_fit_that_did_not_converge_gives_no_number_to_anybody() -> None:
    point = replace(FIT.points[0], shared=replace(SHARED, converged=False))
    assert estimates(POINT, point)["escape_temperature"] == NOTHING
    assert point.to_dict()["escape_temperature_K"] is None


def test_one_new_row_of_a_sweep_is_in_json_on_the_terminal_and_in_the_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row: Quantity[SweepFit] = Quantity(
        "flux_noise", "A", lambda _: Estimate(3e-9, 2e-10), error="stderr", label="noise of the flux", heading="Noise"
    )
    for module in (sweep_results, terminal, report):
        monkeypatch.setattr(module, "SWEEP", (*SWEEP, row))
    result = FIT.to_dict()
    assert (result["flux_noise_A"], result["flux_noise_stderr_A"]) == (3e-9, 2e-10)
    terminal.print_sweep(result)
    assert "noise of the flux: 3.00(20) nA\n" in capsys.readouterr().out
    content = Content("", (), results=estimates((*SWEEP, row), FIT), fitted=True)
    assert "<td>Noise</td><td>3.00(20) nA</td>" in report.summary_table(content)


def test_a_row_of_a_point_makes_its_key_from_name_unit_and_error(monkeypatch: pytest.MonkeyPatch) -> None:
    row: Quantity[PointFit] = Quantity("drift", "K/s", lambda point: Estimate(1e-6, point.temperature), error="stderr")
    monkeypatch.setattr(point_results, "POINT", (*POINT, row))
    written = FIT.points[0].to_dict()
    assert (written["drift_K_per_s"], written["drift_stderr_K_per_s"]) == (1e-6, 0.1)
    assert row.in_words == "drift"
