"""What a child of a campaign finds in place: modules, tables that take time, and nothing for the collector to look at.

Importing this takes seconds, and is done once, by the process of which all children are forked.
"""

from __future__ import annotations

import gc
from functools import cache
from importlib import import_module

import numpy as np

for _name in (
    "mqtctl.cli.app",
    "mqtctl.cli.live.progress",
    "mqtctl.cli.summary",
    "mqtctl.instruments.keithley_6221.adapter",
    "mqtctl.instruments.keysight_53230a.adapter",
    "mqtctl.instruments.lakeshore.model_372",
    "mqtctl.report.writer",
    "pyvisa_mqt.visa.library",
    "qcodes.dataset",
    "tests.reliability.children",
):
    import_module(_name)

_leggauss = cache(np.polynomial.legendre.leggauss)
np.polynomial.legendre.leggauss = _leggauss  # type: ignore[assignment, misc]
for _nodes in (6, 20, 64, 120):
    _leggauss(_nodes)
gc.collect()
gc.freeze()
