from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from mqtctl.report.facts import fact_rows


def test_known_facts_come_first_and_unknown_ones_are_kept() -> None:
    rows = fact_rows({"cooldown_note": "third", "sample": "JJ-7", "lab_time_s": 29520.0, "live_fraction": 0.98765})
    assert [name for name, _ in rows][:1] == ["Sample"]
    assert ("Cooldown note", "third") in rows
    assert ("Laboratory time", "8 h 12 min") in rows
    assert any(text == "0.9877" for _, text in rows)


def test_numbers_are_written_with_the_unit_their_key_ends_in() -> None:
    facts = {"base_temperature_K": 0.012, "ramp_rate_A_per_s": 1e-3, "settling_s": 90.0, "gain": 1000.0}
    assert fact_rows(facts) == [
        ("Base temperature", "12 mK"),
        ("Ramp rate", "1 mA/s"),
        ("Settling", "1 min 30 s"),
        ("Gain", "1000"),
    ]


def test_every_kind_of_value_is_written() -> None:
    started = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
    facts = {
        "started": started,
        "seed": None,
        "simulated": True,
        "run_ids": [3, 4, 5, 6],
        "points": [1, 5],
        "nothing": [],
        "versions": {"mqtctl": "0.1.0", "numpy": "2.1"},
        "database": Path("/data/mqt.db"),
    }
    texts = dict(fact_rows(facts))
    assert texts["Started"] == "2026-11-22 15:00:00+00:00"
    assert texts["Seed"] == "–"
    assert texts["Simulated"] == "yes"
    assert texts["Runs"] == "3 to 6"
    assert texts["Points"] == "1, 5"
    assert texts["Nothing"] == "–"
    assert texts["Software versions"] == "mqtctl: 0.1.0\nnumpy: 2.1"
    assert texts["Database"] == "/data/mqt.db"


def test_a_huge_fact_is_cut_short() -> None:
    ((_, text),) = fact_rows({"snapshot": "x" * 100_000})
    assert len(text) < 5000
    assert text.endswith("…")
