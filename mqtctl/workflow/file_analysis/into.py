"""Takes histograms that were measured elsewhere into a QCoDeS database, as runs like those of a measured sweep.

What nobody said about the set-up is left out or NaN there, and named in the run's header under `unknown`.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mqtctl.analysis import SwitchingRecord
from mqtctl.errors import InputError
from mqtctl.quantities import format_quantity
from mqtctl.records import Histogram, JunctionEstimate, Sweep
from mqtctl.storage import (
    ClosingFacts,
    Database,
    HistogramWriter,
    PlanDocument,
    PointHeader,
    PointVariant,
    RunFacts,
    StoredRamp,
    open_database,
    prepared_database,
    sole_writer,
)
from mqtctl.storage.headers import PlanFacts, SampleFacts
from mqtctl.workflow.file_analysis.facts import ForeignFacts

if TYPE_CHECKING:
    from qcodes.station import Station

__all__ = ["taken_into"]

BLOCK = 100_000  # switches


def taken_into(database: Path, sweep: Sweep, records: Sequence[SwitchingRecord], facts: ForeignFacts) -> dict[str, Any]:
    """Write the histograms as one sweep; returns the keys of the JSON that say where they are.

    Parameters
    ----------
    database
        Made where it does not exist; what is in it stays.
    sweep
        The histograms as they were read, and what is known of the junction.
    records, facts
        Where they were read, and what was said about them.

    Raises
    ------
    InputError
        Two histograms of one temperature have the same polarity and ramp rate, or the file is no database of QCoDeS.
    StorageError
        It is locked, or the disk is full.
    """
    from qcodes.station import Station

    places = _places(sweep.histograms)
    sweep_id = uuid.uuid4().hex
    document, digest = _document(sweep, records, facts)
    runs = []
    with sole_writer(database), prepared_database(database), open_database(database) as opened:
        station = Station(default=False)
        for histogram, record, number in zip(sweep.histograms, records, places, strict=True):
            header = PointHeader(
                sweep_id=sweep_id,
                point=histogram.point,
                points=len({h.point for h in sweep.histograms}),
                set_temperature=histogram.temperature,
                ramp=StoredRamp(**asdict(_as_measured(histogram).ramp)),
                plan_digest=digest,
                document=document,
                facts=_facts(record),
                variant=PointVariant(number=number, polarity=1 if histogram.polarity > 0 else -1),
                **_rounded(histogram),
            )
            runs.append(_written(opened, station, document.sample.name, header, histogram, record))
    return {"database": str(database), "run_ids": runs, "sweep_id": sweep_id}


def _places(histograms: Sequence[Histogram]) -> list[int]:
    """Return the number of the ramp of each histogram at its point: the same for the same polarity and rate."""
    kinds = [(histogram.polarity, float(f"{histogram.ramp.rate:.6g}")) for histogram in histograms]
    order = sorted(set(kinds), key=lambda kind: (-kind[0], kind[1]))
    places = [order.index(kind) for kind in kinds]
    (place, often), *_ = Counter(zip((h.point for h in histograms), places, strict=True)).most_common(1)
    if often > 1:
        bath = next(h.temperature for h in histograms if h.point == place[0])
        raise InputError(
            f"{often} histograms have the bath temperature {bath:g} K and the same ramp: in a database each is a point"
            " of its own; take them in one after the other"
        )
    return places


def _as_measured(histogram: Histogram) -> Histogram:
    """Return a histogram with the signs that its currents had: records always rise."""
    if histogram.polarity > 0:
        return histogram
    edges = None if histogram.edges is None else -histogram.edges[::-1]
    return replace(
        histogram, switching_currents=-histogram.switching_currents, ramp=histogram.ramp.mirrored, edges=edges
    )


def _document(sweep: Sweep, records: Sequence[SwitchingRecord], facts: ForeignFacts) -> tuple[PlanDocument, str]:
    """Return what stands in the database for plan and sample, and the digest of it."""
    junction: JunctionEstimate = sweep.junction
    unknown = [
        name
        for name, known in (
            ("critical_current", facts.critical_current is not None),
            ("resistance", math.isfinite(junction.resistance)),
            ("stop_current", facts.stop_current is not None),
            ("period", facts.period is not None),
            ("station", False),
        )
        if not known
    ]
    names = list(dict.fromkeys((record.file or Path(record.name)).name for record in records))
    title = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    document = PlanDocument(
        plan=PlanFacts(title=f"taken from {title}"),
        sample=SampleFacts.model_validate(
            {
                "name": names[0],
                "junction": {
                    "critical_current": format_quantity(junction.critical_current, "A"),
                    "capacitance": format_quantity(junction.capacitance, "F"),
                    "resistance": format_quantity(junction.resistance, "Ohm"),
                    "potential": junction.potential,
                },
            }
        ),
        unknown=unknown,
    )
    text = json.dumps(document.model_dump(mode="json"), sort_keys=True)
    return document, hashlib.sha256(text.encode()).hexdigest()


def _facts(record: SwitchingRecord) -> RunFacts:
    """Return where a run comes from; no instruments are known."""
    return RunFacts(
        simulated=None,
        source=record.name,
        read_as=list(record.said),
        versions={name: version(name) for name in ("mqtctl", "qcodes", "numpy", "scipy")}
        | {"python": platform.python_version()},
    )


def _rounded(histogram: Histogram) -> dict[str, Any]:
    """Return how the currents are rounded, as far as somebody said it."""
    found: dict[str, Any] = {}
    if histogram.resolution is not None:
        found["resolution"] = histogram.resolution
    if histogram.rounding != "nearest":
        found["rounding"] = histogram.rounding
    if histogram.edges is not None:
        found["edges"] = histogram.edges.tolist()
    return found


def _written(
    database: Database,
    station: Station,
    sample: str,
    header: PointHeader,
    histogram: Histogram,
    record: SwitchingRecord,
) -> int:
    """Write one histogram and return its run; times of blocks are not known."""
    currents = _as_measured(histogram).switching_currents
    with HistogramWriter(database, station, sample, header) as writer:
        for begin in range(0, currents.size, BLOCK):
            part = slice(begin, begin + BLOCK)
            writer.add_block(
                np.ascontiguousarray(histogram.intervals[part]),
                np.ascontiguousarray(currents[part]),
                censored=0 if begin else histogram.censored,
                temperature=histogram.temperature,
                time=math.nan,
            )
        writer.finish(
            ClosingFacts(
                switches=int(currents.size),
                censored=histogram.censored,
                lost=record.data.missed,
                temperature=histogram.temperature,
                temperature_std=histogram.temperature_std,
            )
        )
        return writer.run_id
