"""Escape models by the names under which people choose them in files and options."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mqtctl.errors import InputError
from mqtctl.physics.models.escape import Escape
from mqtctl.physics.models.thermal import ButtikerHarrisLandauer, Kramers, MelnikovMeshkov, TransitionState
from mqtctl.physics.models.tunneling import Tunneling, WeakDampingTunneling

__all__ = ["ESCAPE_MODELS", "escape_model"]

#: Name -> class; each is called without arguments.
ESCAPE_MODELS: Mapping[str, Any] = MappingProxyType(
    {
        "buttiker-harris-landauer": ButtikerHarrisLandauer,
        "escape": Escape,
        "kramers": Kramers,
        "melnikov-meshkov": MelnikovMeshkov,
        "transition-state": TransitionState,
        "tunneling": Tunneling,
        "weak-damping-tunneling": WeakDampingTunneling,
    }
)


def escape_model(name: str) -> Any:
    """Return the escape model of this name; raises `InputError` naming those there are."""
    try:
        return ESCAPE_MODELS[name.lower().replace("_", "-")]()
    except KeyError:
        raise InputError(f"there is no escape model {name!r}; choose from {', '.join(ESCAPE_MODELS)}") from None
