"""What a rehearsal says, for people: on the terminal, and as Markdown for the summary of a CI job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mqtctl.analysis.sweep.results import SWEEP
from mqtctl.cli.summary import COLUMNS, LEGEND
from mqtctl.cli.tables import Column, print_rows, quantity, say
from mqtctl.notation import rough_duration

__all__ = ["markdown_lines", "print_rehearsal", "sentence"]

_HEADING = "REHEARSED on the simulated bench: these are predictions, nothing real was touched"
_LEGEND = f"{LEGEND} Here the errors are those that are expected of the measurement."
_NOTHING = "nothing found that would fail"
_COLUMNS = (
    Column("set point", "temperature_K", unit="K"),
    Column("settling", "settling_time_s", unit="s"),
    Column("ramping", "ramping_time_s", unit="s"),
    Column("switches", "switches"),
    Column("no switch\n(share)", "censored_fraction"),
    *COLUMNS,
)


def print_rehearsal(result: Mapping[str, Any]) -> None:
    """Print one line for each temperature, then what holds for the whole."""
    say(_HEADING)
    print_rows(_COLUMNS, _rows(result))
    say(_LEGEND)
    say("")
    for line in _facts(result):
        say(line)
    for finding in result["findings"]:
        say(f"{finding['verdict']}: {finding['subject']}: {sentence(finding['text'], finding['advice'])}")
    if not result["findings"]:
        say(_NOTHING)
    for assumed in result["assumed"]:
        say(f"assumed: {assumed}")


def markdown_lines(result: Mapping[str, Any], plan: str) -> Iterator[str]:
    """Give the lines of the same as Markdown: duration and precision of each temperature, then the findings."""
    yield from (f"### Rehearsal of {plan}", "", _HEADING, "")
    cells = [column.cells(_rows(result)) for column in _COLUMNS]
    yield from _table(zip(*cells, strict=True), "---:")
    yield from ("", *(f"- {_cell(line)}" for line in _facts(result)), "")
    if result["findings"]:
        found = [(one["verdict"], one["subject"], sentence(one["text"], one["advice"])) for one in result["findings"]]
        yield from _table([("finding", "where", "what"), *found], "---")
    else:
        yield _NOTHING
    yield from ("", *(f"- assumed: {_cell(assumed)}" for assumed in result["assumed"]), "", _LEGEND)


def _table(rows: Any, rule: str) -> Iterator[str]:
    """Give a table of texts whose first row is its head."""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(_cell(text) for text in row)} |"
        if number == 0:
            yield f"|{'|'.join(rule for _ in row)}|"


def _cell(text: str) -> str:
    """Return text that stays in its place."""
    return text.replace("|", "\\|").replace("\n", "<br>")


def _rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**point, **_expected_error(point)} for point in result["points"]]


def _facts(result: Mapping[str, Any]) -> Iterator[str]:
    """Give what holds for the whole, a sentence each."""
    whole = result["duration_s"]
    ends = "the sweep would not come to its end" if whole is None else f"{rough_duration(whole)} of laboratory time"
    yield f"whole: {ends}"
    for row in SWEEP:
        if row.name in {"crossover_temperature", "measured_crossover_temperature"}:
            found = row.read(result)
            text = "not identifiable" if found.value is None else quantity(found.value, row.unit, found.stderr)
            yield f"{row.label}: {text}"
    yield f"crossover {'' if result['crossover_resolved'] else 'NOT '}resolved: {result['crossover_criterion']}"
    yield from _spread(result["spread"])


def _expected_error(point: Mapping[str, Any]) -> dict[str, float]:
    """Return the standard error that the mean of so many switches will have."""
    width, switches = point["std_switching_current_A"], point["switches"]
    return {"mean_switching_current_stderr_A": width / switches**0.5} if width and switches else {}


def _spread(spread: Mapping[str, Any] | None) -> Iterator[str]:
    """Give how repeated rehearsals scatter."""
    if spread is None:
        return
    for title, key in (
        ("T_esc, shared Ic", "escape_temperature_std_K"),
        ("T_esc alone", "escape_temperature_free_std_K"),
    ):
        values = ", ".join(quantity(value, "K") for value in spread[key])
        yield f"scatter of {title} over {spread['rehearsals']} rehearsals: {values}"
    verdicts = ", ".join(f"{count} x {verdict}" for verdict, count in spread["verdicts"].items())
    yield f"crossover resolved in {spread['resolved']:.0%} of them; verdicts: {verdicts}"


def sentence(text: str, advice: str) -> str:
    """Return what was found and what to do about it."""
    return f"{text}; {advice}" if advice else text
