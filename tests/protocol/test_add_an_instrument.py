"""A model of another instrument; the example in docs/add-an-instrument.md runs in tests/test_documentation.py."""

from __future__ import annotations

import pytest
from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.instruments import MODELS, register


def test_a_model_name_is_given_only_once() -> None:
    class Other(Instrument):
        """Nothing in particular."""

    with pytest.raises(ValueError, match=r"keithley-6221.*taken by Keithley6221"):
        register("keithley-6221")(Other)
    assert register("keithley-6221")(MODELS["keithley-6221"]) is MODELS["keithley-6221"]
