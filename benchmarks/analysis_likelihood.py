"""Time and memory of the likelihoods on a million switches, each as a ratio measured in the same run and asserted.

    python benchmarks/analysis_likelihood.py [--short]      (--short leaves out the likelihood on a grid)

Against the plain one: intervals, noise and outliers (rounded to 5 nA, noise of 8 nA, 1 % of false triggers; noise
and share fitted, with intervals and prices of all parameters). The plain one against Fulton-Dunkelberger with curve_fit
and against a likelihood on a grid with Nelder-Mead. Memory is beside the switches themselves. Times are those of the
processor, so that a busy machine changes little.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from analysis_fit import ESTIMATE, MODEL, draw, fulton_fit, grid_fit

from mqtctl.analysis import fit_histogram
from mqtctl.analysis.histogram.nuisances.fit import fit_named
from mqtctl.analysis.histogram.nuisances.fit_in_time import fit_in_time
from mqtctl.analysis.histogram.nuisances.in_time import InTime
from mqtctl.records import Histogram

NUMBER = 1_000_000
STEP, NOISE, FALSE = 5e-9, 8e-9, 0.01
NUISANCES = ("current_noise", "false_triggers")


def real(plain: Histogram) -> Histogram:
    """Return the switches as a laboratory has them: noisy, contaminated and rounded."""
    rng = np.random.default_rng(3)
    currents = plain.switching_currents + NOISE * rng.standard_normal(NUMBER)
    hidden = rng.random(NUMBER) < FALSE
    currents[hidden] *= rng.random(int(hidden.sum()))
    return replace(plain, switching_currents=np.rint(currents / STEP) * STEP)


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Return the median processor time."""
    taken = []
    for _ in range(repeats):
        begin = time.process_time()
        function()
        taken.append(time.process_time() - begin)
    return float(np.median(taken))


def bytes_per_switch(function: Callable[[], object]) -> float:
    """Return the largest memory that was held at a time, over the number of switches."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / NUMBER


def main() -> None:
    plain = draw(NUMBER, 1)
    noisy = real(plain)
    drifting = replace(plain, switching_currents=plain.switching_currents + np.linspace(0.0, 27e-9, NUMBER))
    functions: dict[str, Callable[[], object]] = {
        "plain": lambda: fit_histogram(plain, ESTIMATE),
        "intervals, noise and outliers": lambda: fit_named(noisy, ESTIMATE, MODEL, NUISANCES),
        "linear drift": lambda: fit_in_time(drifting, ESTIMATE, MODEL, InTime("linear")),
    }
    for function in functions.values():
        function()
    taken = {name: seconds(function, 5 if name != "linear drift" else 1) for name, function in functions.items()}
    fulton = seconds(lambda: fulton_fit(plain), 5)
    for name, time_taken in taken.items():
        print(f"{name}: {1e3 * time_taken:.1f} ms, {time_taken / taken['plain']:.1f} x plain")
    print("         limit for intervals, noise and outliers: 5 x plain")
    print(f"plain: {taken['plain'] / fulton:.2f} x Fulton-Dunkelberger + curve_fit (limit 3)")
    assert taken["intervals, noise and outliers"] < 5.0 * taken["plain"]
    assert taken["plain"] < 3.0 * fulton
    for name, function in functions.items():
        held = bytes_per_switch(function)
        print(f"memory, {name}: {held:.0f} bytes a switch (limit 100)")
        assert held < 100.0
    if "--short" not in sys.argv:
        grid = seconds(lambda: grid_fit(plain), 1)
        print(f"plain: 1/{grid / taken['plain']:.0f} of a likelihood on a grid with Nelder-Mead (at least 1/500)")
        assert grid > 500.0 * taken["plain"]


if __name__ == "__main__":
    main()
