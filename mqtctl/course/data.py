"""Writes the files of a hidden junction: switching currents for each temperature, and the sheet of answers."""

from __future__ import annotations

from pathlib import Path

from mqtctl.course.junctions import Hidden, hidden
from mqtctl.course.truth import ASKED, EXPLANATIONS
from mqtctl.errors import InputError
from mqtctl.quantities import readable

__all__ = ["ANSWERS", "write_data"]

ANSWERS = "answers.yaml"


def write_data(seed: int, folder: str | Path) -> list[Path]:
    """Write the data of a hidden junction and the sheet of answers into a folder; nothing there says the truth.

    Files of the same seed that are there already are left as they are: a filled sheet stays filled.

    Returns
    -------
    list of Path
        The data files, coldest first, then answers.yaml.

    Raises
    ------
    InputError
        The seed is none, a file of that name and another content is there (then none is written), or the folder cannot
        be written.
    """
    night, folder = hidden(seed), Path(folder)
    texts = {
        folder / f"{1e3 * bath:.0f}mK.txt": "I_sw (uA)\n" + "".join(f"{1e6 * current:.6f}\n" for current in currents)
        for bath, currents in zip(night.temperatures, night.currents(), strict=True)
    }
    texts[folder / ANSWERS] = _sheet(night)
    try:
        missing = [path for path, text in texts.items() if not _is_there(path, text, seed)]
        folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            path.write_text(texts[path], encoding="utf-8")
    except OSError as exc:
        raise InputError(f"{folder} cannot be written ({exc.strerror}); choose another folder") from exc
    return list(texts)


def _is_there(path: Path, text: str, seed: int) -> bool:
    """Return whether a file is there already; raises `InputError` if it is another one."""
    if not path.exists():
        return False
    found = path.read_text(encoding="utf-8", errors="replace")
    if found != text and not (path.name == ANSWERS and f"\nseed: {seed}\n" in f"\n{found}\n"):
        raise InputError(f"{path} exists already and is left as it is; choose another folder or move it away")
    return True


def _sheet(night: Hidden) -> str:
    """Return what the laboratory knows, as comments, and the questions."""
    known = night.known
    rate = readable(night.ramp_rate, "A/s")
    capacitance = _stated(known.capacitance, known.capacitance_stderr, "F")
    resistance = _stated(known.resistance, known.resistance_stderr, "Ohm")
    lines = [
        f"# Hidden junction {night.seed}. The bias current was ramped from 0 A at {rate}; every ramp switched.",
        "# Each file holds the switching currents at the bath temperature of its name. Known from elsewhere:",
        f'#   --ramp-rate "{rate}" --known "capacitance = {capacitance}" --known "resistance = {resistance}"',
        f"# The critical current is roughly {readable(known.critical_current, 'A')}.",
        "# Answers are numbers with a standard error, both with a unit: 9.49 uA +- 0.02 uA",
        f"seed: {night.seed}",
        *(f"{name}:  # {asked.words}" for name, asked in ASKED.items()),
        f"explanation:  # {', '.join(EXPLANATIONS)}: why the coldest histograms stay as wide as they are",
    ]
    return "\n".join(lines) + "\n"


def _stated(value: float, stderr: float | None, unit: str) -> str:
    return f"{readable(value, unit)} +- {readable(stderr or 0.0, unit)}"
