"""What a sweep concludes: the verdict with its sentence, and what it stands on, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mqtctl.analysis.hypotheses.power import Power

__all__ = ["VERDICT_KEYS", "HypothesisResult", "Precondition", "Verdict"]

VERDICT_KEYS = (
    "verdict",
    "verdict_sentence",
    "verdict_confidence",
    "verdict_would_change",
    "hypotheses",
    "power",
    "preconditions",
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
    """

    name: str
    state: str
    text: str
    forbids: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"name": self.name, "state": self.state, "forbids": self.forbids, "text": self.text}


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
    """

    verdict: str
    sentence: str
    confidence: float | None = None
    hypotheses: tuple[HypothesisResult, ...] = ()
    power: Power | None = None
    preconditions: tuple[Precondition, ...] = field(default=())
    would_change: tuple[str, ...] = ()

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
        )
        return dict(zip(VERDICT_KEYS, values, strict=True))
