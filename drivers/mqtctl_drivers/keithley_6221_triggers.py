"""The trigger model of the Keithley 6221: an arm layer around a trigger layer, for sweeps.

Sources: 622x Reference Manual, section 8; spellings as the `slave` 0.4.0 driver sends them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcodes.instrument import InstrumentChannel

from .commands import choice, integer, number

if TYPE_CHECKING:
    from qcodes.parameters import Parameter

    from .scpi import ScpiInstrument

__all__ = ["ArmLayer", "TriggerLayer"]

_LINES = 6
_DIRECTIONS = {"acceptor": "ACC", "source": "SOUR"}


class _Layer(InstrumentChannel):
    """What both layers have; `header` is ARM or TRIG."""

    def __init__(self, parent: ScpiInstrument, name: str, header: str) -> None:
        super().__init__(parent, name)
        self._header = header
        self.direction: Parameter = self.add_parameter(
            "direction",
            **choice(f"{header}:DIR", _DIRECTIONS),
            docstring="Control whether an external event is waited for (acceptor) or passed by the first time "
            f"(source; {header}:DIRection).",
        )
        """Control whether an external event is waited for, or passed by the first time."""
        self.input_line: Parameter = self.add_parameter(
            "input_line",
            **integer(f"{header}:ILIN", 1, _LINES),
            docstring=f"Control the trigger-link line of the input (1 to 6; {header}:ILINe).",
        )
        """Control the trigger-link line of the input."""
        self.output_line: Parameter = self.add_parameter(
            "output_line",
            **integer(f"{header}:OLIN", 1, _LINES),
            docstring=f"Control the trigger-link line of the output (1 to 6; {header}:OLINe). It must differ from the "
            "marker's.",
        )
        """Control the trigger-link line of the output."""

    def pass_by(self) -> None:
        """Go on as if the awaited event had come (SIGNal)."""
        self.write(f"{self._header}:SIGN")


class ArmLayer(_Layer):
    """`ARM`: what starts a sweep."""

    def __init__(self, parent: ScpiInstrument, name: str) -> None:
        super().__init__(parent, name, "ARM")
        sources = {"immediate": "IMM", "timer": "TIM", "bus": "BUS", "trigger link": "TLIN", "manual": "MAN"}
        limit_tests = {"limit test": "BST", "passed limit test": "PST", "failed limit test": "NST"}
        self.source: Parameter = self.add_parameter(
            "source",
            **choice("ARM:SOUR", sources | limit_tests),
            docstring=f"Control what the arm layer waits for ({', '.join(sources | limit_tests)}; ARM:SOURce).",
        )
        """Control what the arm layer waits for."""
        self.timer: Parameter = self.add_parameter(
            "timer",
            **number("ARM:TIM", "s", 0, 99999.99),
            docstring="Control the interval of the timer in s (0 to 99999.99; ARM:TIMer).",
        )
        """Control the interval of the timer in s."""
        self.output: Parameter = self.add_parameter(
            "output",
            **choice("ARM:OUTP", {"entering": "TENT", "leaving": "TEX", "none": "NONE"}),
            docstring="Control when a trigger is put out (entering, leaving the trigger layer, none; ARM:OUTPut).",
        )
        """Control when a trigger is put out."""


class TriggerLayer(_Layer):
    """`TRIGger`: what starts each step of a sweep."""

    def __init__(self, parent: ScpiInstrument, name: str) -> None:
        super().__init__(parent, name, "TRIG")
        self.source: Parameter = self.add_parameter(
            "source",
            **choice("TRIG:SOUR", {"immediate": "IMM", "trigger link": "TLIN"}),
            docstring="Control what each step waits for (immediate, trigger link; TRIGger:SOURce).",
        )
        """Control what each step waits for."""
        self.output: Parameter = self.add_parameter(
            "output",
            **choice("TRIG:OUTP", {"source": "SOUR", "delay": "DEL", "none": "NONE"}),
            docstring="Control when a trigger is put out (source: behind each current, delay: behind its delay, none; "
            "TRIGger:OUTPut).",
        )
        """Control when a trigger is put out."""
