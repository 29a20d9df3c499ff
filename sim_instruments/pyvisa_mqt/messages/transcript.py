"""The bench's transcript: every message and the true state, as JSON lines, for a checker outside.

One line is one record: bench time `t` in s, `kind`, and what belongs to that kind (docs/bench-faults.md
lists them). Lines are only ever appended, each in one system call, so that what was written survives the death of
the process; a seeded bench writes the same bytes each time.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import math
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.sample.voltage_steps import EventLog
from pyvisa_mqt.time_and_signals.signals import Waveform

__all__ = ["Transcript", "TruthWitness"]

#: Most bytes of a transcript's first line, which names the instruments.
_LONGEST_HEAD = 1 << 20
_PLAIN = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n")
# Not everywhere: Windows knows text files and inheritance by another name.
_INHERITED_BY_NOBODY = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
#: Temperatures are written when one has moved by this fraction, or after this time in s.
_MOVED, _OFTEN = 1e-3, 60.0


class Transcript:
    """An append-only file of JSON lines.

    Parameters
    ----------
    path
        Where to write; an existing transcript is continued, and nothing else: a station file of somebody else's may
        name this path.

    Raises
    ------
    OSError
        If the file cannot be opened or, later, written; `FileExistsError` if it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and not _is_transcript(path):
            reason = "it is there already and no transcript of a bench; name a new file"
            raise FileExistsError(errno.EEXIST, reason, str(path))
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _INHERITED_BY_NOBODY, 0o644)
        # Closed with the bench that owns it, without a word: a bench has no close of its own.
        self._closing = weakref.finalize(self, os.close, self._file)

    def close(self) -> None:
        """End the transcript: what happens from now on is not noted."""
        self._closing()

    def note(self, time: float, kind: str, **fields: Any) -> None:
        """Append a record of a kind at a bench time (s)."""
        if not self._closing.alive:
            return
        line = json.dumps({"t": time, "kind": kind, **fields}, separators=(",", ":"), allow_nan=False)
        rest = memoryview(line.encode() + b"\n")
        while rest:  # one call writes all, except on a full disk or after a signal
            rest = rest[os.write(self._file, rest) :]

    def message(self, time: float, instrument: str, direction: str, data: bytes, end: bool) -> None:
        """Append bytes that went "to" an instrument or came "from" it; `end` tells that END came with the last one."""
        if _PLAIN.issuperset(data):
            content = {"text": data.decode("ascii")}
        else:
            content = {"base64": base64.b64encode(data).decode("ascii")}
        self.note(time, "message", instrument=instrument, direction=direction, **content, end=end)


def _is_transcript(path: Path) -> bool:
    """Return whether a path is an ordinary file that is empty or begins as transcripts do."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(_LONGEST_HEAD)
    if not first:
        return True
    try:
        record = json.loads(first)
    except ValueError:
        return False
    return isinstance(record, dict) and record.get("kind") == "bench" and "t" in record and "instruments" in record


class TruthWitness:
    """Writes down what truly happens on the bench: outputs, heaters, temperatures, ramps and their outcome.

    Parameters
    ----------
    transcript
        Where to write.
    log
        The junction's voltage states; None without a junction.
    scales
        Current in A that reaches the junction per unit put out, by output.
    """

    def __init__(self, transcript: Transcript, log: EventLog | None, scales: dict[tuple[str, str], float]) -> None:
        self._transcript = transcript
        self._log = log
        self._scales = scales
        self._ramp: Waveform | None = None
        self._ramps_seen = 0
        self._since = 0.0
        self._known: dict[bytes, int] = {}
        self._written = (0.0, 0.0)
        self._written_at = -math.inf

    def output(self, time: float, port: tuple[str, str], waveform: Waveform) -> None:
        """Note what an output puts out from now on; the junction's past must have been noted."""
        values = np.asarray(waveform.values, dtype=np.float64)
        self._transcript.note(
            time,
            "output",
            instrument=port[0],
            port=port[1],
            unit_to_junction_A=self._scales.get(port),
            start=waveform.start,
            period=waveform.period,
            cycles=waveform.cycles if math.isfinite(waveform.cycles) else None,
            least=float(values.min()),
            greatest=float(values.max()),
            idle=waveform.idle,
            marker_phase=waveform.marker_phase,
            waveform=self._number(time, values),
        )
        if port in self._scales:
            self._ramp = waveform if np.ptp(values) > 0.0 else None
            self._ramps_seen = 0

    def _number(self, time: float, values: NDArray[np.float64]) -> int:
        """Return the number under which these values are written down, once."""
        key = hashlib.blake2b(values.tobytes(), digest_size=16).digest()  # short: a bench can live through many ramps
        if key not in self._known:
            self._known[key] = len(self._known)
            content = base64.b64encode(values.astype("<f8").tobytes()).decode("ascii")
            fields: dict[str, Any] = {"values": values.tolist()} if len(values) <= 8 else {"float64_base64": content}
            self._transcript.note(time, "waveform", number=self._known[key], points=len(values), **fields)
        return self._known[key]

    def heater(self, time: float, port: tuple[str, str], node: str, power: float) -> None:
        """Note the power in W that a heater truly gives."""
        self._transcript.note(time, "heater", instrument=port[0], port=port[1], node=node, power_W=power)

    def temperatures(self, time: float, mixing_chamber: float, sample: float) -> None:
        """Note the true temperatures in K if they have moved, or were not noted for a minute."""
        before = self._written
        moved = abs(mixing_chamber - before[0]) > _MOVED * before[0] or abs(sample - before[1]) > _MOVED * before[1]
        if moved or time - self._written_at >= _OFTEN:
            self._written, self._written_at = (mixing_chamber, sample), time
            self._transcript.note(time, "temperatures", mixing_chamber_K=mixing_chamber, sample_K=sample)

    def ramps(self, time: float) -> None:
        """Note the ramps begun and the switches since the last call, up to a time in s that has been drawn."""
        if self._log is None or time <= self._since:
            return
        first, last = np.searchsorted(self._log.begins, (self._since, time), side="left")
        switches = self._log.begins[first:last].tolist()
        polarities = self._log.polarities[first:last]
        self._since = time
        ramp, begun, before = self._ramp, 0, self._ramps_seen
        if ramp is not None:
            begun = max(math.ceil((min(time, ramp.stop) - ramp.start) / ramp.period - 1e-9), 0)
            self._ramps_seen = begun
        if begun == before and not switches:
            return
        fields: dict[str, Any] = {}
        if ramp is not None:
            fields = {"start": ramp.start, "period": ramp.period, "first_ramp": before, "ramps": begun - before}
        fields["switch_times_s"] = switches
        if len(polarities) and polarities.min() < 0.0:
            fields["polarities"] = [int(polarity) for polarity in polarities]
        state = bool(len(self._log.ends[:last])) and bool(self._log.ends[last - 1] > time)
        self._transcript.note(time, "ramps", **fields, voltage_state=state)
