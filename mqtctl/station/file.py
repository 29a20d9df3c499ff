"""What a station file may say of the instruments that play a role: only what cannot command an output or load code.

QCoDeS carries out much more than it names: `parameters` with an `initial_value` puts out current on connecting. So
for these instruments a list of keys that are known to be harmless passes, and nothing else. Instruments without a
role are never opened here, and may say what they like.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mqtctl.documents import Document, load_yaml, validate_document
from mqtctl.errors import InputError
from mqtctl.instruments.registry import init_keys
from mqtctl.named import entry_points_of
from mqtctl.station.libraries import canonical_address, check_library, require_one_world

__all__ = [
    "OPTIONAL_ROLES",
    "ROLES",
    "InstrumentEntry",
    "Role",
    "StationFile",
    "check_entry",
    "check_together",
    "check_top",
    "load_station",
    "player",
    "players",
    "require_trusted",
    "roles_played",
    "settings_of",
]

Role = Literal["ramp_source", "timing_counter", "temperature_controller", "offset_source"]
#: The roles that every station fills, and those that it may fill.
ROLES: tuple[Role, ...] = ("ramp_source", "timing_counter", "temperature_controller")
OPTIONAL_ROLES: tuple[Role, ...] = ("offset_source",)

#: Packages whose drivers a station file may name; others register under the entry-point group.
TRUSTED_PACKAGES = ("mqtctl_drivers", "qcodes.instrument_drivers", "qcodes_contrib_drivers")
ENTRY_POINT_GROUP = "mqtctl.drivers"

_ENTRY_KEYS = ("type", "address", "init")
#: What QCoDeS would do with keys that people know from it.
_CARRIED_OUT = dict.fromkeys(
    ("parameters", "add_parameters"),
    "QCoDeS would carry it out on connecting, and it can put out current or heat",
)


class RoleSettings(Document, extra="allow"):
    """What one instrument does here; further keys are the options of its adapter."""

    role: Role


class Metadata(Document, extra="allow"):
    """The instrument's metadata; only the part named mqtctl is read."""

    mqtctl: RoleSettings | None = None


class Init(Document):
    """Arguments of the driver that decide how it is reached and what it says, and nothing else.

    Attributes
    ----------
    terminator, timeout, device_clear
        As in `qcodes.instrument.VisaInstrument`; the timeout in s.
    label, silent, print_connect_message
        What some drivers show.
    """

    visalib: str | None = None
    metadata: Metadata = Metadata()
    terminator: str | None = None
    timeout: float = Field(5.0, gt=0, le=600)
    device_clear: bool | None = None
    label: str | None = None
    silent: bool | None = None
    print_connect_message: bool | None = None


class InstrumentEntry(Document):
    """One instrument that plays a role."""

    type: str = Field(pattern=r"^\w+(\.\w+)+$")
    address: str = Field(min_length=1)
    init: Init


class StationFile(Document):
    """The part of a QCoDeS station file that mqtctl reads: the instruments that play a role.

    `simulated` tells whether they stand on a simulated bench; never some of them.
    """

    instruments: dict[str, InstrumentEntry]
    simulated: bool = False


def load_station(path: Path) -> StationFile:
    """Read and check a station file without opening anything.

    Raises
    ------
    InputError
        A fault in the file, a key that is not known to be harmless, a driver or a VISA library that is not trusted, an
        address used twice, a role that nobody or more than one instrument plays, or instruments in different worlds.
    """
    content = load_yaml(path)
    check_top(content, path)
    entries = {name: check_entry(name, entry, path) for name, entry in players(content, path).items()}
    return check_together(entries, path)


def check_top(content: Mapping[str, Any], path: Path) -> None:
    """Raise `InputError` for a key beside `instruments`."""
    unknown = [key for key in content if key != "instruments"]
    if unknown:
        raise InputError(f"{path}: unknown key {unknown[0]!r}; known keys: instruments")


