"""The bench's virtual time: it passes with messages, bytes and waits, and with nothing else.

An overnight sweep therefore takes seconds and is repeatable to the byte. The experiment
takes this clock from the library (`library.clock`) and sleeps on it as on the wall clock.
"""

from __future__ import annotations

import math
import threading
import time as wall_time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Pace", "SleepingClock", "VirtualClock", "WallTime", "Watcher"]

#: Longest step in s of a sleep that somebody watches: the ticks in which the bench lives.
_WATCHED_STEP = 0.25


class Watcher(Protocol):
    """Whoever wants to act in the middle of an experiment's sleep, such as the caller of event handlers."""

    def next_event(self) -> float:
        """Return the bench time in s of the next thing that may concern it, inf if there is none."""

    def look(self) -> None:
        """Act on what has happened up to now."""


class SleepingClock(ABC):
    """A bench's clock as the experiment holds it: asked for the time, and slept on.

    Attributes
    ----------
    lock
        Held while time passes; take it to keep time still.
    """

    def __init__(self, lock: threading.RLock) -> None:
        self.lock = lock
        self._watchers: list[Watcher] = []

    @abstractmethod
    def now(self) -> float:
        """Return the bench time in s since the bench was built."""

    @abstractmethod
    def advance_to(self, time: float) -> None:
        """Move to bench time `time` (s); a time that is not later changes nothing."""

    def watch(self, watcher: Watcher) -> None:
        """Let somebody look at the bench on the way through each sleep."""
        if watcher not in self._watchers:
            self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Let them look no more."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def sleep(self, duration: float) -> None:
        """Let `duration` (s, finite, not negative) pass at once.

        Raises
        ------
        ValueError
            If the duration is negative, infinite or not a number.
        """
        if not 0.0 <= duration < math.inf:
            raise ValueError(f"cannot sleep for {duration} s; give a finite duration of at least 0 s")
        with self.lock:
            end = self.now() + duration
            while self._watchers and (now := self.now()) < end:
                event = min(watcher.next_event() for watcher in self._watchers)
                self.advance_to(min(max(event, now + 1e-6), now + _WATCHED_STEP, end))
                for watcher in tuple(self._watchers):
                    watcher.look()
            self.advance_to(end)


class VirtualClock(SleepingClock):
    """A clock that moves only when it is told to.

    Parameters
    ----------
    epoch
        Calendar time that belongs to bench time 0; must carry a time zone.
    """

    def __init__(self, epoch: datetime = datetime(2000, 1, 1, tzinfo=UTC)) -> None:
        if epoch.tzinfo is None:
            raise ValueError(f"the bench's epoch {epoch} has no time zone; write it with one, as UTC")
        # Clients on several threads share one bench, and whoever lets time pass also moves the
        # instruments: the library handles its messages under this same lock.
        super().__init__(threading.RLock())
        self._epoch = epoch.astimezone(UTC)
        self._now = 0.0
        self._listeners: list[Callable[[float], object]] = []

    def now(self) -> float:
        """Return the bench time in s since the bench was built."""
        return self._now

    def utc(self) -> datetime:
        """Return the bench's calendar time in UTC."""
        return self._epoch + timedelta(seconds=self._now)

    def advance_to(self, time: float) -> None:
        """Move to bench time `time` (s) and tell the listeners; a time that is not later changes nothing.

        Raises
        ------
        ValueError
            If the time is infinite or not a number.
        """
        with self.lock:
            if time <= self._now:
                return
            if not math.isfinite(time):
                raise ValueError(f"cannot advance the bench to {time} s; give a finite bench time")
            self._now = time
            for listener in self._listeners:
                listener(time)

    def on_advance(self, listener: Callable[[float], object]) -> None:
        """Call `listener(now)` after each advance, in the order of registration.

        The clock already shows the new time then. One advance can span hours; a listener
        that needs finer steps divides the span itself.
        """
        with self.lock:
            self._listeners.append(listener)


class WallTime:
    """Adds to a bench's virtual time what passes on the wall clock, so that a client's own sleeps count.

    Some drivers wait with `time.sleep`, between polls of a ramp for instance. In virtual time that is no time at all.

    Parameters
    ----------
    clock
        The bench's clock.
    speed
        Bench seconds added per second of wall time, finite and above 0.
    wall
        Returns a monotonic wall time in s.
    """

    def __init__(self, clock: VirtualClock, speed: float, wall: Callable[[], float] = wall_time.monotonic) -> None:
        self._clock = clock
        self._speed = check_speed(speed)
        self._wall = wall
        self._seen = wall()

    def pass_on(self) -> None:
        """Let the bench live through what has passed on the wall clock since the last call."""
        with self._clock.lock:
            self._clock.sleep((self._wall() - self._seen) * self._speed)
            # What the bench takes to live through it is nobody's time: counted, it could grow without end.
            self._seen = self._wall()


def check_speed(speed: float) -> float:
    """Return a speed of the bench in seconds per second; raises ValueError if it is not finite and above 0."""
    if not 0.0 < speed < math.inf:
        raise ValueError(f"the speed is {speed}; give a finite factor above 0, such as 1")
    return speed


class Pace:
    """Lets a bench's virtual time go with the wall clock, or faster or slower by a factor.

    Parameters
    ----------
    clock
        The bench's clock.
    speed
        Bench seconds per second of wall time, finite and above 0.
    wall
        Returns a monotonic wall time in s.

    Raises
    ------
    ValueError
        If the speed is not a finite number above 0.
    """

    #: Bench time in s that passes at once; a long way is gone in such steps, with a look at the wall clock between.
    STEP = 1.0

    def __init__(
        self, clock: VirtualClock, speed: float = 1.0, wall: Callable[[], float] = wall_time.monotonic
    ) -> None:
        self._clock = clock
        self._speed = check_speed(speed)
        self._wall = wall
        self._origin = wall() - clock.now() / speed

    @property
    def speed(self) -> float:
        """Bench seconds per second of wall time."""
        return self._speed

    def due(self) -> float:
        """Return the bench time in s that belongs to the present moment."""
        return (self._wall() - self._origin) * self._speed

    def catch_up(self, longest: float = 0.05) -> float:
        """Bring the bench to the present moment, working for about `longest` (s of wall time) at most.

        Returns
        -------
        float
            How far the bench is behind in s of bench time. A bench that cannot keep up loses that time: it goes on from
            where it is, at the speed asked for.
        """
        stop = self._wall() + longest
        target = self.due()
        while self._clock.now() < target:
            self._clock.advance_to(min(self._clock.now() + self.STEP, target))
            if self._wall() >= stop and self._clock.now() < target:
                behind = target - self._clock.now()
                self._origin += behind / self._speed
                return behind
        return 0.0

    def until(self, time: float) -> float:
        """Return how long in s of wall time it takes until bench time `time` (s); 0 if that is past."""
        return max(time / self._speed + self._origin - self._wall(), 0.0)
