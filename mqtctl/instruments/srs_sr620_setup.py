"""How an SR620 is set up for a ramp, and what must then read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mqtctl_drivers.srs_sr620 import SrsSR620
from mqtctl_drivers.srs_sr620_input import INPUTS, TimerInput

from mqtctl.errors import HardwareError

from .counter_facts import check_timeout
from .faults import close_to, named
from .roles import RampProgram, StopEdge
from .srs_sr620_options import SrsSR620Options

__all__ = ["TimerSetup", "longest_silence"]

#: The level's converter has steps of 10 mV.
_LEVEL_STEP = 0.0051
#: After this many periods, and this many s, without a sample something is wrong with the wiring or the ramp.
_SILENT_PERIODS, _SILENT_TIME = 45, 4.5


def longest_silence(program: RampProgram, wish: float | None) -> float:
    """Return after how long (s) without an interval the counter is asked what is wrong.

    Parameters
    ----------
    wish
        The station's time-out in s, None for 45 periods and at least 4.5 s.

    Raises
    ------
    InputError
        The wish is shorter than the ramp needs.
    """
    check_timeout(program, wish)
    return wish if wish is not None else max(_SILENT_TIME, _SILENT_PERIODS * program.period)


class TimerSetup:
    """Makes an SR620 measure one thing with the station's inputs.

    Parameters
    ----------
    counter
        The driver.
    options
        The station's options.
    """

    def __init__(self, counter: SrsSR620, options: SrsSR620Options) -> None:
        self._counter = counter
        self._options = options
        self.stop = options.stop_edge
        """The edge that ends an interval."""

    def apply(self, measurement: Mapping[str, str], **edges: StopEdge) -> None:
        """Set measurement and inputs, one sample a group, and raise unless everything reads back.

        Parameters
        ----------
        measurement
            Parameters of the driver and their values, such as mode and arming.
        edges
            Edges of "start" and "stop", where they are not the usual ones.
        """
        counter = self._counter
        wanted: dict[str, Any] = {
            **measurement,
            "source": measurement.get("source", self._options.start_input),
            "sample_size": 1,
            "auto_measure": False,
            "expand": False,
        }
        parts = [("", counter, wanted), *((f"{role} ", part, settings) for role, part, settings in self._inputs(edges))]
        for _, part, settings in parts:
            for name, value in settings.items():
                part.parameters[name].set(value)
        for prefix, part, settings in parts:
            for name, value in settings.items():
                found = part.parameters[name].get()
                if not (close_to(found, value, absolute=_LEVEL_STEP) if name == "level" else found == value):
                    raise HardwareError(
                        f"{named(counter)}: {prefix}{name.replace('_', ' ')} was set to {value!r} but reads back "
                        f"{found!r}; reset the counter and look at its front panel"
                    )

    def settings(self) -> str:
        """Return all that decides what an interval means, as the counter answers in one message."""
        numbers = (INPUTS["a"], INPUTS["b"])
        inputs = [f"{mnemonic}? {n}" for n in numbers for mnemonic in ("LEVL", "TSLP", "TERM", "TCPL", "TMOD")]
        return self._counter.ask(";".join(["MODE?", "SRCE?", "ARMM?", "SIZE?", "AUTM?", *inputs]))

    def _inputs(self, edges: Mapping[str, StopEdge]) -> list[tuple[str, TimerInput, dict[str, Any]]]:
        """Return role, input and what its parameters are to be, for both inputs."""
        options = self._options
        usual = {"start": options.start_edge, "stop": self.stop}
        return [
            (
                role,
                self._counter.inputs[getattr(options, f"{role}_input")],
                {
                    "autolevel": False,  # first, for it would move the level
                    "coupling": getattr(options, f"{role}_coupling"),
                    "termination": getattr(options, f"{role}_impedance"),
                    "level": edge.threshold,
                    "slope": "positive" if edge.rising else "negative",
                },
            )
            for role, edge in (usual | dict(edges)).items()
        ]
