"""What a sweep tells besides its switching histograms: offset, retrapping currents, heating, I-V curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mqtctl.analysis.heating import compare_duty_cycles
from mqtctl.analysis.moments import moments
from mqtctl.analysis.polarity import offset_current, without_offset
from mqtctl.storage import StoredPoint, StoredSweep

__all__ = ["besides", "besides_in_words", "centred"]


def centred(stored: StoredSweep) -> tuple[StoredSweep, dict[str, Any]]:
    """Return the sweep with the offset current removed that its two polarities show, and what was found.

    A sweep of one polarity comes back as it is.
    """
    found = offset_current(stored.sweep.histograms)
    if found is None:
        return stored, {}
    facts = {
        "offset_current_A": found.current,
        "offset_current_stderr_A": found.stderr,
        "offset_current_pvalue": found.pvalue,
    }
    return replace(stored, sweep=without_offset(stored.sweep, found.current)), facts


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
        found["iv_curves"] = [dict(curve) for curve in stored.iv_curves]
    return found


def _retrapping(point: StoredPoint) -> dict[str, Any]:
    """Return the retrapping currents of one temperature and polarity."""
    histogram = point.histogram
    enough = histogram.switching_currents.size > 1
    found = moments(histogram.switching_currents) if enough else None
    return {
        "point": histogram.point,
        "temperature_K": histogram.temperature,
        "polarity": histogram.polarity,
        "ramps": int(histogram.switching_currents.size),
        "not_retrapped": histogram.censored,
        "mean_retrapping_current_A": found and found.mean,
        "mean_retrapping_current_stderr_A": found and found.mean_stderr,
        "std_retrapping_current_A": found and found.std,
        "run_id": histogram.run_id,
    }


def _heating(point: StoredPoint, stored: StoredSweep) -> list[dict[str, Any]]:
    """Return the comparison of a slower repetition with the planned one of the same point, if both have switches."""
    own = next((p.histogram for p in stored.points if p.histogram.point == point.histogram.point), None)
    check = None if own is None else compare_duty_cycles(own, point.histogram)
    if check is None:
        return []
    return [
        {
            "temperature_K": check.temperature,
            "repetition_Hz": 1.0 / check.periods[0],
            "slower_repetition_Hz": 1.0 / check.periods[1],
            "mean_shift_A": check.mean_shift,
            "mean_shift_stderr_A": check.mean_shift_stderr,
            "width_ratio": check.width_ratio,
            "width_ratio_stderr": check.width_ratio_stderr,
            "heated": check.heated,
            "run_id": point.histogram.run_id,
        }
    ]


def besides_in_words(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same as facts for a report: one entry for each line."""
    lines: dict[str, Any] = {}
    if "offset_current_A" in found:
        lines["offset current of the bias line, taken out"] = (
            f"{1e9 * found['offset_current_A']:.3f}({1e9 * found['offset_current_stderr_A']:.3f}) nA, "
            "from both polarities"
        )
    for entry in found.get("retrapping", []):
        sign = "positive" if entry["polarity"] > 0 else "negative"
        name = f"mean retrapping current at {1e3 * entry['temperature_K']:.4g} mK, {sign} bias_A"
        lines[name] = entry["mean_retrapping_current_A"]
    if "heating_check" in found:
        check = found["heating_check"]
        verdict = "the junction's own heat warms it" if check["heated"] else "none seen"
        lines["heating by the voltage state"] = (
            f"{verdict}: against {check['slower_repetition_Hz']:.4g} Hz the mean moves by "
            f"{1e9 * check['mean_shift_A']:.2f}({1e9 * check['mean_shift_stderr_A']:.2f}) nA, "
            f"the width by {100 * (check['width_ratio'] - 1):+.1f}({100 * check['width_ratio_stderr']:.1f}) %"
        )
    for curve in found.get("iv_curves", []):
        currents = [c for c in curve["rising_current_A"] if c is not None]
        back = [c for c in curve["falling_current_A"] if c is not None]
        if currents and back:
            lines[f"I-V curve {curve['when']} the sweep"] = (
                f"leaves the zero-voltage state near {1e6 * math.fsum(currents) / len(currents):.4g} uA, returns near "
                f"{1e6 * math.fsum(back) / len(back):.4g} uA; voltage steps to between {curve['highest_seen_V']:.4g} V "
                f"and {curve['lowest_unseen_V']} V at the counter"
            )
    return lines
