#!/usr/bin/env bash
# lifelines 0.30.3 and SciPy 1.17.1: for data in steps (a counter's clock, a staircase current) with as many censorings as switches in a step,
# three estimates of one cumulative hazard differ by a tenth, each documented for itself. lifelines' NelsonAalenFitter spreads
# the deaths of a step by default (nelson_aalen_smoothing=True: sum of 1/(n - j)); without it one step is d/n; -ln of the Kaplan-Meier estimate of either library is
# -sum ln(1 - d/n). The escape rate inherits the difference, and a Fulton-Dunkelberger rate is the third kind.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check lifelines==0.30.3 scipy==1.17.1 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import warnings

import numpy as np
from lifelines import KaplanMeierFitter, NelsonAalenFitter
from scipy import stats

warnings.simplefilter("ignore")
rng = np.random.default_rng(1)
STEP, READ_AT = 0.05, 1.0
switch = STEP * np.ceil(rng.weibull(8.0, 2000) / STEP)
gone = STEP * np.ceil(rng.uniform(0.6, 1.4, 2000) / STEP)
seen, switched = np.minimum(switch, gone), switch <= gone


def at(curve: object) -> float:
    """Return the last value of a lifelines curve up to the point of comparison."""
    return float(curve[curve.index <= READ_AT + 1e-9].iloc[-1, 0])


hazards = {
    "SciPy, -ln Kaplan-Meier": -np.log(
        stats.ecdf(stats.CensoredData(uncensored=seen[switched], right=seen[~switched])).sf.evaluate(READ_AT)
    ),
    "lifelines, -ln Kaplan-Meier": -np.log(at(KaplanMeierFitter().fit(seen, switched).survival_function_)),
    "lifelines, Nelson-Aalen": at(NelsonAalenFitter().fit(seen, switched).cumulative_hazard_),
    "lifelines, Nelson-Aalen without smoothing": at(
        NelsonAalenFitter(nelson_aalen_smoothing=False).fit(seen, switched).cumulative_hazard_
    ),
}
for name, value in hazards.items():
    print(f"{name}: {value:.4f}")
values = list(hazards.values())
assert abs(values[0] - values[1]) < 1e-9
assert abs(values[2] / values[0] - 1.0) < 0.005
assert values[3] / values[0] < 0.93
PYTHON
