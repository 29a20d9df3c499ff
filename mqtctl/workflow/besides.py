"""What a sweep tells besides its switching histograms: offset, retrapping currents, heating, I-V curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mqtctl.analysis.histogram.moments import moments
from mqtctl.analysis.histogram.results import Moments
from mqtctl.analysis.quantity import Quantity, as_json
from mqtctl.analysis.sweep.heating import HeatingCheck, compare_duty_cycles
from mqtctl.analysis.sweep.polarity import OffsetCurrent, offset_current, without_offset
from mqtctl.notation import Estimate, number, quantity
from mqtctl.records import Histogram, Sweep
from mqtctl.storage import StoredPoint, StoredSweep

__all__ = ["besides", "besides_in_words", "centred", "centred_sweep"]

_OFFSET: Quantity[OffsetCurrent] = Quantity(
    "offset_current",
    "A",
    lambda found: Estimate(found.current, found.stderr),
    error="stderr",
    label="offset current of the bias line, taken out",
)
_BATH: Quantity[Histogram] = Quantity("temperature", "K", lambda histogram: Estimate(histogram.temperature))
_RETRAPPING: tuple[Quantity[Moments], ...] = (
    Quantity(
        "mean_retrapping_current",
        "A",
        lambda found: Estimate(found.mean, found.mean_stderr),
        error="stderr",
        label="mean retrapping current",
    ),
    Quantity("std_retrapping_current", "A", lambda found: Estimate(found.std)),
)
_SLOWER: Quantity[HeatingCheck] = Quantity("slower_repetition", "Hz", lambda check: Estimate(1.0 / check.periods[1]))
_SHIFT: Quantity[HeatingCheck] = Quantity(
    "mean_shift", "A", lambda check: Estimate(check.mean_shift, check.mean_shift_stderr), error="stderr"
)
_RATIO: Quantity[HeatingCheck] = Quantity(
    "width_ratio", "", lambda check: Estimate(check.width_ratio, check.width_ratio_stderr), error="stderr"
)
_HEATING: tuple[Quantity[HeatingCheck], ...] = (
    Quantity("temperature", "K", lambda check: Estimate(check.temperature)),
    Quantity("repetition", "Hz", lambda check: Estimate(1.0 / check.periods[0])),
    _SLOWER,
    _SHIFT,
    _RATIO,
)


def centred(stored: StoredSweep) -> tuple[StoredSweep, dict[str, Any]]:
    """Return the sweep with the offset current removed that its two polarities show, and what was found.

    A sweep of one polarity comes back as it is.
    """
    sweep, facts = centred_sweep(stored.sweep)
    return (replace(stored, sweep=sweep) if facts else stored), facts


def centred_sweep(sweep: Sweep) -> tuple[Sweep, dict[str, Any]]:
    """Return the same of a sweep that need not be stored."""
    found = offset_current(sweep.histograms)
    if found is None:
        return sweep, {}
    facts = as_json((_OFFSET,), found) | {"offset_current_pvalue": found.pvalue}
    return without_offset(sweep, found.current), facts


def besides(stored: StoredSweep) -> dict[str, Any]:
    """Return the JSON keys for what was measured beside the histograms; nothing where nothing was."""
    found: dict[str, Any] = {}
    taken = (*stored.points, *stored.beside)  # a run of retrapping currents can be looked at by itself
    retrapping = [_retrapping(point) for point in taken if point.purpose == "retrapping"]
    if retrapping:
        found["retrapping"] = retrapping
    heating = [check for point in stored.beside if point.purpose == "heating" for check in _heating(point, stored)]
    if heating:
        found["heating_check"] = heating[0]
    if stored.iv_curves:
        found["iv_curves"] = [curve.to_dict() for curve in stored.iv_curves]
    return found


def _retrapping(point: StoredPoint) -> dict[str, Any]:
    """Return the retrapping currents of one temperature and polarity."""
    histogram = point.histogram
    enough = histogram.switching_currents.size > 1
    nothing: dict[str, float | None] = dict.fromkeys(
        key for row in _RETRAPPING for key in (row.key, row.error_key) if key
    )
    return {
        "point": histogram.point,
        **as_json((_BATH,), histogram),
        "polarity": histogram.polarity,
        "ramps": int(histogram.switching_currents.size),
        "not_retrapped": histogram.censored,
        **(as_json(_RETRAPPING, moments(histogram.switching_currents)) if enough else nothing),
        "run_id": histogram.run_id,
    }


def _heating(point: StoredPoint, stored: StoredSweep) -> list[dict[str, Any]]:
    """Return the comparison of a slower repetition with the planned one of the same point, if both have switches."""
    own = next((p.histogram for p in stored.points if p.histogram.point == point.histogram.point), None)
    check = None if own is None else compare_duty_cycles(own, point.histogram)
    if check is None:
        return []
    return [{**as_json(_HEATING, check), "heated": check.heated, "run_id": point.histogram.run_id}]


def besides_in_words(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the same in words, subject and finding, for the terminal and for the report; needs the keys of `besides`.

    Whatever was not measured or not seen is said to be so.
    """
    lines: dict[str, str] = {}
    if found.get(_OFFSET.key) is not None:
        lines[_OFFSET.label] = f"{quantity(_OFFSET.read(found), _OFFSET.unit)}, from both polarities"
    for entry in found.get("retrapping") or ():
        sign = "positive" if entry["polarity"] > 0 else "negative"
        mean, where = _RETRAPPING[0], quantity(_BATH.read(entry), _BATH.unit)
        lines[f"{mean.label} at {where}, {sign} bias"] = quantity(mean.read(entry), mean.unit)
    if found.get("heating_check") is not None:
        lines["heating by the voltage state"] = _heating_in_words(found["heating_check"])
    for curve in found.get("iv_curves") or ():
        lines[f"I-V curve {curve['when']} the sweep"] = _curve_in_words(curve)
    return lines


def _heating_in_words(check: Mapping[str, Any]) -> str:
    """Say whether a slower repetition moved the histogram."""
    verdict = "the junction's own heat warms it" if check["heated"] else "none seen"
    shift, slower = (quantity(row.read(check), row.unit) for row in (_SHIFT, _SLOWER))
    ratio = _RATIO.read(check)
    width = number(100.0 * ((ratio.value or math.nan) - 1.0), 100.0 * ratio.error)
    return f"{verdict}: against {slower} the mean moves by {shift}, the width by {width} %"


def _curve_in_words(curve: Mapping[str, Any]) -> str:
    """Say where an I-V curve leaves the zero-voltage state, where it returns, and how high the step is."""
    said = [
        f"{verb} near {quantity(math.fsum(known) / len(known), 'A')}"
        for verb, key in (("leaves the zero-voltage state", "rising_current_A"), ("returns", "falling_current_A"))
        if (known := [current for current in curve[key] if current is not None])
    ]
    seen, unseen = curve["highest_seen_V"], curve["lowest_unseen_V"]
    if not seen:
        said.append("no voltage step was seen at the counter")
    elif unseen is None:
        said.append(f"voltage steps to more than {quantity(seen, 'V')} at the counter, the highest threshold tried")
    else:
        said.append(f"voltage steps to between {quantity(seen, 'V')} and {quantity(unseen, 'V')} at the counter")
    return "; ".join(said)
