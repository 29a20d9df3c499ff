"""Sets source and counter up for one kind of ramp after the other, and measures the ramp that they make."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from mqtctl.acquisition.guards.watching import look_after
from mqtctl.acquisition.retry import persist
from mqtctl.errors import GlitchError, HardwareError
from mqtctl.instruments.roles.experiment import RampProgram, StopEdge
from mqtctl.plan import Calibration, Variant
from mqtctl.quantities import readable
from mqtctl.records import MeasuredRamp
from mqtctl.station import Station

__all__ = ["RampBench", "program_of", "stop_edge"]

#: The measured ramp may differ from the planned one by this much, relatively.
RAMP_TOLERANCE = 0.02
#: The period is measured over at least so many ramps, and so much time in s.
_PERIOD_RAMPS, _PERIOD_TIME = 20, 1.0


def program_of(variant: Variant) -> RampProgram:
    """Return the ramp that the source is asked for."""
    return RampProgram(
        start_current=variant.start_current,
        stop_current=variant.stop_current,
        rate=variant.rate,
        period=1.0 / variant.repetition,
    )


def stop_edge(variant: Variant, positive: StopEdge) -> StopEdge:
    """Return the edge that ends an interval of this kind of ramp.

    Parameters
    ----------
    positive
        The edge of a switch at positive bias current.
    """
    edge = positive if variant.polarity > 0 else positive.mirrored
    return edge.reversed if variant.purpose == "retrapping" else edge


class RampBench:
    """Source and counter of a station, set up for at most one kind of ramp at a time.

    Parameters
    ----------
    station
        The open station.
    offset_current
        Constant current in A that the station's offset source adds to every ramp.
    calibration
        Applied to every ramp; without one the source's currents and the station's delay are believed.
    remark
        Told in a sentence what had to be tried again.
    restore
        Opens lost sessions anew; without it a lost session is the end.
    """

    def __init__(
        self,
        station: Station,
        offset_current: float = 0.0,
        calibration: Calibration | None = None,
        remark: Callable[[str], None] = lambda _text: None,
        restore: Callable[[HardwareError], None] | None = None,
    ) -> None:
        self._station = station
        self._reconnect = restore
        self._remark = remark
        self._offset_current = offset_current
        self._calibration = calibration
        #: What source and counter are set up for; None while that is uncertain.
        self._ramping: tuple[Variant, RampProgram] | None = None
        self._listening: StopEdge | None = None
        self._asked: tuple[Variant, StopEdge] | None = None
        self._measured: dict[Variant, MeasuredRamp] = {}
        self._offset_gone = False
        #: How often sessions were opened anew; whoever tells of it begins again at zero.
        self.reconnections = 0

    def prepare(self, variant: Variant, edge: StopEdge | None = None) -> MeasuredRamp:
        """Set up for this kind of ramp and return it as measured; it is measured when it is made for the first time.

        Parameters
        ----------
        variant
            The ramp.
        edge
            What ends an interval, if not what `stop_edge` says for this kind of ramp.

        Raises
        ------
        HardwareError
            An instrument refused, or the ramp differs from the planned one.
        """
        edge = edge or stop_edge(variant, self._station.counter.stop_edge)
        self._asked = variant, edge
        return persist(partial(self._prepare, variant, edge), self._remark, self.restore if self._reconnect else None)

    def _prepare(self, variant: Variant, edge: StopEdge) -> MeasuredRamp:
        """Do what `prepare` says once; it may be done again after a failed exchange."""
        if self._ramping is None or self._ramping[0] != variant:
            self._ramping = self._listening = None
            planned = program_of(variant)
            actual = self._station.source.configure(planned)
            if variant not in self._measured:
                self._measured[variant] = self._measure(planned, actual, edge)
            self._ramping = variant, actual
        if self._listening != edge:
            self._listening = None
            self._station.counter.configure(self._ramping[1], edge)
            self._listening = edge
        if self._offset_gone:
            self._add_offset()
            self._offset_gone = False
        return self._measured[variant]

    def prepare_again(self) -> None:
        """Bring the source to zero and set source and counter up anew, as they last were."""
        if self._asked is not None:
            self._ramping = None
            self.prepare(*self._asked)

    def make_ready(self) -> None:
        """Set source and counter up as they last were if they are not; what is set up is left as it is."""
        if self._asked is not None and (self._ramping is None or self._listening is None):
            self.prepare(*self._asked)

    def restore(self, fault: HardwareError) -> None:
        """Open lost sessions anew; raises the fault where that cannot be, or not in time."""
        if self._reconnect is None:
            raise fault
        self.forget()
        self.reconnections += 1
        self._reconnect(fault)

    def forget(self) -> None:
        """Take it that nothing is set up: source and offset source were brought to rest, or lost their power."""
        self._ramping = self._listening = None
        self._offset_gone = True

    def _measure(self, planned: RampProgram, actual: RampProgram, edge: StopEdge) -> MeasuredRamp:
        """Let the source ramp for a second, measure its period, and compare with the plan."""
        source, counter = self._station.source, self._station.counter
        counter.configure(actual, edge)
        source.start(max(_PERIOD_RAMPS, math.ceil(_PERIOD_TIME / actual.period)))
        try:
            period = counter.measure_period(actual)
        except HardwareError as conclusion:
            # "no marker" is what it looks like when an instrument has lost its power or its settings
            look_after([source, counter], conclusion)
            raise
        source.stop()
        rate = actual.rate * actual.period / period
        for name, unit, measured, wanted in (
            ("rate", "A/s", rate, planned.rate),
            ("period", "s", period, planned.period),
        ):
            if abs(measured / wanted - 1) > RAMP_TOLERANCE:
                raise GlitchError(  # a command of the measurement may have been lost on its way
                    f"the ramp's measured {name} is {readable(measured, unit)}, planned were {readable(wanted, unit)}; "
                    "check the source's settings and the start marker"
                )
        ramp = MeasuredRamp(
            start_current=actual.start_current,
            stop_current=actual.stop_current,
            rate=rate,
            period=period,
            delay=counter.delay,
            offset=self._add_offset(),
        )
        return ramp if self._calibration is None else self._calibration.apply(ramp)

    def _add_offset(self) -> float:
        """Put out the constant current and return it as read back."""
        offset = self._station.offset
        if offset is None or self._offset_current == 0.0:
            return 0.0
        return offset.set_current(self._offset_current)
