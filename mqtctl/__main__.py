"""`python -m mqtctl`."""

from __future__ import annotations

from mqtctl.cli import main

main()
