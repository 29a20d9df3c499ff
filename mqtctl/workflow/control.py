"""The control of a stored sweep: a second one of the same junction, at another critical current."""

from __future__ import annotations

from pathlib import Path

from mqtctl.errors import InputError
from mqtctl.quantities import readable
from mqtctl.records import JunctionEstimate, Sweep
from mqtctl.storage import load_sweep
from mqtctl.workflow.besides import besides, centred
from mqtctl.workflow.extent import require_switches
from mqtctl.workflow.recalibration import recalibrated
from mqtctl.workflow.results import find_run

__all__ = ["refuse_no_sweep", "stored_control"]

SAME_TEMPERATURE = 0.01
SAME_CAPACITANCE = 0.1  # relative: sample files of one junction differ by less


def stored_control(
    data: Path, junction: JunctionEstimate, calibration: Path | None = None
) -> tuple[Sweep, bool | None]:
    """Return a stored control sweep and what its heating check found.

    Parameters
    ----------
    data
        Folder of its run, or a database.
    junction
        Of the sweep that it is a control of.
    calibration
        As in `analyze`.

    Raises
    ------
    InputError
        There is no sweep, or it is one of another junction.
    """
    database, sweep_id = find_run(data)
    stored = recalibrated(load_sweep(database, sweep_id=sweep_id), calibration)
    require_switches(stored)
    other = stored.sweep.junction
    if abs(other.capacitance - junction.capacitance) > SAME_CAPACITANCE * junction.capacitance:
        pair = f"{readable(other.capacitance, 'F')} in its sample file, {readable(junction.capacitance, 'F')} here"
        raise InputError(f"--control {data} is of another junction ({pair}): a control shares the capacitance")
    refuse_no_sweep(str(data), stored.sweep)
    check = besides(stored).get("heating_check")
    sweep = centred(stored)[0].sweep
    return Sweep(sweep.histograms, junction, str(data)), None if check is None else bool(check["heated"])


def refuse_no_sweep(name: str, sweep: Sweep) -> None:
    """Refuse a control of one bath temperature; raises `InputError`."""
    baths = sorted(histogram.temperature for histogram in sweep.histograms)
    if not baths[-1] > baths[0] * (1.0 + SAME_TEMPERATURE):
        raise InputError(
            f"--control {name} is no sweep, for all of it was taken at {readable(baths[0], 'K')}: its critical current"
            " needs a point at three times the crossover temperature or more"
        )
