"""The potential that a junction owns: a short channel against searches and integrals that know none of its formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar

from mqtctl.errors import InputError
from mqtctl.physics import Escape, Junction, Kramers, TransparentChannel, Tunneling, Washboard, metastable_levels
from mqtctl.physics.well.names import potential

DISTANCES = np.array([1e-100, 1e-30, 1e-12, 1e-6, 1e-3, 0.01, 0.1, 0.5, 1.0, 1.5, 1.99])


def junction_with(transmission: float) -> Junction:
    return Junction(1e-6, 1e-12, 300.0, potential=TransparentChannel(transmission))


class Searched:
    """Beenakker's relation, maximised and inverted by search, its potential by quadrature."""

    def __init__(self, transmission: float) -> None:
        self._transmission = transmission
        found = minimize_scalar(
            lambda p: -self._plain(p), bounds=(0.1, 3.1), method="bounded", options={"xatol": 1e-12}
        )
        self.at_most, self.most = float(found.x), -float(found.fun)

    def _plain(self, phase: float) -> float:
        return math.sin(phase) / math.sqrt(1.0 - self._transmission * math.sin(phase / 2.0) ** 2)

    def current(self, phase: float) -> float:
        return self._plain(phase) / self.most

    def slope(self, phase: float) -> float:
        return (self.current(phase + 1e-5) - self.current(phase - 1e-5)) / 2e-5

    def ends(self, s: float) -> tuple[float, float]:
        """Return the phases of minimum and maximum at I/Ic = s."""
        low = brentq(lambda p: self.current(p) - s, -self.at_most, self.at_most, xtol=1e-15)
        high = brentq(lambda p: self.current(p) - s, self.at_most, 2.0 * math.pi - self.at_most, xtol=1e-15)
        return float(low), float(high)

    def rise(self, s: float, begin: float, end: float) -> float:
        """Return U(end) - U(begin) in E_J."""
        points = [math.pi] if begin < math.pi < end else None
        value = quad(lambda p: self.current(p) - s, begin, end, points=points, epsabs=1e-13, epsrel=1e-12, limit=300)
        return float(value[0])


