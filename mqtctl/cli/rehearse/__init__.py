"""`mqtctl rehearse`, and what it prints for people and for the summary of a CI job."""

from __future__ import annotations

from mqtctl.cli.rehearse.command import rehearse

__all__ = ["rehearse"]
