"""The design of a campaign: a plan, a bench and a sample, which of their values vary, and how many draws."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from mqtctl import __version__
from mqtctl.campaign.varied import Entry, Varied
from mqtctl.documents import Document, load_document, load_yaml, validate_document
from mqtctl.errors import InputError
from mqtctl.plan import Plan, example_path
from mqtctl.rehearsal.bench import simulated_bench
from mqtctl.station import load_station

__all__ = ["BUILT_IN", "MOST_DRAWS", "Campaign", "Design", "load_design"]

BUILT_IN = Path(__file__).parent / "designs" / "built-in.yaml"
#: A design with more draws is a slip of the pen.
MOST_DRAWS = 1_000_000
_ROOTS = ("plan", "sample", "bench")
#: What no switching current shows: it needs the wires.
_UNSEEN = ("cryostat.", "transport.", "instruments.", "junction.retrapping", "seed", "epoch")


class Design(Document):
    """A campaign as a person writes it down; files are named from the design's folder.

    Without `plan` the plan of `mqtctl init`; without `sample` the one that the plan names; without `bench` the
    simulated bench on which the plan's station stands. `vary` has dotted keys that begin with `plan`, `sample` or
    `bench`; numbers in them count list entries from 0.
    """

    title: str = Field(min_length=1)
    plan: Path | None = None
    sample: Path | None = None
    bench: Path | None = None
    through: Literal["physics", "wires"] = "physics"
    draws: int = Field(ge=1, le=MOST_DRAWS)
    seed: int = Field(default=0, ge=0)
    power: bool = False
    vary: dict[str, Entry] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _varies_what_there_is(self) -> Self:
        for key, varied in self.vary.items():
            if key.split(".")[0] not in _ROOTS or "." not in key:
                raise ValueError(f"vary: the key {key!r} must begin with plan., sample. or bench.")
            if varied.of is not None and varied.of.split(".")[0] not in _ROOTS:
                raise ValueError(f"vary, {key}: of must name a key that begins with plan., sample. or bench.")
        lengths = {len(varied.entries) for varied in self.vary.values() if varied.kind == "list"}
        if len(lengths) > 1:
            raise ValueError(
                f"vary: lists run side by side, but these have {', '.join(map(str, sorted(lengths)))} entries"
            )
        for key in self.vary if self.through == "physics" else ():
            rest = key.removeprefix("bench.")
            if rest != key and rest.startswith(_UNSEEN) and rest != "cryostat.base_temperature":
                raise ValueError(f"vary: no switching current shows {key}, drawn from the physics; take through: wires")
        if self.total > MOST_DRAWS:
            raise ValueError(
                f"{self.cells} combinations of grids and lists times {self.draws} draws are {self.total}; at most "
                f"{MOST_DRAWS} draws can be made, take fewer"
            )
        return self

    @property
    def axes(self) -> tuple[tuple[tuple[str, ...], int], ...]:
        """Keys and number of entries of each grid, and of all lists together."""
        grids = [((key,), len(varied.entries)) for key, varied in self.vary.items() if varied.kind == "grid"]
        listed = tuple(key for key, varied in self.vary.items() if varied.kind == "list")
        return (*grids, *([(listed, len(self.vary[listed[0]].entries))] if listed else []))

    @property
    def cells(self) -> int:
        """How many combinations of grids and lists there are."""
        return math.prod(length for _, length in self.axes)

    @property
    def total(self) -> int:
        """How many draws are made: so many of each combination."""
        return self.draws * self.cells

    def entries(self, cell: int) -> dict[str, int]:
        """Return which entry of each grid and list a combination has."""
        found: dict[str, int] = {}
        for keys, length in self.axes:
            cell, entry = divmod(cell, length)
            found |= dict.fromkeys(keys, entry)
        return found

    def column(self, key: str) -> tuple[str, bool]:
        """Return the name of a varying value's column, with its unit, and whether it holds numbers."""
        varied: Varied = self.vary[key]
        unit = self.vary[varied.of].unit if varied.of in self.vary else varied.unit
        if varied.of is not None:
            return f"{key}_factor", True
        return (f"{key}_{unit.replace('/', '_per_')}" if unit and unit != "1" else key), unit is not None


@dataclass(frozen=True)
class Campaign:
    """A design with the files that it names read, as plain data: what a worker needs.

    Attributes
    ----------
    design, source
        The design and where it stands.
    plan, sample, bench
        Contents of the files, before anything is varied.
    plan_path, station
        Where the plan and its station lie.
    origin
        Where the bench's description comes from, in words.
    """

    design: Design
    source: Path
    plan: dict[str, Any]
    sample: dict[str, Any]
    bench: dict[str, Any]
    plan_path: Path
    station: Path
    origin: str

    @cached_property
    def given_plan(self) -> Plan:
        """The plan before anything is varied."""
        return validate_document(self.plan, Plan, str(self.plan_path))

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that two designs share only if every draw of them is the same."""
        files = [self.plan, self.sample, self.bench, load_yaml(self.station)]
        if calibration := self.plan.get("calibration"):
            files.append(load_yaml(self.plan_path.parent / calibration))
        content = {
            "version": __version__,
            "design": self.design.model_dump(mode="json", exclude={"title", "plan", "sample", "bench"}, by_alias=True),
            "files": files,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def load_design(path: Path = BUILT_IN, **changes: Any) -> Campaign:
    """Read a design and the files that it names.

    Parameters
    ----------
    path
        Design file; the one that comes with mqtctl by default.
    changes
        Keys of the design to change, such as `draws=10`; None leaves a key as it is.

    Raises
    ------
    InputError
        A fault in one of the files, or a station without a simulated bench and no bench file.
    """
    design = load_document(path, Design)
    given = {key: value for key, value in changes.items() if value is not None}
    if given:
        design = validate_document({**load_yaml(path), **given}, Design, str(path))
    here = path.parent
    plan_path = example_path("plan.yaml") if design.plan is None else here / design.plan
    plan = load_document(plan_path, Plan)
    sample = plan_path.parent / plan.sample if design.sample is None else here / design.sample
    station = plan_path.parent / plan.station
    if design.bench is not None:
        bench, origin = load_yaml(here / design.bench), f"the bench file {here / design.bench}"
    else:
        own = simulated_bench(load_station(station), station)
        if own is None:
            raise InputError(
                f"{path}: {station} stands on no simulated bench; describe yours in a file and name it under bench"
            )
        bench, origin = own
    return Campaign(design, path, load_yaml(plan_path), load_yaml(sample), bench, plan_path, station, origin)
