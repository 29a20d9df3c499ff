"""Histograms that somebody else counted: edges or centres, counts or densities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqtctl.analysis import imported_histogram, read
from mqtctl.errors import InputError

COUNTS, EDGES = np.histogram(np.random.default_rng(9).normal(2.1, 0.02, 500), 25)  # uA
WIDTH = EDGES[1] - EDGES[0]
CENTRES = EDGES[:-1] + WIDTH / 2.0
DENSITY = COUNTS / COUNTS.sum() / WIDTH


def table(header: str, *columns: Any, delimiter: str = ",") -> str:
    return header + "\n" + "".join(delimiter.join(f"{v:.7g}" for v in row) + "\n" for row in zip(*columns, strict=True))


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (table("low_uA,high_uA,counts", EDGES[:-1], EDGES[1:], COUNTS), {}),
        (table("counts,high_uA,low_uA", COUNTS, EDGES[1:], EDGES[:-1]), {}),
        (table("I (uA),count", CENTRES, COUNTS), {}),
        (table("left edge (uA);hits", EDGES[:-1], COUNTS, delimiter=";"), {}),
        (table("right edge (uA);hits", EDGES[1:], COUNTS, delimiter=";"), {}),
        (table("Current [uA]\tDensity [1/A]\tPositive error [1/A]", CENTRES, DENSITY, DENSITY, delimiter="\t"), {}),
        (table("I (uA),density", CENTRES, DENSITY), {"switches": 500}),
        (table("I,N", CENTRES, COUNTS), {"counts_column": "N", "unit": "uA"}),
        (table("I,N,x", CENTRES, COUNTS, COUNTS), {"counts_column": "2", "column": "1", "unit": "uA"}),
        (table("I (uA),count", -CENTRES[::-1], COUNTS[::-1]), {}),
    ],
)
def test_every_layout_gives_the_same_switches_and_the_bin_as_their_resolution(
    content: str, options: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "h.txt").write_text(content)
    (record,) = read(tmp_path / "h.txt", **options)
    expected = np.repeat(CENTRES, COUNTS) * 1e-6
    np.testing.assert_allclose(np.sort(record.data.values), expected, rtol=1e-5)
    histogram = imported_histogram(record.data, 2e-4)
    assert histogram.resolution == pytest.approx(WIDTH * 1e-6, rel=1e-3)


def test_bins_of_times_have_a_resolution_in_current(tmp_path: Path) -> None:
    np.savez(tmp_path / "h.npz", counts=COUNTS, edges=EDGES)
    (record,) = read(tmp_path / "h.npz", unit="ms")
    histogram = imported_histogram(record.data, 2e-4)
    assert histogram.resolution == pytest.approx(WIDTH * 1e-3 * 2e-4)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (
            table("I (uA),count", CENTRES, np.where(np.arange(25) == 1, -1, COUNTS)),
            {},
            "line 3: -1 is no count of switches",
        ),
        (table("I (uA),count", CENTRES, 0 * COUNTS), {}, "without a switch"),
        (table("low_uA,high_uA,counts", EDGES[1:], EDGES[1:], COUNTS), {}, "line 2: the bin from"),
        (table("I (uA),count", CENTRES[np.r_[0:5, 4, 6:25]], COUNTS), {}, "line 7: 25 bins whose edges do not rise"),
        (table("I (uA),count", CENTRES**8, COUNTS), {}, "not equally wide .* give lower and upper edges"),
        (
            table("low_uA,high_uA,counts", EDGES[:-1] + WIDTH / 2.0 * (np.arange(25) == 5), EDGES[1:], COUNTS),
            {},
            "line 7: the bin begins at",
        ),
        (table("I (uA),density", CENTRES, np.exp(-(((CENTRES - 2.1) / 0.02) ** 2))), {}, "give it with --switches"),
        (table("I (uA),J (uA),K (uA),count", CENTRES, CENTRES, CENTRES, COUNTS), {}, "3 columns may be its bins"),
        (table("I,count", CENTRES, COUNTS), {}, "give --unit"),
    ],
)
def test_bins_and_counts_that_cannot_be_are_refused(
    content: str, options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    (tmp_path / "h.txt").write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        read(tmp_path / "h.txt", **options)
    assert "\n" not in str(caught.value)
