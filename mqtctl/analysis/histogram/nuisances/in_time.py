"""What in a list of switching currents goes with the order of the ramps: a drift, steps, or the phase of the mains.

Each switching current has a shift of its own, d_i = Σ c_ik θ_k: a straight line (θ from the first ramp to the last),
levels between steps, or cosine and sine of the mains' phase at the switch. The columns have mean zero, so that a shift
is independent of what the histogram's shape says (the Fisher information between the two vanishes), and the critical
current is that of the mean over the list. Where the order is lost a modulation is the arcsine law of `recorded_law`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.quantities import readable
from mqtctl.records import Histogram

__all__ = [
    "MAINS",
    "InTime",
    "best_frequency",
    "first_step",
    "independent_frequencies",
    "line",
    "phase_columns",
    "switch_times",
]

Array = NDArray[np.float64]

MAINS = (50.0, 60.0)  # Hz
LEAST_SEGMENT = 5  # switches between two steps
WANDER = 0.004  # of a mains frequency: 0.2 Hz at 50 Hz, as far as grids go
BLOCKS = 6.0  # in a time in which the wander could be one turn
LOCKED = 0.02  # share of a column's power that is left if its mean is taken out: ramps locked to the mains


@dataclass(frozen=True)
class InTime:
    """What is fitted, or known, of the order of the switches.

    Attributes
    ----------
    drift
        "linear" or "steps": fitted; "": none, or `known_drift`.
    known_drift
        From the first ramp to the last, in A.
    mains
        Frequency in Hz of a modulation, amplitude and phase fitted; None: none. Needs the times of the ramps.
    """

    drift: str = ""
    known_drift: float = 0.0
    mains: float | None = None

    def __post_init__(self) -> None:
        if self.drift not in ("", "linear", "steps"):
            raise InputError(f"a drift cannot be {self.drift!r}: linear or steps")
        if self.mains is not None and not 0.0 < self.mains < math.inf:
            raise InputError(f"the mains cannot have a frequency of {self.mains:g} Hz")


def line(histogram: Histogram) -> Array:
    """Return the column of a linear drift, from -1/2 to 1/2 before its mean is taken out; by the times if known."""
    number = np.size(histogram.switching_currents)
    place = np.arange(number, dtype=np.float64) if histogram.times is None else np.asarray(histogram.times)
    span = float(place.max() - place.min())
    if not span > 0.0:
        raise InputError("all ramps began at the same time: no drift can be told")
    column = (place - place.min()) / span
    return np.asarray(column - column.mean())


def switch_times(histogram: Histogram) -> Array:
    """Return when the junction switched, in s; raises `InputError` where the times of the ramps are not known."""
    if histogram.times is None:
        raise InputError("the phases of the mains need the times of the ramps")
    ramp = histogram.ramp
    since = (np.asarray(histogram.switching_currents) - ramp.start_current) / ramp.rate
    return np.asarray(np.asarray(histogram.times) + since)


def phase_columns(times: Array, frequency: float) -> Array:
    """Return cosine and sine of the phase at these times (s), shape (n, 2), their means taken out.

    Raises
    ------
    InputError
        Where all ramps meet the same phase.
    """
    phase = 2.0 * math.pi * frequency * times
    columns = np.column_stack([np.cos(phase), np.sin(phase)])
    columns -= columns.mean(axis=0)
    if np.linalg.eigvalsh(columns.T @ columns / times.size)[0] < 0.5 * LOCKED:
        raise InputError(
            f"the ramps are locked to {readable(frequency, 'Hz')}: every one meets the same phase, so that its"
            " modulation is a constant shift of the current, which the critical current takes up"
        )
    return columns


def best_frequency(times: Array, values: Array, frequency: float) -> float:
    """Return where near a frequency (Hz) values at these times (s) have the largest power.

    The values are demodulated and summed in blocks, and the blocks transformed: linear in time and memory.
    """
    wander = WANDER * frequency
    begin, span = float(times.min()), float(times.max() - times.min())
    if span * wander < 0.05:
        return frequency
    length = 1.0 / (BLOCKS * wander)
    block = ((times - begin) / length).astype(np.intp)
    turned = values * np.exp(-2j * math.pi * frequency * (times - begin))
    sums = np.bincount(block, turned.real) + 1j * np.bincount(block, turned.imag)
    padded = 8 * 2 ** math.ceil(math.log2(sums.size + 1))
    power = np.abs(np.fft.fft(sums, padded)) ** 2
    offset = np.fft.fftfreq(padded, length)
    allowed = np.abs(offset) <= wander
    return frequency + float(offset[allowed][np.argmax(power[allowed])])


def independent_frequencies(times: Array, frequency: float) -> float:
    """Return how many frequencies `best_frequency` looks at that know nothing of each other, 1 or more."""
    return 1.0 + 2.0 * WANDER * frequency * float(times.max() - times.min())


def first_step(values: Array, information: float, least: int = LEAST_SEGMENT) -> tuple[int, float]:
    """Return before which place a step explains most, and the gain in ln L, of scores with this information each."""
    number = values.size
    if number < 2 * least:
        return 0, 0.0
    place = np.arange(least, number - least + 1)
    excess = np.cumsum(values)[place - 1] - place * (float(values.sum()) / number)
    gain = excess**2 / (2.0 * information * place * (number - place) / number)
    best = int(np.argmax(gain))
    return int(place[best]), float(gain[best])
