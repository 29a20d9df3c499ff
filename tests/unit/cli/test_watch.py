"""`mqtctl watch` and the alarm option refuse in one sentence what cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mqtctl.cli.app import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def refused(outcome: Result, *said: str) -> None:
    assert outcome.exit_code == 2
    text = " ".join(outcome.stderr.split())
    assert all(part in text for part in said), text
    assert "Traceback" not in text


def test_a_run_that_is_not_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(run("watch", str(tmp_path / "nowhere")), "no such file or folder")
    (tmp_path / "data.db").touch()
    refused(run("watch", str(tmp_path)), "keeps no status")
    refused(run("watch", str(tmp_path / "data.db")), "cannot be read")
    monkeypatch.chdir(tmp_path)
    refused(run("watch"), "there is no run under mqtctl-runs")


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_a_missing_extra_is_a_sentence_with_what_to_install(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("mqtctl.status_server", missing))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Missing(missing), *sys.meta_path])
    refused(run("watch", str(tmp_path)), f"needs {missing}", "`pip install 'mqtctl[watch]'`")


class _Missing:
    """Finds nothing of a package, as if it were not installed."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize(
    ("command", "said"),
    [("mail 'me", "cannot be taken apart"), ("/no/such/command me", "no command"), ("", "no command")],
)
@pytest.mark.parametrize("name", ["sweep", "histogram", "calibrate", "resume"])
def test_an_alarm_command_that_cannot_be_run_is_refused_at_the_beginning(name: str, command: str, said: str) -> None:
    refused(run(name, "plan.yaml", "--alarm-command", command), said)
