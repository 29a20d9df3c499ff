"""Escape of a current-biased Josephson junction from its zero-voltage state.

>>> from mqtctl.physics import Escape, Junction, SwitchingDistribution
>>> junction = Junction(critical_current=9.489e-6, capacitance=6.35e-12, resistance=190.0)
>>> distribution = SwitchingDistribution(junction, temperature=0.1, ramp_rate=1e-3, model=Escape())
>>> round(distribution.mean * 1e6, 3)
9.304
"""

from .bounce import Bounce, solve_bounce
from .escape import Escape
from .junction import Junction
from .models import EscapeModel
from .switching import SwitchingDistribution
from .thermal import ButtikerHarrisLandauer, Kramers, MelnikovMeshkov, TransitionState
from .tunneling import Tunneling, WeakDampingTunneling
from .validity import Criterion, EscapeRate, Validity

__all__ = [
    "Bounce",
    "ButtikerHarrisLandauer",
    "Criterion",
    "Escape",
    "EscapeModel",
    "EscapeRate",
    "Junction",
    "Kramers",
    "MelnikovMeshkov",
    "SwitchingDistribution",
    "TransitionState",
    "Tunneling",
    "Validity",
    "WeakDampingTunneling",
    "solve_bounce",
]
