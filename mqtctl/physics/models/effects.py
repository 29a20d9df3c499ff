"""Optional effects, each a small model of its own that wraps or modifies the others.

`NoiseTemperature`
    Current noise from outside, or a sample that does not follow the thermometer, as an effective temperature.
`PlasmaDamping`
    Another resistance at the plasma frequency than at low frequency.
`AmbegaokarBaratoff`
    Critical current against temperature.
`Retrapping`
    Multiple escape and retrapping of a moderately damped junction: phase diffusion.
`two_well_renormalisation`
    A cutoff-dependent factor that is often quoted for tunnelling and does not belong to escape; for comparison only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import k

from mqtctl.errors import InputError
from mqtctl.physics.models.protocol import EscapeModel, RateModel, checked_model, checked_temperature
from mqtctl.physics.models.validity import Criterion, Validity
from mqtctl.physics.well.junction import Junction
from mqtctl.physics.well.potential import well_exists

__all__ = ["AmbegaokarBaratoff", "NoiseTemperature", "PlasmaDamping", "Retrapping", "two_well_renormalisation"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class _Wrapped(RateModel):
    """A model that asks another one."""

    model: EscapeModel

    def __post_init__(self) -> None:
        checked_model(self.model)

    @property
    def contains_depletion(self) -> bool:  # type: ignore[override]  # of the others it is a property of the class
        """Whether the model inside contains the depletion of the well by escape."""
        return bool(getattr(self.model, "contains_depletion", False))

    def _inner_validity(self, junction: Junction, x: FloatArray, temperature: FloatArray) -> Validity:
        """Return the validity of the model inside; of one that cannot say, whether there is a well."""
        if isinstance(self.model, RateModel):
            return self.model.validity(junction, None, temperature, one_minus_s=x)
        return Validity(well_exists(x), ())


@dataclass(frozen=True)
class NoiseTemperature(_Wrapped):
    """Any escape model at (T^n + T_noise^n)^(1/n); n = 1: white current noise adds to that of the damping resistor.

    With n = 1 the spectral densities 4 k T/R and that of the extra noise add, so temperatures add linearly. Holds for
    classical noise that is white up to the plasma frequency (Johnson, Phys. Rev. 32, 97 (1928), eq. 1 [M];
    Devoret et al., PRL 53, 1260 (1984) [M]).

    Parameters
    ----------
    model
        The model to evaluate.
    excess
        T_noise in K, 0 or more.
    exponent
        n, 1 or more. 1 (default): noise powers add. 2: in quadrature, by which a width saturates as in tunnelling. 5:
        a sample whose electrons are heated by a constant power and cooled by phonons (Wellstood, Urbina and Clarke, PRB
        49, 5942 (1994), eq. 1 [M]), so that they stay at T_noise when the thermometer falls below.
    """

    excess: float
    exponent: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.excess < math.inf:
            raise InputError(f"excess temperature is {self.excess} K; it must be 0 or more and finite")
        if not 1.0 <= self.exponent < math.inf:
            raise InputError(f"exponent is {self.exponent}; it must be 1 or more and finite")

    def effective(self, temperature: FloatArray) -> FloatArray:
        """Return the temperature in K that the junction escapes with, at a bath temperature in K."""
        if self.exponent == 1.0:
            return temperature + self.excess
        larger, smaller = np.maximum(temperature, self.excess), np.minimum(temperature, self.excess)
        ratio = smaller / np.where(larger > 0.0, larger, 1.0)
        return np.asarray(larger * (1.0 + ratio**self.exponent) ** (1.0 / self.exponent))

    def _log_rate(self, junction: Junction, x: FloatArray, temperature: FloatArray) -> FloatArray:
        """Return ln(Gamma / 1 s^-1) of the model at the effective temperature (Johnson 1928, eq. 1 [M])."""
        return self.model.log_rate(junction, None, self.effective(temperature), one_minus_s=x)

    def _validity(self, junction: Junction, x: FloatArray, temperature: FloatArray) -> Validity:
        return self._inner_validity(junction, x, self.effective(temperature))


@dataclass(frozen=True)
class PlasmaDamping(_Wrapped):
    """Any escape model with another resistance than the junction's: what it sees at the plasma frequency.

    Leads damp the plasma oscillation with 50 to 200 Ohm whatever the resistance at low frequency, which retrapping and
    the voltage state are about (Martinis, Devoret and Clarke, PRB 35, 4682 (1987), eq. 2.5 [M]).

    Parameters
    ----------
    model
        The model to evaluate.
    resistance
        R in Ohm at the plasma frequency, > 0.
    """

    resistance: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.resistance > 0.0:
            raise InputError(f"resistance is {self.resistance} Ohm; it must be positive")

    def _log_rate(self, junction: Junction, x: FloatArray, temperature: FloatArray) -> FloatArray:
        """Return ln(Gamma / 1 s^-1) of the model with this damping (Martinis et al. 1987, eq. 2.5 [M])."""
        return self.model.log_rate(replace(junction, resistance=self.resistance), None, temperature, one_minus_s=x)

    def _validity(self, junction: Junction, x: FloatArray, temperature: FloatArray) -> Validity:
        return self._inner_validity(replace(junction, resistance=self.resistance), x, temperature)


@dataclass(frozen=True)
class AmbegaokarBaratoff:
    """Critical current of a tunnel junction between equal superconductors against temperature.

    Ic(T)/Ic(0) = [D(T)/D(0)] tanh[D(T)/2kT] (Ambegaokar and Baratoff, PRL 10, 486 (1963), eq. 8 [M]) with the
    usual interpolation D(T) = D(0) tanh[1.74 (Tc/T - 1)^(1/2)] of the BCS gap (within 2 %; Gross et al., Z.
    Phys. B 64, 175 (1986), eq. 2 [M]).

    Parameters
    ----------
    transition_temperature
        Tc in K, > 0.
    gap_ratio
        D(0)/(k Tc); 1.764 in weak coupling, about 1.9 for Nb.
    """

    transition_temperature: float
    gap_ratio: float = 1.764

    def __post_init__(self) -> None:
        for name in ("transition_temperature", "gap_ratio"):
            value = getattr(self, name)
            if not 0.0 < value < math.inf:
                raise InputError(f"{name} is {value}; it must be positive and finite")

    def ratio(self, temperature: ArrayLike) -> FloatArray:
        """Return Ic(T)/Ic(0) at temperatures in K (Ambegaokar and Baratoff 1963, eq. 8 [M]); 0 from Tc on."""
        kelvin = checked_temperature(temperature)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            reduced = self.transition_temperature / kelvin
            gap = np.tanh(1.74 * np.sqrt(np.maximum(reduced - 1.0, 0.0)))
            value = gap * np.tanh(0.5 * self.gap_ratio * reduced * gap)
        return np.asarray(np.where(reduced > 1.0, value, 0.0))[()]

    def junction(self, cold: Junction, temperature: float) -> Junction:
        """Return the junction at a temperature (K) below Tc, given what it is at T = 0."""
        ratio = float(self.ratio(temperature))
        if not ratio > 0.0:
            limit = f"below the transition temperature {self.transition_temperature} K"
            raise InputError(f"temperature is {temperature} K; a critical current exists only {limit}")
        return replace(cold, critical_current=cold.critical_current * ratio)


@dataclass(frozen=True)
class Retrapping(_Wrapped):
    """Escape that counts only if the junction stays in the voltage state long enough to be seen.

    After each escape (rate Ge of `model`) the junction runs and is retrapped at the rate

        Gr = wp(0) (I - Ir)/Ic [E_J/(2 pi k T)]^(1/2) exp[-E_J Q(0)^2 (I - Ir)^2 / (2 k T Ic^2)]

    (Ben-Jacob, Bergman, Matkowsky and Schuss, PRA 26, 2805 (1982), eq. 3.18 [M]); below Ir = 4 Ic/(pi Q(0))
    it is retrapped at once, and just above Ir, where the prefactor would let it vanish, Gr keeps its largest value.
    A switch is recorded when it has run for `detection_time` td. The cycles are a renewal process; their success
    rate, slow against one cycle, is exp(-Gr td) / [1/Ge + (1 - exp(-Gr td))/Gr]. Multiple escape and retrapping
    narrows the distribution as T rises (d sigma/dT < 0, Fenton and Warburton, PRB 78, 054526 (2008) =
    arXiv:0807.4502). Validity: 1 < Q(0) < about 10.

    Parameters
    ----------
    model
        The escape model.
    detection_time
        td in s, > 0: how long a voltage must last for the electronics to see it.
    """

    detection_time: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.detection_time < math.inf:
            raise InputError(f"detection_time is {self.detection_time} s; it must be positive and finite")

    def log_retrapping_rate(
        self,
        junction: Junction,
        bias_current: ArrayLike | None = None,
        temperature: ArrayLike | None = None,
        *,
        one_minus_s: ArrayLike | None = None,
    ) -> FloatArray:
        """Return ln(Gr / 1 s^-1) (Ben-Jacob et al. 1982, eq. 3.18 [M]); inf below Ir, -inf at T = 0 above it.

        Arguments as for `log_rate`: current in A or x, temperature in K, broadcast; NaN current gives NaN.
        """
        _, x, kelvin = self._arguments(junction, bias_current, temperature, one_minus_s)
        quality = junction.zero_bias_quality_factor
        excess = 1.0 - x - junction.retrapping_current / junction.critical_current
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            stiffness = junction.josephson_energy / (k * kelvin)
            # the prefactor vanishes at Ir, where retrapping is surest: below its peak the peak value stands
            distance = np.maximum(excess, 1.0 / (quality * np.sqrt(stiffness)))
            exponent = 0.5 * stiffness * (quality * distance) ** 2
            prefactor = np.log(distance * junction.zero_bias_plasma_frequency) + 0.5 * np.log(stiffness / (2.0 * np.pi))
            value = np.where(np.isinf(exponent), -np.inf, prefactor - exponent)
        return np.asarray(np.where(excess <= 0.0, np.inf, value))[()]

    def _log_rate(self, junction: Junction, x: FloatArray, temperature: FloatArray) -> FloatArray:
        """Return ln of the rate in 1/s of switches that last (Ben-Jacob et al. 1982, eq. 3.18 [M]); -inf below Ir."""
        log_escape = self.model.log_rate(junction, None, temperature, one_minus_s=x)
        log_retrap = self.log_retrapping_rate(junction, None, temperature, one_minus_s=x)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            expected = np.exp(log_retrap + math.log(self.detection_time))  # retrappings within td, if it ran so long
            # share of the detection time that a run lasts on average
            fraction = np.where(expected > 1e-8, -np.expm1(-expected) / expected, 1.0)
            log_run = np.log(fraction) + math.log(self.detection_time)
            log_cycle = np.logaddexp(-log_escape, np.where(np.isfinite(log_run), log_run, -np.inf))
            result = -expected - log_cycle
        return np.where(np.isneginf(log_escape) | np.isinf(expected), -np.inf, result)

    def _validity(self, junction: Junction, x: FloatArray, temperature: FloatArray) -> Validity:
        inner = self._inner_validity(junction, x, temperature)
        quality = np.full(x.shape, junction.zero_bias_quality_factor)
        other = "retrapping at rate Gr is derived for moderate damping only"
        return Validity(inner.has_well, (*inner.criteria, Criterion("zero-bias Q", quality, 1.0, 10.0, other)))


def two_well_renormalisation(
    junction: Junction, bias_current: ArrayLike, *, cutoff_frequency: float, coupling: float
) -> FloatArray:
    """Return (wp/wc)^(2 alpha), the renormalisation of a two-well tunnel splitting by an ohmic bath.

    It is not a factor of the escape rate. It describes how a bath with cutoff wc dresses the coherent splitting
    between two degenerate wells: slow oscillators follow adiabatically, and the overlap of their states shrinks as a
    power of the cutoff (Leggett et al., RMP 59, 1 (1987), eq. 3.16 [M]). Escape from a single metastable well
    into a continuum has no such degeneracy: there ohmic damping gives exp(-7.2 N 0.87/Q)(1 + 1.43/Q) with no
    cutoff in it (Caldeira and Leggett, PRL 46, 211 (1981), eq. 7 [M]), which is what `Tunneling` and `Escape`
    use. This factor multiplies no rate of this package; it is offered for comparison with texts that use it.

    Parameters
    ----------
    junction, bias_current
        Junction, and bias in A, any shape.
    cutoff_frequency
        wc in rad/s, > 0.
    coupling
        alpha, dimensionless, 0 or more.
    """
    if not 0.0 < cutoff_frequency < math.inf or not 0.0 <= coupling < math.inf:
        values = f"cutoff_frequency is {cutoff_frequency} rad/s and coupling {coupling}"
        raise InputError(f"{values}; the first must be positive, the second 0 or more, both finite")
    frequency = junction.plasma_frequency(bias_current)
    return np.asarray((frequency / cutoff_frequency) ** (2.0 * coupling))[()]
