"""What a file that describes a simulated bench may say: one schema for the bench itself and for rehearsals on it."""

from .fault_plan import KINDS, QUANTITIES, FaultPlan, Kind, fault_plan
from .schema import (
    BenchFile,
    BiasSection,
    CryostatSection,
    InstrumentSection,
    JunctionSection,
    MarkerSection,
    ReadoutSection,
    SourceSection,
    TransportSection,
    split_port,
)

__all__ = [
    "KINDS",
    "QUANTITIES",
    "BenchFile",
    "BiasSection",
    "CryostatSection",
    "FaultPlan",
    "InstrumentSection",
    "JunctionSection",
    "Kind",
    "MarkerSection",
    "ReadoutSection",
    "SourceSection",
    "TransportSection",
    "fault_plan",
    "split_port",
]
