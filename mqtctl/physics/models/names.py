"""Escape models by the names under which people choose them in files and options.

A name is one of those below, one that another package registers by an entry point in the group `mqtctl.escape_models`,
or `package.module:Class`; any of them may be followed by `(parameter=value)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from mqtctl.errors import InputError
from mqtctl.named import make, registered, split_call
from mqtctl.physics.models.escape import Escape
from mqtctl.physics.models.protocol import EscapeModel
from mqtctl.physics.models.thermal import ButtikerHarrisLandauer, Kramers, MelnikovMeshkov, TransitionState
from mqtctl.physics.models.tunneling import Tunneling, WeakDampingTunneling

__all__ = ["ENTRY_POINT_GROUP", "ESCAPE_MODELS", "escape_model"]

ENTRY_POINT_GROUP = "mqtctl.escape_models"

#: Name -> class, or class with parameters; each can be called without arguments.
ESCAPE_MODELS: Mapping[str, Any] = MappingProxyType(
    {
        "buttiker-harris-landauer": ButtikerHarrisLandauer,
        "escape": Escape,
        "escape-without-depletion": partial(Escape, depletion=False),
        "kramers": Kramers,
        "melnikov-meshkov": MelnikovMeshkov,
        "transition-state": TransitionState,
        "tunneling": Tunneling,
        "weak-damping-tunneling": WeakDampingTunneling,
    }
)


def escape_model(text: str, *, in_a_file: bool = False) -> EscapeModel:
    """Return the escape model that a text names.

    Parameters
    ----------
    text
        A name of `ESCAPE_MODELS` (case, and _ or a blank for -, do not matter), an entry point's name, or
        `package.module:Class`, each with `(parameter=value)` behind it where it needs parameters.
    in_a_file
        Whether a file names it, which somebody else may have written: then only packages that register an escape model
        are imported, as drivers are for a station file.

    Raises
    ------
    InputError
        If there is no such model, it cannot be imported, it has no rate, it refuses its parameters, or a file may not
        name it.
    """
    name, arguments = split_call(text)
    others = registered(ENTRY_POINT_GROUP)
    own = ESCAPE_MODELS.get(name.lower().replace("_", "-").replace(" ", "-"))
    if own is not None:
        if isinstance(own, partial):
            arguments = {**own.keywords, **arguments}
        kind = own.func if isinstance(own, partial) else own
        path = f"{kind.__module__}:{kind.__name__}"
    elif ":" in name:
        if in_a_file and _package(name) not in {"mqtctl", *map(_package, others.values())}:
            raise InputError(
                f"{name!r} may not be named in a file: its package registers no escape model; add an entry point of the"
                f" group {ENTRY_POINT_GROUP} to it (docs/extend.md)"
            )
        path = name
    else:
        if name not in others:
            known = ", ".join([*ESCAPE_MODELS, *sorted(others)])
            raise InputError(f"there is no escape model {name!r}; choose one of {known}, or name package.module:Class")
        path = others[name]
    model: EscapeModel = make(path, arguments, "log_rate")
    return model


def _package(path: str) -> str:
    """Return the package of `package.module:Class`."""
    return path.partition(":")[0].partition(".")[0]
