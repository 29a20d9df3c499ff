#!/usr/bin/env bash
# PyMeasure 0.16.0, Keithley 6221: values outside the instrument's range are changed to the nearest limit without a word, and only six digits are sent.
# A compliance of 10 mV, asked for to protect a junction, becomes 100 mV; a current of 0.2 A becomes 0.105 A; 1.23456789 uA is sent as 1.23457 uA,
# a step of 0.002 nA where the instrument resolves 0.1 fA on its lowest range. No exception, no warning.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pymeasure==0.16.0
venv/bin/python - <<'PYTHON'
import warnings

from pymeasure.adapters import FakeAdapter
from pymeasure.instruments.keithley import Keithley6221


class Recording(FakeAdapter):
    """Keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def _write(self, command: str, **_options: object) -> None:
        self.sent.append(command)


warnings.simplefilter("error")
wire = Recording()
source = Keithley6221(wire)
source.source_compliance = 0.01
source.source_current = 0.2
source.source_current = 1.23456789e-6
print(wire.sent)
assert wire.sent[-3:] == [":SOUR:CURR:COMP 0.1", ":SOUR:CURR 0.105", ":SOUR:CURR 1.23457e-06"]
PYTHON
