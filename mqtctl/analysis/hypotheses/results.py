"""What a sweep concludes: the verdict with its sentence, and what it stands on, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mqtctl.analysis.hypotheses.power import Power
from mqtctl.records import KnownFact

__all__ = [
    "VERDICT_KEYS",
    "ControlExplanation",
    "ControlResult",
    "HypothesisResult",
    "KnownResult",
    "Precondition",
    "Verdict",
]

VERDICT_KEYS = (
    "verdict",
    "verdict_sentence",
    "verdict_confidence",
    "verdict_would_change",
    "hypotheses",
    "power",
    "preconditions",
    "cold_points",
    "known",
    "control",
)


@dataclass(frozen=True)
class HypothesisResult:
    """One explanation as it was fitted to all histograms.

    Attributes
    ----------
    name, cause
        See `Hypothesis`; the cause is that which these parameters mean.
    log_likelihood
        At the maximum, with the logarithm of the priors.
    score
        That, less half the logarithm of the number of switches for each parameter of its own.
    p_value
        Probability of histograms that agree worse with the fitted law; None where that cannot be said.
    parameters
        By name in SI units, with "_stderr" where there is one.
    converged
        Whether the maximum was found; else the likelihood is a lower bound.
    """

    name: str
    cause: str
    log_likelihood: float
    score: float
    p_value: float | None
    parameters: dict[str, float | list[float]]
    converged: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "cause": self.cause,
            "log_likelihood": self.log_likelihood,
            "score": self.score,
            "p_value": self.p_value,
            "parameters": dict(self.parameters),
            "converged": self.converged,
        }


@dataclass(frozen=True)
class Precondition:
    """Something that a verdict stands on.

    Attributes
    ----------
    name, state
        What, and "passed", "failed" or "untested".
    forbids
        Whether nothing may be concluded where it fails.
    text
        What was found, as the end of a sentence.
    remedy
        What would change it; empty where that is the opposite of what was found.
    """

    name: str
    state: str
    text: str
    forbids: bool = False
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"name": self.name, "state": self.state, "forbids": self.forbids, "text": self.text}


@dataclass(frozen=True)
class KnownResult:
    """What another measurement says, what the best explanation has for it, and by how many deviations they differ."""

    fact: KnownFact
    fitted: float
    pull: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        fact = self.fact
        unit = "_Hz" if fact.name == "plasma_frequency" else ""
        return {
            "name": fact.name,
            "current_A": fact.current,
            f"value{unit}": fact.value,
            f"stderr{unit}": fact.stderr,
            f"fitted{unit}": self.fitted,
            "pull": self.pull,
        }


@dataclass(frozen=True)
class ControlExplanation:
    """What one explanation says of sweep and control: expected widths in A of their coldest histograms, and more.

    `log_likelihood` is what the control adds to ln L; None where one of the two fits was left before its maximum.
    `sample_temperatures` are those at the coldest bath of each, in K.
    """

    name: str
    log_likelihood: float | None
    widths: tuple[float | None, float | None]
    sample_temperatures: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "log_likelihood": self.log_likelihood,
            "expected_std_switching_current_A": list(self.widths),
            "sample_temperature_K": list(self.sample_temperatures),
        }


@dataclass(frozen=True)
class ControlResult:
    """What a second sweep of the junction at another critical current adds.

    Attributes
    ----------
    name
        Where it came from.
    used
        Whether it entered the likelihoods.
    text
        What it says, or why it says nothing.
    histograms, switches
        How many of it entered.
    critical_currents
        Of the sweep and of the control with their standard errors, in A, by the best explanation.
    escape_temperatures
        Of the coldest histogram of each with their standard errors, in K.
    widths
        Standard deviations in A of the switching currents in these two histograms.
    verdict_alone
        What the sweep itself says without it.
    log_ratios
        Lead in ln L of tunnelling over all else, without the control and with it.
    explanations
        The explanations in the order of the verdict.
    """

    name: str
    used: bool
    text: str
    histograms: int = 0
    switches: int = 0
    critical_currents: tuple[tuple[float, float], ...] = ()
    escape_temperatures: tuple[tuple[float, float], ...] = ()
    widths: tuple[float, ...] = ()
    verdict_alone: str | None = None
    log_ratios: tuple[float | None, float | None] = (None, None)
    explanations: tuple[ControlExplanation, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data; pairs are of the sweep and of the control."""
        return {
            "data": self.name,
            "used": self.used,
            "text": self.text,
            "histograms": self.histograms,
            "switches": self.switches,
            "critical_current_A": [value for value, _ in self.critical_currents],
            "critical_current_stderr_A": [error for _, error in self.critical_currents],
            "escape_temperature_K": [value for value, _ in self.escape_temperatures],
            "escape_temperature_stderr_K": [error for _, error in self.escape_temperatures],
            "std_switching_current_A": list(self.widths),
            "verdict_alone": self.verdict_alone,
            "log_ratio_alone": self.log_ratios[0],
            "log_ratio": self.log_ratios[1],
            "explanations": [each.to_dict() for each in self.explanations],
        }


@dataclass(frozen=True)
class Verdict:
    """What may be concluded from a sweep.

    Attributes
    ----------
    verdict
        "tunnelling", "thermal", "decoupled", "heated", "cannot be told apart" or "not identifiable".
    sentence
        The conclusion for people, with its numbers and what lowers it.
    confidence
        Probability that it is right if one of the explanations is, 0 to 1; None where nothing is concluded.
    hypotheses
        The explanations, the best first.
    power
        Whether these data could have decided; None where it was not asked or nothing is concluded.
    preconditions
        What it stands on.
    would_change
        What would make it surer, or overturn it.
    cold_points
        Indices of the points below three times the crossover temperature, each at its own mean switching current.
    known
        What was known from other measurements, and how the best explanation agrees.
    control
        What a second sweep at another critical current adds; None where there is none.
    """

    verdict: str
    sentence: str
    confidence: float | None = None
    hypotheses: tuple[HypothesisResult, ...] = ()
    power: Power | None = None
    preconditions: tuple[Precondition, ...] = field(default=())
    would_change: tuple[str, ...] = ()
    cold_points: tuple[int, ...] = ()
    known: tuple[KnownResult, ...] = ()
    control: ControlResult | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the keys of the JSON contract."""
        values = (
            self.verdict,
            self.sentence,
            self.confidence,
            list(self.would_change),
            [each.to_dict() for each in self.hypotheses],
            self.power and self.power.to_dict(),
            [each.to_dict() for each in self.preconditions],
            list(self.cold_points),
            [each.to_dict() for each in self.known],
            self.control and self.control.to_dict(),
        )
        return dict(zip(VERDICT_KEYS, values, strict=True))
