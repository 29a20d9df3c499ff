"""Every kind of fault with every trigger, from the file and at run time: it strikes when it should, and not else.

One of two laboratory sessions is lived again and again: either the heater is on and the thermometer read each second,
or ramps run and counter and thermometer are read. What the client sees with a fault is compared with what it sees
without.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
from pyvisa import errors
from pyvisa.constants import StatusCode

from mqtctl.bench_description import KINDS

SOURCE, COUNTER = "GPIB0::12::INSTR", "TCPIP0::192.0.2.53::inst0::INSTR"
BRIDGE = "TCPIP0::192.0.2.72::7777::SOCKET"
POINTS = ",".join(f"{point:.3f}" for point in [*np.linspace(0, 1, 47), 0, 0, 0])
#: Instrument or port that each kind happens to, and what it is told besides.
PLACES: Mapping[str, Mapping[str, str]] = {
    "lost-reply": {"instrument": "thermometer"},
    "late-reply": {"instrument": "thermometer"},
    "truncated-reply": {"instrument": "thermometer"},
    "duplicated-reply": {"instrument": "thermometer"},
    "garbled-reply": {"instrument": "thermometer"},
    "nan-reading": {"instrument": "thermometer"},
    "overflow-reading": {"instrument": "thermometer"},
    "stale-reading": {"instrument": "thermometer"},
    "lost-message": {"instrument": "thermometer"},
    "disconnect": {"instrument": "thermometer"},
    "power-cycle": {"instrument": "thermometer"},
    "delayed-reply": {"instrument": "thermometer", "delay": "0.7 s"},
    "queued-error": {"instrument": "thermometer", "code": "-222"},
    "full-memory": {"instrument": "counter", "readings": "3"},
    "stuck-thermometer": {"port": "thermometer.ch6", "temperature": "20 mK"},
    "jumping-thermometer": {"port": "thermometer.ch6", "share": "1"},
    "stuck-heater": {"port": "thermometer.sample", "power": "1 mW"},
    "weak-heater": {"port": "thermometer.sample", "power": "1 uW"},
    "false-triggers": {"port": "counter.input2", "rate": "1 kHz"},
    "warming": {"power": "400 uW"},
    "critical-current-drift": {"drift": "-50 nA/s"},
    "stuck-voltage-state": {},
}
#: A fault of the bench as a whole counts the messages of this instrument.
COUNTED = "thermometer"
SECONDS = 8
#: What shows in the counter's intervals; all else shows in the temperature while the heater is on.
RAMPING = {"full-memory", "false-triggers", "critical-current-drift", "stuck-voltage-state"}
TRIGGERS: Mapping[str, Mapping[str, str]] = {
    "message": {"message": "4"},
    "time": {"at": "3.6 s"},
    "probability": {"probability": "0.5"},
}

Record = tuple[float, str, object]
_files = count()


class Session:
    """A client that goes on whatever happens, and notes what it sees."""

    def __init__(self, path: Path, kind: str) -> None:
        self.ramping = kind in RAMPING
        self.manager = pyvisa.ResourceManager(f"{path}?seed=5@mqt")
        library: Any = self.manager.visalib
        self.clock, self.bench = library.clock, library.bench
        self.seen: list[Record] = []
        self.sessions: dict[str, Any] = {}

    def instrument(self, address: str) -> Any:
        if address not in self.sessions:
            ending: dict[str, Any] = {"read_termination": "\r\n", "write_termination": "\r\n"}
            self.sessions[address] = self.manager.open_resource(
                address, timeout=500, **(ending if address == BRIDGE else {"read_termination": "\n"})
            )
        return self.sessions[address]

    def ask(self, address: str, message: str) -> None:
        """Send a message and note the reply, or what came instead."""
        start = self.clock.now()
        try:
            device = self.instrument(address)
            device.write(message)
            seen: object = device.read_raw() if "?" in message else ""
        except errors.VisaIOError as exc:
            seen = StatusCode(exc.error_code).name
            if exc.error_code == StatusCode.error_connection_lost:
                del self.sessions[address]
        self.seen.append((start, address, (seen, round(self.clock.now() - start, 3))))

    def begin(self) -> None:
        self.ask(BRIDGE, "HTRSET 0,100,0,0,1;OUTMODE 0,2,6,0,0,0,1;MOUT 0,50")
        if not self.ramping:
            self.ask(BRIDGE, "RANGE 0,5")
            return
        self.ask(SOURCE, f"*RST;SOUR:WAVE:FUNC ARB0;ARB:DATA {POINTS}")
        self.ask(SOURCE, "SOUR:WAVE:FREQ 100;AMPL 10e-6;OFFS 0;PMAR:STAT ON;:SOUR:WAVE:PMAR 0;:SOUR:WAVE:DUR:CYCL 9999")
        self.ask(SOURCE, "SOUR:WAVE:ARM;INIT")
        self.ask(COUNTER, "*RST;:SYST:TIM 0.02;:CONF:TINT (@1),(@2);:SAMP:COUN 10")
        self.ask(COUNTER, ":INP1:COUP DC;LEV 2.5;SLOP NEG;:INP2:COUP DC;LEV 1;SLOP POS")

    def live(self, seconds: int) -> None:
        for _ in range(seconds):
            if self.ramping:
                self.ask(COUNTER, "INIT")
            self.clock.advance_to(float(int(self.clock.now()) + 1))
            self.ask(BRIDGE, "KRDG? 6;*ESR?")
            if self.ramping:
                self.ask(COUNTER, "R?")

    def end(self) -> list[Record]:
        self.manager.close()
        return self.seen


def bench_file(folder: Path, fault: Mapping[str, str] | None = None) -> Path:
    """Write the built-in bench, perhaps with a fault, under a name of its own."""
    text = (files("pyvisa_mqt") / "benches" / "builtin.yaml").read_text(encoding="utf-8")
    if fault is not None:
        text += "faults:\n  - {" + ", ".join(f"{key}: {value}" for key, value in fault.items()) + "}\n"
    path = folder / f"bench{next(_files)}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def live_with(folder: Path, kind: str, fault: Mapping[str, str] | None) -> tuple[list[Record], int]:
    """Return what is seen with a fault in the file, and how often it struck."""
    session = Session(bench_file(folder, fault), kind)
    session.begin()
    session.live(SECONDS)
    strikes = sum(planned.strikes for planned in session.bench.faults.planned)
    return session.end(), strikes


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, list[Record]]:
    """What is seen without a fault, with and without ramps."""
    folder = tmp_path_factory.mktemp("quiet")
    return {kind in RAMPING: live_with(folder, kind, None)[0] for kind in ("full-memory", "lost-reply")}


@pytest.fixture
def quiet(sessions: dict[bool, list[Record]], kind: str) -> list[Record]:
    """What is seen without this kind of fault."""
    return sessions[kind in RAMPING]


def planned(kind: str, trigger: str) -> dict[str, str]:
    fault = {"kind": kind, **PLACES[kind], **TRIGGERS[trigger]}
    if "instrument" not in fault and "port" not in fault and trigger != "time":
        fault["instrument"] = COUNTED
    return fault


@lru_cache
def counted_address(kind: str) -> str:
    place = PLACES[kind].get("instrument") or PLACES[kind].get("port", COUNTED).split(".")[0]
    return {"thermometer": BRIDGE, "counter": COUNTER}[place]


def untouched(records: list[Record], kind: str, trigger: str) -> int:
    """Return how many records are older than the trigger."""
    if trigger == "time":
        # What is under way at that time may be touched, and the physics counts in ticks of 0.25 s.
        return next(i for i, (start, *_) in enumerate(records) if start >= 3.0)
    if trigger == "message":
        return [i for i, (_, address, _) in enumerate(records) if address == counted_address(kind)][3]
    return 0


def test_every_kind_of_fault_has_its_place_here() -> None:
    assert set(PLACES) == set(KINDS)


@pytest.mark.shown(22)
@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("kind", PLACES)
def test_a_fault_in_the_file_strikes_at_its_trigger_and_leaves_its_mark(
    tmp_path: Path, quiet: list[Record], kind: str, trigger: str
) -> None:
    seen, strikes = live_with(tmp_path, kind, planned(kind, trigger))
    assert strikes >= 1
    before = untouched(quiet, kind, trigger)
    assert seen[:before] == quiet[:before]
    assert seen[before:] != quiet[before:]


@pytest.mark.shown(8)
@pytest.mark.parametrize("kind", PLACES)
def test_a_fault_at_run_time_strikes_leaves_its_mark_and_is_repeatable(
    tmp_path: Path, quiet: list[Record], kind: str
) -> None:
    def run() -> list[Record]:
        session = Session(bench_file(tmp_path), kind)
        session.begin()
        session.live(2)
        parameters: dict[str, Any] = dict(PLACES[kind])
        numbers = {key: float(value) for key, value in parameters.items() if key in ("share", "code", "readings")}
        if "instrument" in parameters:
            parameters["probability"] = 0.5
        fault = session.bench.faults.inject(
            kind, **parameters | {k: int(v) if v == int(v) else v for k, v in numbers.items()}
        )
        session.live(SECONDS - 2)
        assert fault.strikes >= 1
        return session.end()

    seen = run()
    before = next(i for i, (start, *_) in enumerate(quiet) if start > 2.5)  # two seconds went by before
    assert seen[:before] == quiet[:before]
    assert seen[before:] != quiet[before:]
    assert run() == seen


@pytest.mark.shown(6)
@pytest.mark.parametrize("kind", PLACES)
def test_a_fault_that_has_not_struck_or_is_put_right_in_time_leaves_no_mark(
    tmp_path: Path, quiet: list[Record], kind: str
) -> None:
    seen, strikes = live_with(tmp_path, kind, {"kind": kind, **PLACES[kind], "at": "1 h"})
    assert (strikes, seen) == (0, quiet)
    session = Session(bench_file(tmp_path, {"kind": kind, **PLACES[kind], "at": "3.6 s"}), kind)
    session.begin()
    session.bench.faults.clear()
    session.live(SECONDS)
    assert session.end() == quiet
