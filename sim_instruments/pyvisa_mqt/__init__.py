"""The PyVISA backend `@mqt`: a simulated bench that any VISA client can talk to.

`pyvisa.ResourceManager("@mqt")` opens the built-in bench, `"showroom@mqt"` another built-in
one by name, `"my_bench.yaml@mqt"` a bench file; `"my_bench.yaml?seed=7@mqt"` overrides its seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyvisa_mqt.time_and_signals.clock import VirtualClock
    from pyvisa_mqt.visa.library import MqtVisaLibrary

    #: PyVISA finds a backend by this name.
    WRAPPER_CLASS = MqtVisaLibrary

__all__ = ["WRAPPER_CLASS", "MqtVisaLibrary", "VirtualClock"]


def __getattr__(name: str) -> Any:
    """Import the bench when it is asked for: pytest loads `pyvisa_mqt.pytest_plugin` in every run that can see it."""
    if name in {"WRAPPER_CLASS", "MqtVisaLibrary"}:
        from pyvisa_mqt.visa.library import MqtVisaLibrary

        return MqtVisaLibrary
    if name == "VirtualClock":
        from pyvisa_mqt.time_and_signals.clock import VirtualClock

        return VirtualClock
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
