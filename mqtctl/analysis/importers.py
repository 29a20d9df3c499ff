"""Read switching currents or times that were measured elsewhere.

Text files hold one number per line, with header lines that may state the unit (see `stated_units`); lines that begin
with # are comments, whose units count as well. `.npy` files hold one array and no unit, so one must be given.
Any other format is read by a function of another package, see `read_switching_data`.

An infinite value is a ramp without a switch and is counted as censored. NaN, 0 and a counter's 9.9E37 or 9.91E37
(SCPI's infinity and not-a-number) are no readings: whether those ramps were missed or survived to the top only their
owner knows.
"""

from __future__ import annotations

import io
import math
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.rounding import find_rounding
from mqtctl.analysis.stated_units import CURRENT_UNITS, TIME_UNITS, Line, agreed_unit
from mqtctl.errors import InputError
from mqtctl.named import named, registered
from mqtctl.records import Histogram, MeasuredRamp

__all__ = ["EMPTY_RAMPS", "ENTRY_POINT_GROUP", "SwitchingData", "imported_histogram", "read_switching_data"]

ENTRY_POINT_GROUP = "mqtctl.importers"
MINIMUM_VALUES = 10
LARGEST_FILE = 2_000_000_000  # bytes; a hundred million switches
MOST_HEADER_LINES = 50
SCPI_INFINITY = 9.9e37  # SCPI 1999, 7.2.1: infinity; 9.91E37 is not a number, which counters return at a time-out
NPY = b"\x93NUMPY"
EMPTY_RAMPS = ("missed", "survived")
SAME = 1e-7  # relative; a current that went through a text or single precision
_EMPTY_WORDS = frozenset({"", "-", "--", "na", "n/a", "none", "null"})
#: Versions of the .npy format and what reads their headers; the last differs in the encoding of field names only.
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,
}
#: Beginnings of files that are not text, and what such a file is.
_OTHER_FORMATS = {
    b"\x89HDF": "an HDF5 file",
    b"PK\x03\x04": "an archive (.npz, .xlsx or .zip)",
    b"MATLAB": "a MATLAB file",
    b"SQLite format 3": "a database",
    b"\x80": "a pickle, which is never read",
}


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
        Ramps that reached the top without a switch.
    missed
        Ramps whose reading was lost.
    """

    values: NDArray[np.float64]
    quantity: str
    censored: int = 0
    missed: int = 0


def read_switching_data(
    path: str | Path, unit: str | None = None, empty: str | None = None, importer: str | None = None
) -> SwitchingData:
    """Read a file of switching currents or times.

    Parameters
    ----------
    path
        Text file with one column, or a `.npy` array.
    unit
        "A", "mA", "uA", "nA", "pA" for currents, "s", "ms", "us", "ns", "ps" for times; needed where no header
        states it, and must agree with a header that does.
    empty
        What NaN, 0 and readings of 9.9E37 or more mean: "missed" (lost, left out) or "survived" (the ramp reached
        its top). Infinite values are survivors unless this says otherwise.
    importer
        `package.module:function` that is called with the path and returns `SwitchingData`, in SI units. Not given:
        the entry point of the group `mqtctl.importers` whose name is the file's suffix without the dot, if there is
        one. Neither unit nor empty may then be given, for the function knows them.

    Raises
    ------
    InputError
        If the file cannot be read, holds fewer than 10 values, anything but positive numbers, or equal ones only,
        holds empty readings that nobody explained, or if the unit is missing, unknown or contradictory.
    """
    file = Path(path)
    importer = importer or registered(ENTRY_POINT_GROUP).get(file.suffix.lower().removeprefix("."))
    if importer is not None:
        if unit is not None or empty is not None:
            raise InputError(f"{file} is read by {importer}, which knows unit and empty readings: leave them out")
        return _read_by(importer, file)
    if empty is not None and empty not in EMPTY_RAMPS:
        raise InputError(f"empty readings can be {' or '.join(EMPTY_RAMPS)}, not {empty!r}")
    content = _content(file)
    header: list[Line] = []
    lines: NDArray[np.int64] | None = None
    if content.startswith(NPY):
        values = _load_array(file, content)
    else:
        values, header, lines = _parse_text(file, content)
    return _checked(file, values, agreed_unit(file, header, unit), lines, empty)


def _read_by(importer: str, file: Path) -> SwitchingData:
    """Return what a function of another package reads, checked as if it had been read here."""
    function = named(importer)
    if not callable(function):
        raise InputError(f"{importer!r} is no function; name one that returns SwitchingData for a path")
    try:
        data = function(file)
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read by {importer}: {error}") from error
    if not isinstance(data, SwitchingData) or data.quantity not in ("current", "time"):
        raise InputError(f"{importer} returned {_short(repr(data))} for {file}: it must return SwitchingData")
    values = np.asarray(data.values)
    if values.ndim != 1 or values.dtype.kind not in "iuf" or not (np.isfinite(values) & (values > 0.0)).all():
        raise InputError(f"{importer} returned values for {file} that are not one column of positive, finite numbers")
    checked = _checked(file, values.astype(np.float64), "A" if data.quantity == "current" else "s", None, None)
    return replace(data, values=checked.values)


def imported_histogram(
    data: SwitchingData,
    ramp_rate: float,
    start_current: float = 0.0,
    stop_current: float | None = None,
    delay: float = 0.0,
    temperature: float = math.nan,
    censored: int = 0,
    resolution: float | None = None,
    rounding: str = "nearest",
) -> Histogram:
    """Return a histogram made of imported values.

    Parameters
    ----------
    data
        What `read_switching_data` returned.
    ramp_rate
        dI/dt in A/s, positive.
    start_current, stop_current
        Ends of the ramp in A; the top is needed only with censored ramps (None: the largest current). Currents that
        equal the top are ramps that did not switch.
    delay
        Time in s by which recorded times lag the switch; not used for currents.
    temperature
        Bath in K, nan if not known.
    censored
        Ramps without a switch besides those in the data.
    resolution, rounding
        Step in A to which the values were rounded, and how; see `Histogram`.

    Raises
    ------
    InputError
        If the ramp cannot be used, a time lies before the ramp's start, the top is needed and missing, or the values
        do not lie on the steps of the resolution.
    """
    if not (math.isfinite(ramp_rate) and ramp_rate > 0.0):
        raise InputError(f"ramp rate {ramp_rate!r} A/s cannot be used: give a positive rate")
    ramp = MeasuredRamp(start_current, math.inf, ramp_rate, math.inf, delay)
    currents = data.values if data.quantity == "current" else ramp.current(data.values)
    at_top = np.zeros(currents.size, dtype=bool)
    if stop_current is not None:
        at_top = np.abs(currents - stop_current) <= SAME * abs(stop_current)
        currents = currents[~at_top]
        if currents.size < MINIMUM_VALUES:
            raise InputError(
                f"{np.count_nonzero(at_top)} of {at_top.size} values equal the stop current {stop_current:.6g} A: too"
                " few switched below it"
            )
    smallest, largest = float(currents.min()), float(currents.max())
    if smallest <= start_current:
        raise InputError(
            f"a switching current of {smallest:.6g} A lies at or below the ramp's start {start_current:.6g} A:"
            " check unit, start current, ramp rate and delay"
        )
    total = data.censored + censored + int(np.count_nonzero(at_top))
    if total and stop_current is None:
        raise InputError(f"{total} ramps did not switch: give the stop current that they reached (--stop-current)")
    top = largest if stop_current is None else stop_current
    if top < largest:
        raise InputError(f"the largest switching current {largest:.6g} A exceeds the stop current {top:.6g} A")
    find_rounding(currents, resolution, rounding)  # refuses a resolution that the values do not have
    rise = (top - start_current) / ramp_rate
    return Histogram(
        switching_currents=currents,
        intervals=(currents - start_current) / ramp_rate + delay,
        ramp=MeasuredRamp(start_current, top, ramp_rate, rise, delay),
        censored=total,
        temperature=temperature,
        resolution=resolution,
        rounding=rounding,
    )


def _content(file: Path) -> bytes:
    """Return a file's bytes, or say why they are no numbers, before a large file is read whole."""
    try:
        status = file.stat()
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            raise InputError(f"{file} is a device, not a file of numbers")
        if status.st_size > LARGEST_FILE:
            raise InputError(f"{file} has {status.st_size} bytes, more than {LARGEST_FILE}: split it into histograms")
        with file.open("rb") as stream:
            beginning = stream.read(65536)
            if not beginning.startswith(NPY):
                _refuse_binary(file, beginning)
            content = beginning + stream.read(LARGEST_FILE)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
    if not content.strip():
        raise InputError(f"{file} is empty: one switching current or time per line is expected")
    return content


