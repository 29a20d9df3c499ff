"""The ramp of function generators: up for a share of the period, down for the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ramp_from_zero"]


def ramp_from_zero(phase: NDArray[np.float64], rising: float) -> NDArray[np.float64]:
    """Return a ramp between -1 and 1 that starts at its zero crossing upwards.

    Parameters
    ----------
    phase
        Phase in periods, 0 to 1, any shape.
    rising
        Share of the period in which it rises, 0 to 1.
    """
    up, down = max(rising, 1e-12), max(1 - rising, 1e-12)
    from_bottom = (phase + rising / 2) % 1.0
    return np.where(from_bottom < rising, 2 * from_bottom / up - 1, 1 - 2 * (from_bottom - rising) / down)
