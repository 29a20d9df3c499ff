"""Which adapter plays which role with which driver.

A lab's own adapter is registered by an entry point in the group `mqtctl.adapters` whose name is the
path of the driver class and whose value is the adapter class:

    [project.entry-points."mqtctl.adapters"]
    "lab_drivers.awg.Awg" = "lab_drivers.mqt:AwgRampSource"

An adapter is called with (instrument, options, clock), has the methods of its role and a class
attribute `role`: "ramp_source", "timing_counter", "temperature_controller" or "offset_source". Two more are worth
having: `models`, texts of which one stands in the answer to `*IDN?` (which is then asked before the driver sends
anything), and `init_keys`, arguments of the driver that a station file may give because they command no output. With
a class method `stand_in` (`mqtctl.instruments.roles.stand_in`) its instrument can be rehearsed.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any

from mqtctl.errors import InputError
from mqtctl.named import entry_points_of

__all__ = ["ENTRY_POINT_GROUP", "adapter_for", "init_keys", "known_drivers", "role_of"]

ENTRY_POINT_GROUP = "mqtctl.adapters"

_GENERATOR = ("keysight_33500b.adapter", "Keysight33500BRampSource")
_GS200 = ("yokogawa_gs200.adapter", "YokogawaGS200OffsetSource")
_LAKESHORE_336 = ("lakeshore.model_336", "Lakeshore336Controller")
_LAKESHORE_372 = ("lakeshore.model_372", "Lakeshore372Controller")
#: (role, driver class) -> module (of this package) and class of the adapter.
_ADAPTERS: dict[tuple[str, str], tuple[str, str]] = {
    ("ramp_source", "mqtctl_drivers.keithley_6221.Keithley6221"): ("keithley_6221.adapter", "Keithley6221RampSource"),
    ("timing_counter", "mqtctl_drivers.keysight_53230a.Keysight53230A"): (
        "keysight_53230a.adapter",
        "Keysight53230ATimingCounter",
    ),
    ("timing_counter", "mqtctl_drivers.srs_sr620.SrsSR620"): ("srs_sr620.adapter", "SrsSR620TimingCounter"),
} | {
    # QCoDeS offers each of its classes under two paths
    (role, f"qcodes.instrument_drivers.{package}.{path}"): adapter
    for role, package, module, driver, adapter in (
        ("ramp_source", "Keysight", "Keysight_33511b", "Keysight33511B", _GENERATOR),
        ("ramp_source", "Keysight", "Keysight_33512b", "Keysight33512B", _GENERATOR),
        ("ramp_source", "Keysight", "Keysight_33522b", "Keysight33522B", _GENERATOR),
        ("temperature_controller", "Lakeshore", "Lakeshore_model_336", "LakeshoreModel336", _LAKESHORE_336),
        ("temperature_controller", "Lakeshore", "Lakeshore_model_372", "LakeshoreModel372", _LAKESHORE_372),
        ("offset_source", "yokogawa", "Yokogawa_GS200", "YokogawaGS200", _GS200),
    )
    for path in (driver, f"{module}.{driver}")
}
#: Pairs that somebody will try, and why they cannot be.
_REFUSED: dict[tuple[str, str], str] = {
    ("ramp_source", "YokogawaGS200"): "no edge of it marks the start of a ramp, and its program clock has steps of "
    "0.1 s; it can be the offset_source, beside a 6221 or 33500B as ramp_source",
}


def known_drivers(role: str) -> list[str]:
    """Return the driver classes that can play a role, sorted."""
    own = {driver for player, driver in _ADAPTERS if player == role}
    others = {point.name for point in _entry_points() if getattr(point.load(), "role", None) == role}
    return sorted(own | others)


def adapter_for(role: str, driver: str) -> Any:
    """Return the adapter class for a role and the dotted path of a driver class.

    Raises
    ------
    InputError
        No adapter is known for this pair; the message names those that are.
    """
    for point in _entry_points():  # first, so that a lab can replace one of ours
        if point.name == driver:
            adapter = point.load()
            if getattr(adapter, "role", None) == role:
                return adapter
    found = _ADAPTERS.get((role, driver))
    if found is not None:
        module, name = found
        return getattr(import_module(f"mqtctl.instruments.{module}"), name)
    known = known_drivers(role)
    if not known:
        raise InputError(f"{role!r} is no role; the roles are {', '.join(sorted({r for r, _ in _ADAPTERS}))}")
    refused = _REFUSED.get((role, driver.rpartition(".")[2]))
    if refused is not None:
        raise InputError(f"the driver {driver!r} cannot play the role {role!r}: {refused}")
    close = difflib.get_close_matches(driver, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
    raise InputError(f"the driver {driver!r} cannot play the role {role!r}; {hint}")


def init_keys(driver: str) -> tuple[str, ...]:
    """Return the arguments of a driver that an adapter of another package has declared harmless."""
    points = [point.load() for point in _entry_points() if point.name == driver]
    return tuple(str(key) for adapter in points for key in getattr(adapter, "init_keys", ()))


def role_of(driver: str) -> str | None:
    """Return the one role that a driver class can play; None if it can play none or several."""
    roles = {role for role, known in _ADAPTERS if known == driver}
    roles |= {getattr(point.load(), "role", "") for point in _entry_points() if point.name == driver}
    return roles.pop() if len(roles) == 1 else None


def _entry_points() -> tuple[EntryPoint, ...]:
    """Return the adapters that other packages bring."""
    return tuple(entry_points_of(ENTRY_POINT_GROUP))
