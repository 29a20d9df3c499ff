"""Brings instruments back whose session is over, so that a measurement can go on."""

from __future__ import annotations

from collections.abc import Callable

from mqtctl.acquisition.job import SweepJob
from mqtctl.acquisition.retry import PATIENCE, PAUSE
from mqtctl.errors import HardwareError
from mqtctl.instruments.roles.experiment import Reopenable
from mqtctl.instruments.talk.identity import WrongInstrumentError
from mqtctl.instruments.talk.resting import attempt_of

__all__ = ["Reconnection"]

#: How long in s a reply is waited for by a source that is brought to rest.
_TIMEOUT = 1.0


class Reconnection:
    """Opens sessions anew, for a stated time; sources are at rest meanwhile, the heater goes on holding its set point.

    Parameters
    ----------
    job
        Station, clock, who is told, and the request to stop that ends the waiting.
    """

    def __init__(self, job: SweepJob) -> None:
        self._job = job
        station = job.station
        self._sources: dict[str, object] = {"ramp_source": station.source}
        if station.offset is not None:
            self._sources["offset_source"] = station.offset
        self._others: dict[str, object] = {
            "timing_counter": station.counter,
            "temperature_controller": station.thermometer,
        }

    def restore(self, fault: HardwareError) -> None:
        """Return when every instrument answers and is the one that it was; raises the fault if one does not in time.

        Afterwards source, offset source and counter have to be set up from zero.

        Raises
        ------
        WrongInstrumentError
            Another instrument answers; nothing more was sent to it.
        """
        job, clock = self._job, self._job.station.clock
        begin = clock.now()
        # the source first: it may be ramping
        tries: dict[str, Callable[[], None]] = {role: self._at_rest(role, part) for role, part in self._sources.items()}
        tries |= {role: self._reopened(role, part) for role, part in self._others.items()}
        while tries := self._failing(tries):
            if clock.now() - begin >= PATIENCE:
                fault.add_note(f"waited {PATIENCE:g} s in vain for {' and '.join(tries)}")
                raise fault
            job.check()
            clock.sleep(PAUSE)

    def _failing(self, tries: dict[str, Callable[[], None]]) -> dict[str, Callable[[], None]]:
        """Try each once and return those that failed."""
        failing = {}
        for role, attempt in tries.items():
            self._job.check()
            try:
                attempt()
            except WrongInstrumentError:
                raise
            except HardwareError:
                failing[role] = attempt
        return failing

    def _at_rest(self, role: str, source: object) -> Callable[[], None]:
        """Return how a source is brought to rest, on a new session if the old one fails, and asked who it is."""

        def attempt() -> None:
            reason = attempt_of(source)(0, _TIMEOUT)
            if reason:
                raise HardwareError(reason)
            self._require_same(role, source)

        return attempt

    def _reopened(self, role: str, part: object) -> Callable[[], None]:
        """Return how an instrument is asked who it is, on a new session if it does not answer on the old one."""

        def attempt() -> None:
            if isinstance(part, Reopenable):
                try:
                    self._require_same(role, part)
                except HardwareError:
                    part.reopen()
                else:
                    return
            self._require_same(role, part)

        return attempt

    def _require_same(self, role: str, part: object) -> None:
        """Raise unless an instrument says that it is the one with which the measurement began."""
        before, now = self._job.facts.instruments.get(role), part.identify()  # type: ignore[attr-defined]  # all have it
        if before is not None and now != before:
            raise WrongInstrumentError(
                f"the {role.replace('_', ' ')} was {before} and is {now} since its session was opened anew; it is not "
                "used any further: correct the cabling or the address"
            )
