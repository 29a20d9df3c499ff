"""What an SR620 shows and prints; a measurement does not depend on it, but some of it costs time.

A group ends within nothing in a binary dump without display, after 5 ms with replies in ASCII, after 8 to 50 ms with
the displays on (manual, p. 43). Sources: SR620 manual rev 2.2. Unconfirmed: the numbers of display, relative and graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcodes.instrument import InstrumentChannel

from .commands import coded, integer

if TYPE_CHECKING:
    from qcodes.parameters import Parameter

    from .ieee488 import Ieee488Instrument

__all__ = ["FrontPanel"]

_ON_OFF = {True: 1, False: 0}
_SHOWN = {"mean": 0, "relative": 1, "jitter": 2, "maximum": 3, "minimum": 4, "trigger levels": 5, "voltmeter": 6}


class FrontPanel(InstrumentChannel):
    """Display, relative readings, graphs and printer."""

    def __init__(self, parent: Ieee488Instrument, name: str) -> None:
        super().__init__(parent, name)
        self.shown: Parameter = self.add_parameter(
            "shown",
            **coded("DISP", _SHOWN),
            docstring=f"Control what the display shows ({', '.join(_SHOWN)}; DISP).",
        )
        """Control what the display shows."""
        self.relative: Parameter = self.add_parameter(
            "relative",
            **coded("DREL", {"off": 0, "set": 1, "clear": 2, "swap": 3}),
            docstring="Control the value that is subtracted from what is shown (off, set, clear, swap; DREL).",
        )
        """Control the value that is subtracted from what is shown."""
        self.graph: Parameter = self.add_parameter(
            "graph",
            **coded("DGPH", {"histogram": 0, "mean chart": 1, "jitter chart": 2}),
            docstring="Control which graph is drawn (histogram, mean chart, jitter chart; DGPH).",
        )
        """Control which graph is drawn."""
        self.graph_enabled: Parameter = self.add_parameter(
            "graph_enabled",
            **coded("GENA", _ON_OFF),
            docstring="Control whether graphs are drawn (on, off; GENA); they cost 200 us a sample.",
        )
        """Control whether graphs are drawn."""
        self.gate_code: Parameter = self.add_parameter(
            "gate_code",
            **integer("GATE", 0, 18, unit="code"),
            docstring="Control the width of the gate as the instrument codes it (0 to 18, steps of 1, 2, 5; GATE).",
        )
        """Control the width of the gate as the instrument codes it."""
        self.print_automatically: Parameter = self.add_parameter(
            "print_automatically",
            **coded("AUTP", _ON_OFF),
            docstring="Control whether each group is printed (on, off; AUTP).",
        )
        """Control whether each group is printed."""
        self.text_dump: Parameter = self.add_parameter(
            "text_dump",
            **coded("EDMP", _ON_OFF),
            docstring="Control whether every sample of a group is sent as text (on, off; EDMP); slower than a dump.",
        )
        """Control whether every sample of a group is sent as text."""

    def go_local(self) -> None:
        """Give the front panel back to the user (LOCL 0)."""
        self.write("LOCL 0")
