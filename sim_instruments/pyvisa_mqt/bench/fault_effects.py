"""What each fault other than those of replies does to the bench when it strikes, and how it is put right."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from mqtctl.bench_description import FaultPlan
from pyvisa_mqt.bench.works import Works
from pyvisa_mqt.grammar.ieee488 import ERROR_TEXTS, StatusModel
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.sample.junction import Sample
from pyvisa_mqt.sample.physical_faults import FalseTriggers, JumpingSensor

__all__ = ["EFFECTS", "Effect"]

_STEP = 2e-5  # of the critical current: a drift moves it in steps of this


class Effect(ABC):
    """What a fault does.

    Parameters
    ----------
    bench, plan
        Where, and what is planned.
    rng, purpose
        The fault's own random numbers, and the name of its streams.

    Attributes
    ----------
    momentary
        Whether it is over at once unless a duration is given.
    swallows
        Whether the message at which it strikes gets lost.
    """

    momentary: ClassVar[bool] = False
    swallows: ClassVar[bool] = False

    def __init__(self, bench: Works, plan: FaultPlan, rng: np.random.Generator, purpose: str) -> None:
        self.bench = bench
        self.plan = plan
        self.rng = rng
        self.purpose = purpose
        self.check()

    @property
    def line(self) -> Line:
        """The line of the instrument it happens to."""
        return self.bench.line(self.plan.instrument or "")

    @property
    def port(self) -> tuple[str, str]:
        """The instrument and connector it happens to."""
        instrument, _, connector = (self.plan.port or "").partition(".")
        return instrument, connector

    @property
    def sample(self) -> Sample:
        """The junction; its absence was refused."""
        if not isinstance(self.bench.sample, Sample):
            raise ValueError(  # noqa: TRY004  # the bench is wrong, not the type of an argument
                f"{self.plan.kind} needs a junction, and this bench has none"
            )
        return self.bench.sample

    def check(self) -> None:  # noqa: B027  # a hook
        """Refuse with a `ValueError` what cannot happen on this bench."""

    @abstractmethod
    def begin(self, now: float) -> None:
        """Let it happen at bench time `now` (s)."""

    # Hooks: what follows does nothing unless a fault has something to do then.

    def go_on(self, now: float) -> None:  # noqa: B027
        """Let it develop; called once a tick."""

    def end(self, now: float) -> None:  # noqa: B027
        """Put it right at bench time `now` (s)."""


class _LostMessage(Effect):
    momentary = swallows = True

    def begin(self, now: float) -> None:
        """Do nothing: that the message is swallowed is all."""


class _Disconnect(Effect):
    momentary = swallows = True

    def begin(self, now: float) -> None:
        self.line.disconnect(self.plan.duration or 0.0)


class _PowerCycle(Effect):
    momentary = swallows = True

    def begin(self, now: float) -> None:
        name = self.plan.instrument or ""
        self.line.disconnect(self.plan.duration or 0.0)
        if self.plan.duration:
            self.bench.wrong.unpowered.add(name)
        self.bench.power_cycle(name)

    def end(self, now: float) -> None:
        name = self.plan.instrument or ""
        if self.plan.duration:
            # What comes back on by itself, such as a heater with its power-up enabled, does so now.
            self.bench.wrong.unpowered.discard(name)
            self.bench.power_cycle(name)


class _QueuedError(Effect):
    momentary = True

    def check(self) -> None:
        status = getattr(self.line.instrument, "status", None)
        if not isinstance(status, StatusModel):
            raise ValueError(  # noqa: TRY004  # the plan is wrong, not the type of an argument
                f"queued-error: {self.plan.instrument} has no status model to report an error in"
            )

    def begin(self, now: float) -> None:
        status, code = getattr(self.line.instrument, "status", None), int(self.plan.code or 0)
        if isinstance(status, StatusModel):
            status.report(code, self.plan.text or ERROR_TEXTS.get(code, "Device-specific error"))


class _FullMemory(Effect):
    def check(self) -> None:
        if getattr(self.line.instrument, "memory", None) is None:
            raise ValueError(f"full-memory: {self.plan.instrument} has no memory of readings")

    def begin(self, now: float) -> None:
        memory = getattr(self.line.instrument, "memory", None)
        if memory is not None:
            memory.restrict(int(self.plan.readings or 1))

    def end(self, now: float) -> None:
        memory = getattr(self.line.instrument, "memory", None)
        if memory is not None:
            memory.restrict(None)


class _Sensor(Effect):
    def check(self) -> None:
        self.bench.check_port("cryostat.sensors", self.plan.port or "")


class _StuckThermometer(_Sensor):
    def begin(self, now: float) -> None:
        present = self.bench.temperature(self.port)
        stuck = present if self.plan.temperature is None else self.plan.temperature
        self.bench.wrong.stuck_sensors[self.port] = stuck

    def end(self, now: float) -> None:
        self.bench.wrong.stuck_sensors.pop(self.port, None)


class _JumpingThermometer(_Sensor):
    def begin(self, now: float) -> None:
        plan = self.plan
        jumping = JumpingSensor(plan.factor or 0.0, plan.share or 0.0, self.rng)
        self.bench.wrong.jumping_sensors[self.port] = jumping

    def end(self, now: float) -> None:
        self.bench.wrong.jumping_sensors.pop(self.port, None)


class _Heater(Effect):
    def check(self) -> None:
        self.bench.check_port("cryostat.heaters", self.plan.port or "")


class _StuckHeater(_Heater):
    def begin(self, now: float) -> None:
        power = self.plan.power
        self.bench.wrong.stuck_heaters[self.port] = self.bench.heater_power(self.port) if power is None else power
        self.bench.renew_heater(self.port)

    def end(self, now: float) -> None:
        self.bench.wrong.stuck_heaters.pop(self.port, None)
        self.bench.renew_heater(self.port)


class _WeakHeater(_Heater):
    def begin(self, now: float) -> None:
        self.bench.wrong.weak_heaters[self.port] = self.plan.power or 0.0
        self.bench.renew_heater(self.port)

    def end(self, now: float) -> None:
        self.bench.wrong.weak_heaters.pop(self.port, None)
        self.bench.renew_heater(self.port)


class _FalseTriggers(Effect):
    def check(self) -> None:
        self.bench.check_port("counter inputs", self.plan.port or "")

    def begin(self, now: float) -> None:
        triggers = FalseTriggers(self.plan.rate or 0.0, self.bench.file.seed, self.purpose, now)
        self.bench.wrong.add_triggers(self.plan.port or "", triggers)

    def end(self, now: float) -> None:
        self.bench.wrong.end_triggers(self.plan.port or "", now)


class _Warming(Effect):
    def begin(self, now: float) -> None:
        self.bench.wrong.heat += self.plan.power or 0.0

    def end(self, now: float) -> None:
        self.bench.wrong.heat -= self.plan.power or 0.0


class _CriticalCurrentDrift(Effect):
    def check(self) -> None:
        self._begun, self._at_first = 0.0, self.sample.junction.critical_current

    def begin(self, now: float) -> None:
        self._begun, self._at_first = now, self.sample.junction.critical_current

    def go_on(self, now: float) -> None:
        drifted = self._at_first + (self.plan.drift or 0.0) * (now - self._begun)
        drifted = max(drifted, 0.01 * self._at_first)
        if abs(drifted - self.sample.junction.critical_current) > _STEP * self._at_first:
            self.sample.change_critical_current(now, drifted)

    def end(self, now: float) -> None:
        """Leave the critical current where it is: the drift ends, and does not go back."""


class _StuckVoltageState(Effect):
    def check(self) -> None:
        _ = self.sample

    def begin(self, now: float) -> None:
        self.bench.catch_up()
        self.sample.hold_voltage_state(now)

    def end(self, now: float) -> None:
        self.sample.release_voltage_state(now)


#: Effect by kind of fault.
EFFECTS: Mapping[str, Callable[[Works, FaultPlan, np.random.Generator, str], Effect]] = MappingProxyType(
    {
        "lost-message": _LostMessage,
        "disconnect": _Disconnect,
        "power-cycle": _PowerCycle,
        "queued-error": _QueuedError,
        "full-memory": _FullMemory,
        "stuck-thermometer": _StuckThermometer,
        "jumping-thermometer": _JumpingThermometer,
        "stuck-heater": _StuckHeater,
        "weak-heater": _WeakHeater,
        "false-triggers": _FalseTriggers,
        "warming": _Warming,
        "critical-current-drift": _CriticalCurrentDrift,
        "stuck-voltage-state": _StuckVoltageState,
    }
)
