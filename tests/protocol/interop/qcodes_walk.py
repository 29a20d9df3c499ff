"""Walks through the parameters of a QCoDeS driver: sets each to what its validator allows, and reads it back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from qcodes import validators

__all__ = ["NOT_THESE_LAKE_SHORES", "allowed_values", "wait_by_the_bench", "walk_parameters"]

#: Parameters of QCoDeS's Lake Shore drivers that make no sense to walk: HTRSET has the layout of the Model 335
#: there, six arguments and five fields, where the 336 and the 372 have five and four; two others wait or compute.
NOT_THESE_LAKE_SHORES = {
    "output_type",
    "output_heater_resistance",
    "output_max_current",
    "output_max_user_current",
    "output_display",
    "blocking_t",
    "range_limits",
}


def wait_by_the_bench(monkeypatch: pytest.MonkeyPatch, instrument: Any) -> None:
    """Let QCoDeS's Lake Shore drivers, which wait by the computer's clock, wait by that of the bench."""
    clock = instrument.visa_handle.visalib.clock
    monkeypatch.setattr("qcodes.instrument_drivers.Lakeshore.lakeshore_base.time.sleep", clock.sleep)
    monkeypatch.setattr("qcodes.instrument_drivers.Lakeshore.lakeshore_base.time.perf_counter", clock.now)


def allowed_values(parameter: Any) -> list[Any]:
    """Return all values of a mapping; both ends and the middle of a range; a text of the length asked for."""
    if parameter.val_mapping:
        return list(parameter.val_mapping)
    allowed: Any = parameter.vals
    if isinstance(allowed, (validators.Ints, validators.Numbers)):
        low, high = allowed._min_value, allowed._max_value
        if not (math.isfinite(low) and math.isfinite(high)):
            return [0.0, 1.5]
        middle = (low + high) // 2 if low == int(low) else (low + high) / 2
        # A whole number where the driver reads whole numbers.
        return [low, middle, high] if parameter.get_parser is not int else [int(low), int(middle), int(high)]
    if isinstance(allowed, validators.Strings):
        return ["fifteen letters"]
    return [1.5]


def walk_parameters(
    instrument: Any, parts: Iterable[Any], *, leave_out: set[str], values: Mapping[str, list[Any]]
) -> int:
    """Set, read back and check the event status; return how many values were tried.

    Parameters
    ----------
    leave_out
        Names of parameters that the driver itself gets wrong.
    values
        What to try instead of `allowed_values`, by full name of a parameter.
    """
    tried, wrong = 0, []
    instrument.visa_handle.query("*ESR?")
    for part in parts:
        for name, parameter in part.parameters.items():
            if name in leave_out:
                continue
            if parameter.gettable:
                parameter.get()
            if not parameter.settable or not getattr(getattr(parameter, "group", None), "_set_cmd", True):
                continue
            parameter.post_delay = 0
            for value in values.get(parameter.full_name, allowed_values(parameter)):
                parameter.set(value)
                found = parameter.get() if parameter.gettable else value
                status = int(instrument.visa_handle.query("*ESR?"))
                same = found == pytest.approx(value, rel=1e-3) if isinstance(value, float) else found == value
                tried += 1
                if not (same or str(found) == str(value)) or status:
                    wrong.append(f"{parameter.full_name} = {value!r}: {found!r}, event status {status}")
    assert not wrong, wrong
    return tried
