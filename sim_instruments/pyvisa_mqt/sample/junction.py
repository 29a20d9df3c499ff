"""The junction on the bench: it follows the bias current through time and escapes as the physics says.

Time is cut into stretches in which the bias repeats itself (a ramp train, or a constant level).
The outcome of each bias cycle is drawn when the cycle begins, at the temperature of that moment;
if the bias is changed during a cycle, what had been foreseen after the change is taken back.
All times here are those at the bias source; the wiring adds the cable's delay.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.physics import EscapeModel, Junction
from pyvisa_mqt.sample.bias import HOLD, Stretch
from pyvisa_mqt.sample.critical_current import DriftingSwitchTimes
from pyvisa_mqt.sample.retrapping import RetrappingTimes
from pyvisa_mqt.sample.staircase import Cycle, Excursion, Staircase
from pyvisa_mqt.sample.switch_times import SwitchTimes
from pyvisa_mqt.sample.voltage_steps import EventLog, HeatLedger
from pyvisa_mqt.time_and_signals.random_streams import Stream

__all__ = ["Sample"]

Array = NDArray[np.float64]

_TRANSIENT = 1e-5  # of Ic: a filter transient is rounded to this, and has died out when it is smaller
_BATCH = 1 << 16
_LOOK_AHEAD = 4.0  # s
_MANY_CYCLES = 4096
_SAME_TEMPERATURE = 5e-5  # relative: a 20th of what a histogram of a million switches resolves


@dataclass(frozen=True)
class _Shape:
    """A bias cycle that the junction has seen: its number, its current, its excursions in the steady state."""

    number: int
    staircase: Staircase
    excursions: list[Excursion]


class Sample:
    """One current-biased junction.

    Parameters
    ----------
    junction, model
        What it is made of and how it escapes.
    gap_voltage
        Voltage in V across it in the voltage state.
    retrapping_current
        Current in A below which the voltage state ends; None for 4 Ic / (pi Q), where Q holds at zero bias.
    retrapping_noise
        Standard deviation in A of the retrapping current, which is another one in each cycle.
    lag
        Time constant in s of the bias line's low-pass filter.
    noise
        Standard deviation in A of the slow current noise, a new value for each cycle.
    offset
        Current in A that flows before any source is driven.
    seed
        The bench's seed.
    share
        Critical current at a temperature in K over the junction's own; default 1 at all temperatures.
    drift
        Relative change of the critical current in 1/s, from what the junction has at time 0.
    """

    def __init__(
        self,
        junction: Junction,
        model: EscapeModel,
        *,
        gap_voltage: float,
        retrapping_current: float | None,
        lag: float,
        noise: float,
        offset: float,
        seed: int,
        retrapping_noise: float = 0.0,
        share: Callable[[float], float] = lambda _temperature: 1.0,
        drift: float = 0.0,
    ) -> None:
        self.junction = junction
        self.gap_voltage = gap_voltage
        default = junction.retrapping_current
        # An undamped junction would never retrap, not even at zero current.
        self.retrapping_current = max(retrapping_current or default, 1e-6 * junction.critical_current)
        self._retrapping = RetrappingTimes(self.retrapping_current, retrapping_noise, noise, seed)
        self.log = EventLog()
        self.heat = HeatLedger()
        self._lag = lag
        self._noise = noise
        self._seed = seed
        self._model = model
        self._share, self._drift = share, drift
        self._times = self._switch_times()
        self._held = False
        self._quiet = False  # whether the present stretch has nothing left in which the junction could switch
        self._escapes: dict[int, Stream] = {}
        self._offsets = Stream(seed, "bias noise of a cycle")
        self._cycle_index = 0
        self._foreseen_temperature = 0.0
        self._decided = -math.inf  # time in s before which there is nothing to draw in the present stretch
        self._shapes: dict[tuple[bytes, float], _Shape] = {}
        self._shapes_made = 0
        self._future: list[Stretch] = []
        self._stretch: Stretch
        self._enter(Stretch.constant(0.0, math.inf, offset), offset)

    def follow(self, since: float, stretches: list[Stretch]) -> None:
        """Replace the bias from `since` (s) on; the stretches join without gaps, the last one never ends.

        Everything up to `since` must have been drawn.
        """
        here = self._stretch
        self.log.cut(since)
        self.heat.cut(since)
        self._stretch = Stretch(here.begin, since, here.origin, here.period, here.values)
        self._future = list(stretches)
        self._decided = -math.inf
        self._leave()

    def current(self, time: float) -> float:
        """Return the filtered bias current in A at a time (s) in the present stretch."""
        phase = math.fmod(max(time - self._stretch.origin, 0.0), self._stretch.period)
        fading = math.exp(-(time - self._stretch.begin) / self._lag) if self._lag else 0.0
        return self._shape.staircase.steady_current(phase) + self._transient * fading

    def _enter(self, stretch: Stretch, current: float) -> None:
        """Go on with a stretch; `current` (A) is the filtered current at its begin."""
        self._stretch = stretch
        self._quiet = False
        self._shape = self._shape_of(stretch)
        self._transient = 0.0
        self._transient = current - self.current(stretch.begin) if self._lag else 0.0
        self._next_cycle = max(int((stretch.begin - stretch.origin) / stretch.period + 1e-9), 0)

    def _shape_of(self, stretch: Stretch) -> _Shape:
        """Return the cycle of a stretch, known again if the same ramp has run before."""
        key = (stretch.values.tobytes(), stretch.period)
        if key not in self._shapes:
            if len(self._shapes) > 64:
                self._shapes.clear()
            staircase = Staircase(stretch.values, stretch.period, self._lag)
            steady = staircase.cycle(0.0).excursions(self.retrapping_current)
            self._shapes_made += 1
            self._shapes[key] = _Shape(self._shapes_made, staircase, steady)
        return self._shapes[key]

    def _leave(self) -> None:
        """End the present stretch at its end and enter the next one."""
        end = self._stretch.end
        self.log.cut(end)
        self.heat.cut(end)
        current = self.current(end)
        self._enter(self._future.pop(0), current)

    def draw_until(self, time: float, temperature: float) -> None:
        """Decide the outcome of every cycle that begins before `time` (s), at a temperature in K."""
        if time < self._decided:
            return
        while True:
            begun = self._stretch.cycles_begun(time)
            while self._next_cycle < begun:
                self._draw_some(begun, temperature)
            if self._stretch.end > time or not self._future:
                self._note_decided()
                return
            self._leave()

    def _note_decided(self) -> None:
        """Note up to when the present stretch has been drawn."""
        if self._quiet:
            self._decided = self._stretch.end
            return
        self._decided = min(self._stretch.origin + self._stretch.period * self._next_cycle, self._stretch.end)

    def foresee(self, time: float, temperature: float) -> None:
        """Draw some seconds ahead of `time` (s), as long as the temperature (K) stays what it is.

        Drawing many cycles at once costs hardly more than drawing a few. When the temperature has moved since, what
        was foreseen from `time` on is taken back and drawn again. At a constant current there is nothing to foresee.
        """
        if self._quiet:
            return
        if abs(temperature - self._foreseen_temperature) > _SAME_TEMPERATURE * temperature:
            self._forget(time)
        if time + HOLD < self._decided or self._stretch.cycles_begun(time + HOLD) <= self._next_cycle:
            return
        self._foreseen_temperature = temperature
        ahead = min(max(_MANY_CYCLES * self._stretch.period, HOLD), _LOOK_AHEAD)
        begun = self._stretch.cycles_begun(time + ahead)
        while self._next_cycle < begun:
            self._draw_some(begun, temperature)
        self._note_decided()

    def _forget(self, time: float) -> None:
        """Take back the cycles that begin at `time` (s) or later."""
        begun = self._stretch.cycles_begun(time)
        if begun < self._next_cycle:
            start = self._stretch.origin + self._stretch.period * begun
            self.log.cut(start)
            self.heat.cut(start)
            self._next_cycle = begun
            self._decided = -math.inf

    # What a fault can do to the junction; everything up to `time` (s) must have been drawn.

    def change_critical_current(self, time: float, critical_current: float) -> None:
        """Let the junction have another critical current (A) in the cycles that begin at `time` or later."""
        self._forget(time)
        self.junction = replace(self.junction, critical_current=critical_current)
        self._times = self._switch_times()

    def _switch_times(self) -> DriftingSwitchTimes:
        def make(factor: float) -> SwitchTimes:
            own = replace(self.junction, critical_current=factor * self.junction.critical_current)
            return SwitchTimes(own, self._model, self._noise, self._share)

        return DriftingSwitchTimes(make, self._drift)

    def hold_voltage_state(self, time: float) -> None:
        """Let the junction be in the voltage state from `time` on, whatever the current."""
        if self._quiet:  # what has passed since then is none of those cycles
            self._quiet, self._decided = False, -math.inf
            self._next_cycle = self._stretch.cycles_begun(time)
        self._forget(time)
        self.log.cut(time)
        self.heat.cut(time)
        if not self.log.open_polarity:
            polarity = math.copysign(1.0, self.current(time))
            self.log.append(np.array([time]), np.array([math.inf]), np.array([polarity]))
        self._held = True

    def release_voltage_state(self, time: float) -> None:
        """Let the junction retrap at `time`, and behave from the next cycle on."""
        self._forget(time)
        self._held = False
        if self.log.open_polarity:
            self.log.close(time)

    def _keep_held(self, begun: int) -> None:
        """Let the cycles that have begun pass in the voltage state."""
        cycle = self._shape.staircase.cycle(0.0)
        numbers = np.arange(self._next_cycle, begun)
        starts = np.asarray(self._stretch.origin + self._stretch.period * numbers, dtype=np.float64)
        energy = self.gap_voltage * abs(float(cycle.charge(0.0, cycle.period)))
        self.heat.add(starts, starts + cycle.period, np.full(len(starts), energy))
        self._next_cycle = begun

    def _draw_some(self, begun: int, temperature: float) -> None:
        """Draw the next cycle if it is a special one, else as many equal ones as there are."""
        if self._held:
            self._keep_held(begun)
            return
        start = self._stretch.origin + self._stretch.period * self._next_cycle
        since = self._stretch.begin - start
        joined_late = since > 1e-9 * self._stretch.period
        transient = self._transient_at(start)
        if transient or joined_late:
            count = 1
            cycle = self._shape.staircase.cycle(transient * _TRANSIENT * self.junction.critical_current)
            excursions = cycle.excursions(self.retrapping_current, since if joined_late else 0.0)
        else:
            count = min(begun - self._next_cycle, _BATCH)
            cycle, excursions = self._shape.staircase.cycle(0.0), self._shape.excursions
        if excursions:
            # From the cycle's number, not from the batch's start: to the last bit the same in any batch.
            numbers = self._next_cycle + np.arange(count)
            starts = np.asarray(self._stretch.origin + self._stretch.period * numbers, dtype=np.float64)
            self._draw_batch((self._shape.number, transient), cycle, excursions, starts, temperature)
        else:
            if self.log.open_polarity:
                self.log.close(max(start, self._stretch.begin))
            # a transient only fades, so that what follows has no excursion either
            self._quiet = not transient and not joined_late
        self._next_cycle += count

    def _transient_at(self, start: float) -> int:
        """Return the filter's transient at the start of a cycle, in units of `_TRANSIENT` Ic."""
        if not self._transient:
            return 0
        elapsed = (start - self._stretch.begin) / self._lag
        if elapsed < -20.0:  # joined so late in the cycle that its start says nothing any more
            return 0
        fading = self._transient * math.exp(-elapsed)
        return round(fading / (_TRANSIENT * self.junction.critical_current))

    def _draw_batch(
        self,
        key: tuple[int, int],
        cycle: Cycle,
        excursions: list[Excursion],
        starts: Array,
        temperature: float,
    ) -> None:
        """Draw `len(starts)` equal cycles and enter their voltage states into log and ledger."""
        count = len(starts)
        index = self._cycle_index
        self._cycle_index += count
        normals = self._offsets.normal(index, count) if self._noise else np.zeros(count)
        switches = np.full((len(excursions), count), np.inf)
        for n, excursion in enumerate(excursions):
            if not self._times.possible(key, cycle, excursion, temperature, starts):
                continue
            numbers = self._escape_stream(n).exponential(index, count)
            switches[n] = self._times.draw(key, cycle, excursion, temperature, numbers, normals, starts)
        if len(excursions) == 1 and excursions[0].to_end and excursions[0].from_start:
            self._record_endless(cycle, excursions[0], starts, switches[0])
        else:
            ends = [self._retrapping.ends(key, cycle, excursion, index, normals) for excursion in excursions]
            # It returns at the earliest where it switches; without a switch that says nothing.
            self._record(
                cycle, excursions, starts, switches, np.maximum(ends, np.where(switches < np.inf, switches, 0.0))
            )

    def _escape_stream(self, excursion: int) -> Stream:
        if excursion not in self._escapes:
            self._escapes[excursion] = Stream(self._seed, f"escape in excursion {excursion}")
        return self._escapes[excursion]

    def _record_endless(self, cycle: Cycle, excursion: Excursion, starts: Array, switches: Array) -> None:
        """Enter cycles whose current never falls below retrapping: the first switch is the last one."""
        begun = max(float(starts[0]), self._stretch.begin)
        if self.log.open_polarity == excursion.polarity:
            first, since = 0, begun - float(starts[0])
        else:
            if self.log.open_polarity:
                self.log.close(begun)
            switched = np.flatnonzero(np.isfinite(switches))
            if switched.size == 0:
                return
            first, since = int(switched[0]), float(switches[switched[0]])
            time = np.array([starts[first] + since])
            self.log.append(time, np.array([np.inf]), np.array([float(excursion.polarity)]))
        on = starts[first:].copy()
        on[0] += since
        whole = np.full(len(on), cycle.charge(0.0, cycle.period))
        whole[0] = cycle.charge(since, cycle.period)
        self.heat.add(on, starts[first:] + cycle.period, self.gap_voltage * whole)

    def _record(
        self, cycle: Cycle, excursions: list[Excursion], starts: Array, switches: Array, retraps: Array
    ) -> None:
        """Enter cycles in each of which the junction returns to zero voltage at least once.

        `switches` and `retraps` have the times in s at which it leaves and returns in each excursion of each cycle,
        shape (n_excursion, n_cycle).
        """
        first, last = excursions[0], excursions[-1]
        bridged = first.from_start and last.to_end and first.polarity == last.polarity
        carried = np.zeros(len(starts), dtype=np.bool_)
        if self.log.open_polarity:
            carried[0] = first.from_start and first.polarity == self.log.open_polarity
            begun = max(float(starts[0]), self._stretch.begin)
            self.log.close(max(float(starts[0] + retraps[0, 0]), begun) if carried[0] else begun)
        if bridged:
            carried[1:] = np.isfinite(switches[-1, :-1])
        if first.from_start:
            switches[0, carried] = np.inf
            on = starts[carried]
            until = retraps[0, carried]
            self.heat.add(on + first.begin, on + until, self.gap_voltage * cycle.charge(first.begin, until))
        begins, ends, polarities = [], [], []
        for excursion, times, until in zip(excursions, switches, retraps, strict=True):
            here = np.isfinite(times)
            begin, end = starts[here] + times[here], starts[here] + until[here]
            self.heat.add(begin, end, self.gap_voltage * cycle.charge(times[here], until[here]))
            if excursion.to_end:
                end = end + (np.append(retraps[0, 1:], retraps[0, -1])[here] if bridged else 0.0)
                if here[-1]:
                    end[-1] = np.inf
            begins.append(begin)
            ends.append(end)
            polarities.append(np.full(len(begin), float(excursion.polarity)))
        if len(excursions) == 1:
            self.log.append(begins[0], ends[0], polarities[0])
            return
        order = np.argsort(np.concatenate(begins), kind="stable")
        joined = (np.concatenate(columns)[order] for columns in (begins, ends, polarities))
        self.log.append(*joined)
