"""Escape models by the names under which people choose them in files and options.

A name is one of those below, one that another package registers by an entry point in the group `mqtctl.escape_models`,
or `package.module:Class`; any of them may be followed by `(parameter=value)`. Models that change what another one says
take its name: `noise-temperature(model=kramers, excess=0.02)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from mqtctl.named import choose
from mqtctl.physics.models.effects import NoiseTemperature, Retrapping
from mqtctl.physics.models.escape import Escape
from mqtctl.physics.models.protocol import EscapeModel
from mqtctl.physics.models.thermal import ButtikerHarrisLandauer, Kramers, MelnikovMeshkov, TransitionState
from mqtctl.physics.models.tunneling import Tunneling, WeakDampingTunneling

__all__ = ["ENTRY_POINT_GROUP", "ESCAPE_MODELS", "WRAPPING_MODELS", "escape_model"]

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

#: Name -> class; each needs the name of another model, and a number in SI units.
WRAPPING_MODELS: Mapping[str, Any] = MappingProxyType({"noise-temperature": NoiseTemperature, "retrapping": Retrapping})


def escape_model(text: str, *, in_a_file: bool = False) -> EscapeModel:
    """Return the escape model that a text names.

    Parameters
    ----------
    text
        A name of `ESCAPE_MODELS` or `WRAPPING_MODELS` (case, and _ or a blank for -, do not matter), an entry point's
        name, or `package.module:Class`, each with `(parameter=value)` behind it where it needs parameters.
    in_a_file
        Whether a file names it, which somebody else may have written: then only packages that register an escape model
        are imported, as drivers are for a station file.

    Raises
    ------
    InputError
        If there is no such model, it cannot be imported, it has no rate, it refuses its parameters, or a file may not
        name it.
    """
    own = {**ESCAPE_MODELS, **WRAPPING_MODELS}
    model: EscapeModel = choose(text, own, ENTRY_POINT_GROUP, "log_rate", what="escape model", in_a_file=in_a_file)
    return model
