"""What hypothesis draws: junctions, wells and temperatures over the whole range in which junctions are measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hypothesis import strategies as st
from scipy.optimize import brentq

from mqtctl.physics import (
    ButtikerHarrisLandauer,
    CrossoverFormula,
    Escape,
    Junction,
    Kramers,
    MelnikovMeshkov,
    NoiseTemperature,
    PeriodicBounce,
    QuantumCorrectedThermal,
    Retrapping,
    TransitionState,
    Tunneling,
    WeakDampingTunneling,
)

CRITICAL_CURRENTS, CAPACITANCES, QUALITIES = (1e-8, 1e-3), (1e-15, 1e-9), (0.1, 1000.0)
HIGHEST_TEMPERATURE = 10.0

JOINED = (Escape(), Escape(depletion=False), Escape(finite_barrier="always"))
EVERYWHERE = (
    TransitionState(),
    Kramers(),
    ButtikerHarrisLandauer(),
    ButtikerHarrisLandauer("exact"),
    MelnikovMeshkov(),
    WeakDampingTunneling(),
    WeakDampingTunneling(coefficient=0.87228, damped_prefactor=True),
    Tunneling(),
    Tunneling(method="closed form"),
    *JOINED,
    NoiseTemperature(Escape(), 0.01),
    Retrapping(Escape(), 1e-6),
)
"""Models that have a rate at every current and temperature."""

PIECES = (QuantumCorrectedThermal(), CrossoverFormula(), PeriodicBounce())
"""Formulas that end at the crossover: +inf, meaningless, or NaN beyond."""


def logarithmic(low: float, high: float) -> st.SearchStrategy[float]:
    """Draw log-uniformly, the two ends more often than not at all."""
    inner = st.floats(math.log(low), math.log(high)).map(math.exp).map(lambda value: min(max(value, low), high))
    return st.one_of(inner, inner, inner, st.sampled_from([low, high]))


@st.composite
def junctions(draw: st.DrawFn) -> Junction:
    """Draw Ic, C and the Q at zero bias, infinite Q included."""
    critical, capacitance = draw(logarithmic(*CRITICAL_CURRENTS)), draw(logarithmic(*CAPACITANCES))
    quality = draw(st.one_of(st.just(math.inf), logarithmic(*QUALITIES)))
    bare = Junction(critical, capacitance)
    return Junction(critical, capacitance, quality / (bare.zero_bias_plasma_frequency * capacitance))


distances = logarithmic(1e-12, 1.9)
temperatures = st.one_of(st.just(0.0), logarithmic(1e-4, HIGHEST_TEMPERATURE))
models = st.sampled_from(EVERYWHERE)


@dataclass(frozen=True)
class Well:
    """A junction at x = 1 - I/Ic."""

    junction: Junction
    x: float

    @property
    def quanta(self) -> float:
        """N = dU/hbar wp."""
        return float(self.junction.barrier_quanta(one_minus_s=self.x))

    @property
    def crossover(self) -> float:
        """T0 in K."""
        return float(self.junction.crossover_temperature(one_minus_s=self.x))


@st.composite
def wells(draw: st.DrawFn, least: float = 1.5, most: float = 1e4) -> Well:
    """Draw a junction, and x by the number of quanta, from `least` to what it can hold or `most`."""
    junction = draw(junctions())
    holds = float(junction.barrier_quanta(one_minus_s=1.9))
    if holds < 1.01 * least:  # a junction this small never holds so many: take the largest capacitance
        junction = Junction(max(junction.critical_current, 1e-7), 1e-9, junction.resistance)
        holds = float(junction.barrier_quanta(one_minus_s=1.9))
    quanta = draw(logarithmic(least, min(holds, most)))

    def missing(log_x: float) -> float:
        return math.log(float(junction.barrier_quanta(one_minus_s=math.exp(log_x))) / quanta)

    low, high = math.log(1e-13), math.log(1.9)
    return Well(junction, 1.9 if missing(high) <= 0.0 else math.exp(float(brentq(missing, low, high, xtol=1e-13))))
