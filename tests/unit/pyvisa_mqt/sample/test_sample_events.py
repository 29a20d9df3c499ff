from __future__ import annotations

import numpy as np
import pytest
from pyvisa_mqt.sample.voltage_steps import EventLog, HeatLedger


def filled(n: int = 10) -> EventLog:
    log = EventLog()
    begins = np.arange(n, dtype=float)
    log.append(begins, begins + 0.5, np.ones(n))
    return log


def test_cut_forgets_what_was_foreseen_and_reopens_what_was_under_way() -> None:
    log = filled()
    log.cut(3.2)
    np.testing.assert_array_equal(log.begins, [0, 1, 2, 3])
    assert log.open_polarity == 1
    log.close(3.3)
    assert log.ends[-1] == 3.3
    assert log.open_polarity == 0


def test_cut_between_states_leaves_nothing_open() -> None:
    log = filled()
    log.cut(3.7)
    assert log.open_polarity == 0
    assert len(log.begins) == 4


def test_history_is_bounded_and_steps_keep_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyvisa_mqt.sample.voltage_steps._HISTORY", 1000)
    log = EventLog()
    for start in range(0, 20_000, 100):
        begins = start + np.arange(100.0)
        log.append(begins, begins + 0.5, np.ones(100))
    assert len(log.begins) < 5000
    assert log.begins[0] == log.first_index
    assert log.begins[-1] == 19_999


def test_heat_is_released_once_and_in_proportion_to_time() -> None:
    ledger = HeatLedger()
    ledger.add(np.array([0.0, 1.0]), np.array([1.0, 3.0]), np.array([2.0, 4.0]))
    assert ledger.release(0.5) == pytest.approx(1.0)
    assert ledger.release(2.0) == pytest.approx(1.0 + 2.0)
    assert ledger.release(10.0) == pytest.approx(2.0)
    assert ledger.release(20.0) == 0.0


def test_heat_after_a_cut_is_taken_back() -> None:
    ledger = HeatLedger()
    ledger.add(np.array([0.0, 5.0]), np.array([4.0, 6.0]), np.array([4.0, 1.0]))
    ledger.cut(1.0)
    assert ledger.release(10.0) == pytest.approx(1.0)
