"""Escape of a current-biased Josephson junction from its zero-voltage state.

Rates are natural logarithms of Gamma / 1 s^-1, everything else is in SI units. Which model to use when:

- `Escape` is right at every temperature and damping; take it unless a convention has to be matched.
- `TransitionState` (a_t = 1) is the convention of published escape temperatures.
- `Kramers`, `MelnikovMeshkov`, `ButtikerHarrisLandauer` are the classical rates, `WeakDampingTunneling` and
  `Tunneling` those of T = 0, `QuantumCorrectedThermal`, `CrossoverFormula` and `PeriodicBounce` the pieces between.
- `metastable_levels` gives exact levels of the undamped well, for spectroscopy and as a yardstick.

Equation numbers marked [M] are quoted from memory; docs/references.md has each paper's DOI and what of it was seen.

>>> from mqtctl.physics import Escape, Junction, SwitchingDistribution
>>> junction = Junction(critical_current=9.489e-6, capacitance=6.35e-12, resistance=190.0)
>>> distribution = SwitchingDistribution(junction, temperature=0.1, ramp_rate=1e-3, model=Escape())
>>> round(distribution.mean * 1e6, 3)
9.302
"""

from mqtctl.physics.bounce.numerical import Bounce, solve_bounce
from mqtctl.physics.levels.potentials import CubicWell, WashboardWell
from mqtctl.physics.levels.resonance import MetastableLevels, metastable_levels, well_levels
from mqtctl.physics.levels.transmission import undamped_thermal_log_rate
from mqtctl.physics.models.crossover import CrossoverFormula, PeriodicBounce, QuantumCorrectedThermal
from mqtctl.physics.models.effects import (
    AmbegaokarBaratoff,
    NoiseTemperature,
    PlasmaDamping,
    Retrapping,
    two_well_renormalisation,
)
from mqtctl.physics.models.escape import Escape
from mqtctl.physics.models.protocol import EscapeModel, WellModel, WellState
from mqtctl.physics.models.thermal import ButtikerHarrisLandauer, Kramers, MelnikovMeshkov, TransitionState
from mqtctl.physics.models.tunneling import Tunneling, WeakDampingTunneling
from mqtctl.physics.models.validity import Criterion, EscapeRate, Validity
from mqtctl.physics.ramp.shapes import SampledRamp
from mqtctl.physics.ramp.switching import SwitchingDistribution
from mqtctl.physics.well.junction import Junction
from mqtctl.physics.well.potential import Potential
from mqtctl.physics.well.transparent_channel import TransparentChannel
from mqtctl.physics.well.washboard import Washboard

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
    "PlasmaDamping",
    "Potential",
    "QuantumCorrectedThermal",
    "Retrapping",
    "SampledRamp",
    "SwitchingDistribution",
    "TransitionState",
    "TransparentChannel",
    "Tunneling",
    "Validity",
    "Washboard",
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
