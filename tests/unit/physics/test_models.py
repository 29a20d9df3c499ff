"""Thermal and tunnelling models: limits, conventions, validity, wrong input."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from scipy.integrate import quad

import mqtctl.physics as physics
from mqtctl.errors import InputError
from mqtctl.physics import (
    ButtikerHarrisLandauer,
    CrossoverFormula,
    Escape,
    Junction,
    Kramers,
    MelnikovMeshkov,
    NoiseTemperature,
    PeriodicBounce,
    QuantumCorrectedThermal,
    Retrapping,
    TransitionState,
    Tunneling,
    WeakDampingTunneling,
    WellModel,
)
from mqtctl.physics.bounce.closed_forms import (
    CLOSED_FORM_ACTION_ERROR,
    CLOSED_FORM_PREFACTOR_ERROR,
    action_ratio,
    log_prefactor_ratio,
)
from mqtctl.physics.bounce.numerical import kramers_factor
from mqtctl.physics.bounce.table import zero_temperature_bounce
from mqtctl.physics.models.names import ESCAPE_MODELS
from mqtctl.physics.models.thermal import log_depletion_factor

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
MODELS = [
    TransitionState(),
    Kramers(),
    ButtikerHarrisLandauer(),
    MelnikovMeshkov(),
    WeakDampingTunneling(),
    Tunneling(),
    Tunneling(method="closed form"),
    Escape(),
]


@pytest.mark.parametrize("loss", [1e-4, 0.03, 0.5, 2.0, 8.0, 40.0])
def test_the_depletion_factor_is_its_integral(loss: float) -> None:
    def integrand(angle: float) -> float:
        return math.log(-math.expm1(-loss / (4.0 * math.cos(angle) ** 2)))

    expected = 2.0 / math.pi * quad(integrand, 0.0, 0.5 * math.pi, epsabs=1e-12, limit=500)[0]
    assert float(log_depletion_factor(loss)) == pytest.approx(expected, abs=1e-11)


def test_the_depletion_factor_has_its_limits() -> None:
    assert float(log_depletion_factor(0.0)) == -math.inf
    assert float(log_depletion_factor(math.inf)) == 0.0
    # A = D (1 + zeta(1/2) (D/pi)^(1/2) ...) for small D
    assert math.exp(float(log_depletion_factor(1e-8))) / 1e-8 == pytest.approx(
        1.0 - 1.46035 * math.sqrt(1e-8 / math.pi), abs=1e-8
    )


def test_transition_state_is_an_upper_bound_of_the_classical_rates() -> None:
    x = np.linspace(0.02, 0.5, 30)
    bound = TransitionState().log_rate(JUNCTION, one_minus_s=x, temperature=0.5)
    for model in (Kramers(), MelnikovMeshkov()):
        assert np.all(model.log_rate(JUNCTION, one_minus_s=x, temperature=0.5) < bound)


def test_the_turnover_tends_to_kramers_in_strong_and_to_energy_diffusion_in_weak_damping() -> None:
    strong = Junction(1e-6, 1e-13, 20.0)
    args = {"one_minus_s": 0.1, "temperature": 0.1}
    assert MelnikovMeshkov().log_rate(strong, **args) == pytest.approx(
        float(Kramers().log_rate(strong, **args)), abs=1e-6
    )
    weak = Junction(1e-6, 1e-13, 1e9)
    exact = ButtikerHarrisLandauer("exact").log_rate(weak, **args)
    # both tend to 7.2 u/Q; BHL reaches it as 1 - O((D)^(1/2)) like the exact factor
    assert MelnikovMeshkov().log_rate(weak, **args) == pytest.approx(float(exact), abs=2e-3)


def test_undamped_junctions_do_not_activate_in_models_with_depletion() -> None:
    bare = Junction(1e-6, 1e-13)
    for model in (ButtikerHarrisLandauer(), MelnikovMeshkov()):
        assert model.log_rate(bare, 0.9e-6, 0.1) == -math.inf


def test_the_constants_of_buttiker_harris_landauer_are_chosen_by_name_or_number() -> None:
    assert ButtikerHarrisLandauer("exact").a == pytest.approx(math.pi / 1.4603545088095868**2, rel=1e-14)
    assert ButtikerHarrisLandauer("unity").a == ButtikerHarrisLandauer(1.0).a
    with pytest.raises(InputError, match="constant"):
        ButtikerHarrisLandauer("best")  # type: ignore[arg-type] # that is the test
    with pytest.raises(InputError, match="constant"):
        ButtikerHarrisLandauer(-1.0)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_rates_are_minus_infinity_without_a_well_and_never_nan(model: WellModel) -> None:
    x = np.array([-0.5, 0.0, 1e-300, 1e-12, 0.01, 1.0, 1.999999, 2.0, 3.0])
    for temperature in (0.0, 1e-300, 1e-6, 0.02, 10.0):
        rates = model.log_rate(JUNCTION, one_minus_s=x, temperature=temperature)
        assert not np.isnan(rates).any()
        assert not np.isposinf(rates).any()
        np.testing.assert_array_equal(rates[[0, 1, 7, 8]], -np.inf)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_rates_broadcast_current_against_temperature(model: WellModel) -> None:
    current, temperature = np.linspace(9e-6, 9.4e-6, 7)[:, None], np.array([0.02, 0.1, 0.5])
    table = model.log_rate(JUNCTION, current, temperature)
    assert table.shape == (7, 3)
    for column, kelvin in enumerate(temperature):
        np.testing.assert_allclose(table[:, column], model.log_rate(JUNCTION, current[:, 0], kelvin), rtol=1e-13)
    assert np.ndim(model.log_rate(JUNCTION, 9.3e-6, 0.1)) == 0
    assert np.size(model.log_rate(JUNCTION, np.empty(0), 0.1)) == 0


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_many_currents_at_once_give_what_few_give(model: WellModel) -> None:
    x = np.concatenate([np.geomspace(1e-9, 1.99, 20000), [0.0, -1.0, 2.5]])
    many = model.log_rate(JUNCTION, one_minus_s=x, temperature=0.03)
    chosen = slice(0, None, 997)
    few = model.log_rate(JUNCTION, one_minus_s=x[chosen], temperature=0.03)
    np.testing.assert_allclose(many[chosen], few, rtol=2e-10, atol=2e-8)
    np.testing.assert_array_equal(many[-3:], -np.inf)


def test_temperature_must_be_given_finite_and_not_negative() -> None:
    for temperature in (-0.1, math.nan, math.inf, None):
        with pytest.raises(InputError, match="temperature"):
            TransitionState().log_rate(JUNCTION, 9e-6, temperature)
    with pytest.raises(InputError, match="barrier"):
        TransitionState(barrier="square")  # type: ignore[arg-type] # that is the test
    with pytest.raises(InputError, match="method"):
        Tunneling("wkb")  # type: ignore[arg-type] # that is the test


def test_tunnelling_ignores_temperature_but_keeps_its_shape() -> None:
    for model in (Tunneling(), WeakDampingTunneling()):
        rates = model.log_rate(JUNCTION, 9.4e-6, np.array([0.0, 0.1, 1.0]))
        assert rates.shape == (3,)
        assert np.ptp(rates) == 0.0
        assert rates[0] == model.log_rate(JUNCTION, 9.4e-6)


def test_the_closed_forms_keep_their_stated_error() -> None:
    damping = np.concatenate([[0.0], np.geomspace(1e-3, 10.0, 60)])
    action, log_prefactor = zero_temperature_bounce(np.array([kramers_factor(g) for g in damping]))
    assert np.max(np.abs(action_ratio(damping) / (action / 7.2) - 1.0)) < CLOSED_FORM_ACTION_ERROR
    ratio = log_prefactor - 0.5 * math.log(120.0 * math.pi * 7.2) + math.log(2.0 * math.pi)
    error = np.abs(log_prefactor_ratio(damping) - ratio)
    assert np.max(error[damping <= 5.0]) < CLOSED_FORM_PREFACTOR_ERROR
    assert np.max(error) < 1.7e-3


def test_weak_damping_is_the_limit_of_the_bounce() -> None:
    junction = Junction(9.489e-6, 6.35e-12, 190e3)  # Q = 3e4
    law = WeakDampingTunneling(coefficient=0.87228, damped_prefactor=True).log_rate(junction, 9.4e-6)
    leading = Tunneling(finite_barrier="never").log_rate(junction, 9.4e-6)
    assert leading == pytest.approx(float(law), abs=1e-6)


def test_validity_names_the_criterion_that_fails() -> None:
    validity = WeakDampingTunneling().validity(Junction(1e-6, 1e-13, 20.0), 0.9e-6)
    assert not validity.valid
    assert any("quality factor" in sentence for sentence in validity.warnings)
    assert Escape().validity(JUNCTION, 9.4e-6, 0.02).warnings == ()
    assert bool(Escape().validity(JUNCTION, 9.4e-6, 0.02).valid)
    few = Escape().validity(JUNCTION, one_minus_s=0.001, temperature=0.02)
    assert any("barrier quanta" in sentence for sentence in few.warnings)
    noisy = TransitionState().validity(Junction(1e-8, 1e-13), 0.5e-8, 1.0)
    assert any("E_J/kT" in sentence for sentence in noisy.warnings)
    cold = TransitionState().validity(JUNCTION, 9.3e-6, 0.04)
    assert any("T/T0" in sentence for sentence in cold.warnings)


def test_validity_says_plainly_that_there_is_no_well() -> None:
    validity = Escape().validity(JUNCTION, np.array([9.4e-6, 9.6e-6]), 0.02)
    np.testing.assert_array_equal(validity.valid, [True, False])
    assert "no metastable well" in validity.warnings[0]


def test_a_rate_can_carry_its_validity() -> None:
    rate = Kramers().rate(JUNCTION, np.array([9.0e-6, 9.2e-6]), 0.3)
    np.testing.assert_allclose(rate.rate, np.exp(rate.log_rate))
    assert rate.validity.warnings  # 7.2 u/Q is about 2: the well is depleted
    assert "depleted" in rate.validity.warnings[0]


def test_every_rate_formula_cites_a_source_and_an_equation() -> None:
    models = [
        value
        for name in physics.__all__
        if inspect.isclass(value := getattr(physics, name))
        and hasattr(value, "log_rate")
        and name not in ("EscapeModel", "WellModel")
    ]
    assert len(models) >= 11
    for model in models:
        text = inspect.getdoc(model) or ""
        formula = inspect.getdoc(getattr(model, "log_rate_in", getattr(model, "_log_rate", model.log_rate))) or ""
        for doc in (text, formula):
            assert "eq" in doc, model
            assert "19" in doc or "20" in doc, model
    for name in ("metastable_levels", "undamped_thermal_log_rate", "two_well_renormalisation"):
        assert "eq." in (inspect.getdoc(getattr(physics, name)) or ""), name


@pytest.mark.parametrize("model", [PeriodicBounce(), QuantumCorrectedThermal(), CrossoverFormula()], ids=repr)
@pytest.mark.parametrize("temperature", [0.0, 0.02, 0.03, 0.1])
def test_many_currents_at_once_keep_what_a_formula_answers_beyond_its_end(model: WellModel, temperature: float) -> None:
    x = np.append(np.geomspace(1e-4, 1.0, 20000), math.nan)
    many = model.log_rate(JUNCTION, one_minus_s=x, temperature=temperature)
    few = model.log_rate(JUNCTION, one_minus_s=x[::-500], temperature=temperature)
    np.testing.assert_allclose(many[::-500], few, rtol=2e-10, atol=2e-8)
    assert math.isnan(few[0])


def test_many_currents_against_one_temperature_keep_the_broadcast_shape() -> None:
    x = np.full(20000, 0.01)
    for shape in ((), (1,), (1, 1), (1, 1, 1)):
        rates = Escape().log_rate(JUNCTION, one_minus_s=x, temperature=np.full(shape, 0.1))
        assert rates.shape == np.broadcast_shapes(x.shape, shape)


@pytest.mark.parametrize("model", [*MODELS, PeriodicBounce(), QuantumCorrectedThermal(), CrossoverFormula()], ids=repr)
@pytest.mark.parametrize("resistance", [math.inf, 1e9, 190.0, 1e-3, 1e-9])
def test_any_damping_and_any_current_are_answered_without_warnings(model: WellModel, resistance: float) -> None:
    junction = Junction(9.489e-6, 6.35e-12, resistance)
    current = np.array([math.nan, math.inf, -math.inf, 9.489e-6, -9.489e-6, 1.0, 9.4e-6, 0.0, -9.4e-6])
    for temperature in (0.0, 1e-9, 0.02, 4.2, 1e6):
        rates = model.log_rate(junction, current, temperature)
        assert math.isnan(rates[0])
        np.testing.assert_array_equal(rates[1:6], -np.inf)
        validity = model.validity(junction, current, temperature)
        assert not validity.valid[:6].any()
        assert "no metastable well" in validity.warnings[0]


def test_every_model_of_the_package_reports_its_validity() -> None:
    models = [value() for name in ESCAPE_MODELS if (value := ESCAPE_MODELS[name])]
    for model in (*models, NoiseTemperature(Escape(), 0.1), Retrapping(Escape(), 1e-6), PeriodicBounce()):
        few = model.validity(JUNCTION, one_minus_s=1e-4, temperature=0.1)
        assert not few.valid
        assert all(len(sentence) > 20 for sentence in few.warnings)
        assert model.rate(JUNCTION, 9.3e-6, 0.1).validity.has_well
        gone = model.validity(JUNCTION, 9.6e-6, 0.1)
        assert gone.warnings == (gone.warnings[0],)
        assert "no metastable well" in gone.warnings[0]
