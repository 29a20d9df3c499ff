"""The example files that come with the package: what `sweep` runs by default and `init` copies."""

from __future__ import annotations

from pathlib import Path

from mqtctl.errors import InputError

__all__ = ["EXAMPLES", "example_path", "write_examples"]

EXAMPLES = ("plan.yaml", "station.yaml", "sample.yaml")


def example_path(name: str) -> Path:
    """Return where an example file of the package lies."""
    return Path(__file__).parent / "examples" / name


def write_examples(folder: Path) -> list[Path]:
    """Copy the example files into a folder and return their paths.

    Raises
    ------
    InputError
        One of them exists already (then none is written), or the folder cannot be written.
    """
    targets = [folder / name for name in EXAMPLES]
    for target in targets:
        if target.exists():
            raise InputError(f"{target} exists already and is left as it is; choose another folder or move it away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target in targets:
            target.write_text(example_path(target.name).read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as exc:
        raise InputError(f"{folder} cannot be written ({exc.strerror}); choose another folder") from exc
    return targets
