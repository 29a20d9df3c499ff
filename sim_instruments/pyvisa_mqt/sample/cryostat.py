"""The cryostat: a mixing chamber that a heater warms and helium cools, and the sample hanging on it.

    C_m dT_m/dt = P_heater + P_leak + P_link - P_cool [(T_m/T_r)^2 - (T_b/T_r)^2]
    C_s dT_s/dt = P_junction - P_link,         P_link = P_l [(T_s/T_l)^n - (T_m/T_l)^n]

The cooling power of a dilution refrigerator grows as T^2 and vanishes at its base temperature
(Pobell, Matter and Methods at Low Temperatures, 3rd ed., eq. 7.31, with the leak of heat lumped
into T_b). Heat capacities follow C = C_r (T/T_r)^m, m = 1 for metals and for the mixture; a link of
metal carries a power that grows with n = 2 (Wiedemann-Franz). The bench file gives time
constants, which a laboratory knows, rather than heat capacities: C_r = tau dP/dT at T_r.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Cryostat", "CryostatModel"]

_COLDEST = 1e-3  # K; nothing on the bench gets colder, and powers of T stay finite
_LARGEST_CHANGE = 0.005  # of a temperature in one internal step


@dataclass(frozen=True)
class CryostatModel:
    """The numbers of a cryostat, all SI.

    Attributes
    ----------
    base_temperature
        T_b in K, reached by the mixing chamber without load.
    cooling_power, cooling_temperature
        P_cool in W at the mixing-chamber temperature T_r in K.
    time_constant, capacity_exponent
        Of the mixing chamber at T_r: tau in s, and m.
    link_power, link_temperature, link_exponent
        P_l in W that flows from a sample at T_l (K) to a mixing chamber at absolute zero, and n.
    sample_time_constant, sample_capacity_exponent
        Of the sample at T_l behind its link: tau in s, and m.
    heat_leak
        Power in W into the mixing chamber from elsewhere, besides what the base temperature contains.
    drift
        Rise of the base temperature in K/s.
    """

    base_temperature: float = 0.012
    cooling_power: float = 400e-6
    cooling_temperature: float = 0.1
    time_constant: float = 20.0
    capacity_exponent: float = 1.0
    link_power: float = 1.5e-3
    link_temperature: float = 0.1
    link_exponent: float = 2.0
    sample_time_constant: float = 1.0
    sample_capacity_exponent: float = 1.0
    heat_leak: float = 0.0
    drift: float = 0.0


class Cryostat:
    """Temperatures of mixing chamber and sample as time goes by.

    Attributes
    ----------
    mixing_chamber, sample
        Temperatures in K.
    """

    def __init__(self, model: CryostatModel) -> None:
        self._model = model
        self._cooling = model.cooling_power / model.cooling_temperature**2
        cooling_slope = 2.0 * model.cooling_power / model.cooling_temperature
        self._capacity = model.time_constant * cooling_slope
        link_slope = model.link_exponent * model.link_power / model.link_temperature
        self._link_slope = link_slope
        self._sample_capacity = model.sample_time_constant * link_slope
        self._time = 0.0
        self.mixing_chamber = self._resting_temperature()
        self.sample = self.mixing_chamber

    def _base(self) -> float:
        """Return the base temperature in K now."""
        return max(self._model.base_temperature + self._model.drift * self._time, _COLDEST)

    def _resting_temperature(self) -> float:
        """Return the mixing chamber's temperature in K without heaters."""
        return math.sqrt(max(self._base() ** 2 + self._model.heat_leak / self._cooling, _COLDEST**2))

    def step(self, duration: float, heater_power: float, sample_power: float) -> None:
        """Let time pass at constant powers (W), in steps of at most `duration` (s) and as fine as they must be."""
        left = duration
        while left > 1e-12:
            left -= self._substep(left, heater_power, sample_power)

    def _substep(self, longest: float, heater_power: float, sample_power: float) -> float:
        """Advance by one linearly implicit Euler step and return its length in s.

        Both heat flows are linearised at the present temperatures and the two equations solved
        together, so that the stiff link between a small sample and the mixing chamber needs no small
        steps; the step is halved until no temperature moves by more than half a per cent.
        """
        model = self._model
        hot, cold = self.sample, self.mixing_chamber
        n, reference = model.link_exponent, model.link_temperature
        # Powers and their slopes, W and W/K.
        slope_hot = self._link_slope * (hot / reference) ** (n - 1.0)
        slope_cold = self._link_slope * (cold / reference) ** (n - 1.0)
        link = (slope_hot * hot - slope_cold * cold) / n
        cooling = self._cooling * (cold * cold - self._base() ** 2)
        slope_cooling = 2.0 * self._cooling * cold
        capacity = self._capacity * (cold / model.cooling_temperature) ** model.capacity_exponent
        sample_capacity = self._sample_capacity * (hot / reference) ** model.sample_capacity_exponent
        into_cold = heater_power + model.heat_leak + link - cooling
        into_hot = sample_power - link
        step = longest
        while True:
            a, b = capacity / step + slope_cooling + slope_cold, -slope_hot
            c, d = -slope_cold, sample_capacity / step + slope_hot
            determinant = a * d - b * c
            rise_cold = (into_cold * d - b * into_hot) / determinant
            rise_hot = (a * into_hot - c * into_cold) / determinant
            fine = abs(rise_cold) / cold <= _LARGEST_CHANGE and abs(rise_hot) / hot <= _LARGEST_CHANGE
            if fine or step < 1e-6:
                break
            step *= 0.5
        self.mixing_chamber = max(cold + rise_cold, _COLDEST)
        self.sample = max(hot + rise_hot, _COLDEST)
        self._time += step
        return step
