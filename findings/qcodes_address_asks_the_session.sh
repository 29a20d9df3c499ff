#!/usr/bin/env bash
# QCoDeS 0.58.0: VisaInstrument.address is no attribute but asks the VISA session, and raises once that is closed.
# An error message that names the instrument by its address, written where a link was lost, so raises another exception in place of the one it reports.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qcodes==0.58.0 pyvisa-sim==0.7.1
venv/bin/python - <<'PYTHON'
from qcodes.instrument_drivers.yokogawa import YokogawaGS200

driver = YokogawaGS200("source", "GPIB::1::INSTR", pyvisa_sim_file="qcodes.instrument.sims:Yokogawa_GS200.yaml")
print("open:", driver.address)
driver.visa_handle.close()
try:
    print("closed:", driver.address)
    raise SystemExit("the address is still known")
except Exception as exc:
    print("closed:", type(exc).__name__, exc)
    assert type(exc).__name__ == "InvalidSession"
PYTHON
