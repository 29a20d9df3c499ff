"""The supervisor: a worker that ends in any way, falls silent or talks nonsense leaves nothing on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mqtctl.supervision import ear as ears
from mqtctl.supervision.alarm import Alarm
from mqtctl.supervision.ear import HANDLE_NAME, Ear
from mqtctl.supervision.link import Link
from mqtctl.supervision.resting import RestAttempt, bring_to_rest
from mqtctl.supervision.status import LOG_NAME, STATUS_NAME, Status, StatusFile
from mqtctl.supervision.supervisor import Beside, Supervisor, is_supervised
from tests.unit.instruments.fake_clock import FakeClock

IN_USE = 'tell("outputs in use", station="station.yaml")'
AT_REST = 'tell("at rest")'
WORKER = """
import json, os, signal, socket, sys, time
port, colon, word = os.environ["MQTCTL_SUPERVISOR"].partition(":")
end = socket.create_connection(("127.0.0.1", int(port))) if colon else socket.socket(fileno=int(port))
end.sendall(word.encode())
handle = end.fileno()
def tell(kind, **facts):
    os.write(handle, json.dumps({"kind": kind, **facts}).encode() + b"\\n")
"""


@pytest.fixture(autouse=True, params=["handed down", "over a port"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the worker is heard: as where descriptors are handed down, and as where they are not (Windows)."""
    monkeypatch.setattr(ears, "hands_down", lambda: request.param == "handed down")
    return str(request.param)


@dataclass
class Bench:
    """Counts how often it was brought to rest from outside."""

    confirms: bool = True
    rested: list[str] = field(default_factory=list)

    def rest(self, station: str, _tell: Callable[[str], object]) -> bool:
        self.rested.append(station)
        return self.confirms


@dataclass
class Watched:
    """What came of a worker."""

    code: int
    rested: list[str]
    status: Status


def watch(
    tmp_path: Path,
    *lines: str,
    confirms: bool = True,
    silence: float = 60.0,
    grace: float = 10.0,
    beside: Sequence[Beside] = (),
) -> Watched:
    """Let a worker of these lines run under a supervisor."""
    ear = Ear()
    code = "\n".join([WORKER, f'tell("begins", folder={str(tmp_path)!r}, simulated=True, seed=1)', *lines])
    worker = subprocess.Popen(
        [sys.executable, "-S", "-c", code], env={**os.environ, HANDLE_NAME: ear.address}, pass_fds=ear.inherited
    )
    ear.begun()
    bench = Bench(confirms)
    supervisor = Supervisor(worker, ear, StatusFile(Status()), bench.rest, silence, grace, beside)
    try:
        return Watched(supervisor.run(), bench.rested, supervisor.file.status)
    finally:
        ear.close()
        worker.kill()
        worker.wait()


def test_a_worker_that_makes_safe_by_itself_is_left_alone(tmp_path: Path) -> None:
    seen = watch(tmp_path, IN_USE, AT_REST, "sys.exit(0)")
    assert (seen.code, seen.rested, seen.status.state) == (0, [], "complete")
    assert seen.status.outputs == "off, confirmed"


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", 137),
        ("os.abort()", 134),
        ("os._exit(0)", 10),
        ("raise RuntimeError", 1),
        ("os.close(handle); os._exit(3)", 3),
    ],
)
def test_a_worker_that_ends_with_outputs_in_use_has_its_bench_brought_to_rest(
    end: str, code: int, tmp_path: Path
) -> None:
    seen = watch(tmp_path, IN_USE, end)
    assert (seen.code, seen.rested) == (code, ["station.yaml"])
    assert (seen.status.outputs, seen.status.alarm) == ("off, confirmed", "")
    assert seen.status.state in ("failed", "stopped")


def test_what_cannot_be_confirmed_off_ends_with_twenty_and_an_alarm(tmp_path: Path) -> None:
    seen = watch(tmp_path, IN_USE, "os.abort()", confirms=False)
    assert (seen.code, seen.status.outputs) == (20, "NOT confirmed off")
    assert "look at the instruments" in seen.status.alarm