@pytest.mark.parametrize("transmission", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("x", [0.01, 0.3, 1.4])
def test_barrier_and_frequencies_of_a_channel_are_those_of_a_search(transmission: float, x: float) -> None:
    searched, channel = Searched(transmission), TransparentChannel(transmission)
    low, high = searched.ends(1.0 - x)
    well, top = channel.frequencies(np.array(x))
    assert channel.barrier(np.array(x)) == pytest.approx(searched.rise(1.0 - x, low, high), rel=1e-10)
    assert well == pytest.approx(math.sqrt(searched.slope(low)), rel=1e-8)
    assert top == pytest.approx(math.sqrt(-searched.slope(high)), rel=1e-8)


def test_a_channel_without_transmission_is_the_washboard() -> None:
    channel, washboard = TransparentChannel(0.0), Washboard()
    for faint, tolerance in ((channel, 1e-14), (TransparentChannel(1e-9), 1e-9)):
        np.testing.assert_allclose(faint.barrier(DISTANCES), washboard.barrier(DISTANCES), rtol=tolerance)
        for own, known in zip(faint.frequencies(DISTANCES), washboard.frequencies(DISTANCES), strict=True):
            np.testing.assert_allclose(own, known, rtol=tolerance)
        assert faint.running_path == pytest.approx(8.0, rel=tolerance)
    temperatures = np.array([[0.0], [0.05], [1.0]])
    x = np.linspace(1e-3, 0.3, 20)
    plain, other = Junction(1e-6, 1e-12, 300.0), junction_with(0.0)
    for model in (Escape(), Kramers(), Tunneling()):
        np.testing.assert_allclose(
            model.log_rate(other, None, temperatures, one_minus_s=x),
            model.log_rate(plain, None, temperatures, one_minus_s=x),
            rtol=1e-12,
        )


def test_every_channel_is_the_cubic_close_to_its_critical_current_with_all_digits() -> None:
    x = DISTANCES[:3]
    for transmission in (0.3, 0.9):
        well, top = TransparentChannel(transmission).frequencies(x)
        np.testing.assert_allclose(np.sqrt(well * top), (2.0 * x) ** 0.25, rtol=1e-11)
        # the top gains on the well as the root of the distance
        np.testing.assert_allclose(
            top / well - 1.0, (top[2] / well[2] - 1.0) * np.sqrt(x / x[2]), rtol=1e-3, atol=1e-14
        )
        assert top[2] > well[2]


def test_outside_the_well_there_is_nothing() -> None:
    junction = junction_with(0.6)
    assert np.all(junction.barrier([1e-6, 2e-6, -1e-6]) == 0.0)
    assert np.all(junction.plasma_frequency([1e-6, 2e-6, -1e-6]) == 0.0)
    assert np.isneginf(Escape().log_rate(junction, 1.1e-6, 0.1))
    assert np.isnan(Escape().log_rate(junction, np.nan, 0.1))


def test_a_channel_retraps_where_friction_over_a_period_takes_what_the_bias_gives() -> None:
    searched, junction = Searched(0.8), junction_with(0.8)
    path = quad(lambda p: math.sqrt(2.0 * max(searched.rise(0.0, p, math.pi), 0.0)), 0.0, math.pi, epsrel=1e-7)[0]
    expected = 2.0 * path / (2.0 * math.pi * junction.zero_bias_quality_factor) * junction.critical_current
    assert junction.retrapping_current == pytest.approx(expected, rel=1e-6)


def test_the_action_of_a_channel_is_that_of_the_cubic_well_counted_at_the_top() -> None:
    searched, channel, x = Searched(0.6), TransparentChannel(0.6), 0.02
    low, high = searched.ends(1.0 - x)
    exit_ = brentq(lambda p: searched.rise(1.0 - x, low, p), high, high + 2.0 * (high - low))
    wkb = 2.0 * quad(lambda p: math.sqrt(2.0 * max(searched.rise(1.0 - x, low, p), 0.0)), low, exit_, epsrel=1e-6)[0]
    well, top = (float(value) for value in channel.frequencies(np.array(x)))
    cubic = 7.2 * float(channel.barrier(np.array(x)))
    assert wkb == pytest.approx(cubic / (well ** (1.0 / 7.0) * top ** (6.0 / 7.0)), rel=3e-3)
    assert wkb == pytest.approx(cubic / top, rel=0.02)
    assert abs(wkb * well / cubic - 1.0) > 0.03  # counted with the frequency of the well it would be far off


def test_crossover_and_rates_are_those_of_the_junctions_own_potential() -> None:
    plain, other = Junction(1e-6, 1e-12, 300.0), junction_with(0.9)
    top_over_plain = other.barrier_top_frequency(0.9e-6) / plain.plasma_frequency(0.9e-6)
    undamped = other.crossover_temperature(0.9e-6, definition="undamped")
    assert undamped == pytest.approx(top_over_plain * plain.crossover_temperature(0.9e-6, definition="undamped"))
    # hot, the well tries with its own frequency at the same barrier; cold, the top decides
    hot = Kramers().log_rate(other, 0.9e-6, 2.0) - Kramers().log_rate(plain, 0.9e-6, 2.0)
    ratio = other.plasma_frequency(0.9e-6) / plain.plasma_frequency(0.9e-6)
    assert hot == pytest.approx(math.log(ratio), abs=0.02)
    assert Tunneling().log_rate(other, 0.9e-6) > Tunneling().log_rate(plain, 0.9e-6) + 1.0


def test_a_well_and_a_top_that_differ_are_said_where_tunnelling_matters() -> None:
    def sentences(transmission: float, temperature: float) -> str:
        return " ".join(Escape().validity(junction_with(transmission), 0.85e-6, temperature).warnings)

    assert "off this potential" in sentences(0.95, 0.02)
    assert "off this potential" not in sentences(0.95, 3.0)
    assert "off this potential" not in sentences(0.1, 0.02)


def test_exact_levels_are_refused_for_another_potential() -> None:
    with pytest.raises(InputError, match=r"for the washboard and its cubic, not for TransparentChannel\(trans"):
        metastable_levels(junction_with(0.6), 0.99e-6)


@pytest.mark.parametrize("transmission", [1.0, -0.1, math.nan, "0.5"])
def test_a_transmission_out_of_range_is_refused(transmission: Any) -> None:
    with pytest.raises(InputError, match="it must be a number from 0 to below 1"):
        TransparentChannel(transmission)


def test_a_potential_is_named_as_an_escape_model_is() -> None:
    assert potential("washboard") == Washboard()
    named = potential("transparent-channel(transmission=0.6)")
    assert named == potential("mqtctl.physics:TransparentChannel(transmission=0.6)") == TransparentChannel(0.6)
    for text, complaint in (
        ("rippled", "there is no potential 'rippled'; choose one of washboard, transparent-channel"),
        ("mqtctl.physics:Kramers", "not a class with a method barrier"),
        ("transparent-channel", "cannot be made with no parameters"),
        ("transparent-channel(transmission=2)", "transmission is 2"),
    ):
        with pytest.raises(InputError, match=complaint):
            potential(text)
