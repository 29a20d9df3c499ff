"""A bench in a process of its own: reached as "serve:PORT@mqt" in virtual time, and by any client over sockets."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
from pyvisa import constants, errors
from pyvisa.constants import EventMechanism, EventType, StatusCode

SOURCE, COUNTER = "GPIB0::12::INSTR", "TCPIP0::192.0.2.53::inst0::INSTR"
BRIDGE = "TCPIP0::192.0.2.72::7777::SOCKET"
POINTS = ",".join(f"{point:.4f}" for point in [*np.linspace(0, 1, 97), 0, 0, 0])


@contextmanager
def serving(*options: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """Run `mqtctl bench serve` and hand out what it printed and the process."""
    command = [sys.executable, "-m", "mqtctl", "bench", "serve", *options, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()  # printed once all listen
        assert line, process.stderr.read()
        yield json.loads(line), process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        process.stdout.close()
        process.stderr.close()


@pytest.fixture(scope="module")
def virtual() -> Iterator[str]:
    """The library of a bench in another process, for tests that leave it as they found it."""
    with serving("?seed=1", "--virtual") as (places, _):
        yield places["backend"]


@contextmanager
def library_at(path: str) -> Iterator[tuple[pyvisa.ResourceManager, Any]]:
    """Open a VISA library of its own, and let it go at the end."""
    gc.collect()  # a library lives as long as somebody holds it; this one is to be new
    manager = pyvisa.ResourceManager(path)
    try:
        yield manager, manager.visalib
    finally:
        manager.close()


def measure(manager: pyvisa.ResourceManager, clock: Any) -> tuple[str, bytes, str]:
    """Ramp, time 30 switches, read a temperature."""
    source: Any = manager.open_resource(SOURCE)
    counter: Any = manager.open_resource(COUNTER)
    bridge: Any = manager.open_resource(BRIDGE)
    bridge.read_termination = bridge.write_termination = "\r\n"
    source.write(f"*RST;SOUR:WAVE:FUNC ARB0;ARB:DATA {POINTS}")
    source.write("SOUR:WAVE:FREQ 100;AMPL 10e-6;OFFS 0;PMAR:STAT ON;:SOUR:WAVE:PMAR 0;:SOUR:WAVE:DUR:CYCL 60")
    counter.write("*RST;:SYST:TIM 0.1;:CONF:TINT (@1),(@2);:FORM REAL;:SAMP:COUN 30")
    counter.write(":INP1:COUP DC;LEV 2.5;SLOP NEG;:INP2:COUP DC;LEV 1;SLOP POS;:INIT")
    source.write("SOUR:WAVE:ARM;INIT")
    clock.sleep(0.6)
    counter.write("R?")
    counter.read_termination = None
    results = source.query("*IDN?"), counter.read_raw(), bridge.query("KRDG? 6")
    for resource in (source, counter, bridge):
        resource.close()
    return results


def test_another_process_gives_the_same_readings_and_the_same_transcript_as_this_one(tmp_path: Path) -> None:
    here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
    with library_at(f"?seed=9&transcript={here}@mqt") as (manager, library):
        expected = measure(manager, library.clock)
    with (
        serving(f"?seed=9&transcript={there}", "--virtual") as (places, _),
        library_at(places["backend"]) as (manager, library),
    ):
        assert measure(manager, library.clock) == expected
    assert here.read_bytes() == there.read_bytes()


@pytest.mark.slow
def test_time_and_state_stay_when_clients_come_and_go(tmp_path: Path) -> None:
    with serving("?seed=1", "--virtual") as (places, _):
        with library_at(places["backend"]) as (manager, library):
            source: Any = manager.open_resource(SOURCE)
            source.write("SOUR:CURR:COMP 7")
            library.clock.sleep(3600.0)
            before = library.clock.now()
        script = (
            "import pyvisa, sys; m = pyvisa.ResourceManager(sys.argv[1]); m.visalib.clock.sleep(100.0);"
            f"print(m.visalib.clock.now(), m.open_resource({SOURCE!r}).query('SOUR:CURR:COMP?'))"
        )
        command = [sys.executable, "-c", script, places["backend"]]
        now, compliance = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert before > 3600.0
        assert float(now) == pytest.approx(before + 100.0)
        assert float(compliance) == 7.0
        with library_at(places["backend"]) as (_, library):
            assert library.clock.now() > float(now)
            assert library.clock.utc().year == 2026


def test_two_clients_share_one_clock_and_locks_hold_between_them(virtual: str) -> None:
    with library_at(virtual) as (manager, library):
        first: Any = manager.open_resource(SOURCE)
        second: Any = manager.open_resource(SOURCE, timeout=500)
        first.lock_excl()
        with pytest.raises(errors.VisaIOError) as caught:
            second.query("*IDN?")
        assert caught.value.error_code == StatusCode.error_resource_locked
        first.unlock()
        assert "6221" in second.query("*IDN?")
        assert library.clock.now() > 0.0


def test_service_requests_serial_polls_and_attributes_go_the_same_way(virtual: str) -> None:
    with library_at(virtual) as (manager, _library):
        counter: Any = manager.open_resource(COUNTER)
        assert counter.get_visa_attribute(constants.ResourceAttribute.timeout_value) == 2000
        counter.timeout = 5000
        assert counter.timeout == 5000
        counter.enable_event(EventType.service_request, EventMechanism.queue)
        counter.write("*CLS;*ESE 1;*SRE 32;:SYST:TIM 0.1;:CONF:TINT (@1),(@2);:INIT;*OPC")
        counter.wait_on_event(EventType.service_request, 2000)
        assert counter.read_stb() & 64
        with pytest.raises(errors.VisaIOError):
            counter.wait_on_event(EventType.service_request, 100)
        counter.clear()


def test_faults_can_be_asked_for_from_another_process(virtual: str) -> None:
    with library_at(virtual) as (manager, library):
        source: Any = manager.open_resource(SOURCE)
        fault = library.bench.faults.inject("lost-reply", instrument="source", probability=1)
        with pytest.raises(errors.VisaIOError):
            source.query("*IDN?")
        assert fault.strikes == 1
        fault.clear()
        assert "6221" in source.query("*IDN?")
        with pytest.raises(ValueError, match="no kind of fault"):
            library.bench.faults.inject("nonsense")


def test_a_client_whose_bench_has_died_gets_a_visa_error() -> None:
    with serving("?seed=1", "--virtual") as (places, process), library_at(places["backend"]) as (manager, _):
        source: Any = manager.open_resource(SOURCE)
        process.kill()
        process.wait(timeout=20)
        with pytest.raises(errors.VisaIOError) as caught:
            source.query("*IDN?")
        assert caught.value.error_code == StatusCode.error_connection_lost


def test_where_no_bench_is_served_the_library_says_so_in_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for path in (f"serve:{port}@mqt", "serve:x@mqt", "serve:99999@mqt", f"serve:{port}?seed=1@mqt"):
        with pytest.raises(ValueError, match="serve:"):
            pyvisa.ResourceManager(path)


@pytest.mark.shown(1)
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_served_bench_ends_with_exit_code_0_when_interrupted(ending: signal.Signals) -> None:
    with serving() as (places, process):
        assert places["backend"] is None
        for place in places["instruments"].values():
            with socket.create_connection((place["host"], place["port"]), timeout=5.0) as client:
                client.sendall(b"*IDN?\r\n")
                assert client.recv(1000).count(b",") == 3
        process.send_signal(ending)
        assert process.wait(timeout=20) == 0


@pytest.mark.slow
def test_in_real_time_the_bench_lives_by_itself_and_faster_by_its_factor() -> None:
    with serving("?seed=1", "--speed", "500") as (places, _):
        bridge = places["instruments"]["thermometer"]
        with socket.create_connection((bridge["host"], bridge["port"]), timeout=20.0) as client:

            def ask(message: str) -> str:
                client.sendall(message.encode() + b"\r\n")
                reply = b""
                while not reply.endswith(b"\r\n"):
                    reply += client.recv(1000)
                return reply.decode().strip()

            assert ask("HTRSET 0,100,0,0,1;OUTMODE 0,2,6,1,0,0,1;RANGE 0,5;MOUT 0,50;KRDG? 6").startswith("+01")
            # It warms within 20 s to 100 s of bench time; each query takes at least 50 ms of it.
            for _ in range(4000):
                if float(ask("KRDG? 6")) > 0.05:
                    break
            else:
                pytest.fail("the mixing chamber never warmed")


@pytest.mark.slow
def test_a_wrong_bench_file_ends_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "bench.yaml").write_text("instrumets: {}\n")
    command = [sys.executable, "-m", "mqtctl", "bench", "serve", str(tmp_path / "bench.yaml")]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "instrumets" in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_the_showroom_has_one_of_every_instrument_for_any_client() -> None:
    with serving("showroom") as (places, _):
        assert len(places["instruments"]) >= 7
        identities = set()
        for place in places["instruments"].values():
            if place["port"] is not None:
                with socket.create_connection((place["host"], place["port"]), timeout=10.0) as client:
                    client.sendall(b"*IDN?\r\n")
                    identities.add(client.recv(1000))
            else:
                terminal = os.open(place["device"], os.O_RDWR | os.O_NOCTTY)
                os.write(terminal, b"*IDN?\r")
                assert select.select([terminal], [], [], 10.0)[0]
                identities.add(os.read(terminal, 1000))
                os.close(terminal)
        assert len(identities) == len(places["instruments"])
        assert all(identity.count(b",") == 3 for identity in identities)


@pytest.mark.slow
def test_an_interruption_does_not_wait_for_a_client_that_sleeps_through_a_year() -> None:
    with serving("?seed=1", "--virtual") as (places, process):
        script = (
            "import pyvisa, sys; clock = pyvisa.ResourceManager(sys.argv[1]).visalib.clock;"
            "print('good night', flush=True); clock.sleep(3e7)"
        )
        command = [sys.executable, "-c", script, places["backend"]]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "good night\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
            assert "gone" in client.communicate(timeout=20)[1]


def test_a_served_bench_says_nothing_on_stdout_but_its_json_and_answers_a_client_that_only_sends_and_reads() -> None:
    with serving("showroom", "--seed", "3", "--speed", "2") as (places, process):
        place = places["instruments"]["source"]
        with socket.create_connection((place["host"], place["port"]), timeout=10.0) as client:
            client.sendall(b"*IDN?\nSYST:ERR?\n")
            client.shutdown(socket.SHUT_WR)  # as `printf ... | nc -N` does
            received = b""
            while data := client.recv(1000):
                received += data
        assert received.count(b"\n") == 2
        with socket.create_connection((place["host"], place["port"]), timeout=10.0) as client:
            client.sendall(b"SOUR:CURR:COMP 7\n")
        with socket.create_connection((place["host"], place["port"]), timeout=10.0) as client:
            client.sendall(b"SOUR:CURR:COMP?\n")
            assert float(client.recv(1000)) == 7.0
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.slow
def test_a_port_that_is_taken_ends_with_exit_code_2_and_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "mqtctl", "bench", "serve", "--port-base", str(port), "--json"]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert str(port) in finished.stderr
    assert finished.stderr.count("\n") == 1
