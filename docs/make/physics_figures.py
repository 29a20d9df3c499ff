"""Draw the figures of docs/physics.md with the package itself: `python docs/make/physics_figures.py` (one minute)."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.constants import k
from scipy.optimize import brentq

from mqtctl.physics import (
    ButtikerHarrisLandauer,
    CrossoverFormula,
    CubicWell,
    Escape,
    Junction,
    Kramers,
    MelnikovMeshkov,
    PeriodicBounce,
    QuantumCorrectedThermal,
    Retrapping,
    SwitchingDistribution,
    TransitionState,
    Tunneling,
    WeakDampingTunneling,
    WellModel,
    undamped_thermal_log_rate,
    well_levels,
)

FOLDER = Path(__file__).resolve().parent.parent / "figures"
JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
FloatArray = NDArray[np.float64]


def figure(columns: int, width: float = 9.0, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels side by side."""
    page = Figure(figsize=(width, height), dpi=160, layout="constrained")
    panels = page.subplots(1, columns, squeeze=False)[0]
    for panel in panels:
        panel.grid(visible=True, alpha=0.25)
    return page, list(panels)


def save(page: Figure, name: str) -> None:
    """Write one figure as PNG."""
    page.savefig(FOLDER / f"physics_{name}.png")
    print(f"docs/figures/physics_{name}.png")


def distance_at(junction: Junction, quanta: float) -> float:
    """Return x = 1 - I/Ic where the barrier holds this many quanta."""
    return float(brentq(lambda x: float(junction.barrier_quanta(one_minus_s=x)) - quanta, 1e-6, 1.5, xtol=1e-15))


def over_temperature() -> None:
    """Draw all models against temperature at a fixed barrier, and their distance from the joined rate."""
    x = distance_at(JUNCTION, 3.0)
    crossover = float(JUNCTION.crossover_temperature(one_minus_s=x))
    ratio = np.linspace(0.02, 3.0, 600)
    ours = np.asarray(Escape().log_rate(JUNCTION, one_minus_s=x, temperature=ratio * crossover))
    page, (left, right) = figure(2, height=4.0)
    models: dict[str, tuple[WellModel, str, tuple[float, float]]] = {
        "transition state": (TransitionState(), "C1", (0.3, 3.0)),
        "quantum-corrected thermal": (QuantumCorrectedThermal(), "C3", (1.03, 3.0)),
        "erfc formula": (CrossoverFormula(), "C2", (0.85, 1.4)),
        "periodic bounce": (PeriodicBounce(), "C4", (0.0, 0.985)),
        "tunnelling, T = 0": (Tunneling(), "C5", (0.0, 3.0)),
    }
    for name, (model, colour, (low, high)) in models.items():
        part = (ratio >= low) & (ratio <= high)
        rate = np.asarray(model.log_rate(JUNCTION, one_minus_s=x, temperature=ratio[part] * crossover))
        left.plot(ratio[part], rate / math.log(10.0), colour, lw=1.2, label=name)
        right.plot(ratio[part], rate - ours[part], colour, lw=1.2)
    thermal = np.asarray(Kramers().log_rate(JUNCTION, one_minus_s=x, temperature=ratio * crossover))
    cold = float(Tunneling().log_rate(JUNCTION, one_minus_s=x))
    right.plot(ratio, np.logaddexp(thermal, cold) - ours, "0.5", lw=1.2, ls="--", label="naive sum, Kramers + T = 0")
    left.plot(ratio, ours / math.log(10.0), "k", lw=2.2, label="Escape", zorder=0)
    bare = Junction(JUNCTION.critical_current, JUNCTION.capacitance)
    points = np.array([0.85, 0.95, 1.05, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0])
    place, base = distance_at(bare, 3.0), float(bare.crossover_temperature(one_minus_s=distance_at(bare, 3.0)))
    joined = np.asarray(Escape().log_rate(bare, one_minus_s=place, temperature=points * base))
    exact = np.array([undamped_thermal_log_rate(3.0, point / (2.0 * math.pi)) for point in points])
    exact += math.log(float(bare.plasma_frequency(one_minus_s=place)))
    right.plot(points, exact - joined, "ko", ms=3.5, label="undamped, uniform WKB")
    left.set(xlabel="T / T0", ylabel="log10 of the rate (1/s)", ylim=(cold / 2.3026 - 0.5, ours[-1] / 2.3026 + 0.2))
    right.set(xlabel="T / T0", ylabel="ln of rate over Escape", ylim=(-3.0, 1.2))
    left.legend(fontsize=7)
    right.legend(fontsize=7, loc="lower right")
    left.set_title("N = 3 quanta, Q = 32", fontsize=9)
    save(page, "over_temperature")


