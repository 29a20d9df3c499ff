"""Notices what repeats to the last digit although it is noisy: a frozen thermometer, readings that come twice."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition.faults import ThermometerError
from mqtctl.errors import GlitchError
from mqtctl.quantities import readable

__all__ = ["FrozenThermometer", "RepeatedReadings"]

#: So many identical readings are needed to call a thermometer frozen, however long they take. Noise of three last
#: digits makes five of them by chance once in 10 000 times, that of a 372 (a hundred digits) never.
LEAST_READINGS = 5


class FrozenThermometer:
    """Follows the digits of a thermometer.

    Parameters
    ----------
    span
        Identical digits over so long (s) mean that it is frozen.
    """

    def __init__(self, span: float) -> None:
        self._span = span
        self._digits = ""
        self._since = 0.0
        self._count = 0
        self._varied = False

    @property
    def since(self) -> float:
        """When the present digits were first read, in s; inf where the thermometer is too coarse to tell."""
        return self._since if self._digits else np.inf

    @property
    def repeating(self) -> bool:
        """Whether the last five readings or more were identical: it may turn out to be frozen."""
        return bool(self._digits) and self._count >= LEAST_READINGS

    def add(self, time: float, digits: str) -> None:
        """Take the digits of a valid reading at `time` (s), "" where they say nothing.

        Raises
        ------
        ThermometerError
            They are identical in five readings or more over the whole span.
        """
        if digits != self._digits or not digits:
            self._varied = self._varied or bool(self._digits)
            self._digits, self._since, self._count = digits, time, 0
        self._count += 1
        if digits and self._count >= LEAST_READINGS and time - self._since >= self._span:
            self._refuse(time)

    def require_varied(self, time: float) -> None:
        """Raise `ThermometerError` if all readings so far, five or more, were identical."""
        if self._digits and not self._varied and self._count >= LEAST_READINGS:
            self._refuse(time)

    def _refuse(self, time: float) -> None:
        raise ThermometerError(
            f"the thermometer is stuck: {self._count} readings in {readable(time - self._since, 's')} are "
            f"{self._digits} to the last digit; is its channel being scanned, is the link alive? The heater is off"
        )


class RepeatedReadings:
    """Refuses a piece of a counter's readings that has come before: switching times never agree to the last bit."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._last = np.empty(0)

    def check(self, readings: NDArray[np.float64]) -> None:
        """Take the next piece (s, shape (n_reading,), inf for time-outs).

        Raises
        ------
        GlitchError
            It equals an earlier one bit for bit (if it is a single reading: the one before it), or ends a row of five
            identical readings.
        """
        finite = readings[np.isfinite(readings)]
        if finite.size == 0:
            return
        row = np.concatenate([self._last, finite])
        digest = _digest(readings)
        again = digest in self._seen if finite.size > 1 else bool(row.size > 1 and row[-2] == row[-1])
        if again or _longest_row(row) >= LEAST_READINGS:
            what = "equal earlier ones bit for bit" if again else f"hold {LEAST_READINGS} identical ones in a row"
            raise GlitchError(
                f"the counter's last {readings.size} readings, from {finite[0]:.9g} s on, {what}: a reply has come "
                "twice, or the counter is stuck; they are dropped"
            )
        self._last = row[-LEAST_READINGS + 1 :]
        if finite.size > 1:
            self._seen.add(digest)


def _digest(readings: NDArray[np.float64]) -> bytes:
    """Return what tells pieces apart: ten million readings are not kept twice."""
    return hashlib.blake2b(readings.tobytes(), digest_size=16).digest()


def _longest_row(values: NDArray[np.float64]) -> int:
    """Return the length of the longest row of identical values."""
    changed = values[1:] != values[:-1]
    if changed.all():  # as it should be
        return 1
    changes = np.flatnonzero(changed)
    return int(np.diff(np.concatenate([[-1], changes, [values.size - 1]])).max())
