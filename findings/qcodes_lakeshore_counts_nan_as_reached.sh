#!/usr/bin/env bash
# QCoDeS 0.58.0, Lake Shore drivers: wait_until_set_point_reached takes NaN, infinity and negative readings for 'reached'.
# It compares |reading - set point| / reading with the tolerance: NaN compares false, an infinite reading gives NaN, a negative one a negative
# number. A reading of 0 K is a ZeroDivisionError. And the list of range limits that the error message of set_range_from_temperature gives as an
# example (7 numbers) is refused by the parameter of a 372, which wants 8.
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
    """The driver as it is, on a thermometer that says what it is told to."""

    reading = "0.1"

    def write_raw(self, cmd: str) -> None:
        pass

    def ask_raw(self, cmd: str) -> str:
        answers = {"*IDN": "LSCI,MODEL372,0,0", "OUTMODE": "5,6,0,0,1,0", "SETP": "0.1", "KRDG": self.reading, "INTYPE": "0,1,0,1,0,1"}
        return answers.get(re.match(r"\*?[A-Z]+", cmd).group(), "0")


driver = Answering("thermometer", "GPIB::12::INSTR", pyvisa_sim_file="qcodes.instrument.sims:lakeshore_model372.yaml")
driver.sample_heater.wait_cycle_time(0)
outcomes = {}
for reading in ("0.1", "nan", "inf", "-0.3", "0"):
    driver.reading = reading
    try:
        driver.sample_heater.wait_until_set_point_reached(wait_tolerance=0.01, wait_equilibration_time=0.01)
        outcomes[reading] = "reached"
    except ZeroDivisionError:
        outcomes[reading] = "ZeroDivisionError"
print("set point 0.1 K, tolerance 1 %:", outcomes)
assert outcomes == {"0.1": "reached", "nan": "reached", "inf": "reached", "-0.3": "reached", "0": "ZeroDivisionError"}

try:
    driver.sample_heater.set_range_from_temperature(0.1)
except RuntimeError as exc:
    advised = [float(text) for text in re.search(r"range_limits\(\[(.*?)\]\)", str(exc)).group(1).split(",")]
try:
    driver.sample_heater.range_limits(advised)
    raise SystemExit("the advised list is accepted")
except ValueError as exc:
    print("range_limits as its error message advises:", exc.args[0])
PYTHON
