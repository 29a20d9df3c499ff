"""A fault in a file is told with its line, in the words of who wrote the file and not of the program that reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from mqtctl.documents import Document, load_document, place
from mqtctl.errors import InputError
from mqtctl.quantities import Kelvins


class Part(Document):
    name: str = Field(min_length=1)
    steps: tuple[Kelvins, ...] = Field(min_length=1)
    often: int = 1
    wet: bool = False


class Whole(Document):
    title: str
    part: Part


TEXT = """# a comment
title: something
part:
  name: a
  steps: [1 K,
          2 K]
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("2 K]", "2 apples]", ":6: part.steps, entry 2: '2 apples' has the unknown unit 'apples' (known: "),
        ("[1 K,\n          2 K]", "5", ":5: part.steps: must be a list in square brackets, not 5"),
        ("[1 K,\n          2 K]", "[]", ":5: part.steps: must have at least one entry, not []"),
        ("name: a", "name: ''", ":4: part.name: must not be empty, not ''"),
        ("name: a", "nam: a", ":4: unknown key 'part.nam'; did you mean 'name'?"),
        ("  name: a\n", "", ":3: key 'part.name' is missing"),
        ("name: a", "name: a\n  often: many", ":5: part.often: must be a whole number, not 'many'"),
        ("name: a", "name: a\n  wet: maybe", ":5: part.wet: must be true or false, not 'maybe'"),
        ("title: something\n", "", ": key 'title' is missing"),
        ("1 K,", "1,5 K,", "must"),
        ("title: something", "instruments: {}", ": this looks like a station file; another one is wanted here"),
    ],
)
def test_faults_name_file_line_and_key_in_plain_words(tmp_path: Path, old: str, new: str, fault: str) -> None:
    path = tmp_path / "whole.yaml"
    assert old in TEXT
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    if fault == "must":  # in a list a comma separates: it is two entries, the first without its unit
        fault = ":5: part.steps, entry 1: 1 has no unit"
    with pytest.raises(InputError) as caught:
        load_document(path, Whole)
    assert str(caught.value).startswith(f"{path}{fault}")
    for foreign in ("tuple", "Input should", "after validation", "string"):
        assert foreign not in str(caught.value)


def test_a_place_is_as_exact_as_the_keys_lead(tmp_path: Path) -> None:
    path = tmp_path / "whole.yaml"
    path.write_text(TEXT, encoding="utf-8")
    assert place(path, "part", "steps", 1) == f"{path}:6"
    assert place(path, "part", "missing", 7) == f"{path}:3"
    assert place(path) == place(path, "nowhere") == str(path)
    assert place(tmp_path / "nothing.yaml", "part") == str(tmp_path / "nothing.yaml")
