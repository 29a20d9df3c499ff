"""A small YAML file beside the data that says what they do not: the options of `analyze`, under their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from mqtctl.documents import Document, load_document
from mqtctl.errors import InputError
from mqtctl.quantities import Amperes, AmperesPerSecond, Farads, Hertz, Kelvins, Ohms, Seconds, parse_quantity

__all__ = ["Description", "read_description", "resolution_in"]


class Description(Document):
    """What `--describe` reads; every key is the option of that name, and none is needed.

    `data` names the files themselves, seen from the description's folder.
    """

    data: str | list[str] | None = None
    column: str | int | None = None
    unit: str | None = None
    quantity: Literal["current", "time", "voltage"] | None = None
    bias_resistance: Ohms | None = None
    polarity: Literal["positive", "negative", "both"] | None = None
    empty: Literal["missed", "survived"] | None = None
    temperature_column: str | int | None = None
    rate_column: str | int | None = None
    counts_column: str | int | None = None
    switches: int | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    encoding: str | None = None
    ramp_rate: AmperesPerSecond | None = None
    capacitance: Farads | None = None
    resistance: Ohms | None = None
    critical_current: Amperes | None = None
    critical_current_stderr: Amperes | None = None
    start_current: Amperes | None = None
    stop_current: Amperes | None = None
    delay: Seconds | None = None
    temperature: Kelvins | None = None
    censored: int | None = None
    resolution: str | None = None
    rounding: Literal["nearest", "up", "down"] | None = None
    known: list[str] | None = None
    free: list[str] | None = None
    fix: list[str] | None = None
    current_noise: str | None = None
    false_triggers: str | None = None
    drift: str | None = None
    mains: Hertz | None = None
    period: Seconds | None = None
    model: str | None = None
    potential: str | None = None
    importer: str | None = None


def read_description(path: Path) -> dict[str, Any]:
    """Return what a description says, in SI units, under the names of `ForeignFacts` and `ReadOptions`.

    Parameters that are free or fixed by name stay as they are written.

    Raises
    ------
    InputError
        The file, the line and the key that cannot be read.
    """
    described = load_document(path, Description)
    given = {name: value for name in Description.model_fields if (value := getattr(described, name)) is not None}
    if "data" in given:
        named = given["data"] if isinstance(given["data"], list) else [given["data"]]
        given["data"] = [path.parent / name for name in named]
    for name in ("column", "temperature_column", "rate_column", "counts_column"):
        if name in given:
            given[name] = str(given[name])
    if "resolution" in given:
        try:
            given |= resolution_in(given.pop("resolution"))
        except InputError as error:
            raise InputError(f"{path}: resolution: {error}") from error
    return given


def resolution_in(text: str) -> dict[str, float]:
    """Return a resolution under the name of its quantity: a current, or a time; raises `InputError`."""
    try:
        return {"resolution_time": parse_quantity(text, "s")}
    except InputError:
        return {"resolution": parse_quantity(text, "A")}
