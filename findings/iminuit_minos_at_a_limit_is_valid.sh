#!/usr/bin/env bash
# iminuit 2.33.0: with the best value at a parameter's limit, MINOS reports the lower error as valid; it is the distance to the limit (nearly zero), not an interval.
# A fit of an amount that cannot be negative (noise, a rate, a temperature) so gives '0.00 -0.00 +0.06' with is_valid True. The flag
# at_lower_limit says so, but valid alone does not, and Minuit.valid is True, too.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check iminuit==2.33.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
from iminuit import Minuit


def cost(noise: float, offset: float) -> float:
    """A chi-square whose unbounded minimum lies at noise = -0.05 +- 0.1."""
    return ((noise + 0.05) / 0.1) ** 2 + ((offset - 1.0 - 0.5 * noise) / 0.2) ** 2


cost.errordef = 1.0
fit = Minuit(cost, noise=0.5, offset=0.0)
fit.limits["noise"] = (0.0, None)
fit.migrad()
fit.minos()
errors = fit.merrors["noise"]
print(f"fit.valid {fit.valid}, noise {fit.values['noise']:.2e}, errors {errors.lower:.2e} +{errors.upper:.4f}")
print(f"is_valid {errors.is_valid}, lower_valid {errors.lower_valid}, at_lower_limit {errors.at_lower_limit}")
assert fit.valid
assert errors.is_valid
assert errors.lower_valid
assert errors.at_lower_limit
assert abs(errors.lower) < 1e-6
PYTHON
