"""`mqtctl campaign` and `mqtctl campaign report`."""

from __future__ import annotations

from mqtctl.cli.campaign.commands import campaign

__all__ = ["campaign"]
