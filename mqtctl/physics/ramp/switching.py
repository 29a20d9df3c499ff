"""The distribution of switching currents when the bias is ramped until the junction escapes.

P(I) = [Gamma(I)/v] exp(-int Gamma/v dI) (Fulton and Dunkelberger, PRB 9, 4760 (1974), eq. 8 [M]). Conventions:

- A junction that survives to Ic switches at Ic, one that survives to the end of a shorter ramp is assigned to that
  end. That atom of probability, `survivor_mass`, is part of `cdf`, of the moments and of the samples.
- A ramp that starts on the far side of zero (a rising one below, a falling one above) can also switch in the other
  direction before it gets to zero; the hazard is then the sum of both. From zero on only escapes along the ramp count.
- A falling ramp is the mirror image of a rising one: currents, mean and skewness change sign. Everywhere `cdf` is the
  probability of a current at or below its argument, whichever way the ramp went.
- `kurtosis` is the plain fourth standardised moment (3 for a normal distribution).
- Noise, if any, is added to the current at which the junction switched: what the experiment would record.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mqtctl.errors import InputError
from mqtctl.physics.models.escape import Escape
from mqtctl.physics.models.protocol import EscapeModel, RateModel, checked_model, checked_temperature
from mqtctl.physics.ramp.rising_ramp import RisingRamp
from mqtctl.physics.ramp.smearing import Quiet, Smearing
from mqtctl.physics.well.junction import Junction

__all__ = ["SwitchingDistribution"]

FloatArray = NDArray[np.float64]
RampRate = float | Callable[[FloatArray], FloatArray]
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
        dI/dt in A/s, not 0; below 0 for a falling ramp. For a ramp that is not linear a function that takes currents
        (n,) in A and returns dI/dt there, such as a `SampledRamp`; it may go to zero at the end of the ramp.
    model
        Any model with `log_rate(junction, bias_current, temperature, one_minus_s=...)`.
    start_current
        In A, -Ic < start < Ic. Below zero (above, on a falling ramp) escapes in the reverse direction are included.
    stop_current
        End of the ramp in A; None (default) for Ic, on a falling ramp for -Ic. Beyond means Ic or -Ic.
    current_noise
        Standard deviation in A of Gaussian noise on the recorded current, constant during a ramp; 0 or more.
    timing_jitter
        Standard deviation in s of the counter's jitter; counts as current noise of that times dI/dt at the median.

    Raises
    ------
    InputError
        If an argument is out of range, or the model has no rate somewhere on the ramp.
    """

    def __init__(
        self,
        junction: Junction,
        temperature: float,
        ramp_rate: RampRate,
        model: EscapeModel = _DEFAULT_MODEL,
        start_current: float = 0.0,
        *,
        stop_current: float | None = None,
        current_noise: float = 0.0,
        timing_jitter: float = 0.0,
    ) -> None:
        if not isinstance(junction, Junction):
            raise InputError(f"junction is {junction!r}; give a Junction")
        self.junction, self.model = junction, checked_model(model)
        self.temperature = float(
            checked_temperature(None if temperature is None else _number("temperature", temperature))
        )
        self.ramp_rate = ramp_rate if callable(ramp_rate) else _number("ramp_rate", ramp_rate)
        self.start_current = _number("start_current", start_current)
        self._sign, self.stop_current = _direction(junction, self.ramp_rate, self.start_current, stop_current)
        rate = self.ramp_rate
        self._ramp = RisingRamp(
            junction,
            self.temperature,
            _mirrored(rate) if self._sign < 0.0 else rate,
            self.model,
            self._sign * self.start_current,
            self._sign * self.stop_current,
        )
        noise, jitter = _number("current_noise", current_noise), _number("timing_jitter", timing_jitter)
        for name, value, unit in (("current_noise", noise, "A"), ("timing_jitter", jitter, "s")):
            if not 0.0 <= value < math.inf:
                raise InputError(f"{name} is {value} {unit}; it must be 0 or more and finite")
        self.noise = math.hypot(noise, jitter * self._typical_rate()) if jitter > 0.0 else noise

    def __repr__(self) -> str:
        rate = self.ramp_rate if callable(self.ramp_rate) else f"{self.ramp_rate:g}"
        return (
            f"{type(self).__name__}({self.junction!r}, temperature={self.temperature:g}, ramp_rate={rate}, "
            f"model={self.model!r}, start_current={self.start_current:g}, stop_current={self.stop_current:g}, "
            f"current_noise={self.noise:g})"
        )

    @property
    def survivor_mass(self) -> float:
        """Probability of reaching the end of the ramp without a switch."""
        return self._ramp.panels.survivors

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on where the model is outside its range between the 5 % and 95 % quantiles; empty if nowhere."""
        if not isinstance(self.model, RateModel):
            return ()
        x = self._ramp.one_minus_s_at_hazard(-np.log1p(-np.linspace(0.05, 0.95, 7)))
        return self.model.validity(self.junction, temperature=self.temperature, one_minus_s=x).warnings

    def log_pdf(self, current: ArrayLike) -> FloatArray:
        """Return ln of `pdf`, finite far into the tails if there is no noise."""
        if self._smearing is not None:
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(self.pdf(current)))[()]
        return _elementwise(self._quiet_log_pdf, current)

    def pdf(self, current: ArrayLike) -> FloatArray:
        """Return the probability density in 1/A at currents in A, any shape; without the survivors' atom."""
        smearing = self._smearing
        return _elementwise(self._quiet_pdf if smearing is None else smearing.density, current)

    def cdf(self, current: ArrayLike) -> FloatArray:
        """Return the probability of switching at or below currents in A, survivors included at the end of the ramp."""
        smearing = self._smearing
        return _elementwise(self._quiet_cdf if smearing is None else smearing.below, current)

    def survival(self, current: ArrayLike) -> FloatArray:
        """Return 1 - `cdf`, exact where that is small."""
        smearing = self._smearing
        return _elementwise(self._quiet_survival if smearing is None else smearing.above, current)

    def ppf(self, probability: ArrayLike) -> FloatArray:
        """Return the current in A at or below which the given fraction (0 to 1) of ramps has switched.

        Without noise 0 and 1 give the ends of what can occur: the start of the ramp, and its end or a current that
        is passed with probability exp(-60). With noise, which has no end, they give -inf and inf. NaN gives NaN.
        """
        fraction = np.asarray(probability, dtype=np.float64)
        outside = (fraction < 0.0) | (fraction > 1.0)
        if outside.any():
            raise InputError(f"probability is {fraction[outside].flat[0]}; it must lie between 0 and 1")
        smearing = self._smearing
        if smearing is None:
            return _elementwise(self._quiet_ppf, fraction)
        reach = 40.0 * self.noise  # beyond 38 sigma a normal probability underflows
        low, high = sorted(float(end) for end in self._at_hazard(np.array([0.0, 60.0])))
        return _elementwise(lambda flat: smearing.invert(flat, low - reach, high + reach), fraction)

    def current_at_hazard(self, hazard: ArrayLike) -> FloatArray:
        """Return the current in A at which the integrated hazard reaches given values >= 0, before noise.

        On a rising ramp it is the quantile of 1 - exp(-hazard); the hazard at the switch is exponentially distributed.
        """
        value = np.asarray(hazard, dtype=np.float64)
        if np.any(value < 0.0):
            raise InputError(f"hazard is {value[value < 0.0].flat[0]}; an integrated hazard is 0 or more")
        return _elementwise(self._at_hazard, value)

    @property
    def mean(self) -> float:
        """Mean switching current in A; a ramp without a switch counts with the current at its end."""
        return self._sign * self._ramp.moments[0]

    @property
    def std(self) -> float:
        """Standard deviation in A."""
        return math.hypot(math.sqrt(self._ramp.moments[1]), self.noise)

    @property
    def skewness(self) -> float:
        """Third standardised moment, about -1 for escape from a tilted washboard; NaN if nothing switches."""
        scale = self.std**3
        return self._sign * self._ramp.moments[2] / scale if scale > 0.0 else math.nan

    @property
    def kurtosis(self) -> float:
        """Fourth standardised moment, about 5 (not the excess); NaN if nothing switches."""
        _, second, _, fourth = self._ramp.moments
        variance, scale = self.noise**2, self.std**4
        # cumulants of independent terms add
        return (fourth + 6.0 * second * variance + 3.0 * variance**2) / scale if scale > 0.0 else math.nan

    def sample(self, n: int, rng: np.random.Generator | None = None) -> FloatArray:
        """Return n independent switching currents in A, shape (n,); survivors are at the end of the ramp.

        The generator must be given: whoever draws says how it can be repeated.
        """
        if not (isinstance(n, int | float | np.integer) and n >= 0 and n == math.floor(n)):
            raise InputError(f"n is {n!r}; the number of samples must be a whole number, 0 or more")
        if not isinstance(rng, np.random.Generator):
            raise InputError(f"rng is {rng!r}; give a generator, such as sample({n}, numpy.random.default_rng(1))")
        samples = self._ramp.table.draw(int(n), rng)
        if self._sign < 0.0:
            np.negative(samples, out=samples)
        for begin in range(0, len(samples) if self.noise > 0.0 else 0, _CHUNK):
            part = samples[begin : begin + _CHUNK]
            part += self.noise * rng.standard_normal(len(part))
        return samples

    def _quiet_log_pdf(self, current: FloatArray) -> FloatArray:
        return self._ramp.log_density(self._sign * current)

    def _quiet_pdf(self, current: FloatArray) -> FloatArray:
        return np.exp(self._quiet_log_pdf(current))

    def _quiet_cdf(self, current: FloatArray) -> FloatArray:
        along = self._sign * current
        if self._sign > 0.0:
            return np.where(along >= self._ramp.stop, 1.0, -np.expm1(-self._ramp.hazard(along)))
        return np.where(along > self._ramp.stop, 0.0, np.exp(-self._ramp.hazard(along)))

    def _quiet_survival(self, current: FloatArray) -> FloatArray:
        along = self._sign * current
        if self._sign > 0.0:
            return np.where(along >= self._ramp.stop, 0.0, np.exp(-self._ramp.hazard(along)))
        return np.where(along > self._ramp.stop, 1.0, -np.expm1(-self._ramp.hazard(along)))

    def _quiet_ppf(self, fraction: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return self._at_hazard(-np.log1p(-fraction) if self._sign > 0.0 else -np.log(fraction))

    def _at_hazard(self, hazard: FloatArray) -> FloatArray:
        current = self._sign * self._ramp.current_at_hazard(np.where(np.isnan(hazard), 0.0, hazard))
        return np.where(np.isnan(hazard), np.nan, current)

    @cached_property
    def _smearing(self) -> Smearing | None:
        """The noise folded in, or None without noise."""
        if self.noise <= 0.0:
            return None
        nodes = self._ramp.nodes(2.0 * self.noise)
        if nodes is not None:
            return Smearing.summed(self.noise, self._sign * nodes[0], nodes[1])
        low, high = sorted((self.start_current, self.stop_current))
        functions = (self._quiet_pdf, self._quiet_cdf, self._quiet_survival)
        return Smearing.averaged(self.noise, Quiet(*functions, (low, high), self.survivor_mass, self.stop_current))

    def _typical_rate(self) -> float:
        """Return |dI/dt| in A/s at the median switching current."""
        return float(self._ramp.rate_at(self._ramp.current_at_hazard(np.array([math.log(2.0)])))[0])


_CHUNK = 65536


def _elementwise(function: Callable[[FloatArray], FloatArray], values: ArrayLike) -> FloatArray:
    """Apply a function of (n,) to values of any shape."""
    array = np.asarray(values, dtype=np.float64)
    return np.asarray(function(array.ravel())).reshape(array.shape)[()]


def _number(name: str, value: object) -> float:
    """Return one number; raises `InputError` naming the argument if it is anything else."""
    try:
        return float(value)  # type: ignore[arg-type] # what is no number is the point
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}; it must be one number in SI units") from None


