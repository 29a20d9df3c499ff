"""How precise the results will be: whole sweeps drawn from the predicted distributions and fitted as after the run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mqtctl.analysis import PointFit, SweepFit, fit_sweep
from mqtctl.records import JunctionEstimate
from mqtctl.rehearsal.prediction.expectation import MOST_DRAWN, Expected, draw_sweep, without_capacitance_error

__all__ = ["PointPrecision", "Precision", "Resolution", "predict_precision"]

#: A crossover is resolved if the temperature at which T_esc leaves its saturation has at most this relative error.
RESOLVED = 0.25
#: Draws of the prediction itself: the standard errors are their medians.
DRAWS = 3


@dataclass(frozen=True)
class PointPrecision:
    """What the fit of one histogram is predicted to give, in K; None where it gives nothing.

    Attributes
    ----------
    escape_temperature, stderr
        With the sweep's critical current, and the standard error that the run will quote; it includes the
        uncertainties of the critical current and of the capacitance.
    scatter
        Standard deviation over repeated runs: the capacitance's error is the same in all of them.
    free, free_stderr
        The histogram alone, critical current and temperature free.
    """

    escape_temperature: float | None = None
    stderr: float | None = None
    scatter: float | None = None
    free: float | None = None
    free_stderr: float | None = None


@dataclass(frozen=True)
class Resolution:
    """Whether the crossover will be resolved, and by which criterion or why not."""

    resolved: bool
    text: str


@dataclass(frozen=True)
class Precision:
    """The predicted fit of the whole sweep.

    Attributes
    ----------
    points
        In the order of the histograms.
    crossover, crossover_stderr
        Crossover temperature in K from Ic, C and R, and its standard error.
    measured, measured_stderr
        Bath temperature in K at which the escape temperature has left its saturation.
    resolution
        Whether the crossover will be resolved.
    spread
        Standard deviations over the repeated rehearsals as plain data, None without any.
    """

    points: tuple[PointPrecision, ...]
    crossover: float | None
    crossover_stderr: float | None
    measured: float | None
    measured_stderr: float | None
    resolution: Resolution
    spread: dict[str, Any] | None = None


def predict_precision(
    expected: Sequence[tuple[int, Expected, int]],
    junction: JunctionEstimate,
    seed: int,
    repeat: int = 0,
    notify: Callable[[str], None] = lambda _text: None,
) -> Precision:
    """Draw sweeps and fit them.

    Parameters
    ----------
    expected
        (point, law, switches) for each histogram that will be fitted, in order; at least one.
    junction
        As the sample file has it.
    seed
        Of the random numbers.
    repeat
        Number of rehearsals from different seeds whose spread is wanted.
    notify
        Told how far it is.
    """
    rng = np.random.default_rng(seed)
    first = draw_sweep(expected, junction, rng)
    fits = [fit_sweep(first, hypotheses=False)]
    exact = fit_sweep(without_capacitance_error(first), hypotheses=False)
    while (number := len(fits)) < max(DRAWS, repeat):
        fits.append(fit_sweep(draw_sweep(expected, junction, rng), hypotheses=False))
        if (number + 1) % 10 == 0:
            notify(f"drawn and fitted {number + 1} of {repeat} sweeps")
    longer = [max(1.0, switches / MOST_DRAWN) for _, _, switches in expected]
    points = tuple(
        _point([fit.points[place] for fit in fits], exact.points[place], longer[place])
        for place in range(len(expected))
    )
    measured = [fit.measured_crossover for fit in fits if fit.measured_crossover is not None]
    return Precision(
        points,
        _median([fit.crossover_temperature for fit in fits]),
        _median([fit.crossover_temperature_stderr for fit in fits]),
        _median([found.temperature for found in measured]),
        _median([found.temperature_stderr for found in measured]),
        _resolution(fits),
        _spread(fits[:repeat]) if repeat >= 2 else None,
    )


def _point(fits: Sequence[PointFit], exact: PointFit, longer: float) -> PointPrecision:
    """Return the medians of a point's fits; what is statistical falls with the square root of what was not drawn."""
    shared = [fit.shared for fit in fits if fit.shared is not None and fit.shared.converged]
    alone = [fit.alone for fit in fits if fit.alone is not None and fit.alone.converged]
    quoted = _median([fit.escape_temperature_stderr for fit in shared])
    scatter = exact.shared.escape_temperature_stderr if exact.shared and exact.shared.converged else None
    scatter = None if scatter is None or not math.isfinite(scatter) else scatter
    free = _median([fit.escape_temperature_stderr for fit in alone])
    if longer > 1.0 and quoted is not None and scatter is not None:
        quoted = math.sqrt(max(quoted**2 - scatter**2, 0.0) + scatter**2 / longer)
        scatter /= math.sqrt(longer)
    return PointPrecision(
        escape_temperature=_median([fit.escape_temperature for fit in shared]),
        stderr=quoted,
        scatter=scatter,
        free=_median([fit.escape_temperature for fit in alone]),
        free_stderr=None if free is None else free / math.sqrt(longer),
    )


