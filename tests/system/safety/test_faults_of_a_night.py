"""Faults of the bench that an unattended night meets: named, handled by a stated rule, and nothing false is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqtctl.acquisition.events import Remark
from mqtctl.errors import CryostatError, HardwareError, MqtctlError
from mqtctl.storage import ClosingFacts, load_sweep
from mqtctl.workflow import Options, acquire

#: When the built-in bench with this plan begins its histogram at 100 mK, in s, about.
RAMPS_BEGIN = 202.8


@dataclass
class Night:
    """How a night with a fault ended: the error if there was one, what was said, what is in the database."""

    error: MqtctlError | None
    remarks: list[str]
    intervals: Any
    censored: int
    result: ClosingFacts | None
    bath: float


@pytest.fixture
def night(laboratory: Any) -> Callable[[str], Night]:
    """Measure 600 switches at 100 mK on a bench with a fault."""
    laboratory.change("plan.yaml", "switches: 1000", "switches: 600")
    laboratory.change("plan.yaml", "block: 500", "block: 100")

    def run(fault: str) -> Night:
        bench: Path = laboratory.folder / "bench.yaml"
        bench.write_text(f"{bench.read_text(encoding='utf-8')}\nfaults:\n  - {fault}\n", encoding="utf-8")
        remarks: list[str] = []
        error = None
        folder = laboratory.folder / "run"
        try:
            acquire(
                laboratory.folder / "plan.yaml",
                Options(output=folder, seed=1),
                notify=lambda event: remarks.append(event.text) if isinstance(event, Remark) else None,
            )
        except MqtctlError as exc:
            error = exc
        if not (folder / "data.db").exists():
            return Night(error, remarks, np.empty(0), 0, None, np.nan)
        (point,) = load_sweep(folder / "data.db").points
        histogram = point.histogram
        return Night(error, remarks, histogram.intervals, histogram.censored, point.result, histogram.temperature)

    return run


def test_a_power_cycled_source_is_told_as_one_and_no_empty_ramps_are_stored(night: Callable[[str], Night]) -> None:
    found = night("{kind: power-cycle, instrument: source, match: 'WAVE:INIT', message: 2}")
    assert found.error is None
    assert "switched off and on" in found.remarks[0]
    assert (found.intervals.size, found.censored) == (600, 0)
    assert found.result is not None
    assert found.result.lost_sessions == 1


def test_a_source_that_lost_its_power_before_the_first_period_is_no_missing_marker(
    night: Callable[[str], Night],
) -> None:
    found = night("{kind: power-cycle, instrument: source, match: 'WAVE:INIT', message: 1}")
    assert found.error is None
    assert "switched off and on" in found.remarks[0]
    assert not any("marker" in remark for remark in found.remarks)
    assert (found.intervals.size, found.censored) == (600, 0)


@pytest.mark.parametrize("kind", ["nan-reading", "overflow-reading"])
@pytest.mark.parametrize("message", [1, 6])
def test_one_reply_without_numbers_is_no_row_of_empty_ramps(
    night: Callable[[str], Night], kind: str, message: int
) -> None:
    found = night(f"{{kind: {kind}, instrument: counter, match: 'R? ', message: {message}}}")
    assert found.error is None
    assert (found.intervals.size, found.censored) == (600, 0)


def test_an_outage_before_the_first_ramp_is_no_part_of_the_time_that_the_ramps_took(
    night: Callable[[str], Night],
) -> None:
    found = night("{kind: disconnect, instrument: source, match: 'WAVE:INIT', message: 2, duration: 30 s}")
    assert found.error is None
    assert found.result is not None
    assert found.result.duration == pytest.approx(600 / 80.0, rel=0.2)
    assert found.result.live_fraction is not None
    assert 0.8 < found.result.live_fraction <= 1.0


def test_one_changed_letter_of_an_identity_is_no_other_instrument(night: Callable[[str], Night]) -> None:
    found = night("{kind: garbled-reply, instrument: thermometer, match: '*IDN?', message: 1, share: 0.3}")
    assert found.error is None
    assert found.intervals.size == 600


@pytest.mark.parametrize(
    ("instrument", "message", "which"),
    [
        ("source", "WAVE:ARM", 1),
        ("thermometer", "RANGE 0", 1),
        ("thermometer", "SETP 0", 1),
        ("counter", "CONF:PER", 1),
        ("source", "DUR:CYCL", 2),  # 1: as it is set up
        ("source", "WAVE:INIT", 1),  # to measure the period, and to take the histogram
        ("source", "WAVE:INIT", 2),
        ("counter", "SAMP:COUN", 1),
        ("counter", "SAMP:COUN", 2),
        ("counter", "INIT", 1),
        ("counter", "INIT", 2),
    ],
)
def test_a_command_that_never_arrived_is_given_again(
    night: Callable[[str], Night], instrument: str, message: str, which: int
) -> None:
    found = night(f"{{kind: lost-message, instrument: {instrument}, match: '{message}', message: {which}}}")
    assert found.error is None
    assert (found.intervals.size, found.censored) == (600, 0)


@pytest.mark.shown(1)
@pytest.mark.parametrize("kind", ["lost-reply", "truncated-reply"])
def test_one_glitch_of_the_counter_costs_a_burst_and_not_the_night(night: Callable[[str], Night], kind: str) -> None:
    found = night(f"{{kind: {kind}, instrument: counter, match: 'R? ', message: 6}}")
    assert found.error is None
    assert found.intervals.size == np.unique(found.intervals).size == 600
    assert found.result is not None
    assert found.result.glitches == 1
    assert any("setback 1 of at most 10" in remark for remark in found.remarks)


def test_a_reply_that_comes_twice_costs_nothing(night: Callable[[str], Night]) -> None:
    found = night("{kind: duplicated-reply, instrument: counter, match: 'R? ', message: 6}")
    assert found.error is None
    assert found.intervals.size == np.unique(found.intervals).size == 600


def test_a_counter_that_goes_on_repeating_itself_is_never_stored_twice(night: Callable[[str], Night]) -> None:
    found = night("{kind: stale-reading, instrument: counter, match: 'R? ', message: 4}")
    assert isinstance(found.error, HardwareError)
    assert "bit for bit" in str(found.error)
    assert np.unique(found.intervals).size == found.intervals.size


def test_a_thermometer_that_freezes_at_the_set_point_is_no_measured_bath(night: Callable[[str], Night]) -> None:
    found = night("{kind: stale-reading, instrument: thermometer, match: KRDG, at: 195 s}")
    assert isinstance(found.error, CryostatError)
    assert "thermometer is stuck" in str(found.error)
    assert found.result is None


def test_a_thermometer_stuck_below_its_set_point_does_not_heat_until_the_deadline(
    night: Callable[[str], Night],
) -> None:
    found = night("{kind: stuck-thermometer, port: thermometer.ch6, at: 60 s, temperature: 60 mK}")
    assert isinstance(found.error, CryostatError)
    assert "heater has given 100% of its range for 12" in str(found.error)  # 120 s, the dwell


def test_invalid_readings_are_waited_out_while_ramps_go_on(night: Callable[[str], Night]) -> None:
    found = night(
        f"{{kind: nan-reading, instrument: thermometer, match: KRDG, at: {RAMPS_BEGIN + 2} s, duration: 4 s}}"
    )
    assert found.error is None
    assert found.result is not None
    # for 4 s: the bath is read between pieces, which are 1.7 s apart at most, and at least every 2 s
    assert found.result.invalid_bath_readings in {1, 2, 3}
    assert any("invalid readings of the bath, waited out" in remark for remark in found.remarks)


def test_a_bath_that_leaves_its_band_is_settled_again(night: Callable[[str], Night]) -> None:
    found = night(f"{{kind: warming, at: {RAMPS_BEGIN + 2} s, power: 300 uW, duration: 8 s}}")
    assert found.error is None
    assert found.result is not None
    assert found.result.settled_again == 1
    assert found.bath == pytest.approx(0.1, rel=2e-3)
    assert any(
        "has left its band" in remark and "settling again (1 of at most 2 times)" in remark for remark in found.remarks
    )


def test_a_bath_that_cannot_come_back_ends_the_night(night: Callable[[str], Night]) -> None:
    found = night(f"{{kind: stuck-heater, port: thermometer.sample, at: {RAMPS_BEGIN + 2} s, power: 0 W}}")
    assert isinstance(found.error, CryostatError)
    assert "heater" in str(found.error)
    assert found.result is None


def test_a_garbled_answer_while_a_set_point_is_made_is_asked_for_again(night: Callable[[str], Night]) -> None:
    found = night("{kind: garbled-reply, instrument: thermometer, match: 'OUTMODE?', message: 2}")
    assert found.error is None
    assert any("attempt 1 of 3" in remark for remark in found.remarks)


@pytest.mark.slow
def test_one_glitch_in_an_i_v_curve_costs_a_few_ramps(night: Callable[[str], Night], laboratory: Any) -> None:
    laboratory.change("plan.yaml", "# iv_curve: true", "iv_curve: true  #")
    found = night("{kind: lost-reply, instrument: counter, match: 'R? ', message: 6}")
    assert found.error is None
    assert any("the ramps at this threshold are made once more" in remark for remark in found.remarks)
