#!/usr/bin/env bash
# QCoDeS 0.58.0, Lake Shore 372: setting one member of a parameter group sends all members as they were last read, not as they are.
# OUTMODE carries mode, input channel, power-up, polarity, filter and delay. Somebody chooses another input channel at the front panel; the program
# then sets the polarity, and the control loop is back on the old channel. Nothing is read before the write.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qcodes==0.58.0 pyvisa-sim==0.7.1
venv/bin/python - <<'PYTHON'
import re

from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372


class Answering(LakeshoreModel372):
    """The driver as it is, on a thermometer with an OUTMODE that can be set from outside."""

    outmode = "5,6,0,0,1,0"
    sent: list[str] = []

    def write_raw(self, cmd: str) -> None:
        self.sent.append(cmd)

    def ask_raw(self, cmd: str) -> str:
        self.sent.append(cmd)
        answers = {"*IDN": "LSCI,MODEL372,0,0", "OUTMODE": self.outmode}
        return answers.get(re.match(r"\*?[A-Z]+", cmd).group(), "0")


driver = Answering("thermometer", "GPIB::12::INSTR", pyvisa_sim_file="qcodes.instrument.sims:lakeshore_model372.yaml")
assert driver.sample_heater.input_channel() == 6
driver.outmode = "5,3,0,0,1,0"  # the front panel: control by channel 3
driver.sent.clear()
driver.sample_heater.polarity("bipolar")
print(driver.sent)
assert driver.sent == ["OUTMODE 0, 5, 6, 0, 1, 1, 0"]
PYTHON
