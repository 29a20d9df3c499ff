"""Which VISA library an instrument stands behind: one that is known, and the same world for all of them.

PyVISA loads native code for a path and imports a Python package for a name; a station file must be able to do neither
with something of its own. Whether a bench is simulated is decided here and nowhere else: its library is `@mqt`.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from mqtctl.documents import place
from mqtctl.errors import InputError

__all__ = [
    "VARIABLE",
    "canonical_address",
    "check_library",
    "complete_library",
    "is_simulated",
    "let_go_of_benches",
    "let_go_of_session",
    "require_one_world",
    "require_own_address",
]

#: Environment variable with further libraries, each written as in a station file; paths are separated as in PATH.
VARIABLE = "MQTCTL_VISA_LIBRARIES"
_KNOWN = ("@ivi", "@py")
_BENCH = "@mqt"
#: Where the libraries of simulated benches come from.
_BENCHES = "pyvisa_mqt.visa.library"
#: Addresses that no network uses, kept for documents (RFC 5737, RFC 3849): `mqtctl init` writes some of them.
_EXAMPLE_NETWORKS = tuple(
    ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


def is_simulated(library: str | None) -> bool:
    """Return whether behind this VISA library stands a simulated bench, in this process or served by another."""
    return (library or "").endswith(_BENCH)


def check_library(library: str | None, where: str) -> None:
    """Raise `InputError` for a VISA library that a station file may not name; `where` leads the message."""
    allowed = [name for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name]
    if not library or is_simulated(library) or library in (*_KNOWN, *allowed):
        return
    raise InputError(
        f"{where}.init.visalib is {library!r}, which would load code that the station file names; write "
        f"{', '.join(repr(name) for name in _KNOWN)}, a bench such as '@mqt' or 'bench.yaml@mqt', or leave it out; "
        f"a library of your own is allowed by the environment variable {VARIABLE}"
    )


def complete_library(library: str | None, path: Path, seed: int | None = None) -> str | None:
    """Return a library with the bench file made absolute and the seed put in, other options kept; None for none."""
    if not is_simulated(library):
        return library or None
    name, _, query = (library or "").removesuffix(_BENCH).partition("?")
    beside = path.resolve().parent / name
    if name and beside.is_file():
        name = str(beside.resolve())
    options = [option for option in query.split("&") if option]
    if seed is not None:
        options = [option for option in options if not option.startswith("seed=")] + [f"seed={seed}"]
    return f"{name}?{'&'.join(options)}{_BENCH}" if options else f"{name}{_BENCH}"


def require_one_world(libraries: Mapping[str, str | None], path: Path) -> bool:
    """Return whether a station is simulated, after making sure that no instrument is in another world than the others.

    Parameters
    ----------
    libraries
        Name of each instrument that plays a role -> its VISA library.
    path
        The station file.

    Raises
    ------
    InputError
        Some are real and some simulated, or there are two simulated benches: temperatures of the one would be stored
        with the switches of the other, and time would pass differently in both.
    """
    worlds: dict[str, list[str]] = {}
    for name, library in libraries.items():
        bench = (complete_library(library, path) or "").removesuffix(_BENCH) or "built-in"
        worlds.setdefault(f"on the simulated bench {bench!r}" if is_simulated(library) else "real", []).append(name)
    if len(worlds) > 1:
        sides = " and ".join(f"{', '.join(names)} {_are(names)} {world}" for world, names in worlds.items())
        raise InputError(
            f"{path}: {sides}: what one measures would be stored with what another world does; give all instruments "
            "the same bench as visalib, or take the visalib with @mqt away from all"
        )
    return "real" not in worlds


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def canonical_address(address: str) -> str:
    """Return a VISA address as VISA compares it: defaults written out; what is no address is left as it is."""
    from pyvisa.rname import InvalidResourceName, to_canonical_name

    try:
        return str(to_canonical_name(address))
    except InvalidResourceName:
        return address


def require_own_address(address: str, library: str | None, name: str, path: Path) -> None:
    """Refuse to connect to an address that stands for an example: whoever answers there is not what is looked for."""
    if is_simulated(library):
        return
    for part in address.split("::"):
        try:
            host = ip_address(part)
        except ValueError:
            continue
        if any(host in network for network in _EXAMPLE_NETWORKS):
            raise InputError(
                f"{place(path, 'instruments', name, 'address')}: instruments.{name}.address: {host} stands for an "
                "example and is nobody's address; write your instrument's own, or `visalib: \"@mqt\"` for the "
                "simulated bench"
            )


def let_go_of_benches() -> None:
    """Drop simulated benches of earlier runs that nobody holds any more, so that this one begins with a fresh one.

    One whose station was closed has ended with it. What else may hold one has finalisers: the first collection runs
    those, the second frees them.
    """
    libraries = sys.modules.get(_BENCHES)
    if libraries is None or not libraries.MqtVisaLibrary.living:
        return  # none is there; a collection costs a tenth of a second once everything is imported
    gc.collect()
    gc.collect()


def let_go_of_session(handle: Any) -> None:
    """Let a closed session keep neither PyVISA's resource manager nor the library, and a bench with that.

    QCoDeS's finaliser holds on to the session, and its parameters on to the instrument, until some collection.
    """
    manager = vars(handle).pop("_resource_manager", None)
    getattr(manager, "_created_resources", set()).discard(handle)
    handle.visalib = None
