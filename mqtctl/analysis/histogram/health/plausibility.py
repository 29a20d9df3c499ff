"""Whether a junction's parameters can be those of a junction: what a wrong prefix in a file looks like.

The limits are wide: junctions in which escape was measured have plasma frequencies from some GHz (shunted by tens of
pF) to some hundred GHz, and a voltage state that lasts needs a quality factor above about one. They are meant to find
factors of a thousand, not of two.
"""

from __future__ import annotations

import math
from dataclasses import replace

from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.physics import EscapeModel, Junction, Validity
from mqtctl.physics.models.thermal import FULL_WELL
from mqtctl.quantities import readable
from mqtctl.records import JunctionEstimate

__all__ = [
    "HOTTEST_OVER_BATH",
    "MOST_RATIO",
    "NO_RESISTANCE",
    "TOO_COLD",
    "far_below",
    "implausible_junction",
    "implausible_measurement",
    "implausibly_hot",
    "not_valid",
]

#: The end of a sentence on a junction that seems colder than its bath.
TOO_COLD = "as no junction can: unit, ramp rate, capacitance or the thermometer is wrong"
#: Below this part of the bath temperature no correction to the escape law explains it.
FAR_BELOW = 0.9
FAR_BELOW_UNDAMPED = 0.5
#: What is said where nothing is known of the damping.
NO_RESISTANCE = (
    "no resistance is known, so that nothing tells whether damping refills the well as fast as it empties at its top,"
    " where the rate would be lower: give it (--resistance, or junction.resistance of the sample file)"
)
#: Plasma frequency without bias in Hz, and quality factor without bias.
_FREQUENCIES, _QUALITIES = (1e9, 1e12), (0.5, 3e4)
#: A rough critical current may be wrong by this factor before it is worth a word.
MOST_RATIO = 1.5
#: No noise and no heating makes a junction so many times hotter than its bath.
HOTTEST_OVER_BATH = 100.0


def implausible_junction(estimate: JunctionEstimate, critical_current: float | None = None) -> tuple[str, ...]:
    """Return sentences on what no junction has; `critical_current` (A) is a better one than the estimate's."""
    known = critical_current if critical_current is not None else estimate.critical_current
    if not (0.0 < known < math.inf and 0.0 < estimate.capacitance < math.inf):
        return ()
    junction = junction_of(estimate, known)
    frequency = junction.zero_bias_plasma_frequency / (2.0 * math.pi)
    quality = estimate.resistance * estimate.capacitance * junction.zero_bias_plasma_frequency
    found = []
    if not _FREQUENCIES[0] <= frequency <= _FREQUENCIES[1]:
        found.append(
            f"{readable(known, 'A')} and {readable(estimate.capacitance, 'F')} make a plasma frequency of "
            f"{readable(frequency, 'Hz')}; junctions have {readable(_FREQUENCIES[0], 'Hz')} to "
            f"{readable(_FREQUENCIES[1], 'Hz')}: check junction.capacitance, and junction.critical_current"
        )
    elif math.isfinite(quality) and not _QUALITIES[0] <= quality <= _QUALITIES[1]:
        found.append(
            f"{readable(estimate.resistance, 'Ohm')} and {readable(estimate.capacitance, 'F')} make a quality factor "
            f"of {quality:.3g}; from {_QUALITIES[0]:g} to {_QUALITIES[1]:g} can be: check junction.resistance and "
            "junction.capacitance"
        )
    return tuple(found)


def implausible_measurement(estimate: JunctionEstimate, measured: float) -> tuple[str, ...]:
    """Return sentences on how a measured critical current (A) and an estimate disagree."""
    known = estimate.critical_current
    found = []
    if 0.0 < known < math.inf and not 1.0 / MOST_RATIO <= measured / known <= MOST_RATIO:
        found.append(
            f"the measured critical current is {readable(measured, 'A')}, the estimate was {readable(known, 'A')}, "
            f"{known / measured:.3g} times as much: check junction.critical_current of the sample file"
        )
    return (*found, *implausible_junction(estimate, measured))


def far_below(ratio: float, stderr: float, damping_known: bool = True) -> bool:
    """Return whether a temperature over the bath's, with its standard error, is such that no junction can have it.

    Where the damping is not known and the level of the rate was used, a well that is depleted at a quality factor of
    some hundreds looks as much as a third colder.
    """
    return ratio < (FAR_BELOW if damping_known else FAR_BELOW_UNDAMPED) and ratio - 1.0 < -3.0 * stderr


def implausibly_hot(found: float, bath: float) -> tuple[str, ...]:
    """Return a sentence on an escape temperature (K) that cannot be at this bath temperature (K, nan if not known)."""
    if not (bath > 0.0 and found > HOTTEST_OVER_BATH * bath):
        return ()
    return (
        f"the escape temperature (free) of {readable(found, 'K')} is {found / bath:.3g} times the bath temperature: a "
        "unit or the ramp rate is wrong, or many of the intervals are no switches",
    )


def not_valid(model: EscapeModel, junction: Junction, current: float, temperature: float) -> tuple[str, ...]:
    """Return sentences on why an escape model does not hold at a current (A) and a temperature (K).

    A model of another package that has no method `validity` says nothing.
    """
    asked = getattr(model, "validity", None)
    if asked is None or not (0.0 <= temperature < math.inf and math.isfinite(current)):
        return ()
    found: Validity = asked(junction, current, temperature)
    if junction.damping_rate > 0.0:
        return found.warnings
    told = replace(found, criteria=tuple(each for each in found.criteria if each.name != FULL_WELL)).warnings
    return (*told, NO_RESISTANCE) if len(told) < len(found.warnings) else told
