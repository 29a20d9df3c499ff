"""The distribution of switching currents when the bias is ramped until the junction escapes.

P(I) = [Gamma(I)/v] exp(-int Gamma/v dI) (Fulton and Dunkelberger, PRB 9, 4760 (1974), eq. 8 [M]). Conventions:

- A junction that survives to Ic switches at Ic, one that survives to the end of a shorter ramp is assigned to that
  end. That atom of probability, `survivor_mass`, is part of `cdf`, of the moments and of the samples.
- A ramp that starts below zero can also switch in the direction of negative phase; the hazard is then the sum of both.
- `kurtosis` is the plain fourth standardised moment (3 for a normal distribution).
- Noise, if any, is added to the current at which the junction switched: what the experiment would record.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .escape import Escape
from .hazard import HazardPanels, integrate_hazard
from .junction import Junction
from .models import EscapeModel, WellModel, checked_temperature
from .sampling import QuantileTable
from .smearing import Smearing

__all__ = ["SwitchingDistribution"]

FloatArray = NDArray[np.float64]
_DEFAULT_MODEL = Escape()


class SwitchingDistribution:
    """Switching currents of a junction under a ramp of the bias current.

    Parameters
    ----------
    junction
        The junction.
    temperature
        In K, 0 or more.
    ramp_rate
        dI/dt in A/s, > 0; or, for a ramp that is not linear, a function that takes currents (n,) in A and returns dI/dt
        there, such as a `SampledRamp`. It may go to zero at the end of the ramp.
    model
        Any model with `log_rate(junction, bias_current, temperature, one_minus_s=...)`.
    start_current
        In A, -Ic < start < Ic. Below zero, escapes in the reverse direction are included.
    stop_current
        End of the ramp in A; None (default) for Ic. Higher than Ic means Ic.
    current_noise
        Standard deviation in A of Gaussian noise on the recorded current, constant during a ramp; 0 or more.
    timing_jitter
        Standard deviation in s of the counter's jitter; counts as current noise of that times the ramp rate.

    Raises
    ------
    InputError
        If an argument is out of range.
    """

    def __init__(
        self,
        junction: Junction,
        temperature: float,
        ramp_rate: float | Callable[[FloatArray], FloatArray],
        model: EscapeModel = _DEFAULT_MODEL,
        start_current: float = 0.0,
        *,
        stop_current: float | None = None,
        current_noise: float = 0.0,
        timing_jitter: float = 0.0,
    ) -> None:
        checked_temperature(temperature)
        if not callable(ramp_rate) and not 0.0 < ramp_rate < math.inf:
            raise InputError(f"ramp_rate is {ramp_rate} A/s; it must be positive and finite (mirror a falling ramp)")
        critical = junction.critical_current
        if not -critical < start_current < critical:
            limit = f"between -Ic and Ic = {critical} A, where the junction has a well to start from"
            raise InputError(f"start_current is {start_current} A; it must lie {limit}")
        stop = critical if stop_current is None else min(float(stop_current), critical)
        if not stop > start_current:
            raise InputError(f"stop_current is {stop_current} A; it must be above start_current = {start_current} A")
        for name, value, unit in (("current_noise", current_noise, "A"), ("timing_jitter", timing_jitter, "s")):
            if not 0.0 <= value < math.inf:
                raise InputError(f"{name} is {value} {unit}; it must be 0 or more and finite")
        self.junction = junction
        self.temperature = float(temperature)
        self.ramp_rate = ramp_rate
        self.model = model
        self.start_current = float(start_current)
        self.stop_current = stop
        self._stop_x = float(junction.one_minus_s(stop))
        self._panels: HazardPanels = integrate_hazard(self._log_hazard, (stop - self.start_current) / critical)
        jitter = timing_jitter * self._typical_rate() if timing_jitter > 0.0 else 0.0
        self.noise = math.hypot(current_noise, jitter)

    @property
    def survivor_mass(self) -> float:
        """Probability of reaching the end of the ramp without a switch."""
        return self._panels.survivors

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on where the model is outside its range between the 5 % and 95 % quantiles; empty if nowhere."""
        if not isinstance(self.model, WellModel):
            return ()
        x, _ = self._at_hazard(-np.log1p(-np.linspace(0.05, 0.95, 7)))
        return self.model.validity(self.junction, temperature=self.temperature, one_minus_s=self._stop_x + x).warnings

    def log_pdf(self, current: ArrayLike) -> FloatArray:
        """Return ln of `pdf`, finite far into the tails if there is no noise."""
        amps = np.asarray(current, dtype=np.float64)
        if self._smearing is not None:
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(self._smearing.density(amps.ravel())).reshape(amps.shape))[()]
        inside = (amps >= self.start_current) & (amps < self.stop_current)
        safe = np.where(inside, amps, 0.5 * (self.start_current + self.stop_current))
        return np.where(inside, self._log_density(safe.ravel()).reshape(amps.shape), -np.inf)[()]

    def pdf(self, current: ArrayLike) -> FloatArray:
        """Return the probability density in 1/A at currents in A, any shape; without the survivors' atom."""
        return np.asarray(np.exp(self.log_pdf(current)))[()]

    def cdf(self, current: ArrayLike) -> FloatArray:
        """Return the probability of switching at or below currents in A; 1 from the end of the ramp on."""
        amps = np.asarray(current, dtype=np.float64)
        if self._smearing is not None:
            return np.asarray(self._smearing.below(amps.ravel()).reshape(amps.shape))[()]
        return np.asarray(-np.expm1(-self._integrated(amps)))[()]

    def survival(self, current: ArrayLike) -> FloatArray:
        """Return the probability of switching above currents in A (or not at all), exact in the upper tail."""
        amps = np.asarray(current, dtype=np.float64)
        if self._smearing is not None:
            return np.asarray(self._smearing.above(amps.ravel()).reshape(amps.shape))[()]
        return np.asarray(np.exp(-self._integrated(amps)))[()]

    def ppf(self, probability: ArrayLike) -> FloatArray:
        """Return the current in A below which the given fraction (0 to 1) of ramps has switched."""
        fraction = np.asarray(probability, dtype=np.float64)
        if not np.all((fraction >= 0.0) & (fraction <= 1.0)):
            raise InputError("probability must lie between 0 and 1")
        if self._smearing is not None:
            reach = 9.0 * self.noise
            low, high = (float(edge) for edge in self.current_at_hazard([1e-18, 45.0]))
            result = self._smearing.invert(fraction.ravel(), low - reach, high + reach)
            return np.asarray(result.reshape(fraction.shape))[()]
        with np.errstate(divide="ignore"):
            return self.current_at_hazard(-np.log1p(-fraction))

    def current_at_hazard(self, hazard: ArrayLike) -> FloatArray:
        """Return the current in A at which the integrated hazard reaches given values >= 0, before noise.

        It is the quantile of 1 - exp(-hazard); the hazard at the switch is exponentially distributed.
        """
        value = np.asarray(hazard, dtype=np.float64)
        flat = value.ravel()
        panels = self._panels
        current = self._current(*self._at_hazard(flat))
        current[flat <= 0.0] = self.start_current
        if panels.survivors > 0.0:
            current[flat >= panels.hazard_at_edges[-1]] = self.stop_current
        return np.asarray(np.minimum(current, self.stop_current).reshape(value.shape))[()]

    @property
    def mean(self) -> float:
        """Mean switching current in A."""
        return self._moments[0]

    @property
    def std(self) -> float:
        """Standard deviation in A."""
        return math.sqrt(self._moments[1])

    @property
    def skewness(self) -> float:
        """Third standardised moment, about -1 for escape from a tilted washboard; NaN if nothing switches."""
        scale = self._moments[1] ** 1.5
        return self._moments[2] / scale if scale > 0.0 else math.nan

    @property
    def kurtosis(self) -> float:
        """Fourth standardised moment, about 5 (not the excess); NaN if nothing switches."""
        scale = self._moments[1] ** 2
        return self._moments[3] / scale if scale > 0.0 else math.nan

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Return n independent switching currents in A, shape (n,); survivors are at the end of the ramp."""
        if n < 0:
            raise InputError(f"n is {n}; the number of samples must be 0 or more")
        samples = self._table.draw(int(n), rng)
        if self.noise > 0.0:
            samples += self.noise * rng.standard_normal(len(samples))
        return samples

    @cached_property
    def _table(self) -> QuantileTable:
        return QuantileTable.build(self.current_at_hazard, self._panels.hazard_at_edges)

    @cached_property
    def _smearing(self) -> Smearing | None:
        """The noise folded in, or None without noise."""
        if self.noise <= 0.0:
            return None
        quiet = self._quiet
        edge = quiet.survivor_mass > 1e-12 or float(quiet.pdf(quiet.start_current)) * quiet.std > 1e-9
        if not edge and self.noise < 0.2 * quiet.std:
            return Smearing(self.noise, np.empty(0), np.empty(0), quiet.pdf, quiet.cdf)
        currents, mass = self._fine_nodes()
        return Smearing(self.noise, currents, mass, None, None)

    @cached_property
    def _quiet(self) -> SwitchingDistribution:
        """The same distribution without noise."""
        arguments = (self.junction, self.temperature, self.ramp_rate, self.model, self.start_current)
        return SwitchingDistribution(*arguments, stop_current=self.stop_current)

    def _fine_nodes(self) -> tuple[FloatArray, FloatArray]:
        """Return quadrature nodes (A) and probabilities, on panels no wider than twice the noise where they matter."""
        hazards = self._panels.hazard_at_edges
        width = np.diff(self.current_at_hazard(hazards))
        pieces = np.clip(np.ceil(width / (2.0 * self.noise)), 1, 400).astype(np.int64)
        pieces[(hazards[1:] < 1e-12) | (hazards[:-1] > 30.0)] = 1
        panels = self._panels.refined(pieces, self._log_hazard)
        currents = np.append(self._current(panels.x, panels.y).ravel(), self.stop_current)
        mass = np.append(panels.mass.ravel(), panels.survivors)
        return currents, mass / mass.sum()

    def _typical_rate(self) -> float:
        """Return dI/dt in A/s at the median switching current."""
        return float(self._rate_at(np.atleast_1d(self.current_at_hazard(math.log(2.0))))[0])

    def _rate_at(self, current: FloatArray) -> FloatArray:
        if not callable(self.ramp_rate):
            return np.full(current.shape, float(self.ramp_rate))
        rate = np.asarray(self.ramp_rate(current), dtype=np.float64)
        if not np.all((rate >= 0.0) & (rate < math.inf)):
            raise InputError("ramp_rate returned a value that is negative, infinite or NaN; the ramp must rise")
        return rate

    def _log_hazard(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return ln of the hazard per unit of I/Ic at distances x from the end and y from the start of the ramp."""
        distance = self._stop_x + x
        log_rate = self.model.log_rate(self.junction, temperature=self.temperature, one_minus_s=distance)
        if self.start_current < 0.0:
            reverse = self.model.log_rate(self.junction, temperature=self.temperature, one_minus_s=2.0 - distance)
            log_rate = np.logaddexp(log_rate, reverse)
        critical = self.junction.critical_current
        if not callable(self.ramp_rate):
            return np.asarray(log_rate + math.log(critical / self.ramp_rate))
        # the rate may vanish at the end of the ramp, closer to which than 1e-14 Ic a current has no digits left
        rate = self._rate_at(self._current(np.maximum(x, 1e-14), y))
        rate = np.maximum(rate, np.finfo(np.float64).tiny)
        return np.asarray(log_rate + math.log(critical) - np.log(rate))

    def _log_density(self, current: FloatArray) -> FloatArray:
        """Return ln of the density in 1/A within the ramp, shape (n,)."""
        critical = self.junction.critical_current
        x, y = (self.stop_current - current) / critical, (current - self.start_current) / critical
        hazard = self._panels.integrated(self._panels.coordinate(x, y))
        return self._log_hazard(x, y) - hazard - math.log(critical)

    def _integrated(self, current: FloatArray) -> FloatArray:
        """Return the integrated hazard at currents in A, inf from the end of the ramp on."""
        critical = self.junction.critical_current
        x, y = (self.stop_current - current) / critical, (current - self.start_current) / critical
        hazard = self._panels.integrated(self._panels.coordinate(x.ravel(), y.ravel())).reshape(current.shape)
        hazard = np.where(current <= self.start_current, 0.0, hazard)
        return np.where(current >= self.stop_current, np.inf, hazard)

    def _at_hazard(self, hazard: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (x, y) where the integrated hazard reaches the values (n,)."""
        panels = self._panels
        return panels.position(panels.invert(np.minimum(hazard, panels.hazard_at_edges[-1])))

    def _current(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the current in A from whichever of x and y is the smaller, and so the more exact."""
        critical = self.junction.critical_current
        return np.where(y < x, self.start_current + critical * y, self.stop_current - critical * x)

    @cached_property
    def _moments(self) -> tuple[float, float, float, float]:
        """The mean in A and the central moments 2 to 4 in A^2, A^3, A^4, with noise (cumulants add)."""
        panels, critical = self._panels, self.junction.critical_current
        mass = np.append(panels.mass.ravel(), panels.survivors)
        mass /= mass.sum()
        x, y = np.append(panels.x.ravel(), 0.0), np.append(panels.y.ravel(), panels.length)
        mean_x, mean_y = float(mass @ x), float(mass @ y)
        # distances from the mean are differences of whichever of the two numbers is smaller
        near_end = mean_x < mean_y
        distance = mean_x - x if near_end else y - mean_y
        mean = self.stop_current - critical * mean_x if near_end else self.start_current + critical * mean_y
        second, third, fourth = (float(mass @ distance**power) * critical**power for power in (2, 3, 4))
        variance = self.noise**2
        return mean, second + variance, third, fourth + 6.0 * second * variance + 3.0 * variance**2
