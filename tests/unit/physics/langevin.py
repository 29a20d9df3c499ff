"""Langevin simulation of the RCSJ equation at constant bias, written from the equation of motion alone.

In units of the tilted plasma frequency, with phase phi: phi'' + phi'/Q + dV/dphi = noise, V = U/(E_J c) with
c = (1 - s^2)^(1/2), so that V'' = 1 at the bottom; noise strength 2 D/Q per unit of time, D = kT/(E_J c).
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["simulated_rate"]


def simulated_rate(
    bias: float,
    quality: float,
    exponent: float,
    *,
    particles: int,
    rng: np.random.Generator,
    duration: float = 3000.0,
    step: float = 0.05,
) -> tuple[float, float]:
    """Return the escape rate in units of wp and its relative standard error.

    Particles start at the bottom, are left to warm up for 10 + 5 Q (at least 5 relaxation times), and whoever is
    then still in the well is watched; escaped ones are put back at the bottom and warm up again before they count.

    Parameters
    ----------
    bias, quality, exponent
        s = I/Ic, Q = wp R C at that bias, and u = dU/kT.
    duration, step
        Observation time and time step in units of 1/wp.
    """
    c = math.sqrt(1.0 - bias * bias)
    angle = math.asin(bias)
    barrier = (2.0 * c - bias * (math.pi - 2.0 * angle)) / c
    diffusion = barrier / exponent
    top = math.pi - angle
    gone = top + 1.5  # from here the way back is longer than the thermal length
    warm_up = 10.0 + 5.0 * quality
    phase, velocity, age = np.full(particles, angle), np.zeros(particles), np.zeros(particles)
    decay = math.exp(-step / quality)
    kick = math.sqrt(diffusion * (1.0 - decay * decay))
    escapes, watched = 0, 0.0
    for _ in range(int((duration + warm_up) / step)):
        # BAOAB splitting (Leimkuhler and Matthews 2013): exact for the noise, second order for the force
        velocity += 0.5 * step * (bias - np.sin(phase)) / c
        phase += 0.5 * step * velocity
        velocity = decay * velocity + kick * rng.standard_normal(particles)
        phase += 0.5 * step * velocity
        velocity += 0.5 * step * (bias - np.sin(phase)) / c
        age += step
        out = phase > gone
        ready = age > warm_up
        watched += step * np.count_nonzero(ready)
        escapes += int(np.count_nonzero(out & ready))
        phase[out], velocity[out], age[out] = angle, 0.0, 0.0
    return escapes / watched, 1.0 / math.sqrt(max(escapes, 1))
