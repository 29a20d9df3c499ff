"""The newest histogram of a run from its database, read only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.quantities import parse_quantity
from mqtctl.storage import PointHeader, load_sweep
from mqtctl.storage.opening import READING_FAULTS, open_read_only
from mqtctl.storage.reader import histogram_headers

__all__ = ["Stored", "read_stored"]

_MOST_BARS = 60


@dataclass(frozen=True)
class Stored:
    """What a database says of a run.

    Attributes
    ----------
    run_id
        The newest histogram.
    currents
        Its switching currents in A.
    set_temperature
        Its set point in K.
    planned
        The set points of the whole sweep in K; empty where it has none.
    """

    run_id: int
    currents: NDArray[np.float64]
    set_temperature: float
    planned: tuple[float, ...] = ()

    def bars(self) -> tuple[list[int], list[float]]:
        """Return the counts and the edges in A of a histogram."""
        if not self.currents.size:
            return [], []
        bins = int(np.clip(2.0 * np.cbrt(self.currents.size), 5, _MOST_BARS))
        counts, edges = np.histogram(self.currents, bins)
        return counts.tolist(), edges.tolist()


def read_stored(folder: Path) -> Stored | None:
    """Return what the database of a run's folder says; None where it holds no histogram yet.

    Raises
    ------
    InputError
        It cannot be read at this moment, or is damaged.
    """
    database, sweep_id = _database(folder)
    if not database.is_file():
        return None
    try:
        with open_read_only(database) as connection:
            headers = histogram_headers(connection, database)
    except READING_FAULTS as exc:
        raise InputError(f"{database}: cannot be read ({exc})") from exc
    mine = [number for number, header in headers.items() if sweep_id in (None, header.sweep_id)]
    if not mine:
        return None
    header = headers[max(mine)]
    histogram = load_sweep(database, run_id=max(mine)).points[0].histogram
    return Stored(max(mine), histogram.switching_currents, header.set_temperature, _planned(header))


def _database(folder: Path) -> tuple[Path, str | None]:
    """Return the database and the identity of a run's sweep, as far as its folder says them."""
    order: dict[str, Any] = {}
    try:
        order = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        elsewhere = Path(order["database"])
    except (OSError, ValueError, KeyError, TypeError):  # a calibration has none
        elsewhere = folder / "data.db"
    beside = folder / "data.db"
    return (beside if beside.is_file() else elsewhere), order.get("sweep_id")


def _planned(header: PointHeader) -> tuple[float, ...]:
    """Return the set points that were planned, if these are the points of the sweep."""
    temperatures = (header.document.plan.model_extra or {}).get("temperatures") or ()
    planned = tuple(parse_quantity(text, "K") for text in temperatures)
    return planned if len(planned) == header.points else ()
