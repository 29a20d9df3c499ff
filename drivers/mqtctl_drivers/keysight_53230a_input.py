"""The inputs and the gate of the Keysight 53230A counter.

Sources: 53220A/53230A Programmer's Reference (PR), INPut and SENSe:GATE subsystems. Unconfirmed:
the exact level limits and the numeric limits of the gate's delay and holdoff.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcodes.instrument import InstrumentChannel
from qcodes.validators import Enum

from .commands import choice, integer, number, one_of, switch

if TYPE_CHECKING:
    from qcodes.instrument import InstrumentBase
    from qcodes.parameters import Parameter

__all__ = ["CounterGate", "CounterInput"]

#: Widest threshold in V on the 50 V range; on the 5 V range it is a tenth.
HIGHEST_LEVEL = 51.25
SLOPES = {"positive": "POS", "negative": "NEG"}
GATE_SOURCES = {"immediate": "IMM", "external": "EXT", "input 1": "INP1", "input 2": "INP2"}
DELAY_SOURCES = {"immediate": "IMM", "time": "TIME", "events": "EVEN"}


class CounterInput(InstrumentChannel):
    """`INPut1` or `INPut2`. Any `CONFigure` puts level, slope and autolevel back: set them afterwards."""

    def __init__(self, parent: InstrumentBase, name: str, number_: int) -> None:
        super().__init__(parent, name)
        self._root = f"INP{number_}"
        self._add_front_end()
        self._add_events()

    def _add_front_end(self) -> None:
        root = self._root
        self.coupling: Parameter = self.add_parameter(
            "coupling",
            **choice(f"{root}:COUP", {"ac": "AC", "dc": "DC"}),
            docstring="Control the coupling (ac, dc; INPut:COUPling). *RST gives ac.",
        )
        self.impedance: Parameter = self.add_parameter(
            "impedance",
            **one_of(f"{root}:IMP", "Ohm", (50.0, 1e6)),
            docstring="Control the input impedance in Ohm (50 or 1e6; INPut:IMPedance). *RST gives 1e6.",
        )
        self.range: Parameter = self.add_parameter(
            "range",
            **one_of(f"{root}:RANG", "V", (5.0, 50.0)),
            docstring="Control the input range in V (5 or 50; INPut:RANGe).",
        )
        self.probe: Parameter = self.add_parameter(
            "probe",
            **integer(f"{root}:PROB", 1, 10, unit="times") | {"vals": Enum(1, 10)},
            docstring="Control the attenuation of the probe (1 or 10 times; INPut:PROBe).",
        )
        self.low_pass_filter: Parameter = self.add_parameter(
            "low_pass_filter",
            **switch(f"{root}:FILT"),
            docstring="Control the 100 kHz low-pass filter (on, off; INPut:FILTer).",
        )
        self.noise_rejection: Parameter = self.add_parameter(
            "noise_rejection",
            **switch(f"{root}:NREJ"),
            docstring="Control the wider hysteresis (on, off; INPut:NREJect).",
        )

    def _add_events(self) -> None:
        root = self._root
        self.autolevel: Parameter = self.add_parameter(
            "autolevel",
            **switch(f"{root}:LEV:AUTO"),
            docstring="Control whether the threshold follows the signal (on, off; INPut:LEVel:AUTO). It "
            "needs 50 Hz or more; *RST and CONFigure turn it on.",
        )
        self.level: Parameter = self.add_parameter(
            "level",
            **number(f"{root}:LEV", "V", -HIGHEST_LEVEL, HIGHEST_LEVEL),
            docstring="Control the threshold in V (+-5.125 on the 5 V range, +-51.25 on the 50 V range; "
            "INPut:LEVel1:ABSolute). Setting it turns autolevel off.",
        )
        self.stop_level: Parameter = self.add_parameter(
            "stop_level",
            **number(f"{root}:LEV2", "V", -HIGHEST_LEVEL, HIGHEST_LEVEL),
            docstring="Control the threshold in V of the stop event when one input gives both events "
            "(INPut:LEVel2:ABSolute).",
        )
        self.relative_level: Parameter = self.add_parameter(
            "relative_level",
            **(integer(f"{root}:LEV:REL", 10, 90, unit="%") | {"vals": Enum(*range(10, 91, 5))}),
            docstring="Control the threshold as a part of the signal in % (10 to 90 in steps of 5, with "
            "autolevel only; INPut:LEVel1:RELative).",
        )
        self.slope: Parameter = self.add_parameter(
            "slope",
            **choice(f"{root}:SLOP", SLOPES),
            docstring="Control the slope of the event (positive, negative; INPut:SLOPe1).",
        )
        self.stop_slope: Parameter = self.add_parameter(
            "stop_slope",
            **choice(f"{root}:SLOP2", SLOPES),
            docstring="Control the slope of the stop event when one input gives both events "
            "(positive, negative; INPut:SLOPe2).",
        )

    def find_level(self) -> None:
        """Put the threshold at its part of the present signal and keep it there (INPut:LEVel:AUTO ONCE)."""
        self.write(f"{self._root}:LEV:AUTO ONCE")
        self.autolevel.cache.invalidate()
        self.level.cache.invalidate()


class CounterGate(InstrumentChannel):
    """What arms a time interval and holds its stop event off (`SENSe:TINTerval:GATE`, `SENSe:GATE`)."""

    def __init__(self, parent: InstrumentBase, name: str) -> None:
        super().__init__(parent, name)
        self.source: Parameter = self.add_parameter(
            "source",
            **choice("SENS:TINT:GATE:SOUR", {"immediate": "IMM", "external": "EXT", "advanced": "ADV"}),
            docstring="Control what arms a time interval (immediate, external, advanced; "
            "SENSe:TINTerval:GATE:SOURce). Advanced uses the delay and the holdoff below.",
        )
        self.polarity: Parameter = self.add_parameter(
            "polarity",
            **choice("SENS:TINT:GATE:POL", SLOPES),
            docstring="Control the edge of an external gate (positive, negative; SENSe:TINTerval:GATE:POLarity).",
        )
        self.external_source: Parameter = self.add_parameter(
            "external_source",
            **choice("SENS:GATE:EXT:SOUR", {"gate connector": "BNC", "input 2": "INP2"}),
            docstring="Control where an external gate comes in (gate connector, input 2; "
            "SENSe:GATE:EXTernal:SOURce). The connector is an input only while `gate_output` is off.",
        )
        self.frequency_time: Parameter = self.add_parameter(
            "frequency_time",
            **number("SENS:FREQ:GATE:TIME", "s", 1e-6, 1000),
            docstring="Control the gate time of frequency and period in s (1 us to 1000 s; SENSe:FREQuency:GATE:TIME).",
        )
        self._add_start()
        self._add_stop()

    def _add_start(self) -> None:
        self.start_source: Parameter = self.add_parameter(
            "start_source",
            **choice("SENS:GATE:STAR:SOUR", GATE_SOURCES),
            docstring="Control what opens an advanced gate (immediate, external, input 1, input 2; "
            "SENSe:GATE:STARt:SOURce).",
        )
        self.start_slope: Parameter = self.add_parameter(
            "start_slope",
            **choice("SENS:GATE:STAR:SLOP", SLOPES),
            docstring="Control the edge that opens an advanced gate (positive, negative; SENSe:GATE:STARt:SLOPe).",
        )
        self.start_delay_source: Parameter = self.add_parameter(
            "start_delay_source",
            **choice("SENS:GATE:STAR:DEL:SOUR", DELAY_SOURCES),
            docstring="Control what delays the gate's start (immediate, time, events; SENSe:GATE:STARt:DELay:SOURce).",
        )
        self.start_delay: Parameter = self.add_parameter(
            "start_delay",
            **number("SENS:GATE:STAR:DEL:TIME", "s", 0, 10),
            docstring="Control the delay of the gate's start in s (0 to 10; SENSe:GATE:STARt:DELay:TIME).",
        )
        self.start_delay_events: Parameter = self.add_parameter(
            "start_delay_events",
            **integer("SENS:GATE:STAR:DEL:EVEN", 1, 81_000_000, unit="events"),
            docstring="Control the delay of the gate's start in events (1 to 8.1e7; SENSe:GATE:STARt:DELay:EVENts).",
        )

    def _add_stop(self) -> None:
        self.stop_source: Parameter = self.add_parameter(
            "stop_source",
            **choice("SENS:GATE:STOP:SOUR", GATE_SOURCES),
            docstring="Control what closes an advanced gate (immediate, external, input 1, input 2; "
            "SENSe:GATE:STOP:SOURce).",
        )
        self.stop_slope: Parameter = self.add_parameter(
            "stop_slope",
            **choice("SENS:GATE:STOP:SLOP", SLOPES),
            docstring="Control the edge that closes an advanced gate (positive, negative; SENSe:GATE:STOP:SLOPe).",
        )
        self.stop_holdoff_source: Parameter = self.add_parameter(
            "stop_holdoff_source",
            **choice("SENS:GATE:STOP:HOLD:SOUR", DELAY_SOURCES),
            docstring="Control what holds the stop event off (immediate, time, events; "
            "SENSe:GATE:STOP:HOLDoff:SOURce).",
        )
        self.stop_holdoff: Parameter = self.add_parameter(
            "stop_holdoff",
            **number("SENS:GATE:STOP:HOLD:TIME", "s", 0, 10),
            docstring="Control how long the stop event is held off in s (0 to 10; SENSe:GATE:STOP:HOLDoff:TIME). "
            "Longer than the ringing after the marker and shorter than the shortest switch, it keeps false stops out.",
        )
        self.stop_holdoff_events: Parameter = self.add_parameter(
            "stop_holdoff_events",
            **integer("SENS:GATE:STOP:HOLD:EVEN", 1, 81_000_000, unit="events"),
            docstring="Control for how many events the stop is held off (1 to 8.1e7; SENSe:GATE:STOP:HOLDoff:EVENts).",
        )
