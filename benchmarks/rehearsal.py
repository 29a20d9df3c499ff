"""`mqtctl rehearse` of a 20-temperature plan against its limits, and its predictions against the runs themselves.

Targets: at most four times the CPU time of the sweep itself, taken in the same run; predicted duration within 2 % of
the virtual duration of the sweep; predicted standard errors within 15 % of the scatter over 50 runs (four temperatures,
2000 switches; rms over the temperatures, which the number of runs knows to 7 %). With --short 12 runs, which know it
to 12 %, and no target for them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis import fit_sweep
from mqtctl.plan import write_examples
from mqtctl.rehearsal import RehearsalOptions, rehearse
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

SHARE_LIMIT, DURATION_LIMIT, ERROR_LIMIT = 4.0, 0.02, 0.15
TWENTY = (13, 14, 16, 18, 20, 23, 26, 30, 35, 40, 50, 65, 85, 110, 150, 200, 300, 450, 650, 900)
FOUR = (15, 150, 300, 600)


def plan_file(folder: Path, temperatures: tuple[int, ...], switches: int) -> Path:
    """Write the example with other temperatures (mK) and another number of switches."""
    write_examples(folder)
    path = folder / "plan.yaml"
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("temperatures: ["), text.index("switches: 10000")
    listed = ", ".join(f"{temperature} mK" for temperature in temperatures)
    text = f"{text[:begin]}temperatures: [{listed}]\n\n{text[end:]}".replace("switches: 10000", f"switches: {switches}")
    path.write_text(text, encoding="utf-8")
    sample = folder / "sample.yaml"
    known = sample.read_text(encoding="utf-8").replace("critical_current: 9.5 uA", "critical_current: 9.489 uA")
    sample.write_text(known, encoding="utf-8")
    return path


def speed_and_duration(folder: Path, switches: int) -> tuple[float, float, float]:
    """Return CPU time of the rehearsal over that of the sweep, predicted and real duration in s of the laboratory."""
    plan = plan_file(folder, TWENTY, switches)
    command = [sys.executable, "-m", "mqtctl", "rehearse", str(plan), "--json", "--seed", "1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rehearsed = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    begun = time.process_time()
    taken = acquire(plan, Options(output=folder / "run", seed=2))
    return rehearsed / (time.process_time() - begun), float(json.loads(answer.stdout)["duration_s"]), taken.lab_time


def scatter(folder: Path, runs: int) -> dict[str, NDArray[np.float64]]:
    """Return measured scatter over predicted standard error, one for each temperature."""
    plan = plan_file(folder, FOUR, 2000)
    predicted = [point.ramps[0].precision for point in rehearse(plan, RehearsalOptions(seed=1000)).points]
    fits = []
    for seed in range(runs):
        taken = acquire(plan, Options(output=folder / f"run{seed}", seed=seed))
        fits.append(fit_sweep(load_sweep(taken.folder.database).sweep))
    free = [[point.alone.escape_temperature for point in fit.points if point.alone] for fit in fits]
    shared = [[point.shared.escape_temperature for point in fit.points if point.shared] for fit in fits]
    return {
        "alone": np.std(free, axis=0, ddof=1) / [p.free_stderr for p in predicted if p and p.free_stderr],
        "shared Ic": np.std(shared, axis=0, ddof=1) / [p.scatter for p in predicted if p and p.scatter],
    }


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="2000 switches instead of 10 000, and 12 runs instead of 50"
    )
    short = parser.parse_args().short
    with tempfile.TemporaryDirectory() as folder:
        share, predicted, real = speed_and_duration(Path(folder) / "twenty", 2_000 if short else 10_000)
        off = predicted / real - 1.0
        print(f"rehearsal of 20 temperatures: {share:.2f} of the sweep's own CPU time (limit {SHARE_LIMIT:g})")
        print(f"predicted duration {predicted:.0f} s, the sweep took {real:.0f} s: {off:+.2%} (limit 2 %)")
        runs = 12 if short else 50
        ratios = scatter(Path(folder) / "four", runs)
    listed = ", ".join(f"{temperature} mK" for temperature in FOUR)
    worst = 0.0
    for name, ratio in ratios.items():
        together = float(np.sqrt(np.mean(ratio**2)))
        worst = max(worst, abs(together - 1.0))
        each = ", ".join(f"{value:.2f}" for value in ratio)
        print(f"scatter of T_esc {name} over {runs} runs / predicted standard error: {together:.3f} ({listed}: {each})")
    assert share <= SHARE_LIMIT
    assert abs(off) <= DURATION_LIMIT
    assert short or worst <= ERROR_LIMIT


if __name__ == "__main__":
    main()
