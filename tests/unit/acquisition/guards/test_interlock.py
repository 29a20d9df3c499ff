from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mqtctl.acquisition.guards.interlock import guarded, make_safe
from mqtctl.errors import HardwareError, UnsafeError
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.station import Station
from tests.unit.instruments.fake_clock import FakeClock


class Part:
    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.safe = False

    def make_safe(self) -> None:
        if self.fault is not None:
            raise self.fault
        self.safe = True


def station(**faults: Exception) -> Any:
    parts = {name: Part(faults.get(name)) for name in ("source", "thermometer", "counter")}
    return cast("Station", SimpleNamespace(**parts, offset=None, clock=FakeClock()))


def test_everything_goes_off_at_the_end_of_the_block() -> None:
    bench = station()
    with guarded(bench):
        pass
    assert bench.source.safe
    assert bench.thermometer.safe
    assert bench.counter.safe


def test_everything_goes_off_when_something_fails() -> None:
    bench = station()
    with pytest.raises(HardwareError), guarded(bench):
        raise HardwareError("broken")
    assert bench.source.safe
    assert bench.thermometer.safe


@pytest.mark.parametrize("broken", ["source", "thermometer"])
def test_one_broken_instrument_does_not_keep_the_others_on(broken: str) -> None:
    bench = station(**{broken: HardwareError("no answer")})
    with pytest.raises(UnsafeError, match=r"NOT confirmed.*no answer"):
        make_safe(bench)
    for name in {"source", "thermometer", "counter"} - {broken}:
        assert getattr(bench, name).safe


def test_an_unconfirmed_safe_state_outranks_the_fault_that_led_to_it() -> None:
    bench = station(source=HardwareError("no answer"))
    with pytest.raises(UnsafeError) as caught, guarded(bench):
        raise HardwareError("broken")
    assert caught.value.exit_code == 20
    assert isinstance(caught.value.__context__, HardwareError)


def test_a_ramp_program_knows_its_rise_time() -> None:
    assert RampProgram(1e-6, 11e-6, 1e-3, 0.0125).rise_time == pytest.approx(0.01)


def test_a_counter_that_cannot_be_brought_to_rest_is_told_and_is_not_unsafe() -> None:
    bench = station(counter=HardwareError("no answer"))
    told: list[str] = []
    make_safe(bench, told.append)
    assert bench.source.safe
    assert bench.thermometer.safe
    assert told == ["counter: not brought to rest, which harms nothing: no answer"]
