"""What repeats to the last digit, and what is tried again after it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.acquisition.conversion import Block
from mqtctl.acquisition.histogram import HistogramRequest, Tally, acquire_histogram
from mqtctl.acquisition.repetition import FrozenThermometer, RepeatedReadings
from mqtctl.acquisition.retry import LeftBandError, Setbacks, persist
from mqtctl.acquisition.settle import settle
from mqtctl.errors import CryostatError, GlitchError, HardwareError
from mqtctl.instruments.roles.experiment import RampProgram, TemperatureReading
from mqtctl.plan import SettleSettings
from mqtctl.records import MeasuredRamp

SETTINGS = SettleSettings(band="1 %", dwell="60 s", deadline="1 h", interval="1 s")  # type: ignore[arg-type]


def test_identical_digits_over_the_span_are_a_frozen_thermometer() -> None:
    frozen = FrozenThermometer(60.0)
    for second in range(60):
        frozen.add(second, "+1.00000E-01")
    with pytest.raises(CryostatError, match=r"stuck: 61 readings in 60 s are \+1\.00000E-01"):
        frozen.add(60.0, "+1.00000E-01")


@pytest.mark.parametrize("digits", [["a", "b"], [""], ["a"] * 59 + ["b"]])
def test_digits_that_vary_now_and_then_or_say_nothing_are_not(digits: list[str]) -> None:
    frozen = FrozenThermometer(60.0)
    for second in range(600):
        frozen.add(second, digits[second % len(digits)])
    frozen.require_varied(600.0)


def test_few_readings_are_not_called_frozen_however_long_they_take() -> None:
    frozen = FrozenThermometer(60.0)
    for number in range(4):
        frozen.add(60.0 * number, "a")
    frozen.require_varied(240.0)
    with pytest.raises(CryostatError, match="5 readings in 240 s"):
        frozen.add(240.0, "a")


def test_a_histogram_whose_bath_never_varied_is_refused_at_its_end() -> None:
    frozen = FrozenThermometer(60.0)
    for number in range(5):
        frozen.add(2.0 * number, "a")
    with pytest.raises(CryostatError, match="5 readings in 8 s"):
        frozen.require_varied(8.0)


def wait(controller: Any, target: float) -> Any:
    return settle(controller, target, SETTINGS, limit=1.0, clock=controller.clock, watch=lambda _t, _e: None)


def test_a_thermometer_that_freezes_inside_the_band_on_its_way_is_not_settled(controller: Any) -> None:
    moving = [TemperatureReading(0.1 + 1e-3 * n, True, "OK", f"{n}") for n in range(100)]
    controller.override = moving + [TemperatureReading(0.2, True, "OK", "frozen")] * 1000
    with pytest.raises(CryostatError, match="stuck"):
        wait(controller, 0.2)
    assert controller.clock.now() <= 100 + 60 + 2


def test_a_quiet_thermometer_too_coarse_to_tell_settles(controller: Any) -> None:
    moving = [TemperatureReading(0.1 + 1e-3 * n, True, "OK") for n in range(100)]
    controller.override = moving + [TemperatureReading(0.2, True, "OK")] * 1000
    assert wait(controller, 0.2).temperature == pytest.approx(0.2, rel=1e-3)  # the last two steps on its way


def test_a_full_heater_that_moves_nothing_ends_long_before_the_deadline(controller: Any) -> None:
    rng = np.random.default_rng(3)
    noisy = 0.1 * (1 + 5e-4 * rng.standard_normal(1000))
    controller.override = [TemperatureReading(float(t), True, "OK", f"{t}", 1.0) for t in noisy]
    with pytest.raises(CryostatError, match=r"heater has given 100% of its range for 6\d(\.\d)? s.*heater is off"):
        wait(controller, 0.2)
    assert controller.clock.now() <= 65


def test_a_full_heater_that_warms_the_bath_slowly_is_left_to_it(controller: Any) -> None:
    controller.time_constant = 600.0  # of an hour until the deadline: it takes 46 min
    original = controller.read

    def read() -> TemperatureReading:
        reading = original()
        return TemperatureReading(reading.temperature, True, "OK", f"{reading.temperature}", 1.0)

    controller.read = read
    assert wait(controller, 0.2).temperature == pytest.approx(0.2, rel=0.01)


def test_a_set_point_is_made_again_after_a_failed_exchange(controller: Any) -> None:
    original, faults = controller.set_target, [GlitchError("one"), GlitchError("two")]

    def set_target(temperature: float) -> None:
        if faults:
            raise faults.pop(0)
        original(temperature)

    controller.set_target = set_target
    assert wait(controller, 0.2).temperature == pytest.approx(0.2, rel=0.01)


def test_persisting_has_an_end_and_other_errors_are_not_tried_again() -> None:
    told: list[str] = []
    calls: list[int] = []

    def glitch() -> None:
        calls.append(1)
        raise GlitchError("lost")

    def fault() -> None:
        calls.append(1)
        raise HardwareError("refused")

    with pytest.raises(GlitchError):
        persist(glitch, told.append)
    assert (len(calls), len(told)) == (3, 2)
    with pytest.raises(HardwareError, match="refused"):
        persist(fault, told.append)
    assert (len(calls), len(told)) == (4, 2)


def test_a_piece_that_came_before_is_refused_and_one_that_differs_in_one_bit_is_not() -> None:
    repeated, piece = RepeatedReadings(), np.random.default_rng(1).uniform(1e-3, 2e-3, 40)
    repeated.check(piece)
    repeated.check(np.nextafter(piece, 1.0))
    with pytest.raises(GlitchError, match=r"last 40 readings.*bit for bit"):
        repeated.check(piece)


def test_single_readings_and_rows_of_five_are_refused() -> None:
    repeated = RepeatedReadings()
    repeated.check(np.array([1e-3]))
    with pytest.raises(GlitchError, match="bit for bit"):
        repeated.check(np.array([1e-3]))
    with pytest.raises(GlitchError, match="5 identical ones in a row"):
        RepeatedReadings().check(np.array([1e-3, *[2e-3] * 5]))


def test_time_outs_may_repeat() -> None:
    repeated = RepeatedReadings()
    for _ in range(10):
        repeated.check(np.full(3, math.inf))


Bench = Callable[[RampProgram, NDArray[np.float64]], tuple[Any, Any]]


class Night:
    """A histogram of 1000 switches at 1 kHz from the fakes, with faults on the way."""

    def __init__(self, bench: Bench, clock: Any) -> None:
        program = RampProgram(0.0, 10e-6, 10e-6 / 0.8e-3, 1e-3)
        self.ramp = MeasuredRamp(0.0, 10e-6, program.rate, 1e-3, 0.0)
        self.values = np.random.default_rng(5).uniform(0.6e-3, 0.75e-3, 5000)
        self.source, self.counter = bench(program, self.values)
        self.clock, self.blocks, self.recovered = clock, list[Block](), list[str]()
        self.repeated = RepeatedReadings()
        self.watch: Callable[[], None] = lambda: None

    def take(self) -> Tally:
        return acquire_histogram(
            self.source,
            self.counter,
            self.ramp,
            HistogramRequest(1000, 100, 100, repeated=self.repeated),
            clock=self.clock,
            store=lambda block, _standing: self.blocks.append(block),
            watch=lambda: self.watch(),
            recover=self.recover,
        )

    def recover(self, fault: Exception, action: str) -> None:
        self.recovered.append(f"{fault}; {action}")
        self.source.stop()

    @property
    def stored(self) -> NDArray[np.float64]:
        return np.concatenate([block.intervals for block in self.blocks])


def test_a_reply_that_comes_twice_is_never_stored_twice(bench: Bench, clock: Any) -> None:
    night = Night(bench, clock)
    original, calls = night.counter.read, list[NDArray[np.float64]]()

    def read(count: int) -> NDArray[np.float64]:
        calls.append(original(count) if len(calls) != 4 else calls[-1])
        return calls[-1]

    night.counter.read = read
    tally = night.take()
    assert (tally.switches, tally.glitches) == (1000, 1)
    assert np.unique(night.stored).size == 1000
    assert "bit for bit" in night.recovered[0]
    assert "setback 1 of at most 10" in night.recovered[0]


def test_a_reply_from_an_earlier_histogram_is_not_stored_in_this_one(bench: Bench, clock: Any) -> None:
    night = Night(bench, clock)
    original, replies, repeats = night.counter.read, list[NDArray[np.float64]](), -1

    def read(count: int) -> NDArray[np.float64]:
        replies.append(original(count))
        return replies[1 if len(replies) == repeats else -1]

    night.counter.read = read
    night.take()
    first, repeats = night.stored, len(replies) + 2  # the second piece, as long as the first histogram's second one
    night.blocks.clear()
    tally = night.take()
    assert (tally.switches, tally.glitches) == (1000, 1)
    assert not np.isin(night.stored, first).any()
    assert "bit for bit" in night.recovered[0]


def test_a_counter_that_only_repeats_itself_ends_the_histogram(bench: Bench, clock: Any) -> None:
    night = Night(bench, clock)
    original, same = night.counter.read, np.array([0.7e-3, 0.71e-3])
    night.counter.read = lambda count: (original(count), same[:count])[1]
    with pytest.raises(GlitchError, match="bit for bit"):
        night.take()
    assert len(night.recovered) == 3


def test_readings_not_stored_yet_are_dropped_when_the_bath_has_left_its_band(bench: Bench, clock: Any) -> None:
    night = Night(bench, clock)

    def leave() -> None:
        if clock.now() > 0.55 and not night.recovered:
            raise LeftBandError("left")

    night.watch = leave
    tally = night.take()
    assert (tally.switches, tally.settlings, tally.glitches) == (1000, 1, 0)
    assert night.stored.size == 1000
    assert np.unique(night.stored).size == 1000
    told = re.match(r"left; (\d+) readings that were not stored yet are dropped", night.recovered[0])
    assert told is not None
    assert 0 < int(told[1]) < 100  # less than a block


def test_what_looks_like_no_switches_is_a_source_that_lost_its_power(bench: Bench, clock: Any) -> None:
    night = Night(bench, clock)
    night.counter.outcomes = np.full(10, math.inf)

    def verify_unchanged() -> None:
        if night.source.bursts:
            raise HardwareError("it was switched off and on")

    night.source.verify_unchanged = verify_unchanged
    with pytest.raises(HardwareError, match="switched off and on"):
        night.take()


def test_setbacks_have_an_end_in_all_and_without_a_reading_in_between() -> None:
    glitch, left = GlitchError("lost"), LeftBandError("left")
    setbacks = Setbacks()
    for number in range(10):
        setbacks.bear(glitch, number)
    with pytest.raises(GlitchError):
        setbacks.bear(glitch, 10)
    setbacks = Setbacks()
    for _ in range(3):
        setbacks.bear(glitch, 7)
    with pytest.raises(GlitchError):
        setbacks.bear(glitch, 7)
    setbacks.bear(left, 7)
    setbacks.bear(left, 7)
    with pytest.raises(LeftBandError):
        setbacks.bear(left, 7)
