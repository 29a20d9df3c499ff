"""A measurement in two processes: one works, the other sees to it that nothing is left on, and keeps the status.

This module loads nothing heavy: the supervisor is to cost next to nothing.
"""

from __future__ import annotations

from mqtctl.supervision.supervisor import is_supervised, supervise

__all__ = ["is_supervised", "supervise"]
