"""Read switching currents or times that were measured elsewhere.

Text files (.csv, .txt, .dat) hold one number per line, with an optional header that may name quantity and unit
("switching_current_A", "I (uA)", "time [us]"); lines that begin with # are comments. `.npy` files hold one
array and no unit, so one must be given. An infinite value is a ramp without a switch and is counted as censored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.records import Histogram, MeasuredRamp

__all__ = ["SwitchingData", "imported_histogram", "read_switching_data"]

CURRENT_UNITS = {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "µA": 1e-6, "μA": 1e-6, "nA": 1e-9, "pA": 1e-12}
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "ps": 1e-12}
MINIMUM_VALUES = 10
LARGEST_FILE = 2_000_000_000  # bytes; a hundred million switches


@dataclass(frozen=True)
class SwitchingData:
    """Imported values.

    Attributes
    ----------
    values
        Switching currents in A or times in s, shape (n_switch,), positive and finite, in the file's order.
    quantity
        "current" or "time".
    censored
        Ramps without a switch: infinite values in the file.
    """

    values: NDArray[np.float64]
    quantity: str
    censored: int = 0


def read_switching_data(path: str | Path, unit: str | None = None) -> SwitchingData:
    """Read a file of switching currents or times.

    Parameters
    ----------
    path
        Text file with one column, or `.npy`.
    unit
        "A", "mA", "uA", "nA", "pA" for currents, "s", "ms", "us", "ns", "ps" for times; needed where no header
        states it, and must agree with a header that does.

    Raises
    ------
    InputError
        If the file cannot be read, holds fewer than 10 values, anything but positive numbers, or equal ones only,
        or if the unit is missing, unknown or contradicts the header.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > LARGEST_FILE:
            raise InputError(f"{file} has {size} bytes, more than {LARGEST_FILE}: split it into histograms")
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
    if not content.strip():
        raise InputError(f"{file} is empty: one switching current or time per line is expected")
    if file.suffix.lower() == ".npy":
        values, stated, first = _load_array(file), None, None
    else:
        values, stated, first = _parse_text(file, content)
    chosen = _agreed_unit(file, stated, unit)
    return _checked(file, values, chosen, first)


def imported_histogram(
    data: SwitchingData,
    ramp_rate: float,
    start_current: float = 0.0,
    stop_current: float | None = None,
    delay: float = 0.0,
    temperature: float = math.nan,
    censored: int = 0,
) -> Histogram:
    """Return a histogram made of imported values.

    Parameters
    ----------
    data
        What `read_switching_data` returned.
    ramp_rate
        dI/dt in A/s, positive.
    start_current, stop_current
        Ends of the ramp in A; the top is needed only with censored ramps (None: the largest current).
    delay
        Time in s by which recorded times lag the switch; not used for currents.
    temperature
        Bath in K, nan if not known.
    censored
        Ramps without a switch besides those in the data.

    Raises
    ------
    InputError
        If the ramp cannot be used, a time lies before the ramp's start, or the top is needed and missing.
    """
    if not (math.isfinite(ramp_rate) and ramp_rate > 0.0):
        raise InputError(f"ramp rate {ramp_rate!r} A/s cannot be used: give a positive rate")
    ramp = MeasuredRamp(start_current, math.inf, ramp_rate, math.inf, delay)
    currents = data.values if data.quantity == "current" else ramp.current(data.values)
    smallest, largest = float(currents.min()), float(currents.max())
    if smallest <= start_current:
        raise InputError(
            f"a switching current of {smallest:.6g} A lies at or below the ramp's start {start_current:.6g} A:"
            " check unit, start current, ramp rate and delay"
        )
    total = data.censored + censored
    if total and stop_current is None:
        raise InputError(f"{total} ramps did not switch: give the stop current that they reached")
    top = largest if stop_current is None else stop_current
    if top < largest:
        raise InputError(f"the largest switching current {largest:.6g} A exceeds the stop current {top:.6g} A")
    rise = (top - start_current) / ramp_rate
    return Histogram(
        switching_currents=currents,
        intervals=(currents - start_current) / ramp_rate + delay,
        ramp=MeasuredRamp(start_current, top, ramp_rate, rise, delay),
        censored=total,
        temperature=temperature,
    )


