"""Ramps that are not linear: the rate dI/dt as a function of the current, which is what a hazard needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from mqtctl.errors import InputError

__all__ = ["SampledRamp"]

FloatArray = NDArray[np.float64]


class SampledRamp:
    """A monotonic ramp known by samples (t, I), such as a measured or a programmed waveform.

    t(I) is interpolated monotonically (PCHIP, Fritsch and Carlson, SIAM J. Numer. Anal. 17, 238 (1980), eq.
    3.1 [M]); the instance is a function of the current that returns dI/dt, as `SwitchingDistribution` takes it.

    Parameters
    ----------
    times
        In s, strictly increasing, shape (n,), n >= 2.
    currents
        In A at those times, same shape, strictly increasing or strictly decreasing.

    Raises
    ------
    InputError
        If the lists differ in length, are shorter than 2, not finite, or turn back.
    """

    def __init__(self, times: ArrayLike, currents: ArrayLike) -> None:
        seconds, amps = np.asarray(times, dtype=np.float64), np.asarray(currents, dtype=np.float64)
        if seconds.shape != amps.shape or seconds.ndim != 1 or len(seconds) < 2:
            raise InputError(f"times {seconds.shape} and currents {amps.shape} must be equally long lists of 2 or more")
        self.start_current, self.stop_current = float(amps[0]), float(amps[-1])
        self._sign = -1.0 if self.stop_current < self.start_current else 1.0
        for name, values in (("times", seconds), ("currents", self._sign * amps)):
            if not np.all(np.isfinite(values)):
                raise InputError(f"{name} must be finite numbers")
            if not np.all(np.diff(values) > 0.0):
                rule = "increase" if name == "times" else "increase, or decrease, throughout"
                raise InputError(f"{name} must {rule} from sample to sample; cut the ramp to where it is monotonic")
        self._slowness = PchipInterpolator(self._sign * amps, seconds).derivative()

    def __call__(self, current: FloatArray) -> FloatArray:
        """Return dI/dt in A/s at currents (n,) in A; beyond the samples the rate at the nearest end."""
        ends = self._sign * self.start_current, self._sign * self.stop_current
        inside = np.clip(self._sign * np.asarray(current, dtype=np.float64), ends[0], ends[1])
        rate = 1.0 / np.maximum(self._slowness(inside), 1e-300)
        return np.asarray(self._sign * np.minimum(rate, 1e300))
