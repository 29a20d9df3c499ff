"""How an SR620 is set up for a ramp, and what must then read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mqtctl_drivers.srs_sr620 import SrsSR620

from mqtctl.instruments.counters.facts import check_timeout
from mqtctl.instruments.roles.experiment import RampProgram, StopEdge
from mqtctl.instruments.srs_sr620.options import SrsSR620Options
from mqtctl.instruments.talk.wanted import SettingsGuard, Wanted

if TYPE_CHECKING:
    from qcodes.instrument import InstrumentBase

__all__ = ["TimerSetup", "longest_silence"]

#: The level's converter has steps of 10 mV.
_LEVEL_STEP = 0.0051
#: Value out of range and command not understood, in the standard event status.
_REFUSED = 0x30
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
        # it has no error queue: command and execution errors show in the event status alone
        self.guard = SettingsGuard(counter, counter.ask, errors=_REFUSED)
        """Watches what `apply` has set."""
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
        wanted = self._wanted(measurement, edges)
        self.guard.make(wanted)
        self._counter.check_errors()
        self.guard.verify(wanted)

    def _wanted(self, measurement: Mapping[str, str], edges: Mapping[str, StopEdge]) -> list[Wanted]:
        """Return all that decides what an interval means, in the order in which it is set."""
        options = self._options
        values: dict[str, Any] = {
            **measurement,
            "source": measurement.get("source", options.start_input),
            "sample_size": 1,
            "auto_measure": False,
            "expand": False,
        }
        wanted = [_named("", self._counter, name, value) for name, value in values.items()]
        usual = {"start": options.start_edge, "stop": self.stop}
        for role, edge in (usual | dict(edges)).items():
            timer_input = self._counter.inputs[getattr(options, f"{role}_input")]
            settings = {
                "autolevel": False,  # first, for it would move the level
                "coupling": getattr(options, f"{role}_coupling"),
                "termination": getattr(options, f"{role}_impedance"),
                "level": edge.threshold,
                "slope": "positive" if edge.rising else "negative",
            }
            wanted += [_named(f"{role} ", timer_input, name, value) for name, value in settings.items()]
        return wanted


def _named(prefix: str, part: InstrumentBase, name: str, value: Any) -> Wanted:
    """Return a setting under its parameter's name."""
    words = prefix + name.replace("_", " ")
    return Wanted(words, part.parameters[name], value, _LEVEL_STEP if name == "level" else None)
