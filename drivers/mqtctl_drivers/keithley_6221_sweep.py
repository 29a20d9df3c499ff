"""Staircase sweeps of the Keithley 6221: linear, logarithmic, or from a list.

The instrument's processor times the steps, and with the display on they jitter by up to 1 ms (RM p. 100): good for
I-V curves, useless for switching ramps, which the wave generator makes.

Sources: 622x Reference Manual (RM), section 4. Unconfirmed by any source that could be opened, here taken as
written: the limits of delay and count, and that the output stays at the last point until `abort`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from qcodes.instrument import InstrumentChannel

from .commands import choice, format_number, integer, number, switch
from .errors import InstrumentError

if TYPE_CHECKING:
    from qcodes.parameters import Parameter

    from .scpi import ScpiInstrument

__all__ = ["LONGEST_LIST", "CurrentSweep"]

#: Points of a sweep, and values that one LIST command may carry.
LONGEST_LIST, LIST_CHUNK = 65535, 100
_LARGEST = 0.105


class CurrentSweep(InstrumentChannel):
    """`SOURce:SWEep` and `SOURce:LIST`: steps of DC current between `arm`, `initiate` and `abort`."""

    def __init__(self, parent: ScpiInstrument, name: str, current_limit: Parameter) -> None:
        super().__init__(parent, name)
        self._source = parent
        self._current_limit = current_limit
        self._add_currents()
        self._add_course()

    def _add_currents(self) -> None:
        self.start: Parameter = self.add_parameter(
            "start",
            **number("SOUR:CURR:STAR", "A", -_LARGEST, _LARGEST),
            docstring="Control the first current in A (-105 mA to 105 mA; SOURce:CURRent:STARt).",
        )
        self.stop: Parameter = self.add_parameter(
            "stop",
            **number("SOUR:CURR:STOP", "A", -_LARGEST, _LARGEST),
            docstring="Control the last current in A (-105 mA to 105 mA; SOURce:CURRent:STOP).",
        )
        self.step: Parameter = self.add_parameter(
            "step",
            **number("SOUR:CURR:STEP", "A", 1e-13, _LARGEST),
            docstring="Control the step of a linear sweep in A (100 fA to 105 mA; SOURce:CURRent:STEP). It sets "
            "`points`.",
        )
        self.points: Parameter = self.add_parameter(
            "points",
            **integer("SOUR:SWE:POIN", 1, LONGEST_LIST, unit="points"),
            docstring="Control the number of currents (1 to 65535; SOURce:SWEep:POINts). It sets `step`.",
        )

    def _add_course(self) -> None:
        self.spacing: Parameter = self.add_parameter(
            "spacing",
            **choice("SOUR:SWE:SPAC", {"linear": "LIN", "logarithmic": "LOG", "list": "LIST"}),
            docstring="Control how the currents follow one another (linear, logarithmic, list; SOURce:SWEep:SPACing).",
        )
        self.delay: Parameter = self.add_parameter(
            "delay",
            **number("SOUR:DEL", "s", 1e-3, 999999.999),
            docstring="Control the time at each current in s (1 ms to 999999.999 s; SOURce:DELay).",
        )
        self.count: Parameter = self.add_parameter(
            "count",
            **number("SOUR:SWE:COUN", "sweeps", 1, 9999, infinite=True),
            docstring="Control how often the sweep is made (1 to 9999 or inf; SOURce:SWEep:COUNt).",
        )
        self.ranging: Parameter = self.add_parameter(
            "ranging",
            **choice("SOUR:SWE:RANG", {"auto": "AUTO", "best": "BEST", "fixed": "FIX"}),
            docstring="Control how the range is chosen (auto, best, fixed; SOURce:SWEep:RANGing): auto changes it on "
            "the way, best takes one that holds all currents, fixed stays on `current_range`.",
        )
        self.compliance_abort: Parameter = self.add_parameter(
            "compliance_abort",
            **switch("SOUR:SWE:CAB"),
            docstring="Control whether reaching the compliance ends the sweep (on, off; SOURce:SWEep:CABort).",
        )
        self.list_points: Parameter = self.add_parameter(
            "list_points",
            **(integer("SOUR:LIST:CURR:POIN", 0, LONGEST_LIST, unit="points") | {"set_cmd": False}),
            docstring="Get the number of currents in the list (0 to 65535; SOURce:LIST:CURRent:POINts).",
        )

    def upload(self, currents: ArrayLike) -> None:
        """Load the list of currents, in portions of 100, and check its length (SOURce:LIST:CURRent, APPend).

        Parameters
        ----------
        currents
            Shape (n_point,), 1 to 65535 currents in A, each within the source's `current_limit`.

        Raises
        ------
        ValueError
            Wrong shape or length, or a current beyond the limit.
        InstrumentError
            The instrument holds another number of them afterwards.
        """
        values = np.asarray(currents, dtype=np.float64)
        if values.ndim != 1 or not 1 <= values.size <= LONGEST_LIST:
            raise ValueError(f"a list has 1 to {LONGEST_LIST} currents in one row, not shape {values.shape}")
        self._check_limit(values)
        for first in range(0, values.size, LIST_CHUNK):
            command = "SOUR:LIST:CURR" if first == 0 else "SOUR:LIST:CURR:APP"
            self.write(f"{command} {','.join(format_number(value) for value in values[first : first + LIST_CHUNK])}")
        points = self.list_points.get()
        if points != values.size:
            raise InstrumentError(f"{self.full_name}: {values.size} currents were sent, the instrument has {points}")

    def arm(self, timeout: float = 10.0) -> None:
        """Get ready and turn the output on (SOURce:SWEep:ARM); returns when done, at most after `timeout` s.

        Raises
        ------
        ValueError
            `start` or `stop` exceeds the source's `current_limit`; nothing was armed. A list was checked by `upload`.
        """
        if self.spacing.get() != "list":
            self._check_limit([self.start.get(), self.stop.get()])
        self.write("SOUR:SWE:ARM")
        self._source.wait_complete(timeout)

    def initiate(self) -> None:
        """Start the armed sweep (INITiate:IMMediate); its end is the operation event SWEEP_DONE."""
        self.write("INIT:IMM")

    def abort(self) -> None:
        """End the sweep (SOURce:SWEep:ABORt)."""
        self.write("SOUR:SWE:ABOR")

    def _check_limit(self, currents: Sequence[float] | np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
        """Raise ValueError for a current beyond the driver's limit."""
        limit = float(self._current_limit.get())
        worst = max((float(current) for current in currents), key=abs)
        if not abs(worst) <= limit * (1 + 1e-6):  # seven digits come back
            raise ValueError(f"{self.full_name}: {worst:.6g} A exceeds the current limit of {limit:.6g} A")
