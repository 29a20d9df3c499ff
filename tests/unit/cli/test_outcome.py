from __future__ import annotations

import os

import pytest

from mqtctl.cli.outcome import tell

SENTENCE = "mqtctl: stopped by Ctrl-C; stored in runs/1: 3 histograms; look at it with `mqtctl report 'my runs/1'`"


def test_a_terminal_gets_a_sentence_between_its_words_and_a_command_in_one_piece(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda _descriptor: os.terminal_size((40, 24)))
    monkeypatch.setattr("sys.stderr.fileno", lambda: 2, raising=False)
    tell(SENTENCE)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 2
    assert max(len(line) for line in lines) <= 40
    assert lines[-1] == "`mqtctl report 'my runs/1'`"
    assert " ".join(lines) == SENTENCE


def test_elsewhere_a_sentence_stays_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell(SENTENCE)
    assert capsys.readouterr().err == SENTENCE + "\n"
