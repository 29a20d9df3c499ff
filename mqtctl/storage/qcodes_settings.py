"""Keeps a laboratory's own QCoDeS configuration from acting inside a measurement.

`qcodesrc.json` in the home or working folder may ask for exports, subscribers or identifiers that fail; they are for
interactive work. What a measurement depends on is set here for its time; everything else stays as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqtctl.errors import InputError

if TYPE_CHECKING:
    from qcodes.dataset.data_set import DataSet

__all__ = ["courtesy_export", "own_settings", "qcodes_without_broken_files", "require_qcodes"]

_OWN: tuple[tuple[str, str, Any], ...] = (
    ("dataset", "export_automatic", False),  # done by `courtesy_export`, which cannot end a measurement
    ("dataset", "write_in_background", False),
    ("subscription", "default_subscribers", []),
    ("dataset", "raw_data_backend", "sqlite_main_db"),  # since 0.62; one file is to hold a measurement
    ("GUID_components", "sample", 0),  # any other is refused or warned about, depending on the type of identifier
)


def require_qcodes() -> None:
    """Import QCoDeS; raises `InputError` if one of its configuration files is broken, for it reads them then."""
    try:
        import qcodes  # noqa: F401
    except ImportError:
        raise
    except Exception as exc:  # of a JSON parser, or of the validator that QCoDeS uses
        places = (Path.home() / _FILE, os.environ.get("QCODES_CONFIG", ""), Path.cwd() / _FILE)
        found = " or ".join(str(place) for place in places if Path(place).is_file())
        reason = str(exc).splitlines()[0]
        # half of it was imported: the next one who tries begins anew, and meets the same fault and no other
        for name in [name for name in sys.modules if name.startswith("qcodes.")]:
            if not name.startswith("qcodes.configuration"):
                del sys.modules[name]
        raise InputError(f"QCoDeS cannot be started: its configuration {found} is broken ({reason}); mend it") from exc


_FILE = "qcodesrc.json"


def qcodes_without_broken_files() -> str:
    """Import QCoDeS, without the laboratory's configuration if that is broken; return what is wrong, "" for nothing.

    For the way to a safe state, which must not end at somebody's half-written file.
    """
    try:
        require_qcodes()
    except InputError as exc:
        # the class that looks for the files
        config = sys.modules["qcodes.configuration.config"].Config
        config.home_file_name = config.env_file_name = config.cwd_file_name = ""
        import qcodes  # noqa: F401

        return str(exc)
    return ""


@contextmanager
def own_settings() -> Iterator[bool]:
    """Set what a measurement depends on; yields whether the laboratory wants its runs exported."""
    import qcodes

    config: Any = qcodes.config
    before = {(section, key): config[section][key] for section, key, _ in _OWN if key in config[section]}
    for section, key, value in _OWN:
        if (section, key) in before:  # what this version of QCoDeS does not know it does not do
            config[section][key] = value
    try:
        yield bool(before["dataset", "export_automatic"])
    finally:
        for (section, key), value in before.items():
            config[section][key] = value


def courtesy_export(dataset: DataSet, tell: Callable[[str], None]) -> None:
    """Export a closed run as the laboratory's configuration asks; what cannot be exported is told, no more."""
    try:
        dataset.export(automatic_export=True)
    except Exception as exc:  # exporters are other people's code, and the run is stored already
        tell(
            f"run {dataset.run_id}: the automatic export of your QCoDeS configuration failed ({exc}); the run itself "
            "is stored"
        )
