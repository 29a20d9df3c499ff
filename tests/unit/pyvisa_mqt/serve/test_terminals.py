"""A computer without pseudo-terminals serves everything else, and says what it leaves out."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.serve.program import serve
from pyvisa_mqt.serve.server import BenchServer

#: As on Windows: neither the modules nor the calls are there.
WITHOUT = """
import os, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "pty", "tty", "termios"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
for name in ("fcntl", "pty", "tty", "termios"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
for name in ("openpty", "ttyname", "O_CLOEXEC"):
    delattr(os, name)
from pyvisa_mqt.serve.program import serve
sys.exit(serve(sys.argv[1], as_json=True))
"""
SERIAL = 'instruments: {only: {model: srs-sr620, address: "ASRL1::INSTR"}}\n'


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    return tmp_path / "transcript.jsonl"


@pytest.mark.slow
def test_without_pseudo_terminals_the_serial_instrument_is_left_out_and_the_others_are_served(transcript: Path) -> None:
    command = [sys.executable, "-c", WITHOUT, f"showroom?transcript={transcript}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(timeout=20) == 0, said
    places = json.loads(line)["instruments"]
    assert {name for name, place in places.items() if place["port"] is None} == {"interval_counter"}
    assert places["interval_counter"]["device"] is None
    assert said == (
        "mqtctl: 'interval_counter' is left out (there are no pseudo-terminals on linux); "
        "give it a TCPIP address in the bench file\n"
    )
    assert transcript.read_text().startswith('{"t":0.0,"kind":"bench"')


@pytest.fixture
def no_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "openpty", refuse)


def test_a_system_that_gives_no_terminal_is_told_of_by_its_reason(
    no_terminals: None, capsys: pytest.CaptureFixture[str]
) -> None:
    server = BenchServer(open_bench("showroom"))
    server.close()
    assert "left out (the system gives no pseudo-terminal: No space left on device)" in capsys.readouterr().err


def test_a_terminal_without_a_name_as_in_a_container_leaves_the_instrument_out_and_no_descriptor_open(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[int] = []
    real = os.openpty

    def openpty() -> tuple[int, int]:
        opened.extend(real())
        return opened[0], opened[1]

    def nameless(_handle: int) -> str:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(os, "openpty", openpty)
    monkeypatch.setattr(os, "ttyname", nameless)
    server = BenchServer(open_bench("showroom"))
    served = [name for name, place in server.addresses()["instruments"].items() if place["port"]]
    server.close()
    assert "'interval_counter' is left out (the system's pseudo-terminal has no name here" in capsys.readouterr().err
    assert len(served) > 1
    for handle in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(handle)


def test_a_bench_of_which_nothing_can_be_served_ends_with_exit_code_2(
    no_terminals: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(SERIAL)
    assert serve(str(path)) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[1].startswith("mqtctl: no instrument of this bench can be served")
