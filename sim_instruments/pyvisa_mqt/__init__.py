"""The PyVISA backend `@mqt`: a simulated bench that any VISA client can talk to.

`pyvisa.ResourceManager("@mqt")` opens the built-in bench, `"showroom@mqt"` another built-in
one by name, `"my_bench.yaml@mqt"` a bench file; `"my_bench.yaml?seed=7@mqt"` overrides its seed.
"""

from __future__ import annotations

from pyvisa_mqt.visa.library import MqtVisaLibrary
from pyvisa_mqt.wires.clock import VirtualClock

__all__ = ["WRAPPER_CLASS", "MqtVisaLibrary", "VirtualClock"]

#: PyVISA finds a backend by this name.
WRAPPER_CLASS = MqtVisaLibrary
