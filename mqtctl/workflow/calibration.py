"""Measures a calibration: takes its histograms, fits them, and writes the dated file that plans refer to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mqtctl.acquisition import SweepJob
from mqtctl.acquisition.calibration import CalibrationStep, calibration_steps, run_calibration
from mqtctl.analysis.calibration.delay import fit_delay
from mqtctl.analysis.calibration.dummy_resistor import Crossing, DummyFit, fit_dummy
from mqtctl.analysis.histogram.moments import moments
from mqtctl.errors import HardwareError, InputError
from mqtctl.plan import Calibration, ThresholdWalk, load_plan, require_writable, save_calibration
from mqtctl.quantities import readable
from mqtctl.records import JunctionEstimate
from mqtctl.storage import StoredPoint, load_sweep
from mqtctl.workflow.measurement import Acquired, Listener, Options, Task, carry_out

__all__ = ["CalibrationRequest", "measure_calibration"]

#: Below this the histograms contradict the model, and there is no calibration.
_CREDIBLE = 1e-4
#: A ramp on a resistor that departs from a straight line by more than this part of its span is none: sources are
#: linear to 1e-3 and better.
_STRAIGHT = 0.02


@dataclass(frozen=True)
class CalibrationRequest:
    """How to calibrate.

    Attributes
    ----------
    dummy
        Whether a resistor stands in the junction's place.
    transresistance
        The resistance times the amplifier's gain in Ohm, if known: it then tells the scale of the current.
    file
        Where to write; by default into the run's folder.
    """

    dummy: bool = False
    transresistance: float | None = None
    file: Path | None = None


def measure_calibration(
    plan_path: Path,
    request: CalibrationRequest,
    options: Options | None = None,
    *,
    notify: Listener = lambda _event: None,
) -> dict[str, Any]:
    """Calibrate the way from time to current at the present temperature; returns what was found and where it stands.

    Raises
    ------
    MqtctlError
        See `mqtctl.errors`; source and heater are off before it is raised.
    """
    plan = replace(load_plan(plan_path), calibration=None)  # nothing is seen through an older one
    if request.file is not None:
        require_writable(request.file)  # now, and not when the ramps are over
    steps = calibration_steps(plan.plan, "dummy resistor" if request.dummy else "junction")

    def measure(job: SweepJob) -> None:
        run_calibration(job, steps)

    taken = carry_out(plan, Task(measure, points=len(steps)), options, notify=notify)
    stored = load_sweep(taken.folder.database, sweep_id=taken.sweep_id)
    calibration = _calibration(stored.points, steps, request, taken)
    file = request.file or taken.folder.path / "calibration.yaml"
    save_calibration(calibration, file)
    return {**_as_json(calibration, file), "seed": stored.points[0].header.facts.seed}


def _as_json(calibration: Calibration, file: Path) -> dict[str, Any]:
    """Return a calibration with numbers in base units, as `mqtctl calibrate --json` prints it."""
    walk = calibration.threshold_walk
    return {
        "method": calibration.method,
        "simulated": calibration.simulated,
        "date": calibration.date.isoformat(),
        "delay_s": calibration.delay,
        "delay_stderr_s": calibration.delay_uncertainty,
        "offset_A": calibration.offset,
        "offset_stderr_A": calibration.offset_uncertainty,
        "scale": calibration.scale,
        "scale_stderr": calibration.scale_uncertainty,
        "nonlinearity": calibration.nonlinearity,
        "time_base": calibration.time_base,
        "threshold_walk_s": walk and walk.walk,
        "threshold_walk_stderr_s": walk and walk.uncertainty,
        "first_threshold_V": walk and walk.first_threshold,
        "second_threshold_V": walk and walk.second_threshold,
        "pvalue": calibration.pvalue,
        "instruments": calibration.instruments,
        "database": calibration.database,
        "sweep_id": calibration.sweep_id,
        "digest": calibration.digest,
        "file": str(file),
    }


def _calibration(
    points: tuple[StoredPoint, ...], steps: tuple[CalibrationStep, ...], request: CalibrationRequest, taken: Acquired
) -> Calibration:
    """Fit the histograms; raises `HardwareError` if they contradict each other."""
    if len(points) != len(steps):
        raise HardwareError(f"only {len(points)} of {len(steps)} histograms of the calibration are complete; repeat it")
    header = points[0].header
    facts = header.facts
    # numbers of our own, in base units: a file would write them out, which is what validation asks for
    return Calibration.model_construct(
        date=datetime.fromisoformat(facts.started).astimezone(UTC),
        method="dummy resistor" if request.dummy else "junction",
        station=facts.station,
        instruments=facts.instruments,
        simulated=bool(facts.simulated),
        sweep_id=taken.sweep_id,
        database=str(taken.folder.database.resolve()),
        time_base=points[0].histogram.ramp.period * _known(header.variant.repetition),
        **(_from_dummy(points, request) if request.dummy else _from_junction(points)),
    )


def _known(number: float | None) -> float:
    """Return what every histogram of a calibration has in its header; raises `InputError` if this one has not."""
    if number is None:
        raise InputError("this run is no histogram of a calibration: it does not say its threshold or repetition")
    return number


def _from_junction(points: tuple[StoredPoint, ...]) -> dict[str, Any]:
    """Return what lag and offset make the histograms agree, and how the one at another threshold differs."""
    *histograms, second = (point.histogram for point in points)
    fit = fit_delay(histograms, _junction(points))
    if fit.pvalue < _CREDIBLE:
        raise HardwareError(
            f"the calibration's histograms contradict the escape law (p = {fit.pvalue:.1g}): no lag and offset make "
            "two ramp rates and two polarities agree; look for heating, noise that depends on the rate, a drifting "
            "bath, or a capacitance that is far off in the sample file"
        )
    first = histograms[0]
    near, far = moments(first.intervals), moments(second.intervals)
    walk = ThresholdWalk.model_construct(
        first_threshold=_known(points[0].header.variant.threshold),
        second_threshold=_known(points[-1].header.variant.threshold),
        walk=far.mean - near.mean,
        uncertainty=(near.mean_stderr**2 + far.mean_stderr**2) ** 0.5,
    )
    return {
        "delay": fit.delay,
        "delay_uncertainty": fit.delay_stderr,
        "offset": fit.offset,
        "offset_uncertainty": fit.offset_stderr,
        "threshold_walk": walk,
        "pvalue": fit.pvalue,
    }


def _junction(points: tuple[StoredPoint, ...]) -> JunctionEstimate:
    """Return the junction of the sample file that the runs were taken with."""
    return points[0].header.document.sample.junction.estimate


def _from_dummy(points: tuple[StoredPoint, ...], request: CalibrationRequest) -> dict[str, Any]:
    """Return the straight line through the times at which the resistor's voltage passed the thresholds."""
    fit = fit_dummy([_crossing(point) for point in points])
    if fit.nonlinearity > _STRAIGHT:
        raise HardwareError(
            f"the currents at which the thresholds were passed are off a straight line by up to {fit.nonlinearity:.0%} "
            f"of the ramp, {_STRAIGHT:.0%} would be much: this is no resistor; is the junction still connected (then "
            "leave --dummy out), or does something saturate?"
        )
    return _dummy_numbers(fit, request.transresistance)


