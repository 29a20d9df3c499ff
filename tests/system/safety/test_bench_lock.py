"""Two commands never drive one bench: the second ends with exit code 13, and only `safe` goes on all the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from mqtctl.acquisition import exclusive, instruments_of
from tests.protocol.served.in_a_thread import ServedBench, serving_in_a_thread


@pytest.fixture
def served(laboratory: Any) -> Iterator[ServedBench]:
    """A served bench on which the laboratory's instruments are."""
    with serving_in_a_thread(str(laboratory.folder / "bench.yaml"), None) as bench:
        laboratory.change("station.yaml", "bench.yaml@mqt", f"{bench.backend}")
        yield bench


@pytest.mark.parametrize("command", ["sweep", "histogram", "calibrate", "check"])
def test_the_second_command_on_a_served_bench_is_refused_and_the_bench_left_alone(
    command: str, laboratory: Any, served: ServedBench
) -> None:
    before = served.bench.clock.now()
    with exclusive(instruments_of(laboratory.folder / "station.yaml")):
        outcome = laboratory.run(command, laboratory.folder / "plan.yaml", "-o", laboratory.folder / "run")
    assert outcome.exit_code == 13, outcome.output
    assert f"process {os.getpid()}; wait until it is done or stop it" in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert served.bench.clock.now() == before


def test_safe_needs_no_lock(laboratory: Any, served: ServedBench) -> None:
    with exclusive(instruments_of(laboratory.folder / "station.yaml")):
        outcome = laboratory.run("safe", laboratory.folder / "station.yaml")
    assert outcome.exit_code == 0, outcome.output


def test_two_benches_in_their_own_processes_do_not_hinder_each_other(laboratory: Any) -> None:
    assert instruments_of(laboratory.folder / "station.yaml") == {}


def test_the_same_station_by_sockets_is_locked_by_port(laboratory: Any, served: ServedBench) -> None:
    station = laboratory.folder / "station.yaml"
    text = station.read_text(encoding="utf-8").replace(str(served.backend), '"@py"')
    for address, name in (
        ("GPIB0::12::INSTR", "source"),
        ("TCPIP0::192.0.2.53::inst0::INSTR", "counter"),
        ("TCPIP0::192.0.2.72::7777::SOCKET", "thermometer"),
    ):
        assert address in text
        text = text.replace(address, served.address(name))
    station.write_text(text, encoding="utf-8")
    names = instruments_of(station)
    assert sorted(names) == sorted(f"loopback {served.port(name)}" for name in ("source", "counter", "thermometer"))
