"""One process at a time on a bench: a lock of the operating system for each instrument, for the whole computer."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from mqtctl.errors import BenchBusyError, InputError

__all__ = ["exclusive", "machine_wide"]

#: Folders in which every user of the computer may make files and none may remove another's, best first. Not TMPDIR:
#: that is another one for every user, or every terminal.
_SHARED = ("/run/lock", "/var/lock", "/tmp")
#: The text about the owner begins behind the byte that Windows locks.
_TEXT = 1
#: So often a lock file may vanish under us, because its owner is just done, before that is a fault.
_ATTEMPTS = 100


@contextmanager
def exclusive(instruments: Mapping[str, str], place: Path | None = None) -> Iterator[None]:
    """Hold every one of these instruments for as long as the block runs.

    The lock is the operating system's: it goes with the process, however that ends. Instruments are taken in order,
    so that two processes cannot wait for each other.

    Parameters
    ----------
    instruments
        Name of each as in `instrument_names` -> its address, for messages.
    place
        Folder of the lock files [default: `machine_wide`].

    Raises
    ------
    BenchBusyError
        Another process holds one of them; the message names it.
    InputError
        No lock can be had there; the message says where and why.
    """
    with ExitStack() as held:
        for name in sorted(instruments):
            path = (place or machine_wide()) / f"mqtctl-{sha256(name.encode()).hexdigest()[:16]}.lock"
            handle = _taken(path, instruments[name])
            held.callback(_give_back, path, handle)
        yield


def machine_wide() -> Path:
    """Return the folder in which all users of this computer meet, whatever their surroundings say.

    Raises
    ------
    InputError
        There is none.
    """
    if sys.platform == "win32":
        folder = Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "mqtctl"
        try:
            folder.mkdir(exist_ok=True)
        except OSError as exc:
            raise InputError(f"the bench cannot be locked: {folder} cannot be made ({exc.strerror})") from exc
        return folder
    for name in _SHARED:
        with suppress(OSError):
            if Path(name).stat().st_mode & 0o1002 == 0o1002:
                return Path(name)
    raise InputError(
        f"the bench cannot be locked: none of {', '.join(_SHARED)} is a folder in which every user may make files "
        "(mode 1777); have one of them set right"
    )


def _taken(path: Path, address: str) -> int:
    """Lock a file and return its descriptor."""
    for _ in range(_ATTEMPTS):
        try:
            handle = _opened(path)
        except FileNotFoundError as exc:
            if path.parent.is_dir():
                continue
            raise _unusable(path, address, f"there is no {path.parent}") from exc
        except OSError as exc:
            raise _unusable(path, address, exc.strerror or str(exc)) from exc
        with ExitStack() as undo:
            undo.callback(os.close, handle)
            if _locked(path, address, handle):
                undo.pop_all()
                return handle
    raise _unusable(path, address, "it vanishes again and again")


def _locked(path: Path, address: str, handle: int) -> bool:
    """Lock an open file; False if its owner has just removed it, for such a lock would keep nobody out."""
    from filelock import lock_descriptor

    _require_plain_file(path, address, handle)
    try:
        free = lock_descriptor(handle, blocking=False)
    except OSError as exc:
        raise _unusable(path, address, exc.strerror or str(exc)) from exc
    if not free:
        raise BenchBusyError(f"{address} is in use by {_owner(handle)}; wait until it is done or stop it")
    if not _is(path, handle):
        return False
    _sign(handle)
    return True


def _opened(path: Path) -> int:
    """Open a lock file, never through a link and without a change to what is there; make it if there is none.

    Two steps, because a kernel that protects sticky folders refuses O_CREAT on another user's file.
    """
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    before = os.umask(0)  # everybody is to see that it is locked, and write who has it
    try:
        return os.open(path, flags | os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        pass
    except PermissionError:
        if not os.path.lexists(path):
            raise
    finally:
        os.umask(before)
    try:
        return os.open(path, flags | os.O_RDWR)
    except PermissionError:
        return os.open(path, flags | os.O_RDONLY)  # suffices for a lock; only our name cannot be left there


def _require_plain_file(path: Path, address: str, handle: int) -> None:
    """Refuse devices, pipes, and files that have another name as well: those are somebody's."""
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        raise _unusable(path, address, "it is no ordinary file")
    if found.st_nlink > 1:
        raise _unusable(path, address, "it has a second name")


def _unusable(path: Path, address: str, reason: str) -> InputError:
    """Return the error that a lock file cannot be used."""
    if path.is_symlink():
        reason = "it is a symbolic link"
    return InputError(
        f"{address} cannot be locked with {path} ({reason}); see what it is and remove it, or have its owner do so"
    )


def _is(path: Path, handle: int) -> bool:
    """Return whether a path still leads to an open file."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _sign(handle: int) -> None:
    """Leave our process number in the file, where that may be written."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.lseek(handle, _TEXT, os.SEEK_SET)
        os.write(handle, str(os.getpid()).encode())


def _owner(handle: int) -> str:
    """Return who holds a lock, in words."""
    import psutil

    try:
        os.lseek(handle, _TEXT, os.SEEK_SET)
        process = psutil.Process(int(os.read(handle, 20)))
    except (OSError, ValueError, OverflowError, psutil.Error):  # gone, hidden from us, or did not leave its number
        return "another process"
    try:
        return f"{process.username()}, process {process.pid}"
    except psutil.Error:
        return f"process {process.pid}"


def _give_back(path: Path, handle: int) -> None:
    """Remove the lock file if it is still ours and may be removed, and let the lock go."""
    with suppress(OSError):
        if _is(path, handle):
            path.unlink()
    os.close(handle)