def _refuse_binary(file: Path, beginning: bytes) -> None:
    kind = next((words for magic, words in _OTHER_FORMATS.items() if beginning.startswith(magic)), None)
    if kind is None and beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        kind = "UTF-16 text"
    if kind is None and b"\x00" in beginning:
        kind = "not text: it holds zero bytes"
    if kind is not None:
        raise InputError(f"{file} is {kind}: export the switching values as one column of UTF-8 text, or as .npy")


def _load_array(file: Path, content: bytes) -> NDArray[np.float64]:
    """Return the values of a `.npy` file; its header is believed only as far as the file is long."""
    wrong = f"{file} is not a plain .npy array of numbers"
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        reader = _HEADERS.get(version)
        if reader is None:
            raise InputError(f"{wrong}: version {version} of the format is not known")
        shape, _, kind = reader(stream)
    # a forged header goes through Python's parser, which has its own ways to refuse
    except (
        ValueError,
        LookupError,
        TypeError,
        EOFError,
        SyntaxError,
        TokenError,
        RecursionError,
        MemoryError,
        OverflowError,
    ) as error:
        raise InputError(f"{wrong}: its header is damaged; save it again with numpy.save") from error
    if kind.kind not in "iuf":
        raise InputError(f"{file} holds {_short(str(kind))} values: real numbers are expected")
    number, there = math.prod(shape), len(content) - stream.tell()
    if not shape or min(shape) < 0 or number > max(shape):
        raise InputError(f"{file} has the shape {_short(str(shape))}: one column is expected")
    if number * kind.itemsize != there:
        raise InputError(f"{wrong}: {there} bytes follow a header that announces {number} values of {kind.itemsize}")
    return np.frombuffer(content, kind, number, stream.tell()).astype(np.float64)


