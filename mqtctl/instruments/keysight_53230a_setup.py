"""How a 53230A is set up for a ramp: time-out, inputs, data; and what must then read back."""

from __future__ import annotations

import math
from typing import Any

from mqtctl_drivers.keysight_53230a import Keysight53230A
from mqtctl_drivers.keysight_53230a_input import CounterInput

from mqtctl.errors import HardwareError, InputError

from .counter_facts import check_timeout
from .faults import close_to, named
from .keysight_53230a_options import Keysight53230AOptions
from .roles import RampProgram, StopEdge

__all__ = ["IntervalSetup", "reading_timeout"]

_SHORTEST_TIMEOUT, _LONGEST_TIMEOUT = 0.01, 2000.0
#: Ramps without a switch before a reading is given up.
_EMPTY_RAMPS = 20
#: The narrow range holds thresholds up to this many volts.
_NARROW_RANGE_LEVEL = 5.0


def reading_timeout(program: RampProgram, wish: float | None) -> tuple[float, int]:
    """Return the time-out of a reading in s, and how many ramps without a switch it spans.

    A reading waits for its start as well, and a ramp that a time-out cuts is lost. So it is long, 20.5 periods where
    the counter allows that: an interval of several periods then tells exactly how many ramps in it did not switch.
    It is so many and a half periods because after a switch it then ends while no other is due.

    Parameters
    ----------
    wish
        Shortest time-out in s according to the station file; None for the default.

    Raises
    ------
    InputError
        The wish is shorter than the ramp needs, or the ramp needs more than the counter has.
    """
    check_timeout(program, wish)
    usual = min((_EMPTY_RAMPS + 0.5) * program.period, _LONGEST_TIMEOUT - program.period)
    empty_ramps = max(1, math.ceil(max(wish or usual, _SHORTEST_TIMEOUT) / program.period - 0.5 - 1e-9))
    timeout = (empty_ramps + 0.5) * program.period
    if not timeout <= _LONGEST_TIMEOUT:
        raise InputError(
            f"a period of {program.period:.6g} s needs a time-out beyond the counter's {_LONGEST_TIMEOUT:g} s; "
            "shorten it"
        )
    return timeout, empty_ramps


