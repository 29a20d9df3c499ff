"""The site of the docstrings: what is for users is named and documented, and broken links are found."""

from __future__ import annotations

import importlib
import runpy
from pathlib import Path

import pytest

MAKE = runpy.run_path(str(Path(__file__).resolve().parent.parent / "docs" / "make" / "api.py"))


@pytest.mark.parametrize("name", MAKE["FOR_USERS"])
def test_every_name_for_users_is_documented(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    assert [item for item in module.__all__ if callable(one := getattr(module, item)) and not one.__doc__] == []


def test_the_index_names_everything_that_is_for_users() -> None:
    index = MAKE["_index"]()
    for name in MAKE["FOR_USERS"]:
        for item in importlib.import_module(name).__all__:
            assert f'<a href="{name.replace(".", "/")}.html#{item}">' in index


def test_broken_links_and_anchors_are_found_and_whole_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "index.html").write_text(
        '<meta name="viewport"><p id="here"><a href="#here">1</a><a href="#viewport">2</a>'
        '<a href="inside/a%20b.html">3</a>'
        '<a href="inside/a b.html#there">4</a><a href="inside/a b.html#nowhere">5</a>'
        '<a href="https://example.org/x">6</a>'
        '<img src="none.png"><a href="mailto:a@b">7</a>',
        encoding="utf-8",
    )
    (tmp_path / "inside" / "a b.html").write_text('<a name="there" href="../index.html#here">', encoding="utf-8")
    assert MAKE["broken_links"](tmp_path) == [
        "index.html: #viewport",
        "index.html: inside/a b.html#nowhere",
        "index.html: none.png",
    ]


def test_the_built_site_has_no_broken_link(tmp_path: Path) -> None:
    pytest.importorskip("pdoc", reason="the extra `docs` is not installed")
    assert MAKE["main"](tmp_path) == 0
    assert 'id="Escape.log_rate"' in (tmp_path / "mqtctl" / "physics.html").read_text(encoding="utf-8")
