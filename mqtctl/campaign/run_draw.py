"""One draw is one whole experiment: measured, analysed blind, and only then joined with its truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mqtctl.analysis import fit_sweep
from mqtctl.campaign.draws import Draw
from mqtctl.campaign.truth import thermometer_factor, true_circumstances, truth_of
from mqtctl.documents import dump_yaml
from mqtctl.errors import CryostatError, HardwareError, InterruptedRunError, MqtctlError
from mqtctl.quantities import readable
from mqtctl.records import Sweep
from mqtctl.rehearsal.laboratory import rehearsal_laboratory
from mqtctl.rehearsal.prediction.expectation import expect, switches_for

__all__ = ["run_draw"]


@dataclass(frozen=True)
class _Taken:
    """What an experiment found, as the JSON contract of `analyze`, and how long the cryostat was cold for it (s)."""

    result: Mapping[str, Any]
    cold_time: float


def run_draw(draw: Draw, through: str, scratch: Path, *, power: bool = False) -> dict[str, Any]:
    """Make an experiment, analyse it and return its row; what goes wrong is a row, too.

    Parameters
    ----------
    draw
        The experiment.
    through
        "physics": switches from the law, "wires": the acquisition on the simulated bench.
    scratch
        Where a folder of its own is made and deleted again.
    power
        Whether the analysis says what these data could have decided.

    Raises
    ------
    InterruptedRunError
        The user asked to stop: there is no row.
    """
    found = _or_fault(
        lambda: _blind(
            _through_wires(draw, scratch, power=power) if through == "wires" else _through_physics(draw, power=power)
        )
    )
    truth = _or_fault(lambda: truth_of(draw))
    own = {"draw": draw.number, "cell": draw.cell, "as_given": int(draw.as_given), **draw.values}
    return {**own, "exit_code": 0, "message": "", **found, **truth}


def _or_fault(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what a piece of work gives, or the exit code and the sentence of what went wrong."""
    try:
        return work()
    except InterruptedRunError:
        raise
    except MqtctlError as exc:
        return {"exit_code": exc.exit_code, "message": _line(str(exc))}
    except Exception as exc:  # one experiment out of thousands: a fault of ours is its result, and it is counted
        return {"exit_code": 1, "message": _line(f"{type(exc).__name__}: {exc}")}


def _line(text: str) -> str:
    return " ".join(text.split())


def _blind(taken: _Taken) -> dict[str, Any]:
    """Return what the analysis says, by column."""
    result = taken.result
    return {
        **{key: value for key, value in result.items() if isinstance(value, (int, float, str))},
        "power": (result["power"] or {}).get("power"),
        "flags": "; ".join(
            [
                *result["flags"],
                *(f"{p['name']}: {p['state']}" for p in result["preconditions"] or () if p["state"] == "failed"),
            ]
        ),
        "reasons": "; ".join(sorted({_line(text) for text in result["reasons"].values()})),
        "switches": sum(point["switches"] for point in result["points"]),
        "cold_time_s": taken.cold_time,
    }


def _through_physics(draw: Draw, *, power: bool) -> _Taken:
    """Draw the histograms from the law that holds on the bench and fit them.

    The time is that of settling (the plan's dwell) and of all ramps. A drift of the critical current is that of the
    middle of each histogram.
    """
    plan, rng = draw.plan.plan, draw.switches_rng
    base = draw.bench.file.cryostat.base_temperature
    wrong, estimate = thermometer_factor(draw), draw.plan.sample.junction.estimate
    circumstances = true_circumstances(draw)
    histograms, cold_time = [], 0.0
    for point, temperature in enumerate(plan.temperatures):
        if temperature / wrong < base * (1.0 - plan.settle.band):
            raise CryostatError(
                f"{readable(temperature, 'K')} is not reached: the cryostat gets no colder than {readable(base, 'K')}"
            )
        cold_time += plan.settle.dwell
        for variant in draw.plan.variants(temperature):
            if variant.purpose != "switching":
                continue
            half = 0.5 * plan.most_switches / variant.repetition
            law = expect(circumstances, variant, temperature / wrong, temperature, cold_time + half)
            if law is None:
                raise HardwareError(
                    f"no switches at {readable(temperature, 'K')}: the ramp ends at "
                    f"{readable(abs(variant.stop_current), 'A')}, far below the switching currents"
                )
            histogram = law.draw(switches_for(plan, law, estimate, rng), rng, point)
            histograms.append(replace(histogram, polarity=variant.polarity))
            cold_time += (histogram.switching_currents.size + histogram.censored) / variant.repetition
    return _Taken(fit_sweep(Sweep(tuple(histograms), estimate, plan.title), power=power).to_dict(), cold_time)


def _through_wires(draw: Draw, scratch: Path, *, power: bool) -> _Taken:
    """Measure on the simulated bench, in a folder that is gone afterwards, and analyse what was stored."""
    from mqtctl.workflow import Options, acquire, analyze

    with rehearsal_laboratory(draw.plan, draw.bench, scratch) as laboratory:
        sample = laboratory.folder / "plan" / "drawn-sample.yaml"
        sample.write_text(dump_yaml(draw.plan.sample.model_dump(mode="json", exclude_none=True)), encoding="utf-8")
        plan = laboratory.write_plan(sample=str(sample))
        try:
            taken = acquire(plan, Options(output=laboratory.folder / "run", seed=draw.bench_seed))
            return _Taken(analyze(taken.folder.path, quick=not power), taken.lab_time)
        except MqtctlError as exc:  # whose sentence names a folder that is another one in each run
            text = laboratory.in_users_terms(str(exc)).replace(f"{laboratory.folder}/", "")
            exc.args = (text, *exc.args[1:])
            raise
