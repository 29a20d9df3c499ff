"""Fits what was stored, or a list of switching currents from elsewhere, and writes the report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mqtctl.analysis import fit_sweep
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.sweep.results import SweepFit
from mqtctl.clock import Clock
from mqtctl.errors import InputError
from mqtctl.plan.known import with_known
from mqtctl.records import KnownFact, Sweep
from mqtctl.report import write_rates, write_report
from mqtctl.storage import StoredSweep, load_sweep
from mqtctl.workflow.besides import besides, besides_in_words, centred
from mqtctl.workflow.control import stored_control
from mqtctl.workflow.extent import done_of_planned, extent, flagged, require_switches
from mqtctl.workflow.recalibration import recalibrated
from mqtctl.workflow.results import find_run, provenance, sweep_times

__all__ = ["analyze", "analyze_stored", "report"]


def analyze(
    data: Path,
    *,
    run_id: int | None = None,
    calibration: Path | None = None,
    potential: str | None = None,
    report_folder: Path | None = None,
    rates: Path | None = None,
    formats: Collection[str] = (),
    quick: bool = False,
    control: Path | None = None,
    known: Sequence[KnownFact] = (),
) -> dict[str, Any]:
    """Fit a stored sweep (folder of a run or database) or one run of it; returns the JSON contract.

    Parameters
    ----------
    calibration
        Calibration file with which the currents are computed again from the raw intervals.
    potential
        Name of the junction's potential; None for that of the sample file it was measured with.
    report_folder
        Where a report is written; None for none.
    rates
        CSV file for the escape rates of all histograms; None for none.
    formats
        What is written beside the report, as in `mqtctl.report.write_report`.
    quick
        Leave out what these data could have decided (the key `power`).
    control
        A second sweep of the same junction at another critical current, stored as well.
    known
        What other measurements say of the junction, besides what its sample file says.

    Raises
    ------
    InputError
        Nothing there that can be analysed, or no such potential.
    """
    database, sweep_id = find_run(data)
    stored = recalibrated(load_sweep(database, sweep_id=sweep_id, run_id=run_id), calibration)
    if potential is not None:
        junction = replace(stored.sweep.junction, potential=potential)
        junction_of(junction)  # one that does not exist is no flag of each point
        stored = replace(stored, sweep=replace(stored.sweep, junction=junction))
    if run_id is not None and (control is not None or known):
        raise InputError(f"{data}: --control and --known are for all of a sweep, --run for one histogram: leave it out")
    if known:
        stored = replace(stored, sweep=replace(stored.sweep, junction=with_known(stored.sweep.junction, known)))
    second = None if control is None else stored_control(control, stored.sweep.junction, calibration)
    if report_folder is not None:
        if run_id is not None:
            raise InputError(f"{data}: --report is for all of a sweep, --run for one histogram: leave one of them out")
        return analyze_stored(
            stored, database, report_folder, rates=rates, formats=formats, power=not quick, control=second
        )
    found = _fitted(stored, database, single=run_id is not None, power=not quick, control=second)
    return _rated(found, rates)


def report(
    run: Path, *, output: Path | None = None, calibration: Path | None = None, formats: Collection[str] = ()
) -> dict[str, Any]:
    """Fit a stored sweep and write its report (into the run's folder, or beside the database); returns the result.

    `calibration` is as in `analyze`, `formats` as in `mqtctl.report.write_report`.
    """
    database, sweep_id = find_run(run)
    stored = recalibrated(load_sweep(database, sweep_id=sweep_id), calibration)
    folder = output or (run if run.is_dir() else run.with_suffix(""))
    return analyze_stored(stored, database, folder, formats=formats)


def analyze_stored(
    stored: StoredSweep,
    database: Path,
    folder: Path,
    *,
    lab_time_s: float | None = None,
    wall: tuple[Clock, float] | None = None,
    state: str = "",
    rates: Path | None = None,
    formats: Collection[str] = (),
    power: bool = True,
    control: tuple[Sweep, bool | None] | None = None,
) -> dict[str, Any]:
    """Fit a loaded sweep, write its report into a folder, and return the JSON contract.

    Parameters
    ----------
    lab_time_s
        Time in s on the laboratory's clock for the whole sweep, if known better than from its points.
    wall
        Clock and its reading when the work began; gives `wall_time_s`, up to the writing of the report.
    state
        What the measurement does, or how it ended, if that is known: it stands at the top of the report.
    rates
        CSV file for the escape rates, None for none.
    formats
        What is written besides, as in `mqtctl.report.write_report`.
    power
        Find out what these data could have decided.
    control
        A control sweep, and what its heating check found.
    """
    found = _fitted(stored, database, power=power, control=control)
    result = _rated(found, rates)
    if lab_time_s is not None:
        result["lab_time_s"] = lab_time_s
    if wall is not None:
        clock, begun = wall
        result["wall_time_s"] = clock.now() - begun
    facts = provenance(found.stored, result)
    if state or result["points_done"] < result["points_planned"]:
        state = f"{state or 'not complete'}: {done_of_planned(result)}"
    written = write_report(
        found.stored.sweep, found.fit, folder, facts, besides=besides_in_words(result), state=state, formats=formats
    )
    result["report"] = str(written)
    return result


@dataclass(frozen=True)
class _Fitted:
    """A sweep as it was fitted, its fit, and both with what was measured besides as the JSON contract."""

    stored: StoredSweep
    fit: SweepFit
    result: dict[str, Any]


def _rated(found: _Fitted, rates: Path | None) -> dict[str, Any]:
    """Write the escape rates if they are asked for, and return the result, which says where they are."""
    if rates is not None:
        sweep = found.stored.sweep
        names = [f"run {histogram.run_id}" for histogram in sweep.histograms]
        found.result["rates"] = str(write_rates(sweep, found.fit.points, rates, names))
    return found.result


def _fitted(
    stored: StoredSweep,
    database: Path,
    *,
    single: bool = False,
    power: bool = True,
    control: tuple[Sweep, bool | None] | None = None,
) -> _Fitted:
    """Take the offset current out that both polarities show, and fit."""
    require_switches(stored)
    stored, offset = centred(stored)
    there = extent(stored, single=single)
    beside = besides(stored)
    heated = beside["heating_check"]["heated"] if "heating_check" in beside else None
    second, also_heated = control or (None, None)
    fit = fit_sweep(stored.sweep, heated=heated, power=power, control=second, control_heated=also_heated)
    fit = flagged(fit, stored, there)
    result = {
        **fit.to_dict(),
        **offset,
        **beside,
        **sweep_times(stored),
        **there,
        "database": str(database),
    }
    return _Fitted(stored, fit, result)
