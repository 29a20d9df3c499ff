"""`mqtctl analyze` on lists in the shapes that laboratories write: right numbers, or one sentence and exit code 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from mqtctl.cli.app import app
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState

IC, CAPACITANCE, RATE, BATH = 2.4e-6, 1.2e-12, 2e-4, 0.3
RAMP = ("--ramp-rate", "0.2 mA/s", "--capacitance", "1.2 pF")
NUMBER = 800


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["analyze", *(str(argument) for argument in arguments)])


def fitted(*arguments: str | Path) -> dict[str, Any]:
    outcome = run(*arguments, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    result: dict[str, Any] = json.loads(outcome.stdout)
    return result


def refused(*arguments: str | Path) -> str:
    outcome = run(*arguments)
    assert outcome.exit_code == 2, outcome.stdout
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1
    return outcome.stderr


@pytest.fixture(scope="module")
def switches() -> NDArray[np.float64]:
    """Switching currents in A of an undamped junction at 300 mK."""
    law = SwitchingDistribution(Junction(IC, CAPACITANCE), BATH, RATE, model=TransitionState())
    return np.asarray(law.sample(NUMBER, np.random.default_rng(6)))


@pytest.fixture(scope="module")
def reference(switches: NDArray[np.float64], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The fit of the same switches as plain numbers with all their digits."""
    path = tmp_path_factory.mktemp("reference") / "control.csv"
    np.savetxt(path, switches, header="switching_current_A", comments="")
    return fitted(path, *RAMP)


Layout = Callable[[NDArray[np.float64]], str]


def column(header: str, factor: float) -> Layout:
    def write(currents: NDArray[np.float64]) -> str:
        return header + "".join(f"{value * factor!r}\n" for value in currents.tolist())

    return write


