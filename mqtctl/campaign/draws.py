"""The values of draw k: the same on any machine, in any order, whatever was drawn before."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mqtctl.campaign.design import Campaign
from mqtctl.campaign.varied import Measured, in_file, measured
from mqtctl.documents import validate_document
from mqtctl.errors import InputError
from mqtctl.plan import Plan, ResolvedPlan, Sample
from mqtctl.plan.resolved import resolve
from mqtctl.rehearsal.bench import RehearsalBench, wired_bench
from mqtctl.station import StationFile

__all__ = ["Draw", "draw_of"]

_VALUES, _SWITCHES, _BENCH = range(3)


@dataclass(frozen=True)
class Draw:
    """One experiment to be made.

    Attributes
    ----------
    number, cell
        Of the draw, and of its combination of grids and lists; both from 0.
    values
        Column of the table -> the value that was drawn for it, in a base unit where it is a quantity.
    as_given
        Whether what is measured is the design's plan, unchanged.
    plan
        What is measured, and what the experimenter knows of the sample.
    bench
        What is true.
    seed
        Entropy of the campaign.
    """

    number: int
    cell: int
    values: Mapping[str, Any]
    as_given: bool
    plan: ResolvedPlan
    bench: RehearsalBench
    seed: int

    @property
    def switches_rng(self) -> np.random.Generator:
        """Random numbers of the switches that are drawn from the physics."""
        return np.random.default_rng(_sequence(self.seed, self.number, _SWITCHES))

    @property
    def bench_seed(self) -> int:
        """Seed of the simulated bench."""
        return int(_sequence(self.seed, self.number, _BENCH).generate_state(1)[0])


def _sequence(seed: int, number: int, *what: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(number, *what))


def draw_of(campaign: Campaign, number: int, station: StationFile) -> Draw:
    """Return a draw by its number.

    Raises
    ------
    InputError
        The values make no plan, no sample or no bench; the sentence names draw and key.
    """
    design = campaign.design
    cell = number % design.cells
    entries = design.entries(cell)
    files = {"plan": campaign.plan, "sample": campaign.sample, "bench": campaign.bench}
    documents = copy.deepcopy(files)
    values: dict[str, Any] = {}
    columns = {key: design.column(key)[0] for key in design.vary}
    where = f"{campaign.source}: draw {number}"
    for key, varied in sorted(design.vary.items(), key=lambda item: item[1].of is not None):
        rng = np.random.default_rng(_sequence(design.seed, number, _VALUES, zlib.crc32(key.encode())))
        value, unit = varied.drawn(entries.get(key, 0), rng)
        values[columns[key]] = value
        if varied.of is not None:
            value, unit = _times(value, measured(_get(documents, varied.of, f"{where}: vary, {key}, of")))
        _put(documents, key, in_file(value, unit), f"{where}: vary, {key}")
    plan = validate_document(documents["plan"], Plan, f"{where}: plan")
    sample = validate_document(documents["sample"], Sample, f"{where}: sample")
    try:
        resolved = resolve(plan, sample, campaign.plan_path)
        bench = wired_bench(documents["bench"], "bench", station, resolved)
    except InputError as exc:
        raise InputError(f"{where}: {exc}") from exc
    if design.through == "physics" and (unseen := _unseen_faults(bench)):
        raise InputError(f"{where}: bench: the physics knows nothing of the fault {unseen[0]}; take through: wires")
    return Draw(
        number,
        cell,
        {column: values[column] for column in columns.values()},
        plan == campaign.given_plan,
        resolved,
        bench,
        design.seed,
    )


def _unseen_faults(bench: RehearsalBench) -> list[str]:
    """Return the faults that no switching current shows."""
    return [
        fault.kind
        for fault in bench.file.faults
        if (fault.at, fault.duration, fault.probability, fault.message) != (None,) * 4
        or fault.kind != "jumping-thermometer"
        or fault.share != 1.0
    ]


def _times(factor: float, value: Measured) -> Measured:
    number, unit = value
    return factor * number if unit is not None else number, unit


def _get(documents: Mapping[str, Any], key: str, where: str) -> Any:
    """Return what stands at a dotted key."""
    found: Any = documents
    for part in _parts(key, documents, where):
        found = found[part]
    if measured(found)[1] is None:
        raise InputError(f"{where}: {key} is {found!r}, of which there is no multiple")
    return found


def _put(documents: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Put a value at a dotted key; whether the last part of it exists is seen when the document is read."""
    *parents, last = _parts(key, documents, where, new=True)
    place: Any = documents
    for part in parents:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
    place[last] = value


def _parts(key: str, documents: Mapping[str, Any], where: str, *, new: bool = False) -> Sequence[str | int]:
    """Return the parts of a dotted key, those inside lists as numbers; `new` parts may be missing from mappings."""
    place: Any = documents
    found: list[str | int] = []
    for text in key.split("."):
        part: str | int = int(text) if isinstance(place, list) and text.isdecimal() else text
        if isinstance(place, list) and not (isinstance(part, int) and part < len(place)):
            raise InputError(
                f"{where}: {'.'.join(map(str, found))} is a list of {len(place)}; {text!r} is none of its entries"
            )
        if not isinstance(place, (dict, list)) or (isinstance(place, dict) and part not in place and not new):
            raise InputError(f"{where}: there is nothing at {key}")
        found.append(part)
        place = place.get(part, {}) if isinstance(place, dict) else place[int(part)]
    return found
