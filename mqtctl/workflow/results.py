"""The folder of a run, and the result of a sweep as the JSON contract has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mqtctl.errors import InputError, StorageError
from mqtctl.storage import Patience, StoredSweep, prepared_database, sole_writer
from mqtctl.whole_files import write_whole

__all__ = ["Order", "RunFolder", "find_run", "provenance", "read_order", "stamp", "sweep_times"]

RESULT_NAME = "result.json"
ORDER_NAME = "run.json"
DATABASE_NAME = "data.db"
REPORT_NAME = "report.html"


@dataclass(frozen=True)
class RunFolder:
    """Where one run keeps its database (unless the plan names another), report and result.

    `resumed`: whether a run is there already, which is gone on with.
    """

    path: Path
    database: Path
    resumed: bool = False

    @classmethod
    def choose(cls, output: Path | None, database: Path | None, stamp: datetime, sweep_id: str) -> RunFolder:
        """Return the folder asked for, or a new one under mqtctl-runs; nothing is made yet."""
        path = output or Path("mqtctl-runs") / f"{stamp:%Y-%m-%d_%H%M%S}_{sweep_id[:8]}"
        return cls(path=path, database=database or path / DATABASE_NAME)

    @contextmanager
    def made(self, patience: Patience | None = None) -> Iterator[None]:
        """Make folder and database and be the database's only writer; what was made and not used goes again.

        Raises
        ------
        InputError
            The folder holds a run already, or folder or database cannot be made.
        BenchBusyError
            Another mqtctl writes to the database.
        """
        if not self.resumed and any((self.path / name).exists() for name in (RESULT_NAME, DATABASE_NAME, REPORT_NAME)):
            raise InputError(f"{self.path} holds a run already; choose another folder with --output")
        with self._folder(), sole_writer(self.database), prepared_database(self.database, patience):
            yield

    @contextmanager
    def _folder(self) -> Iterator[None]:
        """Make the folder if it is not there; what was made on the way to it and stays empty goes again."""
        made_here: list[Path] = []
        try:
            try:
                for path in (*reversed(self.path.parents), self.path):
                    if not path.is_dir() and _made(path):
                        made_here.append(path)
            except OSError as exc:
                raise InputError(
                    f"{self.path} cannot be made ({exc.strerror}); choose another folder with --output"
                ) from exc
            yield
        finally:
            for path in reversed(made_here):
                if any(path.iterdir()):
                    break
                path.rmdir()

    def write(self, result: Mapping[str, Any], sweep_id: str) -> None:
        """Keep the result beside the data, whole or not at all."""
        self._write(RESULT_NAME, {**result, "sweep_id": sweep_id})

    def write_order(self, order: Order) -> None:
        """Keep what was asked for: what `mqtctl resume` goes by."""
        self._write(ORDER_NAME, {"format": ORDER_FORMAT, **asdict(order), "database": str(self.database.resolve())})

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        target = self.path / name
        try:
            write_whole(target, json.dumps(content, indent=1).encode())
        except OSError as exc:
            raise StorageError(f"{target} cannot be written ({exc.strerror})") from exc


#: Number of the layout of `run.json`.
ORDER_FORMAT = 1


@dataclass(frozen=True)
class Order:
    """What a run was asked to do.

    Attributes
    ----------
    plan
        The plan file, absolute.
    sweep_id
        Identity of the sweep in the database.
    single
        Whether one histogram at the present temperature was asked for instead of the sweep.
    seed
        The seed of the simulated bench that was asked for, if one was.
    """

    plan: str
    sweep_id: str
    single: bool = False
    seed: int | None = None


def read_order(run: Path) -> Order:
    """Return what the run in a folder was asked to do.

    Raises
    ------
    InputError
        The folder does not say it, or in a layout that this version does not know.
    """
    path = run / ORDER_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content.pop("format")
        if found != ORDER_FORMAT:
            raise InputError(
                f"{path}: is in layout {found!r}, this version of mqtctl knows {ORDER_FORMAT}; go on with the version "
                "that began the run"
            )
        content.pop("database", None)
        return Order(**content)
    except FileNotFoundError as exc:
        raise InputError(
            f"{run}: does not say what it was asked to do (no {ORDER_NAME}); only the folder of a sweep or a histogram "
            "can be gone on with"
        ) from exc
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        if isinstance(exc, InputError):
            raise
        raise InputError(f"{path}: is damaged ({exc}); take what there is with `mqtctl analyze {run}`") from exc


def _made(path: Path) -> bool:
    """Make a folder in one that is there; returns whether it is ours, False if it was there already."""
    try:
        path.mkdir()
    except FileExistsError:
        if not path.is_dir():
            raise
        return False
    return True


def find_run(run: Path) -> tuple[Path, str | None]:
    """Return the database and the sweep that a run's folder, or a database itself, stands for.

    Raises
    ------
    InputError
        No such file or folder, or a folder without a run in it.
    """
    try:
        if run.is_file():
            return run, None
        if not run.is_dir():
            raise InputError(f"{run}: no such file or folder")
    except OSError as exc:  # a folder that may not be looked into
        raise InputError(f"{run}: cannot be read ({exc.strerror or exc})") from exc
    result = run / RESULT_NAME
    if result.is_file():
        try:
            content = json.loads(result.read_text(encoding="utf-8"))
            database, sweep_id = Path(content["database"]), str(content["sweep_id"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
            raise InputError(f"{result}: is not the result of a run ({exc})") from exc
        # a folder that was copied or moved is read where it is now
        return (run / DATABASE_NAME if (run / DATABASE_NAME).is_file() else database), sweep_id
    if (run / DATABASE_NAME).is_file():
        return run / DATABASE_NAME, None
    order = run / ORDER_NAME
    if order.is_file():  # it goes on or died, and its database lies elsewhere
        try:
            content = json.loads(order.read_text(encoding="utf-8"))
            return Path(content["database"]), str(content["sweep_id"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
            raise InputError(f"{order}: is damaged ({exc})") from exc
    raise InputError(f"{run}: holds no run (neither {RESULT_NAME} nor {DATABASE_NAME})")


def sweep_times(stored: StoredSweep) -> dict[str, float | None]:
    """Return the live fraction over all points and the laboratory time, as far as they were stored."""
    results = [r for p in stored.points if (r := p.result) and None not in (r.duration, r.live_fraction)]
    duration = sum(r.duration or 0.0 for r in results)
    live = sum((r.live_fraction or 0.0) * (r.duration or 0.0) for r in results) / duration if duration else None
    settling = sum(r.settling_time or 0.0 for r in results)
    return {"live_fraction": live, "lab_time_s": duration + settling if results else None}


def provenance(stored: StoredSweep, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that a report prints about where its data came from."""
    header = stored.points[0].header
    facts = header.facts.model_dump(exclude_unset=True)
    if facts.get("started"):
        facts["started"] = stamp(facts["started"], simulated=bool(facts.get("simulated")))
    return {
        "sample": header.document.sample.name,
        **facts,
        "plan_hash": header.plan_digest,
        "sweep_id": stored.sweep_id,
        "run_ids": [point.histogram.run_id for point in stored.points],
        **{key: result[key] for key in ("lab_time_s", "wall_time_s", "live_fraction", "database")},
    }


def stamp(text: str, *, simulated: bool) -> str:
    """Return a stored time in UTC; on the simulated bench it is none that anybody lived through."""
    stamp = f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{stamp} on the bench's own clock" if simulated else stamp
