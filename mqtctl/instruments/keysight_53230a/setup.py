"""How a 53230A is set up for a ramp: time-out, inputs, data; and what must then read back."""

from __future__ import annotations

import math

from mqtctl_drivers.keysight_53230a import Keysight53230A

from mqtctl.errors import InputError
from mqtctl.instruments.counters.facts import check_timeout
from mqtctl.instruments.keysight_53230a.options import Keysight53230AOptions
from mqtctl.instruments.roles.experiment import RampProgram, StopEdge
from mqtctl.instruments.talk.wanted import SettingsGuard, Spoken, Wanted

__all__ = ["IntervalSetup", "reading_timeout"]

_SHORTEST_TIMEOUT, _LONGEST_TIMEOUT = 0.01, 2000.0
#: Ramps without a switch before a reading is given up.
_EMPTY_RAMPS = 20
#: The narrow range holds thresholds up to this many volts.
_NARROW_RANGE_LEVEL = 5.0
#: Settings that are never made: name and query.
_LEFT = {
    "trigger delay": "TRIG:DEL?",
    "gate of the interval": "TINT:GATE:SOUR?",
    "calculations": "CALC:STAT?",
}


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
        self.guard = SettingsGuard(counter, counter.ask, prefix=":")
        """Watches what `time_interval` has set."""
        self.stop = options.stop_edge
        """The edge that ends an interval."""

    def time_interval(self, timeout: float) -> None:
        """Reset, then set time interval, inputs, time-out (s) and binary format, and read all of it back."""
        first, *others = self._wanted(timeout)
        self._counter.reset()
        self.guard.make([first])
        self._counter.configure_time_interval(self._options.start_input, self._options.stop_input)
        self.guard.make(others)
        self._counter.check_errors()
        self.guard.verify([first, *others])

    def period(self, timeout: float) -> None:
        """Measure the period of the start marker instead, giving up after `timeout` s."""
        self.guard.forget()
        self._counter.configure_period(self._options.start_input)
        self._counter.reading_timeout.set(min(timeout, _LONGEST_TIMEOUT))
        self.guard.make([*self._inputs(), *self._data()])

    def between_marker_edges(self, first: StopEdge, second: StopEdge, timeout: float) -> None:
        """Measure on the start input alone, from one edge to the next other one, giving up after `timeout` s."""
        number = self._options.start_input
        self._counter.configure_time_interval(number, number)
        self._counter.reading_timeout.set(min(max(timeout, _SHORTEST_TIMEOUT), _LONGEST_TIMEOUT))
        self.guard.make(self._inputs())
        channel = self._counter.inputs[number]
        for prefix, edge in (("", first), ("stop_", second)):
            channel.parameters[f"{prefix}level"].set(edge.threshold)
            channel.parameters[f"{prefix}slope"].set(_slope(edge))
        self.guard.make(self._data())

    def totalize(self, stop: StopEdge, duration: float, timeout: float) -> None:
        """Count edges at the stop input for `duration` s, giving up after `timeout` s."""
        number = self._options.stop_input
        self._counter.configure_totalize(duration, number)
        self._counter.reading_timeout.set(min(max(timeout, _SHORTEST_TIMEOUT), _LONGEST_TIMEOUT))
        self.guard.make(self._inputs())
        channel = self._counter.inputs[number]
        channel.level.set(stop.threshold)
        channel.slope.set(_slope(stop))
        self.guard.make(self._data())

    def _wanted(self, timeout: float) -> list[Wanted]:
        """Return all that decides what an interval means, in the order in which it is set."""
        return [
            Wanted("time-out", self._counter.reading_timeout, timeout, 1e-6 * timeout),
            Wanted("function", self._counter.function, "time interval", made=False),
            *self._inputs(),
            *self._data(),
        ]

    def _data(self) -> list[Wanted]:
        """Return trigger and format: one trigger, at once; readings as big-endian doubles."""
        counter = self._counter
        return [
            Wanted("trigger source", counter.trigger_source, "immediate"),
            Wanted("trigger count", counter.trigger_count, 1),
            Wanted("data format", counter.data_format, "real"),
            Wanted("byte order", counter.byte_order, "big"),
            # as the reset leaves them, but a front panel can change by them which readings come, and what they mean
            *(
                Wanted(name, Spoken(query, counter.ask, make=lambda _value: None), made=False)
                for name, query in _LEFT.items()
            ),
        ]

    def _inputs(self) -> list[Wanted]:
        """Return the settings of both inputs; autolevel off first, for it would fight the thresholds."""
        options, wanted = self._options, []
        for role, edge in (("start", options.start_edge), ("stop", self.stop)):
            channel = self._counter.inputs[getattr(options, f"{role}_input")]
            impedance = float(getattr(options, f"{role}_impedance"))
            narrow = abs(edge.threshold) <= _NARROW_RANGE_LEVEL
            wanted += [
                Wanted(f"{role} autolevel", channel.autolevel, value=False),
                Wanted(f"{role} coupling", channel.coupling, getattr(options, f"{role}_coupling")),
                Wanted(f"{role} impedance", channel.impedance, impedance, 1e-6 * impedance),
                Wanted(f"{role} range", channel.range, 5.0 if narrow else 50.0, 1e-6),
                Wanted(f"{role} level", channel.level, edge.threshold, 0.003),  # the converter has steps of 2.5 mV
                Wanted(f"{role} slope", channel.slope, _slope(edge)),
                Wanted(
                    f"{role} noise rejection",
                    channel.noise_rejection,
                    value=role == "stop" and options.stop_noise_rejection,
                ),
                Wanted(f"{role} low-pass filter", channel.low_pass_filter, made=False),
                Wanted(f"{role} probe", channel.probe, made=False),
            ]
        return wanted


def _slope(edge: StopEdge) -> str:
    """Return the driver's word for the direction of an edge."""
    return "positive" if edge.rising else "negative"
