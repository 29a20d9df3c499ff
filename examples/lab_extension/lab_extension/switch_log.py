"""Reads the switch logs of this laboratory's old program, `*.swl`.

A line is `ramp;result;current in uA`, with decimal commas and # before comments; the result is S (switched), N (the
ramp reached its top without a switch) or L (the reading was lost), and only S has a current.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mqtctl.analysis import SwitchingData

__all__ = ["read"]


def read(path: Path) -> SwitchingData:
    """Return the switching currents (A) of a log; a `ValueError` says which line cannot be read."""
    currents: list[float] = []
    counted = {"N": 0, "L": 0}
    for number, line in enumerate(path.read_text(encoding="latin-1").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            _ramp, result, current = line.split(";")
            if result == "S":
                currents.append(float(current.replace(",", ".")) * 1e-6)
            else:
                counted[result] += 1
        except (ValueError, KeyError):
            raise ValueError(f"line {number}, {line!r}, is not ramp;S, N or L;current in uA") from None
    return SwitchingData(np.array(currents), "current", censored=counted["N"], missed=counted["L"])
