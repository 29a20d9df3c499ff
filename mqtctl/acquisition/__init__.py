"""Runs the experiment: settle on a temperature, ramp, count, store; and make safe on every way out."""

from __future__ import annotations

from mqtctl.acquisition.events import BlockStored, Event, Notify, PointFinished, RampsBegin, Remark, Settling
from mqtctl.acquisition.guards.bystander import Bystander
from mqtctl.acquisition.guards.exclusive import exclusive
from mqtctl.acquisition.guards.instrument_names import instruments_of
from mqtctl.acquisition.guards.interlock import before_ramps, guarded, make_safe
from mqtctl.acquisition.guards.interrupt import Interrupt
from mqtctl.acquisition.job import SweepJob
from mqtctl.acquisition.sweep import run_sweep

__all__ = [
    "BlockStored",
    "Bystander",
    "Event",
    "Interrupt",
    "Notify",
    "PointFinished",
    "RampsBegin",
    "Remark",
    "Settling",
    "SweepJob",
    "before_ramps",
    "exclusive",
    "guarded",
    "instruments_of",
    "make_safe",
    "run_sweep",
]
