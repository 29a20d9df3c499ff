"""What the experiment asks of its instruments: three roles, what an adapter may offer beyond them, and findings."""

from mqtctl.instruments.roles.experiment import (
    Finding,
    LimitableSource,
    OffsetSource,
    RampProgram,
    RampSource,
    StopEdge,
    TemperatureController,
    TemperatureReading,
    TimingCounter,
    Watched,
)

__all__ = [
    "Finding",
    "LimitableSource",
    "OffsetSource",
    "RampProgram",
    "RampSource",
    "StopEdge",
    "TemperatureController",
    "TemperatureReading",
    "TimingCounter",
    "Watched",
]
