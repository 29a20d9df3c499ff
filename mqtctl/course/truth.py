"""What is true of a hidden junction, and how precisely the best fit of the same data finds it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from mqtctl.analysis import SweepFit, fit_sweep
from mqtctl.analysis.sweep.prediction import predicted_escape_temperature
from mqtctl.course.junctions import Hidden, hidden
from mqtctl.errors import InputError
from mqtctl.physics import TransitionState

__all__ = ["ASKED", "EXPLANATIONS", "Asked", "Expected", "Number", "expected"]


@dataclass(frozen=True)
class Asked:
    """A number that is asked for: its base unit, and which one is meant."""

    unit: str
    words: str


ASKED: Mapping[str, Asked] = MappingProxyType(
    {
        "mean_switching_current": Asked("A", "mean of the coldest histogram's law"),
        "width": Asked("A", "standard deviation of the coldest histogram's law"),
        "critical_current": Asked("A", "from the warm histograms alone, so that nothing is assumed of the cold ones"),
        "escape_temperature": Asked("K", "of the coldest histogram, with a_t = 1 and the sweep's critical current"),
        "crossover_temperature": Asked("K", "at the mean switching current of the coldest histogram"),
    }
)
#: What a verdict means for the question.
_WORDS = {"tunnelling": "tunnelling", "decoupled": "noise", "thermal": "noise", "heated": "noise"}
_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
_FULL_WIDTH = "this is the full width at half maximum, not the standard deviation"
_SWITCHES = "this is where the coldest histogram switches, and a junction switches before its critical current"
_BATH = "this is the temperature of the bath, which no fit is needed for"
_NO_BIAS = "this is its value without a bias; take the plasma frequency at the mean switching current"
_TWO_PI = "this is 2 pi times too large: it is hbar omega / (2 pi k)"
EXPLANATIONS = ("tunnelling", "noise", "undecided")


@dataclass(frozen=True)
class Number:
    """A number that is asked for, in its base unit.

    Attributes
    ----------
    truth
        Of the law that the data were drawn from.
    estimate, stderr
        What the best fit of the same data finds: nobody can honestly claim a much smaller error.
    partial_stderr
        Its error from the scatter of the same switches alone; None where nothing else contributes much.
    mistakes
        Other numbers that are taken for this one, by what is said about them.
    """

    truth: float
    estimate: float
    stderr: float
    partial_stderr: float | None = None
    mistakes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Expected:
    """What may be expected of the answers for a hidden junction.

    Attributes
    ----------
    numbers
        By name, as in `ASKED`.
    explanation
        What is true: "tunnelling" or "noise".
    decided
        What `fit_sweep` concludes from the same data: one of `EXPLANATIONS`.
    sentence
        The same in its own words.
    """

    hidden: Hidden
    numbers: Mapping[str, Number]
    explanation: str
    decided: str
    sentence: str


@lru_cache(maxsize=8)
def expected(seed: int) -> Expected:
    """Return truth and best fit for a seed; raises `InputError` for a seed that is none."""
    truth = hidden(seed)
    sweep = truth.sweep()
    fit = fit_sweep(sweep, power=False)
    verdict = fit.conclusion
    word = "" if verdict is None else verdict.verdict
    return Expected(
        truth,
        MappingProxyType(_numbers(truth, fit)),
        truth.explanation,
        _WORDS.get(word, "undecided"),
        "" if verdict is None else verdict.sentence,
    )


def _numbers(truth: Hidden, fit: SweepFit) -> dict[str, Number]:
    """Return every number that is asked for."""
    junction, bath, coldest = truth.junction, truth.temperatures[0], fit.points[0]
    law, moments, shared = truth.distribution(bath), coldest.moments, coldest.shared
    current, crossover = fit.critical_current, fit.crossover_temperature
    if moments is None or shared is None or current is None or crossover is None:
        raise InputError(f"the data of seed {truth.seed} give no critical current; take another seed")
    ramp = truth.sweep().histograms[0].ramp
    true_crossover = float(junction.crossover_temperature(law.mean))
    return {
        "mean_switching_current": Number(law.mean, moments.mean, moments.mean_stderr),
        "width": Number(law.std, moments.std, moments.std_stderr, mistakes={_FULL_WIDTH: _FWHM * law.std}),
        "critical_current": Number(
            junction.critical_current,
            current,
            fit.critical_current_stderr or math.nan,
            mistakes={_SWITCHES: law.mean},
        ),
        "escape_temperature": Number(
            predicted_escape_temperature(junction, bath, ramp, truth.law, TransitionState()),
            shared.escape_temperature,
            shared.escape_temperature_stderr,
            shared.statistical_stderr,
            {_BATH: bath},
        ),
        "crossover_temperature": Number(
            true_crossover,
            crossover,
            fit.crossover_temperature_stderr or math.nan,
            mistakes={
                _NO_BIAS: float(junction.crossover_temperature(0.0)),
                _TWO_PI: 2.0 * math.pi * true_crossover,
            },
        ),
    }