@pytest.mark.parametrize(
    ("layout", "options"),
    [
        (column("Junction A\n", 1e6), ("--unit", "uA")),
        (column("I_sw (uA), ramp 200 uA/s\n", 1e6), ()),
        (column("I_sw (uA), wait 5 ms\n", 1e6), ()),
        (column("# I_sw (uA)\n", 1e6), ()),
        (column("I_sw\nuA\n", 1e6), ()),
        (column("# interval start-stop (us)\n", 1e6 / RATE), ()),
        (column("I_sw (A)\nnan\nnan\n", 1.0), ("--empty", "missed")),
        (column("interval_s\n+9.91000000E+37\n", 1.0 / RATE), ("--empty", "missed")),
    ],
)
def test_every_layout_gives_the_fit_of_the_plain_list(
    layout: Layout, options: tuple[str, ...], switches: NDArray[np.float64], reference: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    path.write_text(layout(switches), encoding="utf-8")
    found = fitted(path, *RAMP, *options)
    assert found["switches"] == NUMBER
    for key in ("critical_current_free_A", "escape_temperature_free_K"):
        assert found[key] == pytest.approx(reference[key], rel=1e-6)  # rounding; a standard error is 4 %


@pytest.mark.parametrize(
    ("layout", "options", "words"),
    [
        (column("Junction A\n", 1e6), (), "--unit"),
        (column("# I_sw (uA)\n", 1e6), ("--unit", "nA"), "states the unit 'uA'"),
        (column("I_sw (A)\nnan\n", 1.0), (), "--empty missed"),
        (column("I_sw (A)\n9.91E37\n", 1.0), (), "--empty survived"),
        (column("I_sw (A)\nnan\n", 1.0), ("--empty", "survived"), "--stop-current"),
        (column("I_sw (A)\n", 1.0), ("--empty", "lost"), "missed or survived"),
        (column("I_sw (A)\n", 1e6), (), "which no junction has"),
        (column("I_sw (A)\n", 1.0), ("--critical-current", "2 uA"), "lies below 800 of 800 switches"),
        (column("I_sw (A)\n", 1.0), ("--delay", "1 us"), "a delay (--delay) applies to times only"),
        (column("I_sw (A)\n", 1.0), ("--critical-current-stderr", "1 nA"), "needs --critical-current"),
        (column("I_sw (A)\n", 1.0), ("--temperature", "-5 mK"), "--temperature is -0.005 K"),
        (column("I_sw (A)\n", 1.0), ("--resolution", "10 nA"), "do not lie on steps of 1e-08 A"),
        (column("I_sw (A)\n", 1.0), ("--resolution", "1 us"), "give --resolution in the same quantity"),
        (column("I_sw (A)\n", 1.0), ("--rounding", "sideways"), "nearest, up, down"),
        (column("I_sw (A)\n", 1.0), ("--run", "3"), "--run cannot be used for a list of values"),
        (column("I_sw (A)\n", 1.0), ("--calibration", "c.yaml"), "--calibration cannot be used"),
    ],
)
def test_what_cannot_be_told_or_cannot_be_is_refused_with_the_option_that_decides(
    layout: Layout, options: tuple[str, ...], words: str, switches: NDArray[np.float64], tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(layout(switches), encoding="utf-8")
    assert words in refused(path, *RAMP, *options)


def test_values_at_the_stop_current_are_survivors(switches: NDArray[np.float64], tmp_path: Path) -> None:
    top = 2.14e-6
    path = tmp_path / "top.csv"
    path.write_text(column("I_sw (uA)\n", 1e6)(np.minimum(switches, top)), encoding="utf-8")
    found = fitted(path, *RAMP, "--stop-current", "2.14 uA")
    assert found["censored"] == int((switches > top).sum())
    assert any("equal the stop current" in flag for flag in found["flags"])
    # four standard errors
    assert found["escape_temperature_free_K"] == pytest.approx(BATH, abs=4 * found["escape_temperature_free_stderr_K"])


@pytest.mark.parametrize("declared", [(), ("--resolution", "25 nA")])
def test_a_staircase_is_fitted_by_intervals_and_its_step_is_said(
    declared: tuple[str, ...], switches: NDArray[np.float64], reference: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "stepped.csv"
    path.write_text(column("I_sw (A)\n", 1.0)(np.ceil(switches / 25e-9) * 25e-9), encoding="utf-8")
    found = fitted(path, *RAMP, *declared, "--rounding", "up")
    assert found["resolution_A"] == pytest.approx(25e-9)
    (flag,) = found["flags"]
    assert "rounded to steps of 25 nA" in flag
    for key in ("critical_current_free", "escape_temperature_free"):
        unit = "A" if "current" in key else "K"
        # 1.6 widths cost a third of the information: 0.7 standard errors of scatter (+6 if taken as exact)
        assert abs(found[f"{key}_{unit}"] - reference[f"{key}_{unit}"]) < 2.0 * reference[f"{key}_stderr_{unit}"]


def test_a_bath_temperature_that_nobody_gave_is_no_fault(reference: dict[str, Any]) -> None:
    assert reference["temperature_K"] is None
    assert reference["flags"] == []


@pytest.mark.parametrize(
    ("factor", "options", "words"),
    [
        (1e-3, (), "colder than any cryostat"),
        (1.0, ("--critical-current", "2.2 uA"), "is not that of these switches"),
        (1.0, ("--temperature", "2 mK"), "times the bath temperature"),
        (1.0, ("--temperature", "4 K"), "far below the bath temperature"),
    ],
)
def test_a_hardly_possible_result_says_so(
    factor: float, options: tuple[str, ...], words: str, switches: NDArray[np.float64], tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(column("I_sw (A)\n", factor)(switches), encoding="utf-8")
    assert any(words in flag for flag in fitted(path, *RAMP, *options)["flags"])


def test_the_text_shows_every_flag_of_the_json(switches: NDArray[np.float64], tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    stray = np.concatenate([switches, [1.2e-6, 1.21e-6]]) + np.linspace(0.0, 4e-8, NUMBER + 2)
    path.write_text(column("I_sw (A)\nnan\n", 1.0)(stray), encoding="utf-8")
    options = (*RAMP, "--empty", "missed", "--temperature", "1 mK", "--critical-current", "2.19 uA")
    flags = fitted(path, *options)["flags"]
    assert len(flags) >= 5
    text = run(path, *options).stdout
    for flag in flags:
        assert flag in text


@pytest.mark.parametrize(
    "option",
    ["--ramp-rate", "--capacitance", "--unit", "--empty", "--resolution", "--model", "--temperature", "--stop-current"],
)
def test_options_of_lists_are_refused_for_databases_and_folders(option: str, tmp_path: Path) -> None:
    (tmp_path / "stored.db").write_bytes(b"SQLite format 3\x00")
    for path in (tmp_path / "stored.db", tmp_path):
        assert f"{option} cannot be used for a stored run or database" in refused(path, option, "1 A")


@pytest.mark.parametrize("name", ["list", "list.tsv", "list.lvm", "list.xyz"])
def test_a_list_may_have_any_name(
    name: str, switches: NDArray[np.float64], reference: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(column("I_sw (A)\n", 1.0)(switches), encoding="utf-8")
    assert fitted(path, *RAMP)["escape_temperature_free_K"] == pytest.approx(reference["escape_temperature_free_K"])


@pytest.mark.parametrize("step", [0.0, 5e-9, 25e-9])
def test_a_few_dozen_currents_with_a_guessed_capacitance_say_what_they_tell_and_what_not(
    step: float, switches: NDArray[np.float64], tmp_path: Path
) -> None:
    currents = switches[:36] if not step else np.rint(switches[:36] / step) * step
    (tmp_path / "few.txt").write_text("".join(f"{1e6 * value:.9g}\n" for value in currents))
    options = (tmp_path / "few.txt", "--unit", "uA", "--ramp-rate", "0.2 mA/s", "--capacitance", "1 pF")
    result = fitted(*options)
    off = (result["escape_temperature_free_K"] - BATH) / result["escape_temperature_free_stderr_K"]
    assert abs(off) < 3.0
    assert any("the values are rounded to steps" in flag for flag in result["flags"]) is bool(step)
    assert result["resolution_A"] == (pytest.approx(step) if step else None)
    can, cannot = (" ".join(result["conclusions"][key]) for key in ("can", "cannot"))
    assert "for a capacitance of 1 pF: Ic = 2." in can
    assert "if it is half as large: Ic = 2." in can
    assert "if it is twice as large: Ic = 2." in can
    for words in ("takes some", "36 switches show gross departures only", "--temperature", "no resistance is known"):
        assert words in cannot
    told = run(*options, "--temperature", "0.3 K").stdout
    assert "can be concluded: T_esc agrees with the bath, 300 mK" in told
    assert "cannot be concluded: the damping" in told


def test_what_cannot_be_fitted_concludes_nothing(tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_text("2.10\n2.15\n" * 12)
    result = fitted(tmp_path / "two.txt", "--unit", "uA", *RAMP)
    assert result["conclusions"] == {"can": [], "cannot": ["critical current and temperature: the notes say why"]}


def test_columns_without_names_are_listed_with_their_numbers(switches: NDArray[np.float64], tmp_path: Path) -> None:
    np.savetxt(tmp_path / "two.txt", np.column_stack([switches, 1e-4 * np.ones(NUMBER)]))
    assert "2 (0.0001 to 0.0001)" in refused(tmp_path / "two.txt", *RAMP)


def test_a_ramp_rate_that_the_header_contradicts_is_refused_and_one_that_only_the_name_does_is_said(
    switches: NDArray[np.float64], tmp_path: Path
) -> None:
    headed, named = tmp_path / "header.txt", tmp_path / "ISCD 300mK v200000nAps d0.01s.txt"
    headed.write_text(column("I_sw (uA), ramp 200 uA/s\n", 1e6)(switches), encoding="utf-8")
    named.write_text(column("I_sw (uA)\n", 1e6)(switches), encoding="utf-8")
    other = ("--ramp-rate", "100 uA/s", "--capacitance", "1.2 pF")
    assert "header mentions the ramp rate 200 uA/s but 100 uA/s was given" in refused(headed, *other)
    assert fitted(headed, *other, "--rate-column", "none")["switches"] == NUMBER
    (said,) = [text for text in fitted(named, *other)["assumed"] if "ramp rate" in text]
    assert "mentions the ramp rate 200000 nA/s; used is 100 uA/s" in said
    assert not [text for text in fitted(named, *RAMP)["assumed"] if "ramp rate" in text]
    assert "needs --ramp-rate to be fitted; the header mentions 200 uA/s: say --ramp-rate '200 uA/s'" in refused(
        headed, *other[2:]
    )
    assert "the name of the file mentions 200000 nA/s" in refused(named)  # nor a capacitance


def test_a_junction_far_below_its_bath_is_said_first_and_nothing_is_concluded(
    switches: NDArray[np.float64], tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    path.write_text(column("I_sw (uA)\n", 1e6)(switches), encoding="utf-8")
    told = run(path, *RAMP, "--temperature", "0.9 K").stdout
    assert told.startswith("WRONG: T_esc lies")
    assert "below the bath, 900 mK, as no junction can: unit, ramp rate, capacitance or the thermometer" in told
    assert "\ncan be concluded" not in told
    assert "\ncannot be concluded: anything of this junction" in told
    other = run(path, *RAMP, "--temperature", "0.3 K", "--critical-current", "2.2 uA").stdout
    assert other.startswith("WRONG: with the given critical current 2.2 uA, if it is this junction's, T_esc lies")
    # what the depletion of a nearly undamped well may do is not called impossible
    little = run(path, *RAMP, "--temperature", "0.3 K", "--critical-current", "2.35 uA").stdout
    assert "WRONG" not in little


def test_a_given_critical_current_makes_the_conclusions_as_precise_as_the_temperature_with_it(
    switches: NDArray[np.float64], tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    path.write_text(column("I_sw (uA)\n", 1e6)(switches[:80]), encoding="utf-8")
    assert any("to better than" in text for text in fitted(path, *RAMP)["conclusions"]["cannot"])
    found = fitted(path, *RAMP, "--critical-current", "2.4 uA", "--temperature", "0.3 K")["conclusions"]
    assert not any("to better than" in text for text in found["cannot"])
    assert "for a capacitance of 1.2 pF and the given critical current 2.4 uA: T_esc = " in found["can"][0]
    assert any("T_esc agrees with the bath" in text for text in found["can"])


def test_somebody_elses_bins_are_not_called_sorted_or_rounded(switches: NDArray[np.float64], tmp_path: Path) -> None:
    counts, edges = np.histogram(1e6 * switches, bins=30)
    table = np.column_stack([edges[:-1], edges[1:], counts])
    np.savetxt(tmp_path / "bins.csv", table, delimiter=",", header="from (uA),to (uA),counts", comments="")
    outcome = run(tmp_path / "bins.csv", *RAMP)
    assert "critical current, fitted: 2.3" in outcome.stdout
    assert "note: " not in outcome.stdout
    assert "was given or shared" not in outcome.stdout  # no critical current was
    assert "was given or shared" in run(tmp_path / "bins.csv", *RAMP, "--critical-current", "2.4 uA").stdout
