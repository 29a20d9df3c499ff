"""What truly happened on a bench, read from its transcript."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["Truth", "with_transcript"]


def with_transcript(laboratory: Any) -> Truth:
    """Let a laboratory's bench write a transcript, and return what reads it."""
    bench = laboratory.folder / "bench.yaml"
    bench.write_text(f"transcript: bench.jsonl\n{bench.read_text(encoding='utf-8')}", encoding="utf-8")
    return Truth(laboratory.folder / "bench.jsonl")


class Truth:
    """Reads a transcript as often as it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def records(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def on(self) -> set[str]:
        """Return the instruments that put out current or heat at the end."""
        last: dict[tuple[str, str], bool] = {}
        for record in self.records():
            if record["kind"] == "output":
                put_out = any(record[key] != 0 for key in ("least", "greatest", "idle"))
                last[record["instrument"], record["port"]] = put_out
            elif record["kind"] == "heater":
                last[record["instrument"], record["port"]] = record["power_W"] != 0
        return {instrument for (instrument, _), on in last.items() if on}

    def ever_on(self) -> set[str]:
        """Return the instruments that ever put out current or heat."""
        found = set()
        for record in self.records():
            if record["kind"] == "output" and any(record[key] != 0 for key in ("least", "greatest", "idle")):
                found.add(record["instrument"])
            if record["kind"] == "heater" and record["power_W"] != 0:
                found.add(record["instrument"])
        return found

    def off_since(self, instrument: str) -> float:
        """Return the bench time in s of the last change of an instrument's output or heater."""
        times = (r["t"] for r in self.records() if r["kind"] in {"output", "heater"} and r["instrument"] == instrument)
        return float(max(times))

    def sent_to(self, instrument: str) -> list[str]:
        """Return the messages that went to an instrument."""
        return [
            record.get("text", "").strip()
            for record in self.records()
            if record["kind"] == "message" and record["instrument"] == instrument and record["direction"] == "to"
        ]
