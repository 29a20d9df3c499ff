"""Show if T and its errors are right with a nuisance in the data, and if it is noticed without its model.

    python docs/make/analysis_nuisance_table.py [replicas] [rows, such as 0,3]

Histograms of 4000 switches at 300 mK (width W = 27 nA), one ramp every 12.3 ms; prints one row of docs/analysis.md's
table each: pulls of T and the coverage of its profile intervals with the model on; bias with it off in its own standard
errors, how often anything is flagged then, and how often a cause is named that is not there.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis import fit_point
from mqtctl.analysis.histogram.nuisances.fit import NamedFit, fit_named
from mqtctl.analysis.histogram.nuisances.fit_in_time import fit_in_time
from mqtctl.analysis.histogram.nuisances.in_time import InTime
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp

WIDTH, BATH, RATE, NUMBER, PERIOD = 27e-9, 0.3, 1e-3, 4000, 12.3e-3
LAW = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), BATH, RATE, model=TransitionState())
ESTIMATE = JunctionEstimate(9e-6, 6.35e-12, 190.0)
RAMP = MeasuredRamp(0.0, 9.7e-6, RATE, PERIOD, 0.0)
PLACE = np.arange(NUMBER) / (NUMBER - 1.0)
TIMES = PERIOD * np.arange(NUMBER, dtype=np.float64)
#: What names each cause.
WORDS = {
    "noise": "Gaussian noise",
    "false": "false triggers would gain",
    "drift": "drifted by",
    "step": "changed in a step",
    "mains": "modulat",
    "start": "they are not yet steady",
    "correlation": "are correlated",
}


@dataclass(frozen=True)
class Row:
    """One nuisance: what it is, how it is fitted, and which causes may be named."""

    title: str
    noise: float = 0.0
    false: float = 0.0
    drift: float = 0.0
    step: float = 0.0
    mains: float = 0.0
    rounded: float = 0.0
    times: bool = False
    free: tuple[str, ...] = ()
    in_time: InTime | None = None
    truths: tuple[str, ...] = field(default=())

    def draw(self, seed: int) -> Histogram:
        """Return one histogram."""
        rng = np.random.default_rng([13, seed])
        currents: NDArray[np.float64] = np.asarray(LAW.sample(NUMBER, rng))
        currents += self.noise * WIDTH * rng.standard_normal(NUMBER)
        phase = 2.0 * np.pi * rng.random()
        currents += self.mains * WIDTH * np.sin(2.0 * np.pi * 50.02 * TIMES + phase)
        currents += WIDTH * (self.drift * PLACE + self.step * (0.2 + 0.6 * rng.random() < PLACE))
        hidden = rng.random(NUMBER) < self.false
        currents[hidden] *= rng.random(int(hidden.sum()))
        if self.rounded:
            step = self.rounded * WIDTH
            currents = (np.rint(currents / step + (shift := rng.random())) - shift) * step
        times = TIMES if self.times else None
        return Histogram(currents, currents / RATE, RAMP, 0, BATH, times=times, resolution=self.rounded * WIDTH)

    def fit(self, histogram: Histogram) -> NamedFit:
        """Return the fit with the nuisance's model on."""
        if self.in_time is not None:
            return fit_in_time(histogram, ESTIMATE, TransitionState(), self.in_time, self.free)
        return fit_named(histogram, ESTIMATE, TransitionState(), self.free)


ROWS = (
    Row("nothing"),
    Row("noise 0.1", noise=0.1, free=("current_noise",), truths=("noise", "mains")),
    Row("noise 0.3", noise=0.3, free=("current_noise",), truths=("noise", "mains")),
    Row("noise 1", noise=1.0, free=("current_noise",), truths=("noise", "mains")),
    Row("false triggers 1 %", false=0.01, free=("false_triggers",), truths=("false",)),
    Row("false triggers 5 %", false=0.05, free=("false_triggers",), truths=("false",)),
    Row("linear drift of 1 W", drift=1.0, in_time=InTime("linear"), truths=("drift",)),
    Row("linear drift of 0.3 W", drift=0.3, in_time=InTime("linear"), truths=("drift",)),
    Row("a step of 1 W", step=1.0, in_time=InTime("steps"), truths=("step",)),
    Row("mains 0.5 W, times known", mains=0.5, times=True, in_time=InTime(mains=50.0), truths=("mains",)),
    Row("mains 0.5 W, times not known", mains=0.5, free=("mains_amplitude",), truths=("mains",)),
    Row("mains 1 W, times not known", mains=1.0, free=("mains_amplitude",), truths=("mains",)),
    Row("drift of 1 W, rounded to 0.5 W", drift=1.0, rounded=0.5, in_time=InTime("linear"), truths=("drift",)),
    Row("rounded to 2 W", rounded=2.0),
    Row("mains 0.5 W, noise 0.5, 2 % false", noise=0.5, false=0.02, mains=0.5, times=True, in_time=InTime(mains=50.0),
        free=("current_noise", "false_triggers"), truths=("mains", "noise", "false")),
)  # fmt: skip


def measure(row: Row, replicas: int) -> str:
    """Return the row of the table."""
    pulls, errors, off, inside, flagged, wrong, right = [], [], [], np.zeros(2), 0, 0, 0
    for seed in range(replicas):
        histogram = row.draw(seed)
        found = row.fit(histogram)["temperature"]
        assert found.value is not None
        assert found.stderr is not None
        assert found.interval_68 is not None
        assert found.interval_95 is not None
        pulls.append((found.value - BATH) / found.stderr)
        errors.append(found.stderr / BATH)
        for k, (low, high) in enumerate((found.interval_68, found.interval_95)):
            inside[k] += low < BATH < high
        plain = fit_point(replace(histogram, temperature=np.nan), ESTIMATE, model=TransitionState())
        assert plain.alone is not None
        off.append((plain.alone.escape_temperature - BATH) / plain.alone.escape_temperature_stderr)
        flags = [flag for flag in plain.flags if not flag.startswith("the values are rounded")]
        flagged += bool(flags)
        plainly = [re.sub(r"\([^()]*alone would[^()]*\)", "", flag) for flag in flags]
        named = {name for name, words in WORDS.items() if any(words in flag for flag in plainly)}
        wrong += bool(named - set(row.truths))
        right += bool(named & set(row.truths))
    share = 100.0 / replicas
    return (
        f"| {row.title} | {np.mean(pulls):+.2f}, {np.std(pulls):.2f} | {share * inside[0]:.1f}, {share * inside[1]:.1f}"
        f" | {100.0 * np.mean(errors):.1f} % | {np.mean(off):+.1f} | {share * flagged:.1f} % | {share * right:.1f} %"
        f" | {share * wrong:.1f} % |"
    )


if __name__ == "__main__":
    replicas = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    chosen = [int(k) for k in sys.argv[2].split(",")] if len(sys.argv) > 2 else range(len(ROWS))
    print("| in the data | pulls of T: mean, width | 68 %, 95 % cover | error | off: bias | flagged | named | wrong |")
    print("|---|---|---|---|---|---|---|---|")
    for place in chosen:
        print(measure(ROWS[place], replicas), flush=True)
