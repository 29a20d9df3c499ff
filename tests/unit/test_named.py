"""A class named in text: what is made of it, and what is said where nothing can be."""

from __future__ import annotations

import pytest

from mqtctl.errors import InputError
from mqtctl.physics import CrossoverFormula, Kramers
from mqtctl.physics.models.names import escape_model


@pytest.mark.parametrize("text", ["kramers(barrier='cubic')", "mqtctl.physics:Kramers(barrier='cubic')"])
def test_a_model_is_made_with_its_parameters(text: str) -> None:
    assert escape_model(text) == Kramers(barrier="cubic")


def test_a_model_without_a_short_name_is_named_by_its_place() -> None:
    assert escape_model("mqtctl.physics:CrossoverFormula") == CrossoverFormula()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("magic", "there is no escape model 'magic'"),
        ("no_such_lab.models:Sharp", "no_such_lab.models cannot be imported"),
        ("mqtctl.physics:Sharp", "there is no 'Sharp' in mqtctl.physics"),
        ("mqtctl.physics:Junction", "not a class with a method log_rate"),
        ("subprocess:Popen(args='false')", "not a class with a method log_rate"),
        ("os:getcwd", "not a class with a method log_rate"),
        ("mqtctl.physics:EscapeModel", "cannot be made with no parameters"),
        ("kramers(width=2)", "cannot be made with width=2"),
        ("kramers(barrier='round')", "barrier is 'round'"),
        ("kramers('cubic')", "cannot be read"),
        ("kramers(barrier=print('x'))", "cannot be read"),
        ("kramers(**{'barrier': 'cubic'})", "cannot be read"),
        ("kramers(barrier='cubic')(1)", "cannot be read"),
        ("kramers(barrier='cubic'", "cannot be read"),
        ("mqtctl physics:Kramers", "names nothing"),
        ("", "there is no escape model ''"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(text: str, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        escape_model(text)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)