def over_current() -> None:
    """Draw rates and switching distributions at several temperatures."""
    page, (left, right) = figure(2)
    current = np.linspace(8.85e-6, 9.45e-6, 500)
    for colour, temperature in zip(["C0", "C2", "C1", "C3"], (0.0, 0.05, 0.1, 0.3), strict=True):
        label = f"{1e3 * temperature:g} mK"
        rate = np.asarray(Escape().log_rate(JUNCTION, current, temperature)) / math.log(10.0)
        left.plot(1e6 * current, rate, colour, label=label)
        classical = np.asarray(TransitionState().log_rate(JUNCTION, current, temperature)) / math.log(10.0)
        left.plot(1e6 * current, classical, colour, ls=":", lw=1.0)
        density = SwitchingDistribution(JUNCTION, temperature, 1e-3).pdf(current)
        right.plot(1e6 * current, 1e-6 * np.asarray(density), colour, label=label)
    left.set(xlabel="bias current (µA)", ylabel="log10 of the rate (1/s)", ylim=(-2, 8))
    right.set(xlabel="switching current (µA)", ylabel="density (1/µA)", ylim=(0, None))
    left.legend(fontsize=7, title="solid Escape, dotted a_t = 1", title_fontsize=7)
    right.legend(fontsize=7, title="ramp 1 mA/s", title_fontsize=7)
    save(page, "over_current")


