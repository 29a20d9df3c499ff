"""The distribution of a ramp that rises, without noise: the part of `switching` that knows the hazard.

A current u rises from `start` to `stop` within -Ic < u <= Ic. Currents are kept as distances x from the end and y from
the start of the ramp, in units of Ic, so that each keeps its digits where it is small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.physics.models.protocol import EscapeModel
from mqtctl.physics.ramp.hazard import HazardPanels, integrate_hazard
from mqtctl.physics.ramp.sampling import QuantileTable
from mqtctl.physics.well.junction import Junction

__all__ = ["RisingRamp"]

FloatArray = NDArray[np.float64]


class RisingRamp:
    """Switching currents on a rising ramp; all arrays have shape (n,).

    Parameters
    ----------
    junction, temperature, model
        As for `SwitchingDistribution`.
    rate
        dI/dt in A/s, > 0, or a function of currents (n,) in A that returns it.
    start, stop
        Ends of the ramp in A, -Ic < start < stop <= Ic.
    """

    def __init__(
        self,
        junction: Junction,
        temperature: float,
        rate: float | Callable[[FloatArray], FloatArray],
        model: EscapeModel,
        start: float,
        stop: float,
    ) -> None:
        self.start, self.stop = start, stop
        self._junction, self._temperature, self._rate, self._model = junction, temperature, rate, model
        self._critical = junction.critical_current
        self._stop_x = float(junction.one_minus_s(stop))
        self._start_x = (self._critical + start) / self._critical  # of the reverse direction
        self.panels: HazardPanels = integrate_hazard(self._log_hazard, (stop - start) / self._critical)

    def log_density(self, current: FloatArray) -> FloatArray:
        """Return ln of the density in 1/A; -inf outside the ramp, NaN for NaN."""
        inside = (current >= self.start) & (current < self.stop)
        x, y = self._coordinates(np.where(inside, current, 0.5 * (self.start + self.stop)))
        hazard = self.panels.integrated(self.panels.coordinate(x, y))
        value = self._log_hazard(x, y) - hazard - math.log(self._critical)
        return np.where(inside, value, np.where(np.isnan(current), np.nan, -np.inf))

    def hazard(self, current: FloatArray) -> FloatArray:
        """Return the integrated hazard: 0 up to the start, its end value from the end of the ramp on."""
        x, y = self._coordinates(current)
        return np.where(current <= self.start, 0.0, self.panels.integrated(self.panels.coordinate(x, y)))

    def current_at_hazard(self, hazard: FloatArray) -> FloatArray:
        """Return the current in A at which the integrated hazard reaches values >= 0; the end if it does not."""
        current = self.current(*self.at_hazard(hazard))
        current[hazard <= 0.0] = self.start
        if self.panels.survivors > 0.0:
            current[hazard >= self.panels.hazard_at_edges[-1]] = self.stop
        return np.minimum(current, self.stop)

    def at_hazard(self, hazard: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (x, y) where the integrated hazard reaches the values."""
        return self.panels.position(self.panels.invert(np.minimum(hazard, self.panels.hazard_at_edges[-1])))

    def one_minus_s_at_hazard(self, hazard: FloatArray) -> FloatArray:
        """Return 1 - u/Ic where the integrated hazard reaches the values."""
        return self._stop_x + self.at_hazard(hazard)[0]

    def current(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the current in A from whichever of x and y is the smaller, and so the more exact."""
        return np.where(y < x, self.start + self._critical * y, self.stop - self._critical * x)

    def rate_at(self, current: FloatArray) -> FloatArray:
        """Return dI/dt in A/s at currents in A."""
        if not callable(self._rate):
            return np.full(current.shape, self._rate)
        rate = np.asarray(self._rate(current), dtype=np.float64)
        if rate.shape not in ((), current.shape):
            raise InputError(f"ramp_rate returned shape {rate.shape} for currents of shape {current.shape}")
        if not np.all((rate >= 0.0) & (rate < math.inf)):
            raise InputError(
                "ramp_rate turns back, is infinite or NaN within the ramp; cut it to where it is monotonic"
            )
        return np.broadcast_to(rate, current.shape)

    def nodes(self, spacing: float) -> tuple[FloatArray, FloatArray] | None:
        """Return quadrature nodes (A) and probabilities, on panels no wider than `spacing` (A) where they matter.

        None if that takes more than 300 panels beyond those that there are.
        """
        width = np.diff(self.current_at_hazard(self.panels.hazard_at_edges))
        pieces = np.where(self.panels.mass.sum(axis=1) > 1e-14, np.ceil(width / spacing), 1.0)
        if np.sum(np.maximum(pieces - 1.0, 0.0)) > 300.0:
            return None
        panels = self.panels.refined(np.maximum(pieces, 1.0).astype(np.int64), self._log_hazard)
        mass = np.append(panels.mass.ravel(), panels.survivors)
        return np.append(self.current(panels.x, panels.y).ravel(), self.stop), mass / mass.sum()

    @cached_property
    def table(self) -> QuantileTable:
        """The table from which samples are drawn."""
        return QuantileTable.build(self.current_at_hazard, self.panels.hazard_at_edges)

    @cached_property
    def moments(self) -> tuple[float, float, float, float]:
        """The mean in A and the central moments 2 to 4 in A^2, A^3, A^4."""
        panels = self.panels
        mass = np.append(panels.mass.ravel(), panels.survivors)
        mass /= mass.sum()
        x, y = np.append(panels.x.ravel(), 0.0), np.append(panels.y.ravel(), panels.length)
        mean_x, mean_y = float(mass @ x), float(mass @ y)
        # distances from the mean are differences of whichever of the two numbers is smaller
        near_end = mean_x < mean_y
        distance = mean_x - x if near_end else y - mean_y
        mean = self.stop - self._critical * mean_x if near_end else self.start + self._critical * mean_y
        second, third, fourth = (float(mass @ distance**power) * self._critical**power for power in (2, 3, 4))
        return mean, second, third, fourth

    def _coordinates(self, current: FloatArray) -> tuple[FloatArray, FloatArray]:
        return (self.stop - current) / self._critical, (current - self.start) / self._critical

    def _log_hazard(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return ln of the hazard per unit of I/Ic at distances x from the end and y from the start of the ramp."""
        log_rate = self._log_rate(self._stop_x + x)
        if self.start < 0.0:
            log_rate = np.logaddexp(log_rate, self._log_rate(self._start_x + y))
        if not callable(self._rate):
            return np.asarray(log_rate + math.log(self._critical / self._rate))
        # the rate may vanish at the end of the ramp, closer to which than 1e-14 Ic a current has no digits left
        rate = self.rate_at(self.current(np.maximum(x, 1e-14), y))
        rate = np.maximum(rate, np.finfo(np.float64).tiny)
        return np.asarray(log_rate + math.log(self._critical) - np.log(rate))

    def _log_rate(self, x: FloatArray) -> FloatArray:
        log_rate = self._model.log_rate(self._junction, temperature=self._temperature, one_minus_s=x)
        if not np.all(log_rate < np.inf):
            worst = float(x[~(log_rate < np.inf)][0])
            where = f"at I = {1.0 - worst:.4g} Ic and {self._temperature} K"
            raise InputError(
                f"{self._model!r} has no rate {where}, within the ramp; take a model that covers it: Escape()"
            )
        return log_rate
