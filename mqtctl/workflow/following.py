"""Follows a measurement: keeps its folder's result and report up to date, and says in the end how far it came."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from mqtctl.acquisition import BlockStored, PointFinished, RampsBegin, Remark, Settling
from mqtctl.acquisition.events import PointSkipped
from mqtctl.clock import Clock
from mqtctl.errors import InterruptedRunError
from mqtctl.storage import RunFacts, load_sweep
from mqtctl.workflow.analysis import analyze_stored
from mqtctl.workflow.results import Order, RunFolder

__all__ = ["Following", "MeasurementBegins"]

#: Reports of a running measurement may take this part of the computer's time; the first is taken to last so long (s).
#: A sweep in a laboratory has one after every point, one that the bench rushes through in a minute has none.
_SHARE, _FIRST = 0.05, 3.0


@dataclass(frozen=True)
class MeasurementBegins:
    """Everything is connected, and the data have a place.

    Attributes
    ----------
    folder
        Where they go.
    simulated, seed
        Whether no instrument is real, and the seed of the simulated bench that is in force, if it says it.
    """

    folder: str
    simulated: bool
    seed: int | None


@dataclass
class Following:
    """Listens to a measurement on behalf of its folder.

    Attributes
    ----------
    folder, sweep_id
        Where the measurement is stored.
    points
        How many are planned.
    notify
        Called with each event first, and with a remark where a report could not be written.
    clock
        The computer's.
    reported
        Whether the runs are histograms of a sweep that `mqtctl report` can show.
    histograms
        How many are complete.
    skipped
        How many points were given up.
    order
        What is kept in the folder from the first ramp on, so that `mqtctl resume` can go on.
    """

    folder: RunFolder
    sweep_id: str
    points: int
    notify: Callable[[Any], None]
    clock: Clock
    reported: bool = True
    histograms: int = 0
    order: Order | None = None
    skipped: int = 0
    _facts: dict[str, Any] = field(default_factory=dict)
    _point: int = 0
    _unfinished: int = 0
    _stored: bool = False
    _begun: float = 0.0
    _spent: float = 0.0
    _last: float = _FIRST
    _running_report: bool = False

    def begin(self, facts: RunFacts) -> None:
        """Take what is known of the station; the first event comes after it."""
        self._begun = self.clock.now()
        self._facts = {"simulated": facts.simulated, "seed": facts.seed}
        self.notify(MeasurementBegins(str(self.folder.path), bool(facts.simulated), facts.seed))

    def __call__(self, event: Any) -> None:
        """Pass an event on, and keep the folder up to date."""
        self.notify(event)
        match event:
            case Settling(point=point):
                self._point = point
            case RampsBegin(point=point):
                self._point, self._unfinished = point, 0
                if self.order is not None:
                    self.folder.write_order(self.order)
                    self.order = None
            case BlockStored(switches=switches):
                self._unfinished = switches
                if not self._stored:
                    self._stored = True
                    self._write("running")
            case PointFinished():
                self.histograms, self._unfinished = self.histograms + 1, 0
                self._keep_up()
            case PointSkipped(skipped=skipped):
                self.skipped, self._unfinished = skipped, 0
            case _:
                pass

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Add to whatever ends the measurement early how far it came, where the data are and how to look at them."""
        try:
            yield
        except BaseException as exc:
            if self._stored:
                exc.add_note(self.sentence)
                self._write("stopped")
                if self._running_report or self.skipped:
                    with suppress(KeyboardInterrupt):  # who cannot wait for the report still gets the fault's own words
                        self._report("stopped" if isinstance(exc, InterruptedRunError) else "failed")
            raise
        if self._stored:
            self._write("measured")

    @property
    def sentence(self) -> str:
        """How far it came, where the data are, and the command that shows them."""
        parts = [f"{self.histograms} histogram{'' if self.histograms == 1 else 's'}"] if self.histograms else []
        if self._unfinished:
            parts.append(f"an unfinished one of {self._unfinished} switches")
        text = (
            f"it was at point {self._point + 1} of {self.points}; stored in {self.folder.path}: {' and '.join(parts)}"
        )
        if not self.reported:
            return text
        folder = shlex.quote(str(self.folder.path))
        return f"{text}; look at it with `mqtctl report {folder}`, go on with `mqtctl resume {folder}`"

    def _keep_up(self) -> None:
        """Write how far it is; and the report, if reports have not taken more than their share of the time."""
        self._write("running")
        elapsed = self.clock.now() - self._begun
        if self.reported and self._spent + self._last <= _SHARE * elapsed:
            self._report("running")

    def _write(self, state: str) -> None:
        """Write the folder's result as far as it is known without a fit."""
        done = {
            "state": state,
            "points_planned": self.points,
            "histograms_done": self.histograms,
            "points_skipped": self.skipped,
        }
        self._courteously(
            lambda: self.folder.write({**done, **self._facts, "database": str(self.folder.database)}, self.sweep_id)
        )

    def _report(self, state: str) -> None:
        """Write result and report of what is there."""
        begun = self.clock.now()

        def write() -> None:
            stored = load_sweep(self.folder.database, sweep_id=self.sweep_id)
            result = analyze_stored(stored, self.folder.database, self.folder.path, state=state)
            self.folder.write({**result, "state": state}, self.sweep_id)
            self._running_report = True

        self._courteously(write)
        self._last = self.clock.now() - begun
        self._spent += self._last

    def _courteously(self, write: Callable[[], None]) -> None:
        """Do what the measurement can do without: whatever goes wrong with it is told, and the measurement goes on."""
        try:
            write()
        except Exception as exc:
            self.notify(Remark(f"the report so far could not be written ({exc}); the measurement goes on"))
