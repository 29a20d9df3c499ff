"""Does a histogram that stops at the precision asked for quote the right interval, and does it stop in time?

Over 200 runs the true value lies inside the quoted 68.27 % interval in 136.5 +- 6.6 of them if the rule does no harm;
60 to 76 % are 2.5 standard errors below and 2.3 above. Of the escape temperature, whose every look is a fit, a few runs
stand for the 200, which are the campaign's. Source and counter are fakes that every ramp of a known
distribution passes through, a few runs go through the whole bench. `python -m tests.statistics.test_precision_goal`
prints the figures of docs/measurement.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.acquisition.conversion import Block
from mqtctl.acquisition.goal import PrecisionGoal, Quantity, Standing
from mqtctl.acquisition.histogram import HistogramRequest, Tally, acquire_histogram
from mqtctl.analysis import fit_histogram, moments
from mqtctl.physics import Escape, EscapeModel, Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
ESTIMATE = JunctionEstimate(9e-6, 6.35e-12, 190.0)
RATE = 14e-3
RAMP = MeasuredRamp(0.0, 9.8e-6, RATE, 1e-3, 0.0)
TAKEN: tuple[Quantity, ...] = ("escape temperature", "width")


class Stream:
    """Source, counter and clock in one: every ramp switches, at a current drawn from a distribution."""

    memory, timeout_ramps, delay = 1_000_000, 1, 0.0
    latency = 1e-3

    def __init__(self, law: SwitchingDistribution, seed: int) -> None:
        self._law, self._rng = law, np.random.default_rng(seed)
        self._time = self._ends = 0.0
        self._begins: float | None = None
        self._taken = self._armed = 0

    def now(self) -> float:
        return self._time

    def sleep(self, duration: float) -> None:
        self._time += duration

    def start(self, cycles: int) -> None:
        self._ends = self._time + cycles * RAMP.period

    def running(self) -> bool:
        self.sleep(self.latency)
        return self._time < self._ends

    def arm(self, count: int) -> None:
        self.sleep(self.latency)
        self._begins, self._armed, self._taken = self._time, count, 0

    def available(self) -> int:
        self.sleep(self.latency)
        return self._made() - self._taken

    def wait_for(self, count: int, timeout: float) -> bool:
        self.sleep(min(timeout, max(0, count - self._made() + self._taken) * RAMP.period))
        return False

    def read(self, count: int) -> NDArray[np.float64]:
        self.sleep(self.latency + 8 * count / 3e5)
        self._taken += count
        return np.asarray(self._law.sample(count, self._rng)) / RATE

    def stop(self) -> None:
        self._armed = self._made()

    def _made(self) -> int:
        assert self._begins is not None
        return min(self._armed, int((min(self._time, self._ends) - self._begins) / RAMP.period))


@dataclass(frozen=True)
class Outcome:
    """One histogram: the value quoted, its standard error, and how it was taken."""

    value: float
    stderr: float
    tally: Tally


@lru_cache
def law(temperature: float, model: EscapeModel) -> SwitchingDistribution:
    return SwitchingDistribution(JUNCTION, temperature, RATE, model=model)


def quoted(currents: NDArray[np.float64], quantity: Quantity) -> tuple[float, float]:
    """Return what the analysis says, and its standard error."""
    if quantity == "width":
        found = moments(currents)
        return found.std, found.std_stderr
    fit = fit_histogram(Histogram(currents, currents / RATE, RAMP, 0, 0.3), ESTIMATE)
    return fit.escape_temperature, fit.escape_temperature_stderr


def run(distribution: SwitchingDistribution, quantity: Quantity, precision: float, seed: int) -> Outcome:
    """Take one histogram to a precision."""
    stream: Any = Stream(distribution, seed)
    blocks: list[NDArray[np.float64]] = []

    def store(block: Block, _standing: Standing) -> None:
        blocks.append(block.currents)

    request = HistogramRequest(1_000_000, None, 100, PrecisionGoal(precision, quantity, ESTIMATE))
    tally = acquire_histogram(stream, stream, RAMP, request, clock=stream, store=store, watch=lambda: None)
    currents = np.concatenate(blocks)
    assert currents.size == tally.switches
    return Outcome(*quoted(currents, quantity), tally)


def truth(distribution: SwitchingDistribution, quantity: Quantity, number: int = 10_000_000) -> tuple[float, float]:
    """Return the value that infinitely many switches would give, and the number that the precision of 1 % needs."""
    if quantity == "width":
        return distribution.std, (distribution.kurtosis - 1) / 4 / 1e-4
    value, stderr = quoted(np.asarray(distribution.sample(number, np.random.default_rng(99))), quantity)
    return value, number * (stderr / value) ** 2 / 1e-4


def most_off(runs: int) -> float:
    """Return 2.5 standard errors of the share of runs whose interval holds the true value."""
    return 2.5 * math.sqrt(0.6827 * 0.3173 / runs)


def inside(outcomes: list[Outcome], true: float) -> float:
    """Return in which part of the outcomes the true value lies in the quoted interval."""
    return sum(abs(o.value - true) <= o.stderr for o in outcomes) / len(outcomes)


#: Quantity and number of runs.
ENOUGH = [
    ("width", 200),
    ("escape temperature", 20),
    pytest.param("escape temperature", 200, marks=pytest.mark.campaign),
]


@pytest.mark.shown(1)
@pytest.mark.parametrize(("quantity", "runs"), ENOUGH)
def test_the_true_value_is_in_the_quoted_interval_of_two_runs_in_three(quantity: Quantity, runs: int) -> None:
    distribution = law(0.3, TransitionState())
    true, ideal = truth(distribution, quantity, 1_000_000)
    outcomes = [run(distribution, quantity, 0.01, seed) for seed in range(runs)]
    assert inside(outcomes, true) == pytest.approx(0.6827, abs=most_off(runs))
    assert all(o.tally.precision is not None and o.tally.precision <= 0.01 for o in outcomes)
    assert all(o.stderr / o.value == pytest.approx(o.tally.precision, rel=1e-9) for o in outcomes)
    # bias: four standard errors of the mean of runs of 1 % each
    assert np.mean([o.value for o in outcomes]) / true - 1 == pytest.approx(0.0, abs=4 * 0.01 / math.sqrt(runs))
    # 1 % for the margin and a few % where a look was not enough
    assert 0.95 < np.mean([o.tally.switches for o in outcomes]) / ideal < 1.06
    assert max(len(o.tally.looks) for o in outcomes) <= 6


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.02, pytest.param(0.1, marks=pytest.mark.campaign), 0.6])
@pytest.mark.parametrize("quantity", TAKEN)
def test_the_coverage_holds_from_tunnelling_to_heat(quantity: Quantity, temperature: float) -> None:
    distribution = law(temperature, Escape())
    true, _ = truth(distribution, quantity)
    outcomes = [run(distribution, quantity, 0.01, 1000 + seed) for seed in range(200)]
    assert 0.60 <= inside(outcomes, true) <= 0.76


@pytest.mark.shown(1)
@pytest.mark.parametrize(("quantity", "runs"), ENOUGH)
def test_a_coarse_precision_costs_few_switches_and_its_bias_is_the_stated_one(quantity: Quantity, runs: int) -> None:
    distribution = law(0.3, TransitionState())
    true, _ = truth(distribution, quantity, 1_000_000)
    outcomes = [run(distribution, quantity, 0.05, seed) for seed in range(runs)]
    assert max(o.tally.switches for o in outcomes) < 1500
    stated = -4 * 0.05**2 if quantity == "width" else 0.0
    assert np.mean([o.value for o in outcomes]) / true - 1 == pytest.approx(stated, abs=4 * 0.05 / math.sqrt(runs))


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_the_bench_gives_the_precision_that_the_plan_asks_for(laboratory: Any, seed: int) -> None:
    laboratory.change("plan.yaml", "switches: 1000", "precision: 3 %")
    (point,) = laboratory.result(seed=seed)["points"]
    share = point["escape_temperature_free_stderr_K"] / point["escape_temperature_free_K"]
    # 1 % of margin and looks that come in pieces of half a second: 40 of 1550 ramps
    assert 0.97 * 0.03 < share <= 0.03
    # four standard errors about the temperature of the bath, with 2 % for what quantum corrections do at 100 mK
    assert point["escape_temperature_free_K"] == pytest.approx(0.1, rel=4 * 0.03 + 0.02)


def main() -> None:
    """Print coverage, bias and cost."""
    print("what                 T (mK)  inside  bias (%)  switches  ideal  looks  live")  # noqa: T201
    for quantity in TAKEN:
        for temperature in (0.02, 0.1, 0.3, 0.6):
            distribution = law(temperature, Escape())
            true, ideal = truth(distribution, quantity)
            outcomes = [run(distribution, quantity, 0.01, seed) for seed in range(200)]
            bias = 100 * (np.mean([o.value for o in outcomes]) / true - 1)
            number = np.mean([o.tally.switches for o in outcomes])
            looks = np.mean([len(o.tally.looks) for o in outcomes])
            live = np.mean([o.tally.live_fraction for o in outcomes])
            print(  # noqa: T201
                f"{quantity:20} {1e3 * temperature:6.0f}  {inside(outcomes, true):6.3f} {bias:9.3f} {number:9.0f} "
                f"{ideal:6.0f}  {looks:5.2f} {live:5.3f}"
            )


if __name__ == "__main__":
    main()
