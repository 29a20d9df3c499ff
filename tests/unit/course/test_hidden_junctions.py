"""What a seed makes: always the same junction, data without the truth, and a fit that finds the truth."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mqtctl.analysis import read
from mqtctl.course import expected, hidden, write_data
from mqtctl.documents import load_yaml
from mqtctl.errors import InputError


def test_a_seed_is_one_junction_and_always_the_same_data() -> None:
    assert hidden(5) == hidden(5)
    assert hidden(5).junction != hidden(6).junction
    assert all(np.array_equal(*pair) for pair in zip(hidden(5).currents(), hidden(5).currents(), strict=True))


def test_both_explanations_occur() -> None:
    told = [hidden(seed).explanation for seed in range(40)]
    assert 10 <= told.count("noise") <= 30
    assert set(told) == {"noise", "tunnelling"}


@pytest.mark.parametrize("seed", [-1, 1.0, "one", True, None])
def test_a_seed_that_is_no_number_is_refused(seed: object) -> None:
    with pytest.raises(InputError, match="it must be a whole number of 0 or more"):
        hidden(seed)  # type: ignore[arg-type]


def test_the_files_hold_the_switches_that_are_fitted_to_the_last_digit(tmp_path: Path) -> None:
    *files, sheet = write_data(3, tmp_path / "night")
    night = hidden(3)
    for path, bath, currents in zip(files, night.temperatures, night.currents(), strict=True):
        [record] = read(path)
        assert record.temperature == pytest.approx(bath)
        np.testing.assert_allclose(record.data.values, currents, rtol=1e-12)
    asked = load_yaml(sheet)
    assert asked.pop("seed") == 3
    assert set(asked.values()) == {None}


def test_nothing_that_is_written_says_the_truth(tmp_path: Path) -> None:
    *_, sheet = write_data(3, tmp_path)
    junction, text = hidden(3).junction, sheet.read_text(encoding="utf-8")
    for value in (1e6 * junction.critical_current, 1e12 * junction.capacitance, junction.resistance):
        assert f"{value:.4g}" not in text
    assert f"explanation: {hidden(3).explanation}" not in text


def test_a_filled_sheet_stays_filled_when_the_next_notebook_writes_the_same_data(tmp_path: Path) -> None:
    *files, sheet = write_data(3, tmp_path)
    filled = sheet.read_text(encoding="utf-8") + "# mine\n"
    sheet.write_text(filled, encoding="utf-8")
    files[0].unlink()
    assert write_data(3, tmp_path) == [*files, sheet]
    assert files[0].exists()
    assert sheet.read_text(encoding="utf-8") == filled
    with pytest.raises(InputError, match=r"answers\.yaml exists already"):
        write_data(4, tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([*files, sheet])


def test_files_that_exist_are_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="exists already"):
        write_data(3, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["answers.yaml"]


@pytest.mark.parametrize("seed", [1, 6])
def test_the_best_fit_finds_the_truth_within_its_errors(seed: int) -> None:
    found = expected(seed)
    pulls = {name: (one.estimate - one.truth) / one.stderr for name, one in found.numbers.items()}
    assert max(map(abs, pulls.values())) < 3.0, pulls
    assert found.decided == found.explanation


@pytest.mark.campaign
@pytest.mark.timeout(600)  # a minute where nothing else runs
def test_the_instructors_table_of_sixty_seeds_is_what_the_best_fit_gives() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/course/instructor.md").read_text(encoding="utf-8")
    decided, undecided = (
        {int(seed) for seed in re.findall(r"\d+", row.rpartition("|")[0].rpartition("|")[2])}
        for row in page.splitlines()
        if row.startswith("| tunnelling, and the data")
    )
    pulls: dict[str, list[float]] = {}
    for seed in range(60):
        found = expected(seed)
        wanted = ("tunnelling", "tunnelling") if seed in decided else ("noise", "noise")
        assert (found.explanation, found.decided) == (("tunnelling", "undecided") if seed in undecided else wanted), (
            seed
        )
        for name, one in found.numbers.items():
            pulls.setdefault(name, []).append((one.estimate - one.truth) / one.stderr)
    for name, values in pulls.items():
        told = f"{np.sqrt(np.mean(np.square(values))):.2f} ({name.replace('_', ' ')})"
        assert told in " ".join(page.split())
