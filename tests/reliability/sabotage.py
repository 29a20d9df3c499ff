"""Ways to break mqtctl on purpose, each of which the checker must notice; one that passes everything proves nothing."""

# mypy: disable-error-code="attr-defined,assignment,method-assign,misc"

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import numpy as np

__all__ = ["SABOTAGES"]


def _storing(change: Callable[..., tuple[Any, Any, dict[str, Any]] | None]) -> None:
    """Have each block pass through `change` on its way into the database; None: it does not get there."""
    from mqtctl.storage import HistogramWriter

    real = HistogramWriter.add_block

    def add_block(self: Any, intervals: Any, currents: Any, **facts: Any) -> None:
        changed = change(self, np.array(intervals), np.array(currents), dict(facts))
        if changed is not None:
            intervals, currents, facts = changed
            real(self, intervals, currents, **facts)

    HistogramWriter.add_block = add_block


def _closing(change: Callable[[float], float] | None) -> None:
    """Have the temperature in the closing facts pass through `change`; None: they are not written at all."""
    from mqtctl.storage import HistogramWriter

    real = HistogramWriter.finish

    def finish(self: Any, facts: Any) -> None:
        if change is not None:
            real(self, facts.model_copy(update={"temperature": change(facts.temperature)}))

    HistogramWriter.finish = finish


def shift_later_blocks() -> None:
    _storing(lambda w, i, c, f: (i + (1e-5 if w._blocks else 0.0), c, f))


def round_intervals() -> None:
    _storing(lambda _w, i, c, f: (np.round(i, 8), c, f))


def invent_intervals() -> None:
    _storing(lambda _w, i, c, f: (np.random.default_rng(1).normal(i.mean(), i.std(), i.size), c, f))


def swallow_every_second_block() -> None:
    seen = [0]

    def change(_w: Any, i: Any, c: Any, f: dict[str, Any]) -> Any:
        seen[0] += 1
        return None if seen[0] % 2 == 0 else (i, c, f)

    _storing(change)


def lose_one_interval() -> None:
    _storing(lambda _w, i, c, f: (i[1:], c[1:], f))


def store_a_block_twice() -> None:
    from mqtctl.storage import HistogramWriter

    real = HistogramWriter.add_block

    def add_block(self: Any, *data: Any, **facts: Any) -> None:
        real(self, *data, **facts)
        real(self, *data, **facts)

    HistogramWriter.add_block = add_block


def store_the_first_block_again_and_again() -> None:
    first: list[Any] = []

    def change(_w: Any, i: Any, c: Any, f: dict[str, Any]) -> Any:
        first.append((i, c))
        return (*first[0], f)

    _storing(change)


def warmer_than_it_was() -> None:
    _closing(lambda temperature: 1.05 * temperature)


def temperature_of_the_point_before() -> None:
    told: list[float] = []

    def change(temperature: float) -> float:
        told.append(temperature)
        return told[-2] if len(told) > 1 else told[-1]

    _closing(change)


def always_the_first_temperature() -> None:
    told: list[float] = []

    def change(temperature: float) -> float:
        told.append(temperature)
        return told[0]

    _closing(change)


def one_block_less_in_the_closing_facts() -> None:
    from mqtctl.storage import HistogramWriter

    real = HistogramWriter.finish

    def finish(self: Any, facts: Any) -> None:
        self._blocks -= 1
        real(self, facts)

    HistogramWriter.finish = finish


def never_finish() -> None:
    _closing(None)


def leave_the_last_point_out() -> None:
    from mqtctl.acquisition import sweep

    real = sweep._run_point
    sweep._run_point = lambda job, bench, point, *rest: None if point.index == 2 else real(job, bench, point, *rest)


def stop_a_point_early() -> None:
    from mqtctl.acquisition import point

    real = point.HistogramRequest
    point.HistogramRequest = lambda switches, *rest: real(switches - 100, *rest)


def _attempts(names: tuple[str, ...]) -> None:
    """Have some of the outputs count as at rest without a word to their instrument."""
    from mqtctl.acquisition.guards import interlock

    real = interlock.bring_to_rest

    def bring_to_rest(attempts: Mapping[str, Any], *rest: Any, **more: Any) -> Any:
        left = {name: attempt for name, attempt in attempts.items() if name not in names}
        return real(left, *rest, **more)

    interlock.bring_to_rest = bring_to_rest


def leave_the_heater_on() -> None:
    _attempts(("heater",))


def leave_the_source_on() -> None:
    """Also its bursts do not end by themselves."""
    _attempts(("source", "heater"))


def three_times_the_current() -> None:
    """The source gives three times what it is told."""
    from pathlib import Path

    bench = Path("bench.yaml")
    bench.write_text(bench.read_text(encoding="utf-8").replace("factor: 1}", "factor: 3}"), encoding="utf-8")


def break_with_a_traceback() -> None:
    from mqtctl.workflow import measurement

    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("sabotage")

    measurement.load_sweep = broken


def acknowledge_before_storing() -> None:
    """Tell of a block and end at once, without a way out."""
    from mqtctl.storage import HistogramWriter

    real = HistogramWriter.add_block

    def add_block(self: Any, *data: Any, **facts: Any) -> None:
        if self._blocks < 1:
            real(self, *data, **facts)
        else:
            self._blocks += 1

    HistogramWriter.add_block = add_block


def damage_the_file() -> None:
    """Overwrite a page in the middle of the database at the end."""
    from pathlib import Path

    real = os._exit

    def spoil(code: int) -> None:
        path = Path("run/data.db")
        if path.exists():
            import sqlite3

            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            data = bytearray(path.read_bytes())
            middle = len(data) // 2 // 4096 * 4096
            data[middle : middle + 4096] = os.urandom(4096)
            path.write_bytes(bytes(data))
        real(code)

    os._exit = spoil


def hang() -> None:
    from mqtctl.workflow import measurement

    def forever(*_: Any, **__: Any) -> None:
        import time

        while True:
            time.sleep(1.0)

    measurement.load_sweep = forever


#: What is broken -> the invariant that must be found violated.
SABOTAGES: Mapping[str, tuple[Callable[[], None], str]] = {
    function.__name__: (function, invariant)
    for function, invariant in (
        (shift_later_blocks, "I2"),
        (round_intervals, "I2"),
        (invent_intervals, "I2"),
        (swallow_every_second_block, "I1"),
        (lose_one_interval, "I1"),
        (store_a_block_twice, "I1"),
        (store_the_first_block_again_and_again, "I1"),
        (warmer_than_it_was, "I5"),
        (temperature_of_the_point_before, "I5"),
        (always_the_first_temperature, "I5"),
        (one_block_less_in_the_closing_facts, "I1"),
        (never_finish, "I8"),
        (leave_the_last_point_out, "I8"),
        (stop_a_point_early, "I8"),
        (leave_the_heater_on, "I3"),
        (leave_the_source_on, "I3"),
        (three_times_the_current, "I4"),
        (break_with_a_traceback, "I8"),
        (acknowledge_before_storing, "I1"),
        (damage_the_file, "I10"),
        (hang, "I9"),
    )
}
