"""What cannot be the result of a junction is refused, and what hardly can is said."""

from __future__ import annotations

import math

import numpy as np

from mqtctl.analysis import PointFit
from mqtctl.analysis.histogram.health.plausibility import HOTTEST_OVER_BATH
from mqtctl.errors import InputError
from mqtctl.quantities import readable

__all__ = ["doubtful", "refuse_impossible", "refuse_other_critical_current"]

# No junction that switches by heat or tunnelling reaches these: the superconductor would not, nor would a bias line
HOTTEST = 100.0  # K
COLDEST = 1e-3  # K
LARGEST_CURRENT = 1.0  # A
COLDEST_OVER_BATH = 0.3
CURRENTS_APART = 0.02  # on the plateau of tunnelling the free critical current is off by 0.001
LOWEST_OVER_CRITICAL = 0.02  # a factor 1e3 of a wrong prefix lies far below


def refuse_other_critical_current(critical_current: float, currents: np.ndarray, option: str) -> None:
    """Refuse a critical current (A) that cannot be that of these switching currents (A); raises `InputError`."""
    largest = float(currents.max())
    if largest < LOWEST_OVER_CRITICAL * critical_current:
        raise InputError(
            f"the critical current {readable(critical_current, 'A')} (--{option}) is"
            f" {critical_current / largest:.0f} times the largest switching current {readable(largest, 'A')}: check the"
            " unit of the values (--unit), or the bias resistance"
        )
    above = int(np.count_nonzero(currents >= critical_current))
    if 2 * above > currents.size or currents.size - above < 10:
        raise InputError(
            f"the critical current {readable(critical_current, 'A')} (--{option}) lies below {above} of"
            f" {currents.size} switches ({readable(float(currents.min()), 'A')} to"
            f" {readable(float(currents.max()), 'A')}): a junction switches below its critical current"
        )


def refuse_impossible(point: PointFit) -> None:
    """Refuse what no junction can have: a unit or a rate is wrong by powers of ten."""
    found = [
        ("an escape temperature", fit.escape_temperature, HOTTEST, "K")
        for fit in (point.alone, point.shared)
        if fit is not None and fit.converged
    ]
    if point.alone is not None and point.alone.converged:
        found.append(("a critical current", point.alone.critical_current, LARGEST_CURRENT, "A"))
    if point.moments is not None:
        found.append(("a mean switching current", point.moments.mean, LARGEST_CURRENT, "A"))
    for what, value, limit, unit in found:
        if value > limit:
            raise InputError(
                f"{what} of {value:.3g} {unit} comes out, above {limit:g} {unit}, which no junction has: check the unit"
                " of the values (--unit), --ramp-rate and --capacitance"
            )


def doubtful(point: PointFit, bath: float) -> list[str]:
    """Say where an escape temperature is hardly that of a junction at this bath temperature (K, nan if not given)."""
    flags = []
    for name, fit in (("free", point.alone), ("with the given critical current", point.shared)):
        if fit is None or not fit.converged or not math.isfinite(fit.escape_temperature_stderr):
            continue
        found = fit.escape_temperature
        shown = f"the escape temperature ({name}) of {readable(found, 'K')}"
        if found + 5.0 * fit.escape_temperature_stderr < COLDEST:
            flags.append(f"{shown} is colder than any cryostat: a unit or the ramp rate is probably wrong")
        elif name != "free" and found > HOTTEST_OVER_BATH * bath:
            flags.append(f"{shown} is {found / bath:.3g} times the bath temperature: a unit is probably wrong")
        elif found + 5.0 * fit.escape_temperature_stderr < COLDEST_OVER_BATH * bath:
            flags.append(f"{shown} is far below the bath temperature {readable(bath, 'K')}, which no junction can be")
    if point.shared is not None and point.alone is not None and point.alone.converged:
        given, own = point.shared.critical_current, point.alone
        away = abs(given - own.critical_current)
        if away > max(CURRENTS_APART * own.critical_current, 10.0 * own.critical_current_stderr):
            flags.append(
                f"the given critical current {readable(given, 'A')} is not that of these switches, which by themselves"
                f" have {readable(own.critical_current, 'A')}"
            )
    return flags
