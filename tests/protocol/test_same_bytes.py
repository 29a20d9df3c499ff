"""A seeded bench gives the same bytes on any machine of one kind, whatever shell, folder and hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyvisa_mqt.bench.bench_file import load_bench_file

SCRIPT = """
import sys
import numpy as np
import pyvisa

manager = pyvisa.ResourceManager(sys.argv[1] + "?seed=11&transcript=" + sys.argv[2] + "@mqt")
clock = manager.visalib.clock
names = manager.list_resources("?*")
ends = {"read_termination": "\\r\\n", "write_termination": "\\r\\n"}
by_name = {name: manager.open_resource(name, **(ends if "7777" in name or "ASRL" in name else {})) for name in names}
for name, resource in by_name.items():
    print(name, resource.query("*IDN?").strip())
source, counter = by_name["GPIB0::12::INSTR"], by_name["TCPIP0::192.0.2.53::inst0::INSTR"]
bridge, controller = by_name["TCPIP0::192.0.2.72::7777::SOCKET"], by_name["TCPIP0::192.0.2.36::7777::SOCKET"]
bridge.encoding = "latin-1"  # some of what it says will be garbled
points = ",".join(f"{point:.4f}" for point in [*np.linspace(0, 1, 97), 0, 0, 0])
source.write(f"*RST;SOUR:WAVE:FUNC ARB0;ARB:DATA {points}")
source.write("SOUR:WAVE:FREQ 100;AMPL 10e-6;OFFS 0;PMAR:STAT ON;:SOUR:WAVE:PMAR 0;:SOUR:WAVE:DUR:CYCL 120")
counter.write("*RST;:SYST:TIM 0.1;:CONF:TINT (@1),(@2);:FORM REAL;:SAMP:COUN 100")
counter.write(":INP1:COUP DC;LEV 2.5;SLOP NEG;:INP2:COUP DC;LEV 1;SLOP POS;:INIT")
source.write("SOUR:WAVE:ARM;INIT")
bridge.write("HTRSET 0,100,0,0,1;OUTMODE 0,5,6,1,0,0,1;PID 0,10,20,0;RANGE 0,4;SETP 0,0.05")
manager.visalib.bench.faults.inject("garbled-reply", instrument="thermometer", probability=0.3)
for _ in range(10):
    clock.sleep(0.3)
    print(repr(bridge.query("KRDG? 6")), controller.query("KRDG? A"))
counter.read_termination = None
counter.write("R?")
print(counter.read_raw().hex())
by_name["ASRL1::INSTR"].write("nonsense")
print(by_name["ASRL1::INSTR"].query("*ESR?"), clock.utc().isoformat(), repr(clock.now()))
manager.close()
"""


def run(folder: Path, bench: Path, script: str = SCRIPT, **settings: str) -> tuple[str, bytes]:
    folder.mkdir(parents=True)
    environment = {**os.environ, **settings}
    command = [sys.executable, "-c", script, str(bench), "run.jsonl"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, (folder / "run.jsonl").read_bytes()


@pytest.mark.slow
def test_replies_and_transcript_do_not_depend_on_shell_folder_or_hash_seed(tmp_path: Path) -> None:
    bench = load_bench_file("showroom")[1]
    copy = tmp_path / "another folder" / "bench of mine.yaml"
    copy.parent.mkdir()
    copy.write_bytes(bench.read_bytes())
    first = run(tmp_path / "a", bench, PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C", OPENBLAS_NUM_THREADS="1")
    second = run(
        tmp_path / "deeper" / "b", copy, PYTHONHASHSEED="2", TZ="Pacific/Auckland", LC_ALL="C.UTF-8", COLUMNS="40"
    )
    assert first[0] == second[0]
    assert first[1] == second[1]
    records = [json.loads(line) for line in first[1].splitlines()]
    assert {"bench", "message", "output", "waveform", "heater", "temperatures", "ramps", "fault"} <= {
        record["kind"] for record in records
    }
    for forbidden in (b"/tmp", str(tmp_path).encode(), b"0x7f", b" object at "):
        assert forbidden not in first[1]


POWER_CYCLE = """
import sys
import pyvisa

manager = pyvisa.ResourceManager("showroom?transcript=" + sys.argv[2] + "@mqt")
generator = manager.open_resource("USB0::0x0957::0x2C07::MY52400001::INSTR")
generator.write("OUTP1 ON;:OUTP2 ON;*OPC?")
generator.read()
manager.visalib.bench.faults.inject("power-cycle", instrument="generator")
manager.visalib.clock.sleep(1.0)
manager.close()
"""


@pytest.mark.slow
def test_what_a_power_cycle_switches_off_goes_off_in_one_order(tmp_path: Path) -> None:
    runs = [run(tmp_path / seed, Path("unused"), POWER_CYCLE, PYTHONHASHSEED=seed) for seed in ("1", "2", "3")]
    assert len({transcript for _, transcript in runs}) == 1
