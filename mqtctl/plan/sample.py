"""The sample file: what is known of the junction, and what it may see.

It stands apart from every plan, so that no plan can widen the limits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from mqtctl.documents import Document, load_document
from mqtctl.physics.well.names import WASHBOARD, checked_potential
from mqtctl.plan.known import CIRCUIT, parse_known, with_known
from mqtctl.quantities import Amperes, Farads, Kelvins, Ohms, Volts, readable
from mqtctl.records import JunctionEstimate

__all__ = ["JunctionFacts", "Limits", "Sample", "load_sample"]


def _checked_known(text: str) -> str:
    """Return a line that says what is known; raises `InputError` for what has a key of its own."""
    name = parse_known(text).name
    if name in CIRCUIT:
        raise ValueError(f"{text!r}: a {name} has keys of its own, {name} and {name}_uncertainty")
    return text


class JunctionFacts(Document):
    """Estimates of the junction's parameters; the capacitance and the resistance are used by fits.

    What else is known from other measurements (`known`, such as "plasma_frequency = 2.1 GHz +- 0.1 GHz @ 9.4 uA")
    enters the likelihoods of the verdict.

    The gap voltage is what the junction shows after a switch; `check` and `rehearse` compare thresholds with it. The
    potential is that of its current-phase relation.
    """

    critical_current: Annotated[Amperes, Field(gt=0)]
    capacitance: Annotated[Farads, Field(gt=0)]
    capacitance_uncertainty: Annotated[Farads, Field(ge=0)] | None = None
    resistance: Annotated[Ohms, Field(gt=0)]
    resistance_uncertainty: Annotated[Ohms, Field(ge=0)] | None = None
    known: list[Annotated[str, AfterValidator(_checked_known)]] = Field(default_factory=list)
    gap_voltage: Annotated[Volts, Field(gt=0)] | None = None
    potential: Annotated[str, AfterValidator(checked_potential)] = WASHBOARD

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Leave unsaid what is not stated, so that documents, and digests of plans, are those of files without it."""
        written: dict[str, object] = handler(self)
        for name in ("resistance_uncertainty", "known"):
            if not getattr(self, name):
                written.pop(name, None)
        if self.potential == WASHBOARD:
            written.pop("potential", None)
        return written

    @property
    def estimate(self) -> JunctionEstimate:
        """The junction as fits take it."""
        estimate = JunctionEstimate(
            critical_current=self.critical_current,
            capacitance=self.capacitance,
            resistance=self.resistance,
            capacitance_stderr=self.capacitance_uncertainty,
            potential=self.potential,
            resistance_stderr=self.resistance_uncertainty,
        )
        return with_known(estimate, [parse_known(text) for text in self.known])


class Limits(Document):
    """What the sample and its cryostat may see, whatever a plan asks for."""

    max_current: Annotated[Amperes, Field(gt=0)]
    max_temperature: Annotated[Kelvins, Field(gt=0)]


class Sample(Document):
    """A junction in its holder."""

    name: str = Field(min_length=1)
    junction: JunctionFacts
    limits: Limits

    @model_validator(mode="after")
    def _may_see_its_critical_current(self) -> Self:
        critical, most = self.junction.critical_current, self.limits.max_current
        if critical > most:
            raise ValueError(
                f"junction.critical_current is {readable(critical, 'A')}, but limits.max_current lets the sample see "
                f"at most {readable(most, 'A')}: it could never be measured; correct one of them"
            )
        return self


def load_sample(path: Path) -> Sample:
    """Read a sample file; raises `InputError` with the file and key at fault."""
    return load_document(path, Sample)
