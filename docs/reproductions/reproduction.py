"""What the pages share: a paper's YAML becomes a measurement on the simulated bench, and a result is held against it.

The sections `bench`, `station`, `sample` and `plan` of the YAML are laid over the built-in bench and over the files
that `mqtctl init` writes. Run the code of a page in a folder of its own, with this file on the path.
"""

from __future__ import annotations

import math
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from mqtctl.documents import dump_yaml, load_yaml
from mqtctl.notation import Estimate, quantity
from mqtctl.plan import write_examples
from mqtctl.records import Sweep
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

__all__ = ["compared", "measured"]


def measured(paper: str, *, seed: int = 1, single: bool = False, **plan: Any) -> Sweep:
    """Measure what a paper's file describes: bench, drivers, acquisition, database.

    Parameters
    ----------
    paper
        File of the paper; each of its sections is laid over the file of that name.
    seed
        Of the bench.
    single
        Take one histogram at the cryostat's base temperature, without a settling.
    plan
        Keys of the plan that are to be other ones than in the file.
    """
    changes = load_yaml(Path(paper))
    changes["plan"] = {**changes.get("plan", {}), **plan}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_examples(folder)
        (folder / "bench.yaml").write_bytes((files("pyvisa_mqt") / "benches" / "builtin.yaml").read_bytes())
        for part in ("bench", "station", "sample", "plan"):
            content = _laid_over(load_yaml(folder / f"{part}.yaml"), changes.get(part, {}))
            if part == "station":
                for instrument in content["instruments"].values():
                    instrument["init"]["visalib"] = f"{folder / 'bench.yaml'}@mqt"
            (folder / f"{part}.yaml").write_text(dump_yaml(content), encoding="utf-8")
        taken = acquire(folder / "plan.yaml", Options(output=folder / "run", seed=seed), single=single)
        return load_sweep(taken.folder.database, sweep_id=taken.sweep_id).sweep


def _laid_over(base: Any, changes: Any) -> Any:
    """Return nested mappings with the values of another in place of their own."""
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    return {**base, **{key: _laid_over(base.get(key), value) for key, value in changes.items()}}


def compared(what: str, ours: Estimate, published: Estimate, unit: str) -> str:
    """Return ours, theirs and the pull, (ours - theirs) / combined error; an error that is not known counts as 0."""
    pull = (float(ours.value or 0.0) - float(published.value or 0.0)) / math.hypot(ours.error, published.error)
    return f"{what}: ours {quantity(ours, unit)}, published {quantity(published, unit)}, pull {pull:+.1f}"
