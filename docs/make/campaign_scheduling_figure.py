"""Draws docs/figures/campaign_scheduling.png from `benchmarks/campaign.py --only scheduling --json FILE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt


def main(source: Path, target: Path) -> None:
    """Draw the figure."""
    found = {int(number): seconds for number, seconds in json.loads(source.read_text())["scheduling"].items()}
    numbers, seconds = list(found), list(found.values())
    each = seconds[-1] / numbers[-1]
    figure, axes = plt.subplots(figsize=(6.0, 3.4), layout="constrained")
    axes.loglog(numbers, [each * number for number in numbers], color="0.6", label=f"{1e6 * each:.0f} µs each")
    axes.loglog(numbers, seconds, "o", label="handed out, written, put in order")
    axes.set_xlabel("draws")
    axes.set_ylabel("CPU time of the collector / s")
    axes.legend(frameon=False)
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parents[1] / "figures" / "campaign_scheduling.png")
