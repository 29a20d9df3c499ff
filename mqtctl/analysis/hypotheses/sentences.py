"""The one sentence of a verdict, with its numbers and with what lowers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from mqtctl.analysis.hypotheses.fit import Fitted
from mqtctl.analysis.hypotheses.power import DECISIVE, Power
from mqtctl.analysis.hypotheses.results import HypothesisResult, Precondition, Verdict
from mqtctl.notation import quantity

__all__ = ["conclusion", "nothing", "sample_temperature", "undecided"]

#: Below this p-value histograms follow their law, but only just: the sentence says so.
MARGINAL = 0.05


def sample_temperature(fitted: Fitted) -> tuple[float, float]:
    """Return the sample's temperature at the coldest bath, and its crossover temperature there, both in K."""
    evidence = fitted.problem.evidence
    place = int(evidence.bath[: evidence.first].argmin())
    crossover = fitted.junction.crossover_temperature(evidence.histograms[place].centre)
    return float(fitted.temperatures[place]), float(crossover)


def nothing(found: Sequence[Precondition], reason: str, results: tuple[HypothesisResult, ...] = ()) -> Verdict:
    """Return the verdict where nothing may be concluded: what forbids it, and a further reason if there is one."""
    forbidden = [each.text for each in found if each.forbids]
    reasons = [text for text in (*forbidden, reason) if text]
    sentence = f"Not identifiable: {'; '.join(reasons)}."
    change = [each.remedy or each.text for each in found if each.forbids] + [text for text in (reason,) if text]
    return Verdict("not identifiable", sentence, None, results, None, tuple(found), tuple(change))


def warmed(found: Sequence[Precondition]) -> Verdict:
    """Return the verdict where a slower repetition gave another histogram."""
    sentence = (
        "Heated: a slower repetition of the ramps gives another histogram, so the voltage state warms the sample and"
        " its temperature is not the bath's; the plateau of the escape temperature is no sign of tunnelling"
    )
    change = ("ramps repeated so slowly that a slower repetition changes nothing",)
    return Verdict(
        "heated", "; ".join([sentence, *_lowered(found, "heating check")]) + ".", 0.99, (), None, tuple(found), change
    )


def conclusion(
    cause: str,
    winner: Fitted,
    rival: Fitted | None,
    near: Sequence[Fitted],
    pvalue: float | None,
    found: Sequence[Precondition],
    control: str = "",
) -> str:
    """Return the sentence of a verdict; `control` is what a control sweep adds."""
    parts = [_WORDS[cause](winner), _agreement(winner, pvalue)]
    if rival is not None:
        what = "the best of the classical explanations" if cause == "tunnelling" else "tunnelling"
        odds = f"ln of the likelihood ratio {winner.log_likelihood - rival.log_likelihood:.0f}"
        parts.append(f"{what} ({rival.problem.hypothesis.name}) is excluded ({odds})")
    if near:
        names = " and ".join(each.problem.hypothesis.name for each in near)
        parts.append(f"these data do not tell it from: {names}")
    parts += [control] if control else []
    return "; ".join(parts + _lowered(found)) + "."


def undecided(
    winner: Fitted, rival: Fitted, told: Power | None, found: Sequence[Precondition], control: str = ""
) -> str:
    """Return the sentence where two explanations fit nearly as well."""
    difference = winner.lead(rival)
    names = f"“{winner.problem.hypothesis.name}” and “{rival.problem.hypothesis.name}”"
    first = f"Cannot be told apart with these data: {names} differ by {difference:.1f} in ln of the likelihood ratio,"
    parts = [f"{first} where {DECISIVE:.1f} decides"]
    if told is not None:
        parts.append(f"an experiment like this one would decide with a probability of {told.power:.0%}")
        if told.more:
            parts.append(f"{told.more} would (with 90 %)")
    parts += [control] if control else []
    return "; ".join(parts + _lowered(found)) + "."


def _lowered(found: Sequence[Precondition], said: str = "") -> list[str]:
    """Return what lowers a verdict, as parts of its sentence; `said` was said already."""
    parts = [f"but {each.text}" for each in found if each.state == "failed" and each.name != said]
    parts += [each.text for each in found if each.name == "heating check" and each.state == "untested"]
    return parts


def _agreement(winner: Fitted, pvalue: float | None) -> str:
    evidence = winner.problem.evidence
    baths = f"{quantity(float(evidence.bath.min()), 'K')} to {quantity(float(evidence.bath.max()), 'K')}"
    currents = [
        quantity(current, "A", error) for current, error in map(winner.critical_current, range(len(winner.junctions)))
    ]
    one = "one critical current" if len(currents) == 1 else "a critical current for each sweep,"
    text = f"all {len(evidence.histograms)} histograms from {baths} follow it with {one} {' and '.join(currents)}"
    if pvalue is None:
        return text
    return f"{text}{', though only just' if pvalue < MARGINAL else ''} (p = {pvalue:.2g})"


def _tunnelling(winner: Fitted) -> str:
    temperature, crossover = sample_temperature(winner)
    bath = float(winner.problem.evidence.bath.min())
    text = f"Tunnelling: below a crossover of {quantity(crossover, 'K')} escape is that of damped quantum tunnelling"
    if temperature > 1.02 * bath and winner.problem.hypothesis.exponent is not None:
        text += f", of a sample that is at {quantity(temperature, 'K')} where the bath is at {quantity(bath, 'K')}"
    return text


def _hot(word: str, winner: Fitted) -> str:
    temperature, crossover = sample_temperature(winner)
    bath = float(winner.problem.evidence.bath.min())
    where = f"at a bath of {quantity(bath, 'K')} the sample is at {quantity(temperature, 'K')}"
    law = "quantum-corrected" if winner.problem.hypothesis.quantum else "classical"
    return (
        f"{word}: {where}, above the crossover at {quantity(crossover, 'K')}, and its escape is that of {law}"
        f" activation (best: {winner.problem.hypothesis.name})"
    )


_WORDS: dict[str, Callable[[Fitted], str]] = {
    "tunnelling": _tunnelling,
    "thermal": partial(_hot, "Thermal"),
    "decoupled": partial(_hot, "Decoupled"),
    "heated": partial(_hot, "Heated"),
}
