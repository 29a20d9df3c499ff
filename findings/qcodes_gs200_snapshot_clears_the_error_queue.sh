#!/usr/bin/env bash
# QCoDeS 0.58.0, Yokogawa GS200: snapshot(update=True) reads the error queue, *ESR? and the event register, and reading clears them.
# Whoever takes a snapshot of the station before looking for errors finds none.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qcodes==0.58.0 pyvisa-sim==0.7.1
venv/bin/python - <<'PYTHON'
from qcodes.instrument_drivers.yokogawa import YokogawaGS200

CLEARING = (":SYST:ERR", ":SYSTem:ERRor", "*ESR?", ":STAT:EVEN?")


class Answering(YokogawaGS200):
    """The driver as it is, on an instrument that answers anything."""

    sent: list[str] = []

    def write_raw(self, cmd: str) -> None:
        pass

    def ask_raw(self, cmd: str) -> str:
        self.sent.append(cmd)
        return {"*IDN?": "YOKOGAWA,GS210,0,1.0", ":SOUR:FUNC?": "VOLT"}.get(cmd, "0")


driver = Answering("source", "GPIB::1::INSTR", pyvisa_sim_file="qcodes.instrument.sims:Yokogawa_GS200.yaml")
driver.sent.clear()
driver.snapshot(update=True)
clearing = [cmd for cmd in driver.sent if cmd.startswith(CLEARING)]
print(clearing)
assert clearing == [":SYSTem:ERRor?", "*ESR?", ":STAT:EVEN?"]
PYTHON