def simulation() -> ModuleType:
    """Return the Langevin simulation that the tests use as their yardstick."""
    path = Path(__file__).resolve().parents[2] / "tests" / "unit" / "physics" / "langevin.py"
    spec = importlib.util.spec_from_file_location("langevin", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def over_damping() -> None:
    """Draw prefactors at high temperature with simulated points, and the T = 0 action, against Q."""
    page, (left, right) = figure(2)
    bias, exponent = 0.8, 5.0
    quality = np.geomspace(0.1, 300.0, 80)
    bare = Junction(1e-6, 1e-12)
    frequency = float(bare.plasma_frequency(bias * 1e-6))
    temperature = float(bare.barrier(bias * 1e-6)) / (exponent * k)
    unity = float(TransitionState().log_rate(bare, bias * 1e-6, temperature))
    models: dict[str, WellModel] = {
        "Kramers": Kramers(),
        "Büttiker-Harris-Landauer": ButtikerHarrisLandauer(),
        "Mel'nikov-Meshkov": MelnikovMeshkov(),
    }
    for name, model in models.items():
        damped = [Junction(1e-6, 1e-12, q / (frequency * 1e-12)) for q in quality]
        rates = [float(model.log_rate(junction, bias * 1e-6, temperature)) for junction in damped]
        left.semilogx(quality, np.exp(np.array(rates) - unity), label=name)
    langevin = simulation()
    for q in (0.3, 1.0, 3.0, 10.0, 30.0):
        rng = np.random.default_rng(int(10 * q))
        rate, error = langevin.simulated_rate(bias, q, exponent, particles=1500, rng=rng)
        value = math.exp(math.log(rate * frequency) - unity)
        left.errorbar(q, value, yerr=value * error, fmt="ko", ms=4, label="Langevin" if q == 1.0 else None)
    left.set(xlabel="Q", ylabel="a_t", ylim=(0, 1.5), title="thermal prefactor, u = 5, I = 0.8 Ic")
    left.legend(fontsize=7)
    suppression = []
    for q in quality:
        x = distance_at(bare, 3.0)
        junction = Junction(1e-6, 1e-12, q / (float(bare.plasma_frequency(one_minus_s=x)) * 1e-12))
        pair = (Tunneling(), WeakDampingTunneling())
        suppression.append(
            [float(model.log_rate(junction, one_minus_s=x) - model.log_rate(bare, one_minus_s=x)) for model in pair]
        )
    values = np.array(suppression)
    right.semilogx(quality, values[:, 0] / math.log(10.0), label="Tunneling (bounce and prefactor)")
    right.semilogx(quality, values[:, 1] / math.log(10.0), "--", label="exponent 1 + 0.87/Q only")
    right.set(xlabel="Q", ylabel="log10 of rate over undamped", ylim=(-30, 1), title="tunnelling at T = 0, N = 3")
    right.legend(fontsize=7)
    save(page, "over_damping")


def exact_levels() -> None:
    """Draw the exact decay of the ground state over the standard formula, and the levels of a well."""
    page, (left, right) = figure(2)
    quanta = np.linspace(1.0, 8.0, 29)
    grounds = [well_levels(CubicWell(float(n)), 1)[0] for n in quanta]
    standard = 0.5 * np.log(120.0 * np.pi * 7.2 * quanta) - 7.2 * quanta - math.log(2.0 * math.pi)
    ratio = np.exp(np.array([state.log_decay_rate for state in grounds]) - standard)
    left.plot(quanta, ratio, label="exact / standard formula")
    left.plot(quanta, 1.0 - 169.0 / (864.0 * quanta), "--", label="1 - 169/(864 N)")
    left.set(xlabel="N = dU / hbar wp", ylabel="ratio", ylim=(0.7, 1.0))
    left.legend(fontsize=7)
    well = CubicWell(5.0)
    position = np.linspace(-3.2, 1.55 * well.top, 300)
    right.plot(position, [well.value(complex(q)).real for q in position], "k")
    for number, state in enumerate(well_levels(well)):
        right.plot([-2.9, well.top], [state.energy] * 2, "C0", lw=0.8)
        text = f"n = {number}: Γ/wp = {math.exp(state.log_decay_rate):.1e}"
        right.text(8.7, state.energy, text, fontsize=6, va="center")
    right.set(xlabel="q", ylabel="energy / hbar wp", ylim=(-1.0, 6.0), xlim=(-3.2, 13.0))
    save(page, "exact_levels")


def over_bath() -> None:
    """Draw what a temperature sweep shows: width and escape temperature; and retrapping for contrast."""
    page, (left, middle, right) = figure(3, width=11.0)
    bath = np.geomspace(0.008, 0.8, 40)
    sweep = [SwitchingDistribution(JUNCTION, float(t), 1e-3) for t in bath]
    width = np.array([distribution.std for distribution in sweep])
    left.loglog(1e3 * bath, 1e9 * width, label="Escape")
    classical = [SwitchingDistribution(JUNCTION, float(t), 1e-3, TransitionState()).std for t in bath]
    left.loglog(1e3 * bath, 1e9 * np.array(classical), ":", label="a_t = 1, thermal only")
    left.loglog(1e3 * bath, 1e9 * width[-1] * (bath / bath[-1]) ** (2.0 / 3.0), "0.6", lw=0.8, label="T^(2/3)")
    left.set(xlabel="temperature (mK)", ylabel="width (nA)", ylim=(3, 80))
    left.legend(fontsize=7)
    escape = []
    for temperature, distribution in zip(bath, sweep, strict=True):
        mean = distribution.mean
        rate = float(Escape().log_rate(JUNCTION, mean, temperature))
        attempt = math.log(float(JUNCTION.plasma_frequency(mean)) / (2.0 * math.pi))
        escape.append(float(JUNCTION.barrier(mean)) / (k * (attempt - rate)))
    crossover = float(JUNCTION.crossover_temperature(sweep[0].mean))
    middle.loglog(1e3 * bath, 1e3 * np.array(escape), label="escape temperature, a_t = 1")
    middle.loglog(1e3 * bath, 1e3 * bath, ":", label="T_esc = T")
    middle.axvline(1e3 * crossover, color="0.6", lw=0.8)
    middle.text(1.04e3 * crossover, 300.0, "T0", fontsize=8)
    middle.set(xlabel="temperature (mK)", ylabel="T_esc at the mean (mK)")
    middle.legend(fontsize=7)
    junction = Junction(1e-6, 5e-14, 250.0)
    warm = np.linspace(0.05, 1.6, 40)
    for name, model in (("escape only", Kramers()), ("with retrapping, 1 µs", Retrapping(Kramers(), 1e-6))):
        spread = [SwitchingDistribution(junction, float(t), 1e-4, model).std for t in warm]
        right.plot(1e3 * warm, 1e9 * np.array(spread), label=name)
    right.set(xlabel="temperature (mK)", ylabel="width (nA)", title="1 µA, 50 fF, 250 Ω: Q(0) = 3.1")
    right.legend(fontsize=7)
    save(page, "over_bath")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    rcParams["axes.titlesize"] = 9
    for draw in (over_temperature, over_current, over_damping, exact_levels, over_bath):
        draw()


if __name__ == "__main__":
    main()
