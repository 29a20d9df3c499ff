"""Compares a rehearsed histogram with what the junction gives at the bath's temperature: heating, or a wrong delay."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mqtctl.analysis import fit_escape_temperature, moments
from mqtctl.errors import InputError
from mqtctl.instruments.roles.findings import Finding
from mqtctl.physics import SwitchingDistribution
from mqtctl.quantities import readable
from mqtctl.records import Histogram
from mqtctl.rehearsal.findings.point_findings import CUT
from mqtctl.rehearsal.prediction.expectation import Circumstances, Expected

__all__ = ["Comparison", "compare", "comparison_findings", "line_findings"]

#: A width is larger than expected beyond so many standard errors and this share of it; a mean is off beyond so many
#: standard errors and this share of the width, which is what staircases and their filters leave.
WIDTH_SIGMAS, WIDTH_SHARE = 4.0, 0.04
MEAN_SIGMAS, MEAN_SHARE = 6.0, 0.05
#: No sample is so many times warmer than its bath.
IMPLAUSIBLE = 30.0
#: Fewer switches are not compared.
FEWEST = 50


@dataclass(frozen=True)
class Comparison:
    """A rehearsed histogram against its law.

    Attributes
    ----------
    expected
        The law at the temperature that the thermometer read.
    width, shift
        Rehearsed width, and rehearsed less expected mean, in A.
    broader
        Whether the width is significantly larger than expected.
    warmer
        Temperature in K of the sample that explains width and mean better than the bath's does; None if none.
    """

    expected: Expected
    width: float
    shift: float
    broader: bool
    warmer: float | None

    @property
    def sample_temperature(self) -> float:
        """What to take for the sample's temperature in K."""
        return self.expected.bath if self.warmer is None else self.warmer


def compare(histogram: Histogram, expected: Expected, circumstances: Circumstances) -> Comparison | None:
    """Compare a histogram with its law; None if they agree or there is too little to say."""
    if histogram.switching_currents.size < FEWEST:
        return None
    found, (mean, width) = moments(histogram.switching_currents), expected.moments
    shift = found.mean - mean
    broader = found.std - width > max(WIDTH_SIGMAS * found.std_stderr, WIDTH_SHARE * width)
    # the filter rounds the top of the ramp: the mean of what is cut off there says nothing
    off = abs(shift) > max(MEAN_SIGMAS * found.mean_stderr, MEAN_SHARE * width) and expected.survivors <= CUT
    if not (broader or off):
        return None
    warmer = _as_warm_as(histogram, expected, circumstances) if broader or shift < 0.0 else None
    if warmer is not None and not expected.bath < warmer < IMPLAUSIBLE * expected.bath:
        warmer = None
    if warmer is not None and not broader:
        hot = _at(expected, warmer).moments[1]
        warmer = warmer if abs(found.std - hot) < abs(found.std - width) else None
    return Comparison(expected, found.std, shift, broader, warmer)


def comparison_findings(histogram: Histogram, comparison: Comparison | None, gap_voltage: float) -> Iterator[Finding]:
    """Say what a histogram that does not agree with its law means.

    Parameters
    ----------
    histogram, comparison
        From the simulated bench, and as compared.
    gap_voltage
        In V, for the heat of the voltage state.
    """
    if comparison is None:
        return
    expected = comparison.expected
    if comparison.broader or comparison.warmer is not None:
        as_at = "" if comparison.warmer is None else f", as at {readable(comparison.warmer, 'K')}"
        power, share = _heat(histogram, gap_voltage)
        yield Finding(
            "heating",
            "warning",
            f"mean and width are {readable(expected.moments[0] + comparison.shift, 'A')} and "
            f"{readable(comparison.width, 'A')} instead of {readable(expected.moments[0], 'A')} and "
            f"{readable(expected.moments[1], 'A')} at a bath of {readable(expected.bath, 'K')}{as_at}: the sample is "
            f"warmer than the bath or the current is noisy; the voltage state takes {share:.0%} of the time and makes "
            f"{readable(power, 'W')}",
            "repeat the ramp less often, let it stop nearer to the critical current, or ask for heating_check: true",
        )
        return
    yield _delay_finding(comparison.shift, comparison.shift / expected.ramp.rate, "calibrate the delay")


def line_findings(expected: Expected, circumstances: Circumstances, polarity: int) -> Iterator[Finding]:
    """Say what the bench's description alone shows: a delay, a scale or an offset that the records do not know."""
    line, width = circumstances.line, expected.moments[1]
    late = line.late.get(polarity, 0.0)
    by_delay = expected.ramp.rate * late
    if abs(by_delay) > MEAN_SHARE * width:
        yield _delay_finding(
            by_delay, late, f"calibrate the delay; on this bench it is {readable(line.delay[polarity], 's')}"
        )
    own = (expected.moments[0] - expected.shift) / expected.slope
    besides = expected.moments[0] - by_delay - own
    if abs(besides) > MEAN_SHARE * width:
        yield Finding(
            "line",
            "warning",
            f"the junction's current is {circumstances.scale:.6g} times the source's and "
            f"{readable(circumstances.offset, 'A')} besides, which the records do not know: the mean switching current "
            f"comes out {readable(abs(besides), 'A')} too {'high' if besides > 0 else 'low'}",
            "calibrate, and name the file under calibration in the plan",
        )


def _delay_finding(shift: float, late: float, advice: str) -> Finding:
    return Finding(
        "delay",
        "warning",
        f"the mean switching current comes out {readable(abs(shift), 'A')} too {'high' if shift > 0 else 'low'}, as if "
        f"the counter's delay were {readable(abs(late), 's')} {'more' if late > 0 else 'less'} than the station says",
        advice,
    )


def _as_warm_as(histogram: Histogram, expected: Expected, circumstances: Circumstances) -> float | None:
    """Return the temperature in K at which the junction would most likely give this histogram."""
    estimate = circumstances.sample.junction.estimate
    law = expected.distribution
    own = replace(
        histogram,
        switching_currents=(histogram.switching_currents - expected.shift) / expected.slope,
        ramp=replace(
            histogram.ramp,
            start_current=law.start_current,
            stop_current=law.stop_current,
            rate=histogram.ramp.rate / expected.slope,
            offset=0.0,
        ),
    )
    try:
        fit = fit_escape_temperature(own, estimate, law.junction.critical_current, None, law.model)
    except InputError:
        return None
    return fit.escape_temperature if fit.converged and math.isfinite(fit.escape_temperature_stderr) else None


def _at(expected: Expected, temperature: float) -> Expected:
    """Return the same law at another temperature (K)."""
    law = expected.distribution
    arguments = (law.junction, temperature, law.ramp_rate, law.model, law.start_current)
    other = SwitchingDistribution(*arguments, stop_current=law.stop_current)
    return replace(expected, temperature=temperature, distribution=other)


def _heat(histogram: Histogram, gap_voltage: float) -> tuple[float, float]:
    """Return the mean power in W of the voltage state and the share of time spent in it on the rise."""
    ramp, currents = histogram.ramp, histogram.switching_currents
    top = ramp.stop_current + ramp.offset
    switching = currents.size / (currents.size + histogram.censored)
    share = switching * max(0.0, float(np.mean(top - currents))) / (ramp.rate * ramp.period)
    return share * gap_voltage * float(np.mean(top + currents)) / 2.0, share
