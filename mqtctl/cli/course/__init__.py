"""`mqtctl course data`, `mqtctl course mark` and `mqtctl course expected`."""

from __future__ import annotations

from mqtctl.cli.course.commands import course

__all__ = ["course"]
