"""Which parts of a sweep stand finished in a database: what a measurement that goes on need not take again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mqtctl.errors import InputError
from mqtctl.storage.curves import read_curves
from mqtctl.storage.headers import PointHeader
from mqtctl.storage.opening import READING_FAULTS, open_read_only
from mqtctl.storage.reader import finished_runs, histogram_headers

__all__ = ["NOTHING", "Done", "load_done"]


@dataclass(frozen=True)
class Done:
    """What a sweep has.

    Attributes
    ----------
    histograms
        (point, number of the ramp at that point), both from 0, of each histogram whose closing facts were written.
    curves
        "before" and "after", as far as these I-V curves were stored.
    runs
        How many runs the sweep has, finished or not.
    header
        Of its newest histogram; None if it has none.
    """

    histograms: frozenset[tuple[int, int]] = frozenset()
    curves: frozenset[str] = frozenset()
    runs: int = 0
    header: PointHeader | None = None


#: What a new sweep has.
NOTHING = Done()


def load_done(path: Path, sweep_id: str) -> Done:
    """Return what a database has of a sweep; of one that it does not know, nothing.

    Raises
    ------
    InputError
        No such file, or a damaged one.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such database")
    try:
        with open_read_only(path) as connection:
            mine = {n: h for n, h in histogram_headers(connection, path).items() if h.sweep_id == sweep_id}
            finished = finished_runs(connection, mine, path)
            curves = frozenset(curve.facts.when for curve in read_curves(connection, sweep_id, path))
    except READING_FAULTS as exc:
        raise InputError(f"{path}: is damaged, or not a QCoDeS database ({exc})") from exc
    return Done(frozenset(finished), curves, len(mine), mine[max(mine)] if mine else None)
