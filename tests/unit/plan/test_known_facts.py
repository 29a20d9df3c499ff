"""What is known of a junction from other measurements, as people write it."""

from __future__ import annotations

import pytest

from mqtctl.errors import InputError
from mqtctl.plan.known import parse_known, with_known
from mqtctl.plan.sample import JunctionFacts
from mqtctl.records import JunctionEstimate, KnownFact

STATED = {"critical_current": "9.5 uA", "capacitance": "6.35 pF", "resistance": "190 Ohm"}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("plasma_frequency = 2.1 GHz +- 0.1 GHz @ 9.3 uA", KnownFact("plasma_frequency", 2.1e9, 1e8, 9.3e-6)),
        ("quality-factor=30±5", KnownFact("quality_factor", 30.0, 5.0)),
        ("capacitance = 6 pF +/- 200 fF", KnownFact("capacitance", 6e-12, 2e-13)),
    ],
)
def test_a_fact_has_a_value_an_error_and_a_current(text: str, fact: KnownFact) -> None:
    assert parse_known(text) == fact


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resistance = 190 Ohm", "with its error"),
        ("gap = 2.7 mV +- 0.1 mV", "'gap' is not one of"),
        ("plasma_frequency = 2.1 +- 0.1", "has no unit"),
        ("quality_factor = high +- 5", "'high' is no number"),
        ("quality_factor = 30 +- 0", "'0' is not positive"),
        ("capacitance = 6 pF +- 1 pF @ 3 uA", "leave the @ out"),
    ],
)
def test_what_cannot_be_a_fact_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as found:
        parse_known(text)
    assert "\n" not in str(found.value)


def test_known_facts_of_a_sample_file_reach_the_estimate_and_no_other_file_changes() -> None:
    plain = JunctionFacts.model_validate(STATED)
    assert "known" not in plain.model_dump(mode="json")
    assert "resistance_uncertainty" not in plain.model_dump(mode="json")
    known = {**STATED, "resistance_uncertainty": "20 Ohm", "known": ["quality_factor = 30 +- 3 @ 9.4 uA"]}
    facts = JunctionFacts.model_validate(known)
    assert JunctionFacts.model_validate(facts.model_dump(mode="json")) == facts
    assert facts.estimate.resistance_stderr == 20.0
    assert facts.estimate.known == (KnownFact("quality_factor", 30.0, 3.0, 9.4e-6),)
    with pytest.raises(ValueError, match="resistance_uncertainty"):
        JunctionFacts.model_validate({**STATED, "known": ["resistance = 190 Ohm +- 20 Ohm"]})


def test_a_known_capacitance_takes_the_place_of_the_stated_one_and_stands_once() -> None:
    estimate = JunctionEstimate(9.5e-6, 6e-12, 190.0)
    fact = parse_known("capacitance = 6.35 pF +- 0.1 pF")
    found = with_known(estimate, [fact])
    assert (found.capacitance, found.capacitance_stderr) == (6.35e-12, 1e-13)
    with pytest.raises(InputError, match="2 times"):
        with_known(estimate, [fact, fact])
