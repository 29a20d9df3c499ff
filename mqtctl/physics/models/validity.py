"""Where a model may be believed: criteria with their values, and sentences that say which one fails.

No rate is refused: fits pass through bad regions on their way. But every model answers `validity(...)`,
`EscapeRate` carries the answer beside the number, and `SwitchingDistribution.warnings` gives it for the
currents at which switching happens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Criterion", "EscapeRate", "Validity"]


@dataclass(frozen=True)
class Criterion:
    """One condition on the arguments.

    Attributes
    ----------
    name
        What is compared, such as "barrier quanta dU/(hbar wp)".
    value
        Its value at every argument, dimensionless, any shape.
    low, high
        The range in which the model holds.
    consequence
        What happens outside, as the end of a sentence.
    """

    name: str
    value: NDArray[np.float64]
    low: float
    high: float
    consequence: str

    @property
    def satisfied(self) -> NDArray[np.bool_]:
        """Whether the value lies in the range, same shape; False for NaN."""
        return np.asarray((self.value >= self.low) & (self.value <= self.high))

    def sentence(self, where: NDArray[np.bool_]) -> str:
        """Return the warning for the worst of the arguments at which this criterion fails."""
        values = np.broadcast_to(self.value, where.shape)[where]
        excess = np.maximum(self.low - values, values - self.high)
        worst = float(values[int(np.nanargmax(excess))]) if not np.all(np.isnan(excess)) else float("nan")
        bound = f"at least {self.low:g}" if worst < self.low else f"at most {self.high:g}"
        return f"{self.name} is {worst:.3g} where {bound} is needed: {self.consequence}"


@dataclass(frozen=True)
class Validity:
    """The criteria of a model for given arguments.

    Attributes
    ----------
    has_well
        Whether there is a metastable well at all, any shape.
    criteria
        The conditions, each with its value.
    """

    has_well: NDArray[np.bool_]
    criteria: tuple[Criterion, ...]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Whether a well exists and every criterion is satisfied, in the shape of the broadcast arguments."""
        result: NDArray[np.bool_] = self.has_well
        for criterion in self.criteria:
            result = result & criterion.satisfied
        return np.asarray(result)[()]

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence for each criterion that fails somewhere; empty if the model holds at all arguments."""
        sentences = []
        if not np.all(self.has_well):
            sentences.append(
                "no metastable well at |I| >= Ic: the junction is in the voltage state there, no rate of escape exists"
            )
        for criterion in self.criteria:
            failing = np.asarray(~criterion.satisfied & self.has_well)
            if failing.any():
                sentences.append(criterion.sentence(failing))
        return tuple(sentences)


@dataclass(frozen=True)
class EscapeRate:
    """A rate together with its validity.

    Attributes
    ----------
    log_rate
        ln(Gamma / 1 s^-1), any shape.
    validity
        Where it holds.
    """

    log_rate: NDArray[np.float64]
    validity: Validity

    @property
    def rate(self) -> NDArray[np.float64]:
        """Gamma in 1/s; 0 where it underflows."""
        with np.errstate(under="ignore"):
            return np.asarray(np.exp(self.log_rate))[()]
