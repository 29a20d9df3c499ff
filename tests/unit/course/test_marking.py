"""What is said about answers: right, too small an error bar, a known mistake, a wrong prefix, no answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mqtctl.course import Answer, Answers, Mark, expected, load_answers, mark
from mqtctl.course import marking as rules
from mqtctl.course.truth import ASKED
from mqtctl.errors import InputError

SEED = 1


def answers(**changed: object) -> Answers:
    """Return the best fit's answers, some changed."""
    best = expected(SEED)
    given = {name: Answer(one.estimate, one.stderr) for name, one in best.numbers.items()}
    return Answers(seed=SEED).model_copy(update={**given, "explanation": best.explanation, **changed})


def marked(name: str, value: float, stderr: float) -> Mark:
    """Return the mark of one answer."""
    return next(one for one in mark(answers(**{name: Answer(value, stderr)})) if one.name == name)


def test_the_best_fit_passes() -> None:
    marks = mark(answers())
    assert [one.name for one in marks] == [*ASKED, "explanation"]
    assert all(one.right for one in marks)
    assert {one.error_ratio for one in marks} == {1.0, None}


@pytest.mark.parametrize("name", ASKED)
def test_an_error_bar_of_another_size_than_the_data_allow_is_told_though_the_value_is_right(name: str) -> None:
    one = expected(SEED).numbers[name]
    small, large = marked(name, one.truth, one.stderr / 2.1), marked(name, one.truth, 2.1 * one.stderr)
    assert not small.right
    assert "is too small: these data allow" in small.remarks[0]
    assert not large.right
    assert "is larger than it need be: these data allow" in large.remarks[0]
    assert marked(name, one.truth, 1.9 * one.stderr).right


def test_an_error_bar_of_the_scatter_alone_is_recognised() -> None:
    one = expected(SEED).numbers["escape_temperature"]
    assert one.partial_stderr is not None
    assert one.partial_stderr < one.stderr / 2.0
    found = marked("escape_temperature", one.truth, one.partial_stderr)
    assert "the scatter of the switches alone" in found.remarks[0]


@pytest.mark.parametrize("name", ["width", "critical_current", "escape_temperature", "crossover_temperature"])
def test_a_number_that_is_taken_for_another_is_recognised(name: str) -> None:
    one = expected(SEED).numbers[name]
    assert one.mistakes
    for sentence, other in one.mistakes.items():
        found = marked(name, other, one.stderr)
        assert not found.right
        assert sentence in found.remarks


def test_a_wrong_prefix_is_recognised() -> None:
    one = expected(SEED).numbers["width"]
    found = marked("width", 1e3 * one.truth, 1e3 * one.stderr)
    assert found.remarks[0] == "the unit has the wrong prefix: the number is 10^3 times the right one"


def test_a_wrong_value_is_told_with_its_distance() -> None:
    one = expected(SEED).numbers["critical_current"]
    found = marked("critical_current", one.truth + 4.0 * one.stderr, one.stderr)
    assert not found.right
    assert found.remarks == ("the value is too large by 4.0 of its own standard errors",)


def test_bad_luck_is_no_mistake() -> None:
    one = expected(SEED).numbers["critical_current"]
    found = marked("critical_current", one.truth - 2.5 * one.stderr, one.stderr)
    assert found.right
    assert found.remarks == ("right, and 2.5 standard errors from the truth: of honest results one in 81 is",)


def test_an_explanation_is_right_if_it_is_true_or_if_nobody_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def explained(answer: str | None) -> Mark:
        return mark(answers(explanation=answer))[-1]

    assert explained("tunnelling") == Mark("explanation", True, ())
    assert "no noise is needed" in explained("noise").remarks[0]
    assert "these data decide it" in explained("undecided").remarks[0]
    assert not explained("undecided").right
    assert not explained(None).right
    open_question = replace(expected(SEED), decided="undecided")
    monkeypatch.setattr(rules, "expected", lambda _seed: open_question)
    assert explained("undecided").right
    assert "could not be sure" in explained("tunnelling").remarks[0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("seed: 1\ncritical: 9 uA +- 1 uA", "unknown key 'critical'; did you mean 'critical_current'?"),
        ("seed: one", "seed: "),
        ("seed: -1", "seed: "),
        ("seed: 1.5", "seed: "),
        ("width: 9 nA +- 1 nA", "key 'seed' is missing"),
        ("seed: 1\nwidth: 9 nA", "'9 nA' is no number with its standard error; write for example"),
        ("seed: 1\nwidth: 9 +- 1 nA", "'9' has no unit"),
        ("seed: 1\nwidth: 9e-9", "is no number with its standard error"),
        ("seed: 1\nwidth: 9 nA +- 1 mK", "which is of another kind"),
        ("seed: 1\nwidth: 9 nA +- 0 nA", "must be larger than 0"),
        ("seed: 1\nescape_temperature: 9 nA +- 1 nA", "which is of another kind"),
        ("seed: 1\nexplanation: magic", "explanation: "),
        ("", "is empty"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, text: str, fault: str) -> None:
    sheet = tmp_path / "answers.yaml"
    sheet.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_answers(sheet)
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)