class IntervalSetup:
    """Makes a 53230A measure from the marker to the voltage step.

    Parameters
    ----------
    counter
        The driver.
    options
        The station's options.
    """

    def __init__(self, counter: Keysight53230A, options: Keysight53230AOptions) -> None:
        self._counter = counter
        self._options = options
        self.stop = options.stop_edge
        """The edge that ends an interval."""

    def time_interval(self, timeout: float) -> None:
        """Reset, then set time interval, inputs, time-out (s) and binary format, and read all of it back."""
        self._counter.reset()
        self._counter.reading_timeout.set(timeout)
        self._counter.configure_time_interval(self._options.start_input, self._options.stop_input)
        self.set_inputs()
        self.set_data()
        self._counter.check_errors()
        self._read_back(timeout)

    def period(self, timeout: float) -> None:
        """Measure the period of the start marker instead, giving up after `timeout` s."""
        self._counter.configure_period(self._options.start_input)
        self._counter.reading_timeout.set(min(timeout, _LONGEST_TIMEOUT))
        self.set_inputs()
        self.set_data()

    def between_marker_edges(self, first: StopEdge, second: StopEdge, timeout: float) -> None:
        """Measure on the start input alone, from one edge to the next other one, giving up after `timeout` s."""
        number = self._options.start_input
        self._counter.configure_time_interval(number, number)
        self._counter.reading_timeout.set(min(max(timeout, _SHORTEST_TIMEOUT), _LONGEST_TIMEOUT))
        self.set_inputs()
        channel = self._counter.inputs[number]
        for prefix, edge in (("", first), ("stop_", second)):
            channel.parameters[f"{prefix}level"].set(edge.threshold)
            channel.parameters[f"{prefix}slope"].set(_slope(edge))
        self.set_data()

    def totalize(self, stop: StopEdge, duration: float, timeout: float) -> None:
        """Count edges at the stop input for `duration` s, giving up after `timeout` s."""
        number = self._options.stop_input
        self._counter.configure_totalize(duration, number)
        self._counter.reading_timeout.set(min(max(timeout, _SHORTEST_TIMEOUT), _LONGEST_TIMEOUT))
        self.set_inputs()
        channel = self._counter.inputs[number]
        channel.level.set(stop.threshold)
        channel.slope.set(_slope(stop))
        self.set_data()

    def settings(self) -> str:
        """Return all that decides what an interval means, as the counter answers in one message."""
        inputs = ";".join(
            f":INP{n}:COUP?;:INP{n}:IMP?;:INP{n}:LEV:AUTO?;:INP{n}:LEV?;:INP{n}:SLOP?"
            for n in (self._options.start_input, self._options.stop_input)
        )
        return self._counter.ask(f":FUNC?;:SYST:TIM?;:TRIG:SOUR?;:TRIG:COUN?;:FORM?;:FORM:BORD?;{inputs}")

    def set_inputs(self) -> None:
        """Set both inputs; autolevel off first, for it needs 50 Hz and would fight the thresholds."""
        for channel, settings in self._inputs().values():
            channel.autolevel.set(False)
            for name, value in settings.items():
                channel.parameters[name].set(value)

    def set_data(self) -> None:
        """Set trigger and format: one trigger, at once; readings as big-endian doubles."""
        self._counter.trigger_source.set("immediate")
        self._counter.trigger_count.set(1)
        self._counter.data_format.set("real")
        self._counter.byte_order.set("big")

    def _inputs(self) -> dict[str, tuple[CounterInput, dict[str, Any]]]:
        """Return the two inputs, each with what its parameters are to be."""
        options = self._options
        return {
            role: (
                self._counter.inputs[getattr(options, f"{role}_input")],
                {
                    "coupling": getattr(options, f"{role}_coupling"),
                    "impedance": getattr(options, f"{role}_impedance"),
                    "range": 5.0 if abs(edge.threshold) <= _NARROW_RANGE_LEVEL else 50.0,
                    "level": edge.threshold,
                    "slope": _slope(edge),
                    "noise_rejection": role == "stop" and options.stop_noise_rejection,
                },
            )
            for role, edge in (("start", options.start_edge), ("stop", self.stop))
        }

    def _read_back(self, timeout: float) -> None:
        """Raise unless everything that was set reads back."""
        counter = self._counter
        checks: list[tuple[str, Any, Any]] = [
            ("function", counter.function.get(), "time interval"),
            ("time-out", counter.reading_timeout.get(), timeout),
            ("trigger source", counter.trigger_source.get(), "immediate"),
            ("trigger count", counter.trigger_count.get(), 1),
            ("data format", counter.data_format.get(), "real"),
            ("byte order", counter.byte_order.get(), "big"),
        ]
        for role, (channel, settings) in self._inputs().items():
            checks.append((f"{role} autolevel", channel.autolevel.get(), False))
            checks.extend((f"{role} {n}", channel.parameters[n].get(), wanted) for n, wanted in settings.items())
        for name, found, wanted in checks:
            # the level's converter has steps of 2.5 mV; what is exact reads back exactly
            step = 0.003 if name.endswith("level") else 0.0
            numeric = isinstance(wanted, float)
            if not (close_to(found, wanted, relative=1e-6, absolute=step) if numeric else found == wanted):
                raise HardwareError(
                    f"{named(counter)}: {name} was set to {wanted!r} but reads back {found!r}; "
                    "reset the counter and look for a setting locked at its front panel"
                )


def _slope(edge: StopEdge) -> str:
    """Return the driver's word for the direction of an edge."""
    return "positive" if edge.rising else "negative"
