"""Draws docs/figures/verdict_blind.png, how often each verdict errs, from `benchmarks/bench_verdict.py --json FILE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

_RIGHT = {
    "tunnelling": "tunnelling",
    "noise in quadrature": "thermal",
    "decoupled": "decoupled",
    "added noise": "thermal",
}


def main(source: Path, target: Path) -> None:
    """Draw the figure."""
    found = json.loads(source.read_text(encoding="utf-8"))
    truths = list(_RIGHT)
    figure, axes = plt.subplots(figsize=(8.0, 3.4), layout="constrained")
    for place, (way, label) in enumerate(
        (("verdict", "all histograms"), ("width", "width alone"), ("peak", "peak position alone"))
    ):
        shares, errors = [], []
        for truth in truths:
            said = [one[way] for one in found if one["truth"] == truth]
            right = _RIGHT[truth] if way == "verdict" else ("tunnelling" if truth == "tunnelling" else None)
            wrong = np.mean([(one != right) if right else one == "tunnelling" for one in said])
            shares.append(100.0 * wrong)
            errors.append(100.0 * np.sqrt(wrong * (1.0 - wrong) / len(said)))
        axes.bar(np.arange(len(truths)) + 0.27 * (place - 1), shares, 0.25, yerr=errors, label=label)
    axes.set_xticks(range(len(truths)), [("" if t == "tunnelling" else "classical,\n") + t for t in truths])
    axes.set_ylabel("wrong / %")
    axes.legend(frameon=False, loc="upper right")
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parents[1] / "figures" / "verdict_blind.png")