def test_a_worker_that_failed_before_any_output_is_no_reason_to_touch_the_bench(tmp_path: Path) -> None:
    seen = watch(tmp_path, "sys.exit(2)")
    assert (seen.code, seen.rested, seen.status.state) == (2, [], "failed")


def test_a_silent_worker_is_ended_even_if_it_ignores_requests_and_its_bench_brought_to_rest(tmp_path: Path) -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    seen = watch(tmp_path, deaf, IN_USE, "time.sleep(600)", silence=0.2, grace=0.3)
    assert (seen.code, seen.rested) == (10, ["station.yaml"])


def test_a_silent_worker_that_makes_safe_when_asked_is_believed(tmp_path: Path) -> None:
    listens = f"""
signal.signal(signal.SIGTERM, lambda *_: ({AT_REST}, os._exit(143)))
import threading
threading.Thread(target=lambda: signal.raise_signal(end.recv(1)[0]), daemon=True).start()
"""
    seen = watch(tmp_path, listens, IN_USE, "while True: time.sleep(0.01)", silence=0.2)
    assert (seen.code, seen.rested) == (10, [])


def test_nonsense_in_the_pipe_does_not_end_the_watch(tmp_path: Path) -> None:
    nonsense = r'os.write(handle, b"\xff\xfe\n{\n[1]\n{\"kind\": 3}\nnull\n")'
    seen = watch(tmp_path, nonsense, IN_USE, nonsense, "os.abort()")
    assert seen.rested == ["station.yaml"]


def test_status_and_log_stand_in_the_folder_and_are_whole(tmp_path: Path) -> None:
    settling = 'tell("settling", point=1, points=3, target_K=0.1, temperature_K=0.09, elapsed_s=2.0, left_s=60.0)'
    remark = 'tell("remark", text="point 1: look")'
    finished = 'tell("finished", point=1, points=3, switches=200, mean_A=9e-6)'
    watch(tmp_path, IN_USE, settling, remark, finished, AT_REST)
    status = json.loads((tmp_path / STATUS_NAME).read_text(encoding="utf-8"))
    assert (status["point"], status["points"], status["state"]) == (1, 3, "complete")
    assert status["finished"][0]["switches"] == 200
    assert status["remarks"][0]["text"] == "point 1: look"
    kinds = [json.loads(line)["kind"] for line in (tmp_path / LOG_NAME).read_text(encoding="utf-8").splitlines()]
    assert kinds == ["begins", "outputs in use", "settling", "remark", "finished", "at rest"]


def test_a_worker_whose_supervisor_is_gone_asks_itself_to_stop() -> None:
    reading, writing = socket.socketpair()
    asked: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    try:
        link = Link(writing)
        link.tell("begins")
        reading.close()
        link.tell("remark", text="x")
        link.tell("remark", text="y")
    finally:
        signal.signal(signal.SIGTERM, before)
        writing.close()
    assert asked == [signal.SIGTERM]


def test_a_worker_whose_supervisor_is_stopped_does_not_wait_and_loses_no_line() -> None:
    reading, writing = socket.socketpair()
    link = Link(writing)
    for number in range(900):
        link.tell("remark", number=number, text="x" * 200)  # more than a socket holds
    lines = b""
    while lines.count(b"\n") < 900:
        lines += reading.recv(65536)
        link.tell("beat")
    told = [json.loads(line) for line in lines.splitlines()]
    assert [line["number"] for line in told if line["kind"] == "remark"] == list(range(900))
    reading.close()
    writing.close()


def test_a_bench_that_is_not_confirmed_at_rest_is_tried_again_until_patience_ends() -> None:
    said: list[str] = []
    answers = [RestAttempt(False, "no reply"), RestAttempt(False, "no reply"), RestAttempt(True, "")]

    def rest(answers: list[RestAttempt]) -> bool:
        left = iter(answers)
        return bring_to_rest(
            "s.yaml", said.append, attempt=lambda _: next(left), clock=FakeClock(), patience=(120.0, 5.0)
        )

    assert rest(answers)
    assert said == [
        "not confirmed off: no reply; trying again for up to 120 s",
        "source and heater are off, confirmed",
    ]
    said.clear()
    assert not rest([RestAttempt(False, "no reply")] * 50)
    assert "NOT confirmed after 120 s" in said[-1]
    assert "mqtctl safe s.yaml" in said[-1]


