"""What can be opened to make it safe, from an entry of a station file that may be wrong in everything else."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from mqtctl.errors import InputError
from mqtctl.instruments.registry import adapter_for, role_of
from mqtctl.station.connecting import Player
from mqtctl.station.file import OPTIONAL_ROLES, ROLES, require_trusted
from mqtctl.station.libraries import check_library, complete_library, require_own_address

__all__ = ["rescued", "role_in"]


def role_in(entry: Mapping[str, Any]) -> str:
    """Return the role of a raw entry, by its own word or else by its driver; "" if neither says."""
    settings = entry["init"]["metadata"]["mqtctl"]
    said = settings.get("role") if isinstance(settings, Mapping) else None
    return str(said) if said in (*ROLES, *OPTIONAL_ROLES) else role_of(str(entry.get("type"))) or ""


def rescued(name: str, entry: Mapping[str, Any], path: Path) -> Player:
    """Return an instrument from its driver, address and VISA library; nothing else of the entry is carried out.

    Raises
    ------
    InputError
        One of these three is missing, or must not be loaded; or nobody knows what the instrument does here.
    """
    where = f"{path}: instruments.{name}"
    role, driver, address = role_in(entry), entry.get("type"), entry.get("address")
    if not isinstance(driver, str) or not isinstance(address, str):
        raise InputError(f"{where}: type and address must be there, as text")
    if not role:
        raise InputError(
            f"{where}.init.metadata.mqtctl.role: neither role nor driver says what the instrument does here"
        )
    init = entry["init"]
    library, terminator = init.get("visalib"), init.get("terminator")
    if library is not None and not isinstance(library, str):
        raise InputError(f"{where}.init.visalib must be text")
    require_trusted(driver, where)
    check_library(library, where)
    require_own_address(address, library, name, path)
    module, _, class_name = driver.rpartition(".")
    try:
        driver_class = getattr(import_module(module), class_name)
    except (ImportError, AttributeError, ValueError) as exc:
        raise InputError(f"{where}.type: there is no driver {driver!r} ({exc})") from exc
    settings = init["metadata"]["mqtctl"]
    options = {key: value for key, value in settings.items() if key != "role"} if isinstance(settings, Mapping) else {}
    return Player(
        role=role,
        name=name,
        file=path,
        address=address,
        driver=driver_class,
        adapter=adapter_for(role, driver),
        options=options,
        library=complete_library(library, path),
        terminator=terminator if isinstance(terminator, str) else None,
    )
