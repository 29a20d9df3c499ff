"""Escape of a current-biased Josephson junction from its zero-voltage state.

Rates are natural logarithms of Gamma / 1 s^-1, everything else is in SI units. Which model to use when:

- `Escape` is right at every temperature and damping; take it unless a convention has to be matched.
- `TransitionState` (a_t = 1) is the convention of published escape temperatures.
- `Kramers`, `MelnikovMeshkov`, `ButtikerHarrisLandauer` are the classical rates, `WeakDampingTunneling` and
  `Tunneling` those of T = 0, `QuantumCorrectedThermal`, `CrossoverFormula` and `PeriodicBounce` the pieces between.
- `metastable_levels` gives exact levels of the undamped well, for spectroscopy and as a yardstick.

References marked [M] are quoted from memory of standard literature: check them before quoting them as published.

>>> from mqtctl.physics import Escape, Junction, SwitchingDistribution
>>> junction = Junction(critical_current=9.489e-6, capacitance=6.35e-12, resistance=190.0)
>>> distribution = SwitchingDistribution(junction, temperature=0.1, ramp_rate=1e-3, model=Escape())
>>> round(distribution.mean * 1e6, 3)
9.302
"""

from .bounce import Bounce, solve_bounce
from .crossover import CrossoverFormula, PeriodicBounce, QuantumCorrectedThermal
from .effects import AmbegaokarBaratoff, NoiseTemperature, Retrapping, two_well_renormalisation
from .escape import Escape
from .junction import Junction
from .models import EscapeModel, WellModel, WellState
from .potentials import CubicWell, WashboardWell
from .ramps import SampledRamp
from .resonance import MetastableLevels, metastable_levels, well_levels
from .switching import SwitchingDistribution
from .thermal import ButtikerHarrisLandauer, Kramers, MelnikovMeshkov, TransitionState
from .transmission import undamped_thermal_log_rate
from .tunneling import Tunneling, WeakDampingTunneling
from .validity import Criterion, EscapeRate, Validity

__all__ = [
    "AmbegaokarBaratoff",
    "Bounce",
    "ButtikerHarrisLandauer",
    "Criterion",
    "CrossoverFormula",
    "CubicWell",
    "Escape",
    "EscapeModel",
    "EscapeRate",
    "Junction",
    "Kramers",
    "MelnikovMeshkov",
    "MetastableLevels",
    "NoiseTemperature",
    "PeriodicBounce",
    "QuantumCorrectedThermal",
    "Retrapping",
    "SampledRamp",
    "SwitchingDistribution",
    "TransitionState",
    "Tunneling",
    "Validity",
    "WashboardWell",
    "WeakDampingTunneling",
    "WellModel",
    "WellState",
    "metastable_levels",
    "solve_bounce",
    "two_well_renormalisation",
    "undamped_thermal_log_rate",
    "well_levels",
]
