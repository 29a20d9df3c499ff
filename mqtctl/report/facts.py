"""Where the data came from: facts of any kind, as rows of name and text.

Known facts come first, in a fixed order and in words; whatever else is handed in follows under
its own name, so that nothing recorded is lost for want of a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from mqtctl.notation import MISSING, duration, quantity

__all__ = ["fact_rows"]

_LABELS = {
    "sample": "Sample",
    "station": "Station",
    "bench": "Simulated bench",
    "visalib": "VISA library",
    "instruments": "Instruments",
    "plan": "Plan",
    "plan_hash": "Plan hash",
    "sweep_id": "Sweep identity",
    "seed": "Seed",
    "started": "Started",
    "finished": "Finished",
    "lab_time_s": "Laboratory time",
    "wall_time_s": "Computer time",
    "live_fraction": "Live fraction (switches × ramp period / acquisition time, settling not included)",
    "switches": "Switches",
    "database": "Database",
    "run_ids": "Runs",
    "versions": "Software versions",
}
_UNITS = {"_K": "K", "_A": "A", "_F": "F", "_Ohm": "Ω", "_Hz": "Hz", "_V": "V", "_A_per_s": "A/s", "_W": "W"}
_MOST_CHARACTERS = 4000  # of one fact: a whole station snapshot belongs in the database, not on paper


def fact_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, text) for each fact, known ones first; keys ending in a unit are written with it.

    Values may be text, numbers, times, None, or mappings and sequences of these.
    """
    known = [key for key in _LABELS if key in facts]
    others = [key for key in facts if key not in _LABELS]
    return [(_label(key), _text(key, facts[key])) for key in (*known, *others)]


def _label(key: str) -> str:
    """Return the name of a fact: ours, or its key without underscores and unit."""
    if key in _LABELS:
        return _LABELS[key]
    suffix = _unit_suffix(key)
    words = key.removesuffix(suffix).replace("_", " ").strip()
    return words[:1].upper() + words[1:] or MISSING


def _unit_suffix(key: str) -> str:
    """Return the unit at the end of a key, longest first, '' where there is none."""
    return next((s for s in (*sorted(_UNITS, key=len, reverse=True), "_s") if key.endswith(s)), "")


def _text(key: str, value: Any) -> str:
    """Write one fact."""
    text = _written(key, value)
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + " …"


def _written(key: str, value: Any) -> str:
    """Write one fact, of any length."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, float):
        return _number(key, value)
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {_written(str(name), item)}" for name, item in value.items()) or MISSING
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return _listed(key, value)
    return str(value)


def _listed(key: str, values: Sequence[Any]) -> str:
    """Write a sequence on one line; three or more consecutive integers as their ends."""
    whole = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
    if len(whole) == len(values) > 2 and all(b - a == 1 for a, b in pairwise(whole)):
        return f"{whole[0]} to {whole[-1]}"
    return ", ".join(_written(key, v) for v in values) or MISSING


def _number(key: str, value: float) -> str:
    """Write a number with the unit its key ends in."""
    if key == "live_fraction":
        return f"{value:.4f}"
    suffix = _unit_suffix(key)
    if suffix == "_s":
        return duration(value)
    if suffix:
        return quantity(value, _UNITS[suffix])
    return f"{value:.6g}"
