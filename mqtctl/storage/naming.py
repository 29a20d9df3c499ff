"""Names that tell one run from another in a list; for people only, whoever reads a run asks for its header."""

from __future__ import annotations

import math

from mqtctl.quantities import readable
from mqtctl.storage.headers import PointVariant

__all__ = ["marked", "ramp_in_words"]


def ramp_in_words(set_temperature: float, rate: float, variant: PointVariant) -> str:
    """Return temperature, polarity and rate of a ramp: "100 mK + 1 mA/s".

    Parameters
    ----------
    set_temperature
        In K; NaN at the present temperature.
    rate
        Measured dI/dt in A/s.
    variant
        Which ramp it is.
    """
    parts = [
        "" if math.isnan(set_temperature) else readable(set_temperature, "K"),
        "-" if variant.polarity < 0 else "+",
        # the measured rate of one ramp differs in its last digits from histogram to histogram
        readable(float(f"{abs(rate):.2g}"), "A/s"),
        "" if variant.threshold is None else f"at {readable(variant.threshold, 'V')}",
    ]
    return " ".join(part for part in parts if part)


def marked(name: str, simulated: bool | None) -> str:
    """Return a name that says so where the bench was simulated: plotting programs show names, and nothing else."""
    return f"{name} SIMULATED" if simulated else name
