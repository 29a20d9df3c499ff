"""The live view of a running measurement on a terminal: what is known, how it looks, and how often it is drawn."""

from __future__ import annotations

from mqtctl.cli.live.display import LiveDisplay
from mqtctl.cli.live.state import LiveState
from mqtctl.cli.live.view import render
from mqtctl.workflow.time_left import TimeLeft

__all__ = ["LiveDisplay", "LiveState", "TimeLeft", "render"]
