"""What a measurement needs of its computer: room on the disk, and a clock that agrees with it."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from mqtctl.clock import Clock, WallClock
from mqtctl.instruments.roles.findings import Finding

__all__ = ["clock_finding", "disk_finding"]

#: Clocks of computer and file server may differ by so many s; nothing was measured before this date.
_SKEW = 5.0
_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)


def disk_finding(folder: Path, needed: int) -> Finding:
    """Say whether a folder has room for so many bytes; it need not exist yet."""
    place = _existing(folder)
    try:
        free = shutil.disk_usage(place).free
    except OSError as exc:
        return Finding("disk", "fault", f"{place} cannot be read ({exc.strerror})", "choose another folder", "file")
    text = f"{free / 1e9:.3g} GB are free at {place}, the data need up to {needed / 1e9:.2g} GB"
    if free < needed:
        return Finding("disk", "fault", text, "make room, or choose another folder with --output", cause="file")
    if free < 2 * needed:
        return Finding("disk", "warning", text, "make room")
    return Finding("disk", "good", text)


def clock_finding(clock: Clock, folder: Path) -> Finding:
    """Say whether the clock that rules the measurement goes on, and agrees with the file system of the data."""
    before, computer = clock.now(), WallClock().utc()
    clock.sleep(0.01)
    if clock.now() <= before:
        return Finding("clock", "fault", "the clock does not go on", "look at the computer's time settings")
    if computer < _EARLIEST:
        text = f"the computer says it is {computer:%Y-%m-%d}, before this program was written"
        return Finding("clock", "fault", text, "set the computer's clock")
    try:
        with tempfile.NamedTemporaryFile(dir=_existing(folder)) as probe:
            written, read = Path(probe.name).stat().st_mtime, WallClock().utc().timestamp()
    except OSError as exc:
        text = f"nothing can be written at {_existing(folder)} ({exc.strerror})"
        return Finding("disk", "fault", text, "choose another folder with --output", "file")
    if abs(written - read) > _SKEW:
        text = f"the disk at {_existing(folder)} and this computer differ by {abs(written - read):.0f} s"
        return Finding("clock", "warning", text, "synchronise both with a time server")
    text = f"it goes on, and the computer's agrees with the disk's ({computer:%Y-%m-%d %H:%M} UTC)"
    if not isinstance(clock, WallClock):
        text += f"; the bench has one of its own, there it is {clock.utc():%Y-%m-%d %H:%M} UTC"
    return Finding("clock", "good", text)


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    folder = folder.resolve()
    return next(place for place in (folder, *folder.parents) if place.is_dir())
