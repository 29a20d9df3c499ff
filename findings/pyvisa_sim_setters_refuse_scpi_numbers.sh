#!/usr/bin/env bash
# pyvisa-sim 0.7.1: a property's setter written with the format of its getter, 'VOLT {:.2f}', refuses most numbers that SCPI allows.
# 'VOLT 2', 'VOLT 1e-3' and 'VOLT .5' answer ERROR and leave the value as it was; 'VOLT 2.50' passes. Every real
# instrument takes all of them, and drivers send what Python's str or {:g} makes of a number. '{}' takes all, as text.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyvisa-sim==0.7.1 pyvisa==1.16.2
venv/bin/python - <<'PYTHON'
from pathlib import Path

import pyvisa

Path("device.yaml").write_text(
    r'''
spec: "1.1"
devices:
  source:
    eom:
      TCPIP INSTR: {q: "\n", r: "\n"}
    error: ERROR
    properties:
      voltage:
        default: 1.00
        getter: {q: "VOLT?", r: "{:.2f}"}
        setter: {q: "VOLT {:.2f}", r: OK}
        specs: {type: float, min: 0, max: 10}
resources:
  TCPIP::localhost::inst0::INSTR: {device: source}
''',
    encoding="utf-8",
)
session = pyvisa.ResourceManager("device.yaml@sim").open_resource(
    "TCPIP::localhost::inst0::INSTR", read_termination="\n", write_termination="\n"
)
seen = {text: session.query(f"VOLT {text}") for text in ("2.50", "2", "1e-3", ".5", "2.500")}
print(seen, "voltage:", session.query("VOLT?"))
assert seen == {"2.50": "OK", "2": "ERROR", "1e-3": "ERROR", ".5": "ERROR", "2.500": "OK"}
PYTHON
