"""Show how often `check_health` names what goes with the order of the ramps, and how often something else.

    python docs/make/analysis_causes_table.py [replicas]

Lists of 4000 switches at 300 mK (width W = 27 nA), a ramp every 12.3 ms, a pause after every 200, exact and rounded to
0.6 W, with their times known and not.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np

from mqtctl.analysis import check_health, find_rounding
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState

WIDTH, RATE, NUMBER = 27e-9, 1e-3, 4000
LAW = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), 0.3, RATE, model=TransitionState())
PLACE = np.arange(NUMBER)
TIMES = 12.3e-3 * PLACE + 0.5 * (PLACE // 200)
EVEN = 12.3e-3 * PLACE
SHIFTS = {
    "nothing": 0.0 * PLACE,
    "drift of 0.6 W": 0.6 * PLACE / NUMBER,
    "step of 0.4 W": 0.4 * (PLACE > 1300),
    "mains of 0.3 W": 0.3 * np.sin(2.0 * np.pi * 50.03 * TIMES),
    "mains of 0.3 W, no pauses": 0.3 * np.sin(2.0 * np.pi * 50.03 * EVEN),
    "first 10 after a pause low by 2 W": -2.0 * (PLACE % 200 < 10),
    "first 30 of the list low by 1 W": -1.0 * (PLACE < 30),
    "successive ones correlated by 0.15": 0.0 * PLACE,
}
#: What may be named, with times and without: ramps after pauses that are not known are a period, or correlated.
RIGHT = {
    "nothing": ("", ""),
    "drift": ("drift", "drift"),
    "step": ("steps", "steps"),
    "mains": ("mains", "mains"),
    "first": ("start", "start mains correlation"),
    "successive": ("correlation", "correlation"),
}


def main(replicas: int) -> None:
    """Print the table."""
    print("| in the list | times | step / width | named | something else |")
    print("|---|---|---|---|---|")
    for title, shift in SHIFTS.items():
        for known in (True, False):
            if (title == "mains of 0.3 W" and not known) or ("no pauses" in title and known):
                continue  # where pauses are not known the phase is lost
            for step in (0.0, 0.6):
                named: Counter[str] = Counter()
                for seed in range(replicas):
                    values = np.asarray(LAW.sample(NUMBER, np.random.default_rng([5, seed]))) + WIDTH * shift
                    if title.startswith("successive"):
                        values[1:] += 0.15 * (values[:-1] - values.mean())
                    if step:
                        values = np.rint(values / (step * WIDTH)) * step * WIDTH
                    times = TIMES + values / RATE if known else None
                    causes = check_health(values, 0, find_rounding(values), times).causes
                    named[" ".join(causes)] += 1
                right = RIGHT[title.split()[0]][not known]
                good = sum(count for name, count in named.items() if name and name in right.split())
                other = replicas - named[""] - good
                share = 100.0 / replicas
                print(
                    f"| {title} | {'known' if known else 'not'} | {step or 'exact'} | {share * good:.1f} %"
                    f" | {share * other:.1f} % |",
                    flush=True,
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
