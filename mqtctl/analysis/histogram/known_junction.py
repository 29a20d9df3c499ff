"""The junction that an estimate and a critical current make: what every fit, curve and prediction goes on with."""

from __future__ import annotations

from functools import lru_cache

from mqtctl.physics import Junction
from mqtctl.physics.well.names import potential
from mqtctl.records import JunctionEstimate

__all__ = ["junction_of"]

_potential = lru_cache(maxsize=16)(potential)


def junction_of(estimate: JunctionEstimate, critical_current: float | None = None) -> Junction:
    """Return the junction with the estimate's capacitance, resistance and potential.

    Parameters
    ----------
    estimate
        What is known beforehand.
    critical_current
        In A, > 0; None for the rough one of the estimate.

    Raises
    ------
    InputError
        If a value is out of range, or the estimate's potential does not exist.
    """
    current = estimate.critical_current if critical_current is None else critical_current
    own = _potential(estimate.potential)
    return Junction(current, estimate.capacitance, estimate.resistance, potential=own)