def _mirrored(rate: RampRate) -> RampRate:
    """Return the rate of the mirrored ramp: dI/dt and I change sign."""
    return partial(_mirrored_rate, rate) if callable(rate) else -rate


def _mirrored_rate(rate: Callable[[FloatArray], FloatArray], current: FloatArray) -> FloatArray:
    return -np.asarray(rate(-current), dtype=np.float64)


def _direction(junction: Junction, rate: RampRate, start: float, stop: float | None) -> tuple[float, float]:
    """Return 1 for a rising or -1 for a falling ramp, and its end in A within the well's range."""
    critical = junction.critical_current
    if not -critical < start < critical:
        limit = f"between -Ic and Ic = {critical} A, where the junction has a well to start from"
        raise InputError(f"start_current is {start} A; it must lie {limit}")
    if not callable(rate):
        if not 0.0 < abs(rate) < math.inf:
            raise InputError(f"ramp_rate is {rate} A/s; it must be finite and not 0")
        sign = math.copysign(1.0, rate)
    elif stop is not None:
        sign = -1.0 if stop < start else 1.0
    else:
        sign = -1.0 if np.all(np.asarray(rate(np.array([start]))) < 0.0) else 1.0
    end = sign * critical if stop is None else sign * min(sign * _number("stop_current", stop), critical)
    if not sign * end > sign * start:
        side = "above" if sign > 0.0 else "below"
        raise InputError(f"stop_current is {stop} A; it must be {side} start_current = {start} A")
    return sign, end
