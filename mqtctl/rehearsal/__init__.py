"""Rehearses a plan on the simulated bench: how long, how precise, what would have failed; nothing real is touched."""

from __future__ import annotations

from mqtctl.rehearsal.predict import RehearsalOptions, rehearse
from mqtctl.rehearsal.result import PredictedPoint, PredictedRamp, Rehearsal

__all__ = ["PredictedPoint", "PredictedRamp", "Rehearsal", "RehearsalOptions", "rehearse"]