def players(content: Mapping[str, Any], path: Path) -> dict[str, Mapping[str, Any]]:
    """Return name -> raw entry of the instruments that play a role; raises `InputError` if there can be none."""
    instruments = content.get("instruments")
    if not isinstance(instruments, Mapping):
        raise InputError(f"{path}: key 'instruments' must hold one entry for each instrument")
    return {str(name): entry for name, entry in instruments.items() if settings_of(entry) is not None}


def settings_of(entry: object) -> object:
    """Return what stands under init.metadata.mqtctl of a raw entry; None for nothing."""
    for key in ("init", "metadata", "mqtctl"):
        entry = entry.get(key) if isinstance(entry, Mapping) else None
    return entry


def check_entry(name: str, entry: Mapping[str, Any], path: Path) -> InstrumentEntry:
    """Return one instrument that plays a role; raises `InputError` for anything that is not known to be harmless."""
    where = f"{path}: instruments.{name}"
    _require_known(entry, _ENTRY_KEYS, where)
    further = init_keys(str(entry.get("type")))
    _require_known(entry["init"], (*Init.model_fields, *further), f"{where}.init")
    plain = {key: value for key, value in entry["init"].items() if key not in further}
    checked = validate_document({"instruments": {name: {**entry, "init": plain}}}, StationFile, str(path))
    found = checked.instruments[name]
    require_trusted(found.type, where)
    check_library(found.init.visalib, where)
    return found


def require_trusted(driver: str, where: str) -> None:
    """Raise `InputError` for a driver from a package that a station file may not import; `where` leads the message."""
    trusted = (*TRUSTED_PACKAGES, *(point.value for point in entry_points_of(ENTRY_POINT_GROUP)))
    if not any(driver.startswith(f"{package}.") for package in trusted):
        raise InputError(
            f"{where}.type is {driver!r}, which is outside the allowed packages ({', '.join(trusted)}); a driver "
            f"package of yours is allowed by an entry point {ENTRY_POINT_GROUP!r}"
        )


def _require_known(entry: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raise for the first key that is not known to be harmless."""
    for key in entry:
        if key in known:
            continue
        close = difflib.get_close_matches(str(key), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"allowed are {', '.join(known)}"
        reason = _CARRIED_OUT.get(str(key), "it is not known to be harmless")
        raise InputError(f"{where}: the key {key!r} is refused for an instrument with a role, for {reason}; {hint}")


def check_together(entries: Mapping[str, InstrumentEntry], path: Path) -> StationFile:
    """Return the station of these instruments; raises `InputError` if they do not make one."""
    addresses: dict[tuple[str | None, str], str] = {}
    for name, entry in entries.items():
        other = addresses.setdefault((entry.init.visalib, canonical_address(entry.address)), name)
        if other != name:
            raise InputError(f"{path}: instruments {other!r} and {name!r} have the same address {entry.address!r}")
    simulated = require_one_world({name: entry.init.visalib for name, entry in entries.items()}, path)
    file = StationFile.model_construct(instruments=dict(entries), simulated=simulated)
    roles_played(file, path)
    return file


def roles_played(file: StationFile, path: Path) -> tuple[Role, ...]:
    """Return the roles that the station's instruments play; raises `InputError` if one that is needed is missing."""
    for role in ROLES:
        player(file, role, path)
    return (*ROLES, *(role for role in OPTIONAL_ROLES if _players_of(file, role) and player(file, role, path)))


def player(file: StationFile, role: Role, path: Path) -> str:
    """Return the name of the one instrument that plays a role."""
    found = _players_of(file, role)
    if len(found) == 1:
        return found[0]
    who = f"{' and '.join(found)} do" if found else "none does"
    raise InputError(
        f"{path}: exactly one instrument must play the role {role!r} (init.metadata.mqtctl.role), but {who}"
    )


def _players_of(file: StationFile, role: Role) -> list[str]:
    """Return the names of the instruments that play a role."""
    return [
        name
        for name, entry in file.instruments.items()
        if entry.init.metadata.mqtctl is not None and entry.init.metadata.mqtctl.role == role
    ]
