"""How the fit of a dummy resistor becomes the numbers of a calibration."""

from __future__ import annotations

import numpy as np
import pytest

from mqtctl.analysis.calibration.dummy_resistor import DummyFit
from mqtctl.errors import InputError
from mqtctl.records import MeasuredRamp
from mqtctl.workflow.calibration import _dummy_numbers

FIT = DummyFit(
    delay=10e-6, delay_stderr=1e-7, offset=20e-9, offset_stderr=1e-10, transresistance=2.02e5,
    transresistance_stderr=10.0, noise=2e-3, nonlinearity=1e-4, chi2=30.0, dof=30, pvalue=0.5,
)  # fmt: skip


def test_the_offset_is_given_in_true_amperes_as_it_is_applied() -> None:
    numbers = _dummy_numbers(FIT, transresistance=2e5)
    assert numbers["scale"] == pytest.approx(1.01)
    # the fit reckons in the source's own amperes, of which each is 1.01 true ones
    assert numbers["offset"] == pytest.approx(1.01 * 20e-9)
    assert numbers["offset_uncertainty"] == pytest.approx(1.01e-10)
    # a threshold V is passed at V/(G R), in true amperes: 1 V at 5 uA
    interval = np.array([(1.0 / 2.02e5 - 20e-9) / 1e-3 + 10e-6])
    ramp = MeasuredRamp(0.0, 9.8e-6, numbers["scale"] * 1e-3, 0.0125, numbers["delay"], numbers["offset"])
    assert ramp.current(interval) == pytest.approx(5e-6, rel=1e-9)


def test_without_a_known_resistance_the_source_is_believed() -> None:
    numbers = _dummy_numbers(FIT, transresistance=None)
    assert (numbers["scale"], numbers["scale_uncertainty"], numbers["offset"]) == (1.0, None, 20e-9)


def test_a_resistance_that_is_not_what_was_stated_is_refused() -> None:
    with pytest.raises(InputError, match="check --dummy-resistor and --amplifier-gain"):
        _dummy_numbers(FIT, transresistance=1e6)
