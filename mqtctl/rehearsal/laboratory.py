"""The temporary folder of a rehearsal: the user's plan and station, with every address on the simulated bench."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mqtctl.documents import dump_yaml, load_yaml
from mqtctl.plan import ResolvedPlan
from mqtctl.rehearsal.bench import RehearsalBench

__all__ = ["Laboratory", "rehearsal_laboratory"]


@dataclass(frozen=True)
class Laboratory:
    """Files that the acquisition takes for the user's.

    Attributes
    ----------
    folder
        Where everything lies.
    plan
        The user's plan.
    station
        The station file on the simulated bench; it has the name of the user's.
    """

    folder: Path
    plan: ResolvedPlan
    station: Path

    def write_plan(self, **changes: Any) -> Path:
        """Write the plan with some of its keys changed (as in a file; None leaves a key out) and return its path."""
        document = self.plan.plan.model_dump(mode="json", exclude_none=True, exclude={"database"})
        document["station"] = str(self.station)
        here = self.plan.source.resolve().parent
        document["sample"] = str(here / self.plan.plan.sample)
        if self.plan.plan.calibration is not None:
            document["calibration"] = str(here / self.plan.plan.calibration)
        document = {key: value for key, value in {**document, **changes}.items() if value is not None}
        path = self.folder / "plan" / self.plan.source.name
        path.write_text(dump_yaml(document), encoding="utf-8")
        return path

    def runs(self) -> Iterator[Path]:
        """Yield one new folder for a run after the other."""
        number = 0
        while True:
            yield self.folder / f"run{number}"
            number += 1

    def in_users_terms(self, text: str) -> str:
        """Return a message with the user's files in it instead of the copies, whose lines are not the user's."""
        copies = {
            self.folder / "plan" / self.plan.source.name: self.plan.source,
            self.station: self.plan.station,
            self.folder / "bench.yaml": "the bench's description",
        }
        for copy, own in copies.items():
            text = str(own).join(re.split(rf"{re.escape(str(copy))}(?::\d+)?", text))
        return text


@contextmanager
def rehearsal_laboratory(plan: ResolvedPlan, bench: RehearsalBench, within: Path | None = None) -> Iterator[Laboratory]:
    """Write station and bench into a temporary folder (in `within`), which is gone at the end of the block.

    Only instruments that play a role are taken over: nobody opens the others.
    """
    with tempfile.TemporaryDirectory(prefix="mqtctl-rehearsal-", dir=within) as name:
        folder = Path(name).resolve()
        for part in ("plan", "station"):
            (folder / part).mkdir()
        description = folder / "bench.yaml"
        description.write_text(dump_yaml(bench.content), encoding="utf-8")
        station = folder / "station" / plan.station.name
        station.write_text(dump_yaml(_on_bench(load_yaml(plan.station), description)), encoding="utf-8")
        yield Laboratory(folder, plan, station)


def _on_bench(content: Mapping[str, Any], description: Path) -> dict[str, Any]:
    """Return a station's content with every role on the bench described in a file."""
    moved = {}
    for name, entry in content["instruments"].items():
        init = entry.get("init") or {}
        if ((init.get("metadata") or {}).get("mqtctl")) is None:
            continue
        moved[name] = {**entry, "init": {**init, "visalib": f"{description}@mqt"}}
    return {**content, "instruments": moved}
