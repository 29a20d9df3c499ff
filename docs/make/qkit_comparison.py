"""Bias and scatter of Qkit's binned analysis of switching currents beside the likelihood, on the same histograms.

    python docs/make/qkit_comparison.py FOLDER [CLONE]

Qkit (github.com/qkitgroup/qkit, GPL 2) is cloned into the folder unless a clone is given, and runs in an environment
of its own; nothing of it is copied. 30 histograms of 10 000 switches of the a_t = 1 law at 300 mK.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from mqtctl.analysis import fit_histogram, fulton_dunkelberger, logarithmic_plot
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp

IC, CAPACITANCE, RATE, BATH, NUMBER, HISTOGRAMS = 9.489e-6, 6.35e-12, 1e-3, 0.3, 10_000, 30
JUNCTION = Junction(IC, CAPACITANCE, 190.0)
ESTIMATE = JunctionEstimate(9e-6, CAPACITANCE, 190.0)
NEEDED = ("numpy", "scipy", "matplotlib", "uncertainties", "h5py")

#: What runs in Qkit's environment: reads arrays and options, writes Ic, its error, T and its error.
CHILD = """
import json, sys, warnings
import numpy as np
from qkit.analysis.IV_curve3 import IV_curve3
data, asked = np.load(sys.argv[1]), json.loads(sys.argv[2])
found = []
for one in data:
    fit = IV_curve3.switching_current(sweeps=None, settings=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        r = fit.fit(I_0=one * asked["scale"], omega_0=asked["omega"], dIdt=asked["rate"], bins=asked["bins"])
    found.append([float(v) for v in (r.I_c.n, r.I_c.s, r.T_esc.n, r.T_esc.s)])
print("found", json.dumps(found))
"""


def install(folder: Path, clone: Path | None) -> tuple[Path, dict[str, str]]:
    """Return an interpreter that can run Qkit, and its environment."""
    if clone is None:
        clone = folder / "qkit"
        if not clone.exists():
            address = "https://github.com/qkitgroup/qkit"
            subprocess.run(["git", "clone", "--quiet", "--depth", "1", address, str(clone)], check=True)
    python = folder / "environment" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "environment")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *NEEDED], check=True)
    commit = subprocess.run(
        ["git", "-C", str(clone), "log", "-1", "--format=%h of %as"], check=True, capture_output=True, text=True
    )
    print(f"Qkit {commit.stdout.strip()}")
    return python, {**os.environ, "PYTHONPATH": str(clone / "src"), "MPLBACKEND": "Agg"}


def row(name: str, found: np.ndarray) -> str:
    """Return a row of the table from Ic (A), T (K) and their errors, shape (n, 4)."""
    used = found[np.isfinite(found).all(axis=1)]
    cells = []
    for k, truth, unit, digits in ((0, IC, 1e-9, 2), (2, BATH, 0.01 * BATH, 2)):
        value, stated = (used[:, k] - truth) / unit, float(np.median(used[:, k + 1])) / unit
        scatter = float(value.std(ddof=1))
        bias = f"{value.mean():+.{digits}f}({scatter / math.sqrt(value.size):.{digits}f})"
        cells.append(f"{bias} | {scatter:.{digits}f} | {stated:.{digits}f}")
    return f"| {name} | {' | '.join(cells)} |"


def main(folder: Path, clone: Path | None) -> None:
    """Draw, let both fit, and print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    python, environment = install(folder, clone)
    law = SwitchingDistribution(JUNCTION, BATH, RATE, model=TransitionState())
    data = np.array([law.sample(NUMBER, np.random.default_rng([77, k])) for k in range(HISTOGRAMS)])
    np.save(folder / "currents.npy", data)

    def qkit(bins: int, omega: float, scale: float = 1.0) -> np.ndarray:
        asked = json.dumps({"bins": bins, "omega": omega, "rate": RATE, "scale": scale})
        command = [str(python), "-c", CHILD, str(folder / "currents.npy"), asked]
        said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        line = next(line for line in said.splitlines() if line.startswith("found "))
        return np.array(json.loads(line.removeprefix("found "))) / scale

    ramp = MeasuredRamp(0.0, 9.7e-6, RATE, 12e-3, 0.0)
    histograms = [Histogram(one, one / RATE, ramp, 0, BATH) for one in data]
    own, plot = [], []
    for histogram in histograms:
        fit = fit_histogram(histogram, ESTIMATE)
        own.append(
            (
                fit.critical_current,
                fit.critical_current_stderr,
                fit.escape_temperature,
                fit.escape_temperature_stderr,
            )
        )
        line = logarithmic_plot(fulton_dunkelberger(histogram, 30), CAPACITANCE)
        plot.append((line.critical_current, line.critical_current_stderr, line.temperature, line.temperature_stderr))
    bare, mean = JUNCTION.zero_bias_plasma_frequency, float(JUNCTION.plasma_frequency(float(data.mean())))
    print("| | Ic: bias, nA | scatter | stated | T: bias, % | scatter | stated |")
    print("|---|---|---|---|---|---|---|")
    for bins in (10, 30, 100):
        print(row(f"Qkit, {bins} bins, plasma frequency at zero current", qkit(bins, bare)))
    for bins in (10, 30, 100):
        print(row(f"Qkit, {bins} bins, plasma frequency at the mean current", qkit(bins, mean)))
    print(row("Qkit, currents in uA and rate in A/s as in its example, 30 bins", qkit(30, mean, 1e6)))
    print(row("`logarithmic_plot`, 30 bins", np.array(plot)))
    print(row("`fit_histogram`", np.array(own)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
