"""A calibration of the way from time to current: measured once, dated, referred to by every dataset that used it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from mqtctl.documents import Document, dump_yaml, load_document, validate_document
from mqtctl.errors import StorageError
from mqtctl.quantities import Amperes, Fraction, Seconds, Volts
from mqtctl.records import MeasuredRamp
from mqtctl.whole_files import write_whole

__all__ = ["Calibration", "ThresholdWalk", "load_calibration", "require_writable", "save_calibration"]


class ThresholdWalk(Document):
    """How much later the stop comes at a second threshold than at the first."""

    first_threshold: Volts
    second_threshold: Volts
    walk: Seconds
    uncertainty: Annotated[Seconds, Field(ge=0)]


class Calibration(Document):
    """What was found, with standard uncertainties.

    Attributes
    ----------
    date, method, station, instruments, simulated
        When, how and on what it was measured.
    sweep_id, database
        Where the raw intervals stand.
    delay
        Lag of the stop event behind the current at the junction: marker, filter, amplifier, comparator.
    offset
        Current that flows besides the ramp; None if only one polarity was measured.
    scale
        True currents over the source's own; 1 unless a known dummy resistor told.
    nonlinearity
        Largest departure of the ramp from a straight line, as a part of its span; None if not measured.
    time_base
        The source's period as the counter measures it, over the nominal one.
    pvalue
        That the measurements agree with this description.
    """

    date: datetime
    method: Literal["junction", "dummy resistor"]
    station: str
    instruments: dict[str, str]
    simulated: bool
    sweep_id: str
    database: str
    delay: Seconds
    delay_uncertainty: Annotated[Seconds, Field(ge=0)]
    offset: Amperes | None = None
    offset_uncertainty: Annotated[Amperes, Field(ge=0)] | None = None
    scale: Annotated[float, Field(gt=0)] = 1.0
    scale_uncertainty: Annotated[float, Field(ge=0)] | None = None
    nonlinearity: Annotated[Fraction, Field(ge=0)] | None = None
    time_base: Annotated[float, Field(gt=0)] = 1.0
    threshold_walk: ThresholdWalk | None = None
    pvalue: Annotated[float, Field(ge=0, le=1)] | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the content: what a dataset keeps to say which calibration it used."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    def apply(self, ramp: MeasuredRamp) -> MeasuredRamp:
        """Return an uncalibrated ramp as this calibration sees it; currents have the sign of the bias."""
        return replace(
            ramp,
            start_current=self.scale * ramp.start_current,
            stop_current=self.scale * ramp.stop_current,
            rate=self.scale * ramp.rate,
            delay=self.delay,
            offset=ramp.offset + (self.offset or 0.0),
        )

    def undo(self, ramp: MeasuredRamp) -> MeasuredRamp:
        """Return a ramp to which this calibration was applied as it was before, but for the delay."""
        return replace(
            ramp,
            start_current=ramp.start_current / self.scale,
            stop_current=ramp.stop_current / self.scale,
            rate=ramp.rate / self.scale,
            offset=ramp.offset - (self.offset or 0.0),
        )

    @classmethod
    def from_reference(cls, reference: Mapping[str, Any]) -> Self:
        """Return the calibration that a dataset refers to; raises `InputError` if it is damaged."""
        content = {key: value for key, value in reference.items() if key != "digest"}
        return validate_document(content, cls, "the dataset's calibration")

    def reference(self) -> dict[str, object]:
        """Return what a dataset keeps about the calibration that was applied to it."""
        return {"digest": self.digest, **self.model_dump(mode="json")}


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file; raises `InputError` with the file and key at fault."""
    return load_document(path, Calibration)


def require_writable(path: Path) -> None:
    """Raise `StorageError` unless a calibration could be written there; its folder is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as exc:
        raise StorageError(f"no calibration can be written to {path} ({exc.strerror or exc})") from exc
    if path.is_dir():
        raise StorageError(f"no calibration can be written to {path}, which is a folder; give the name of a file")


def save_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration file, whole or not at all; raises `StorageError` if it cannot be written."""
    text = "# Written by `mqtctl calibrate`. A plan refers to it with `calibration: FILE`.\n"
    content = {key: value for key, value in calibration.model_dump(mode="json").items() if value is not None}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, (text + dump_yaml(content)).encode())
    except OSError as exc:
        raise StorageError(f"the calibration cannot be written to {path} ({exc.strerror or exc})") from exc
