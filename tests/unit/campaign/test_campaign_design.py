"""Designs of campaigns: what a draw is, and which designs are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from mqtctl.campaign import load_design
from mqtctl.campaign.draws import Draw, draw_of
from mqtctl.cli.app import app
from mqtctl.documents import dump_yaml
from mqtctl.errors import InputError
from mqtctl.plan import write_examples
from mqtctl.station import load_station


def design_file(folder: Path, vary: dict[str, Any], **changes: Any) -> Path:
    """Write a design beside the example files and return its path."""
    if not (folder / "plan.yaml").exists():
        write_examples(folder)
    path = folder / "design.yaml"
    path.write_text(dump_yaml({"title": "a test", "plan": "plan.yaml", "draws": 3, "vary": vary, **changes}))
    return path


def draw(path: Path, number: int, **changes: Any) -> Draw:
    campaign = load_design(path, **changes)
    return draw_of(campaign, number, load_station(campaign.station))


def test_a_draw_is_the_same_whatever_was_drawn_before_it_and_whatever_else_varies(tmp_path: Path) -> None:
    uniform = {"bench.junction.critical_current": {"uniform": ["9.2 uA", "9.6 uA"]}}
    alone = draw(design_file(tmp_path, uniform), 2)
    more = {"bench.junction.capacitance": {"normal": ["6.35 pF", "0.1 pF"]}, **uniform}
    beside = draw(design_file(tmp_path, more), 2)
    assert beside.bench.junction.critical_current == alone.bench.junction.critical_current
    assert 9.2e-6 <= alone.bench.junction.critical_current <= 9.6e-6
    assert (
        draw(design_file(tmp_path, uniform), 1).bench.junction.critical_current != alone.bench.junction.critical_current
    )


def test_the_experimenter_knows_the_sample_file_and_not_the_bench(tmp_path: Path) -> None:
    path = design_file(
        tmp_path,
        {
            "bench.junction.capacitance": {"uniform": ["5 pF", "8 pF"]},
            "sample.junction.capacitance": {"of": "bench.junction.capacitance", "value": 1.1},
        },
    )
    found = draw(path, 0)
    true, known = found.bench.junction.capacitance, found.plan.sample.junction.capacitance
    assert known == pytest.approx(1.1 * true)
    assert found.values == {"bench.junction.capacitance_F": true, "sample.junction.capacitance_factor": 1.1}
    assert found.plan.sample.junction.critical_current == 9.5e-6


def test_grids_make_every_combination_and_lists_run_side_by_side(tmp_path: Path) -> None:
    path = design_file(
        tmp_path,
        {
            "plan.switches": {"grid": [100, 200]},
            "bench.junction.escape": {"list": ["escape", "kramers", "escape"]},
            "bench.junction.decoupling_temperature": {"list": ["0 K", "40 mK", "0 K"]},
            "plan.temperatures": {"value": ["20 mK", "1 K"]},
        },
    )
    campaign = load_design(path)
    assert (campaign.design.cells, campaign.design.total) == (6, 18)
    station = load_station(campaign.station)
    seen = [draw_of(campaign, number, station) for number in range(6)]
    pairs = [(d.plan.plan.switches, d.bench.junction.escape, d.bench.junction.decoupling_temperature) for d in seen]
    assert sorted(set(pairs)) == sorted({(n, *j) for n in (100, 200) for j in (("escape", 0.0), ("kramers", 0.04))})
    assert seen[0].plan.plan.temperatures == (0.02, 1.0)


def test_distributions_have_the_moments_that_were_asked_for(tmp_path: Path) -> None:
    path = design_file(tmp_path, {"bench.junction.capacitance": {"lognormal": ["6 pF", 0.1]}}, draws=300)
    campaign = load_design(path)
    varied, rng = campaign.design.vary["bench.junction.capacitance"], np.random.default_rng(5)
    drawn = np.log([varied.drawn(0, rng)[0] / 6e-12 for _ in range(4000)])
    assert abs(drawn.mean()) < 4 * 0.1 / 4000**0.5
    assert drawn.std() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(
    ("vary", "changes", "said"),
    [
        ({"bench.junction.capacitance": {"normal": ["1 pF", "9 pF"]}}, {"draws": 40}, "junction.capacitance: must be"),
        ({"bench.junction.capacitence": "6 pF"}, {}, "did you mean 'capacitance'?"),
        ({"bench.wires.0.noise": "6 nA"}, {}, "unknown key 'wires'"),
        ({"bench.bias.sources.3.factor": 1.0}, {}, "is a list of 1"),
        ({"plan.ramp.stop_current": "20 uA"}, {}, "may see at most 12 uA"),
        ({"sample.junction.capacitance": {"of": "bench.junction.thickness", "value": 1.0}}, {}, "there is nothing at"),
        ({"plan.switches": {"grid": list(range(10, 1010))}}, {"draws": 2000}, "at most 1000000 draws"),
        ({"junction.capacitance": "6 pF"}, {}, "must begin with plan., sample. or bench."),
        ({"bench.junction.capacitance": {"uniform": ["6 pF", 7]}}, {}, "both must be numbers of the same kind"),
        ({"bench.junction.capacitance": {"grid": ["6 pF"], "list": ["6 pF"]}}, {}, "give exactly one of"),
        ({"plan.switches": {"list": [100, 200]}, "bench.seed": {"list": [1]}}, {}, "lists run side by side"),
        (
            {"bench.cryostat.drift": {"grid": ["0 K/s", "1 uK/s"]}},
            {},
            "no switching current shows bench.cryostat.drift",
        ),
        ({"bench.faults": {"value": [{"kind": "dead-bus"}]}}, {}, "'dead-bus' is no kind of fault"),
        ({"bench.faults": {"value": [{"kind": "warming"}]}}, {}, "the physics knows nothing of the fault warming"),
        ({}, {"thruogh": "wires"}, "did you mean 'through'?"),
        ({}, {"plan": "nowhere.yaml"}, "no such file"),
    ],
)
def test_a_faulty_design_is_refused_in_one_sentence_and_nothing_is_written(
    tmp_path: Path, vary: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    path = design_file(tmp_path, vary, **changes)
    before = set(tmp_path.iterdir())
    result = CliRunner().invoke(app, ["campaign", str(path), "--output", str(tmp_path / "results.csv")])
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert set(tmp_path.iterdir()) == before


def test_more_draws_than_the_disk_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mqtctl.campaign import CampaignOptions, run_campaign

    monkeypatch.setattr("mqtctl.campaign.run.shutil.disk_usage", lambda _place: type("Usage", (), {"free": 9_000}))
    campaign = load_design(design_file(tmp_path, {}))
    with pytest.raises(InputError, match=r"3 draws need 0 MB in .*, where 0 MB are free; take fewer draws"):
        run_campaign(campaign, CampaignOptions(output=tmp_path / "results.csv"))
    assert not (tmp_path / "results.csv.partial").exists()