def _dummy_numbers(fit: DummyFit, transresistance: float | None) -> dict[str, Any]:
    """Return a calibration's numbers; the fit reckons in the source's own amperes, a calibration in true ones."""
    scale, scale_stderr = 1.0, None
    if transresistance is not None:
        # the source says 1/(G R) smaller by as much as its current is larger than it says
        scale = fit.transresistance / transresistance
        scale_stderr = fit.transresistance_stderr / transresistance
        if not 0.5 < scale < 2.0:
            raise InputError(
                f"the resistor and the amplifier make {readable(fit.transresistance, 'Ohm')} together, but "
                f"{readable(transresistance, 'Ohm')} were stated; check --dummy-resistor and --amplifier-gain"
            )
    return {
        "delay": fit.delay,
        "delay_uncertainty": fit.delay_stderr,
        "offset": None if fit.offset is None else scale * fit.offset,
        "offset_uncertainty": None if fit.offset_stderr is None else scale * fit.offset_stderr,
        "scale": scale,
        "scale_uncertainty": scale_stderr,
        "nonlinearity": fit.nonlinearity,
        "pvalue": fit.pvalue,
    }


def _crossing(point: StoredPoint) -> Crossing:
    """Return when one threshold was passed."""
    histogram = point.histogram
    found = moments(histogram.intervals)
    return Crossing(
        threshold=abs(_known(point.header.variant.threshold)),
        polarity=histogram.polarity,
        start_current=histogram.ramp.start_current,
        rate=histogram.ramp.rate,
        span=histogram.ramp.stop_current - histogram.ramp.start_current,
        interval=found.mean,
        interval_std=found.std,
        ramps=found.count,
    )
