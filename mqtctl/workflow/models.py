"""Escape models by the names under which people choose them."""

from __future__ import annotations

from typing import Any

from mqtctl import physics
from mqtctl.errors import InputError

__all__ = ["MODEL_NAMES", "escape_model"]

_MODELS = {
    "escape": physics.Escape,
    "transition-state": physics.TransitionState,
    "kramers": physics.Kramers,
    "buttiker-harris-landauer": physics.ButtikerHarrisLandauer,
    "melnikov-meshkov": physics.MelnikovMeshkov,
    "weak-damping-tunneling": physics.WeakDampingTunneling,
    "tunneling": physics.Tunneling,
}
MODEL_NAMES = tuple(_MODELS)


def escape_model(name: str) -> Any:
    """Return the escape model of this name; raises `InputError` naming those there are."""
    try:
        return _MODELS[name.lower().replace("_", "-")]()
    except KeyError:
        raise InputError(f"there is no escape model {name!r}; choose from {', '.join(MODEL_NAMES)}") from None
