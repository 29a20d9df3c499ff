"""Hardware-in-the-loop control of switching-current measurements in Josephson junctions.

Importing this package loads nothing heavy; take what you need from its parts:
`mqtctl.physics` for escape rates and switching distributions, `mqtctl.analysis` for fits,
`mqtctl.workflow` for whole measurements.
"""

from __future__ import annotations

__all__ = ["__version__"]
__version__ = "0.1.0"