def _parse_text(file: Path, content: bytes) -> tuple[NDArray[np.float64], list[Line], NDArray[np.int64]]:
    """Return the values, header and comment lines, and the line number of each value."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{file}, line {line}: {_short(repr(content[error.start : error.start + 4]))} is not UTF-8 text: save the"
            " file again as UTF-8"
        ) from error
    lines = [(number, line.strip().rstrip(",;").strip()) for number, line in enumerate(text.splitlines(), 1)]
    comments = [line for line in lines if line[1].startswith("#")]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise InputError(f"{file} holds no values: one switching current or time per line is expected")
    names = 0
    while names < min(len(lines), MOST_HEADER_LINES) and _is_name(lines[names][1]):
        names += 1
    header, lines = lines[:names], lines[names:]
    if not lines:
        raise InputError(
            f"{file} holds no numbers, only text such as {_short(repr(header[0][1]))}: at least {MINIMUM_VALUES}"
            " switching currents or times are needed"
        )
    numbers = np.array([number for number, _ in lines], dtype=np.int64)
    values = np.array([line for _, line in lines], dtype=np.str_)
    try:
        found = values.astype(np.float64)
    except ValueError:
        found = _with_empty_words(file, lines)
    return found, sorted(comments + header), numbers


def _is_name(line: str) -> bool:
    """Return whether a line names a column, or is a title, rather than a row of numbers."""
    return _number(line) is None and re.search(r"[^\W\d_]", line) is not None and not _columns(line)


def _with_empty_words(file: Path, lines: Sequence[Line]) -> NDArray[np.float64]:
    """Return the values of lines some of which are words; those that stand for "nothing" are NaN."""
    found = np.empty(len(lines))
    for index, (number, line) in enumerate(lines):
        text = line.strip("\"'")
        value = math.nan if text.lower() in _EMPTY_WORDS else _number(text)
        if value is None:
            raise InputError(f"{file}, line {number}: {_fault(line)}")
        found[index] = value
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _columns(text: str) -> bool:
    """Return whether a line holds more than one number, and little else."""
    fields = [field for field in re.split(r"[,;\s]+", text) if field]
    numbers = sum(_number(field) is not None for field in fields)
    return numbers > 1 and 2 * numbers > len(fields)


def _fault(line: str) -> str:
    shown = _short(repr(line))
    if re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", line):
        return f"{shown} has a decimal comma or two columns: one number per line with a decimal point is expected"
    if _columns(line):
        return f"{shown} has more than one column: save that of the switching currents or times alone, one per line"
    return f"{shown} is not a number"


def _short(text: str) -> str:
    return text if len(text) <= 48 else f"{text[:40]}...{text[-1]}"


def _checked(
    file: Path, values: NDArray[np.float64], unit: str, lines: NDArray[np.int64] | None, empty: str | None
) -> SwitchingData:
    quantity = "current" if unit in CURRENT_UNITS else "time"
    infinite = values == np.inf
    nothing = np.isnan(values) | (values == 0.0) | (np.isfinite(values) & (np.abs(values) >= SCPI_INFINITY))
    without = np.flatnonzero(nothing)
    if without.size and empty is None:
        first = without[0]
        raise InputError(
            f"{file}: {without.size} of {values.size} values are no readings, the first in {_place(lines, first)}"
            f" ({_shown(values[first])}): say with --empty missed that these readings were lost, or with --empty"
            " survived that these ramps reached their top without a switch"
        )
    wrong = np.flatnonzero(values[~nothing] <= 0.0)
    if wrong.size:
        index = np.flatnonzero(~nothing)[wrong[0]]
        raise InputError(
            f"{file}, {_place(lines, index)}: the {quantity} {values[index]:g} {unit} is not positive: only rising"
            " ramps are read; save those of the other polarity in a file of their own, without the sign"
        )
    switched = ~(nothing | infinite)
    found = values[switched] * (CURRENT_UNITS | TIME_UNITS)[unit]
    if found.size < MINIMUM_VALUES:
        raise InputError(f"{file} holds {found.size} switches: at least {MINIMUM_VALUES} are needed for a histogram")
    if found.max() == found.min():
        raise InputError(f"all {found.size} values in {file} are equal to {values[switched][0]:g} {unit}: no histogram")
    number = int(without.size), int(np.count_nonzero(infinite))
    missed = sum(number) if empty == "missed" else 0
    return SwitchingData(found, quantity, sum(number) - missed, missed)


def _shown(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:g}"


def _place(lines: NDArray[np.int64] | None, index: int) -> str:
    return f"value {index + 1}" if lines is None else f"line {lines[index]}"