def test_only_what_drives_outputs_is_supervised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HANDLE_NAME, raising=False)
    assert all(is_supervised([command, "plan.yaml"]) for command in ("sweep", "histogram", "calibrate", "resume"))
    for other in (["safe", "s.yaml"], ["sweep", "--help"], ["--version"], [], ["analyze", "sweep"], ["bench", "serve"]):
        assert not is_supervised(other)
    monkeypatch.setenv(HANDLE_NAME, "7")
    assert not is_supervised(["sweep"])


@pytest.mark.parametrize(
    ("confirms", "last"),
    [
        (True, "ended with exit code 134; source and heater are off, confirmed"),
        (False, "source or heater may be on: look at the instruments"),
    ],
)
def test_a_death_with_outputs_in_use_calls_for_somebody_before_and_after_it_was_made_safe(
    confirms: bool, last: str, tmp_path: Path
) -> None:
    called = tmp_path / "called"
    script = f"cat >> '{called}'; echo >> '{called}'; exit 3"
    seen = watch(tmp_path, IN_USE, "os.abort()", confirms=confirms, beside=[Alarm(["sh", "-c", script])])
    calls = [json.loads(line) for line in called.read_text(encoding="utf-8").splitlines()]
    assert [call["reason"] for call in calls] == ["the measurement ended without making safe", last]
    assert calls[0]["station"] == "station.yaml"
    assert [remark["text"].endswith("exit code 3; nobody was called") for remark in seen.status.remarks] == [True, True]
    assert seen.code == (134 if confirms else 20)


def test_without_signals_a_worker_takes_what_its_supervisor_asks_for_over_the_port_and_a_lost_one_as_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ears, "hands_down", lambda: False)
    ear = Ear()
    taken: list[int] = []
    awake, bell = socket.socketpair()

    def take(number: int, _frame: object) -> None:
        taken.append(number)
        bell.sendall(b"!")

    before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert ear.ask(signal.SIGINT)  # before the worker is there
        with ears.own_end(ear.address) as end:
            link = Link(end, obeys=True)
            assert ear.hear(0.1) is None
            link.tell("begins")
            assert json.loads(ear.hear(5.0) or b"") == {"kind": "begins"}
            read_in_steps(awake)
            ear.close()
            read_in_steps(awake)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        awake.close()
        bell.close()
    assert taken == [signal.SIGINT, signal.SIGTERM]


def read_in_steps(awake: socket.socket) -> None:
    """Wait for a byte in short waits: a handler of Python runs between two of them."""
    awake.settimeout(0.02)
    for _ in range(1000):
        with suppress(TimeoutError):
            awake.recv(1)
            return
    raise AssertionError("no signal was taken")


def test_who_does_not_know_the_word_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ears, "hands_down", lambda: False)
    ear = Ear()
    port, _, word = ear.address.partition(":")
    with socket.create_connection(("127.0.0.1", int(port))) as stranger:
        stranger.sendall(b"0" * len(word) + b'{"kind": "at rest"}\n')
        assert ear.hear(5.0) is None
    with ears.own_end(ear.address) as worker:
        worker.sendall(b"heard")
        assert ear.hear(5.0) == b"heard"
    assert ear.hear(5.0) == b""
    ear.close()


def test_a_worker_that_ends_before_it_connects_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ears, "hands_down", lambda: False)
    worker = subprocess.Popen([sys.executable, "-S", "-c", "raise SystemExit(2)"])
    ear = Ear()
    supervisor = Supervisor(worker, ear, StatusFile(Status()), Bench().rest)
    assert supervisor.run() == 2
    ear.close()


def test_a_worker_notices_a_dead_supervisor_at_its_very_next_breath(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[int] = []
    monkeypatch.setattr("mqtctl.supervision.link.signal.raise_signal", raised.append)
    supervisors, workers = socket.socketpair()
    with workers:
        link = Link(workers)
        link.tell("begins")  # the next sign of life is due half a second later only
        link.beat()
        assert raised == []
        assert supervisors.recv(100)
        supervisors.close()
        link.beat()
        link.beat()
        assert raised == [signal.SIGTERM]