def _load_array(file: Path) -> NDArray[np.float64]:
    try:
        array = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{file} is not a plain .npy array of numbers: save it again with numpy.save") from error
    if not isinstance(array, np.ndarray):
        raise InputError(f"{file} is an archive, not one array: save the switching values alone with numpy.save")
    if array.dtype.kind not in "iuf":
        raise InputError(f"{file} holds {array.dtype} values: real numbers are expected")
    if array.ndim != 1 and array.size != max(array.shape, default=0):
        raise InputError(f"{file} has the shape {array.shape}: one column is expected")
    return np.asarray(array, dtype=np.float64).ravel()


def _parse_text(file: Path, content: bytes) -> tuple[NDArray[np.float64], str | None, NDArray[np.int64]]:
    """Return the values, the unit that the header states, and the line number of each value."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not a UTF-8 text file: export one column as text or .npy") from error
    lines = [(number, line.strip().rstrip(",;").strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise InputError(f"{file} holds no values: one switching current or time per line is expected")
    stated = None
    if _number(lines[0][1]) is None and re.search(r"[^\W\d_]", lines[0][1]) and not _columns(lines[0][1]):
        stated = _unit_of(lines[0][1])
        lines = lines[1:]
    numbers = np.array([number for number, _ in lines], dtype=np.int64)
    try:
        values = np.array([line for _, line in lines], dtype=np.str_).astype(np.float64)
    except ValueError as error:
        raise InputError(_first_fault(file, lines)) from error
    return values, stated, numbers


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _columns(text: str) -> bool:
    """Return whether a line holds more than one number."""
    fields = [field for field in re.split(r"[,;\s]+", text) if field]
    return len(fields) > 1 and sum(_number(field) is not None for field in fields) > 1


def _first_fault(file: Path, lines: Sequence[tuple[int, str]]) -> str:
    for number, line in lines:
        if _number(line) is None:
            if _columns(line):
                return f"{file}, line {number}: {line[:40]!r} has more than one column, one value per line is expected"
            return f"{file}, line {number}: {line[:40]!r} is not a number"
    return f"{file} holds a value that is not a number"


def _unit_of(header: str) -> str | None:
    """Return the unit that ends a header such as "switching_current_A", "I (uA)" or "time [us]"."""
    last = re.split(r"[\s_/()\[\],;:\"']+", header.strip(" \"')]"))[-1]
    return last if last in CURRENT_UNITS or last in TIME_UNITS else None


def _agreed_unit(file: Path, stated: str | None, given: str | None) -> str:
    known = CURRENT_UNITS | TIME_UNITS
    if given is not None and given not in known:
        similar = [name for name in known if name.lower() == given.lower()]
        hint = f"; did you mean {similar[0]!r}?" if similar else ""
        raise InputError(f"unit {given!r} is not known: use one of {', '.join(_ascii(known))}{hint}")
    if stated is not None and given is not None and known[stated] != known[given]:
        raise InputError(f"{file} states the unit {stated!r} but {given!r} was given: leave one of them out")
    unit = stated or given
    if unit is None:
        raise InputError(f"{file} does not state a unit: give one of {', '.join(_ascii(known))}")
    return unit


def _ascii(names: dict[str, float]) -> list[str]:
    return [name for name in names if name.isascii()]


def _checked(file: Path, values: NDArray[np.float64], unit: str, lines: NDArray[np.int64] | None) -> SwitchingData:
    quantity = "current" if unit in CURRENT_UNITS else "time"
    missing = np.flatnonzero(np.isnan(values))
    if missing.size:
        raise InputError(f"{file}, {_place(lines, missing[0])}: the value is not a number (NaN): remove it")
    wrong = np.flatnonzero(values <= 0.0)
    if wrong.size:
        raise InputError(
            f"{file}, {_place(lines, wrong[0])}: the {quantity} {values[wrong[0]]:g} {unit} is not positive:"
            " switching currents and times of a rising ramp are"
        )
    finite = np.isfinite(values)
    found = values[finite] * (CURRENT_UNITS | TIME_UNITS)[unit]
    if found.size < MINIMUM_VALUES:
        raise InputError(f"{file} holds {found.size} switches: at least {MINIMUM_VALUES} are needed for a histogram")
    if found.max() == found.min():
        raise InputError(f"all {found.size} values in {file} are equal to {values[finite][0]:g} {unit}: no histogram")
    return SwitchingData(found, quantity, int(values.size - found.size))


def _place(lines: NDArray[np.int64] | None, index: int) -> str:
    return f"value {index + 1}" if lines is None else f"line {lines[index]}"
