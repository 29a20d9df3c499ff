"""Potentials by the names under which people choose them in files and options; the grammar is that of escape models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mqtctl.named import choose
from mqtctl.physics.well.potential import Potential
from mqtctl.physics.well.transparent_channel import TransparentChannel
from mqtctl.physics.well.washboard import Washboard

__all__ = ["ENTRY_POINT_GROUP", "POTENTIALS", "WASHBOARD", "checked_potential", "potential"]

ENTRY_POINT_GROUP = "mqtctl.potentials"

#: The name of the potential that is meant where none is named.
WASHBOARD = "washboard"

#: Name -> class.
POTENTIALS: Mapping[str, Any] = MappingProxyType({WASHBOARD: Washboard, "transparent-channel": TransparentChannel})


def potential(text: str, *, in_a_file: bool = False) -> Potential:
    """Return the potential that a text names, such as `transparent-channel(transmission=0.6)`.

    Parameters
    ----------
    text
        A name of `POTENTIALS` (case and _ for - do not matter), an entry point's name, or `package.module:Class`,
        each with `(parameter=value)` behind it where it needs parameters.
    in_a_file
        Whether a file names it: then only packages that register a potential are imported.

    Raises
    ------
    InputError
        If there is no such potential, it cannot be imported, it refuses its parameters, or a file may not name it.
    """
    found: Potential = choose(text, POTENTIALS, ENTRY_POINT_GROUP, "barrier", what="potential", in_a_file=in_a_file)
    return found


def checked_potential(text: str) -> str:
    """Return the text that stands in a file if it names a potential; raises `InputError` as `potential`."""
    potential(text, in_a_file=True)
    return text