def _resolution(fits: Sequence[SweepFit]) -> Resolution:
    """Say whether the crossover will be resolved in most sweeps, by which criterion, or why not."""
    reasons = Counter(_why_not(fit) for fit in fits)
    reason, count = reasons.most_common(1)[0]
    if 2 * reasons[""] > len(fits) or not reason:
        return Resolution(
            True,
            f"the escape temperature rises 10 % above its saturation within the sweep, at a temperature known to "
            f"{RESOLVED:.0%} or better, and the saturation can be told from noise",
        )
    return Resolution(False, reason if count == len(fits) else f"{reason} (in {count} of {len(fits)} rehearsed sweeps)")


def _why_not(fit: SweepFit) -> str:
    """Return why a sweep does not resolve the crossover, nothing if it does."""
    if fit.critical_current is None:
        return fit.reasons.get("critical_current_A", "no critical current can be found")
    if fit.saturation is None:
        return fit.reasons.get("crossover_temperature_K", "no point is saturated")
    measured = fit.measured_crossover
    if measured is None:
        return fit.reasons.get("measured_crossover_temperature_K", "the escape temperature does not leave saturation")
    if measured.temperature_stderr > RESOLVED * measured.temperature:
        return "the temperature at which the escape temperature leaves its saturation is too uncertain"
    return fit.reasons.get("saturation_test", "")


def _spread(fits: Sequence[SweepFit]) -> dict[str, Any]:
    """Return what repeated rehearsals scatter by."""
    return {
        "rehearsals": len(fits),
        "escape_temperature_std_K": [
            _std([_value(fit.points[place], "shared") for fit in fits]) for place in range(len(fits[0].points))
        ],
        "escape_temperature_free_std_K": [
            _std([_value(fit.points[place], "alone") for fit in fits]) for place in range(len(fits[0].points))
        ],
        "std_switching_current_std_A": [
            _std([m.std for fit in fits if (m := fit.points[place].moments) is not None])
            for place in range(len(fits[0].points))
        ],
        "crossover_temperature_std_K": _std([fit.crossover_temperature for fit in fits]),
        "measured_crossover_temperature_std_K": _std(
            [None if fit.measured_crossover is None else fit.measured_crossover.temperature for fit in fits]
        ),
        "resolved": sum(not _why_not(fit) for fit in fits) / len(fits),
        "verdicts": dict(Counter(fit.tunnelling.verdict for fit in fits)),
    }


def _value(point: PointFit, which: str) -> float | None:
    """Return an escape temperature in K, with the shared critical current or alone."""
    fit = getattr(point, which)
    return fit.escape_temperature if fit is not None and fit.converged else None


def _median(values: Sequence[float | None]) -> float | None:
    """Return the median of what is there and finite, None of nothing."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return float(np.median(known)) if known else None


def _std(values: Sequence[float | None]) -> float | None:
    """Return the standard deviation of what is there and finite, None of fewer than two."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return float(np.std(known, ddof=1)) if len(known) > 1 else None
