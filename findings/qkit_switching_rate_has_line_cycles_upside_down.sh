#!/usr/bin/env bash
# Qkit 0.6.0: `IV_curve3.switching_current.fit` takes the ramp rate, where none is given, from the current step and the integration time of the
# volt meter: step * nplc / plc. An integration lasts nplc / plc seconds (1 of 50 Hz: 20 ms), so that the ramp is step * plc / nplc; at nplc 1
# and 50 Hz the default is 2500 times too small, and every escape rate with it. The error stated for Ic leaves out the covariance of
# slope and intercept, which are correlated by more than 0.999: it comes out ten to twenty times too large.
# mqtctl: docs/analysis.md compares with Qkit's fit, the ramp rate handed over.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qkit==0.6.0 numpy==2.4.6 scipy==1.17.1 uncertainties==3.2.3 matplotlib==3.10.8
MPLBACKEND=Agg venv/bin/python - <<'PYTHON'
import warnings
from types import SimpleNamespace

import numpy as np

warnings.simplefilter("ignore")
from qkit.analysis.IV_curve3 import IV_curve3

step, nplc, plc = 1e-9, 1.0, 50.0  # A, line cycles, Hz
settings = SimpleNamespace(IVD=SimpleNamespace(sense_nplc=[nplc], plc=plc))
fit = IV_curve3.switching_current(sweeps=[(0.0, 1e-6, step)], settings=settings)
currents = 9.1e-6 - 2e-8 * np.random.default_rng(1).gumbel(size=5000)
found = fit.fit(I_0=currents, omega_0=1e11, bins=30)
ramp = step / (nplc / plc)
print(f"ramp rate: {fit.dIdt:.3g} A/s; one step each {nplc / plc:g} s is {ramp:.3g} A/s")
slope, intercept = found.popt
covariance = found.pcov
without = np.hypot(np.sqrt(covariance[1, 1]) / slope, intercept * np.sqrt(covariance[0, 0]) / slope**2)
whole = np.sqrt(without**2 - 2 * intercept * covariance[0, 1] / slope**3)
correlation = abs(covariance[0, 1]) / np.sqrt(covariance[0, 0] * covariance[1, 1])
print(f"error of Ic: {found.I_c.s:.2g} A stated, {whole:.2g} A with the covariance ({correlation:.4f})")
assert np.isclose(fit.dIdt * plc**2, ramp)
assert np.isclose(found.I_c.s, without, rtol=1e-3)
assert found.I_c.s > 8 * whole
PYTHON
