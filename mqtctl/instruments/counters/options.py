"""What the options of all timing counters share: edges, amplifier in front of the stop input, delay, time-out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from mqtctl.documents import Document
from mqtctl.instruments.roles.diagnostic import Amplifier
from mqtctl.instruments.roles.experiment import StopEdge
from mqtctl.instruments.roles.stand_in import CounterStandIn, StartInput, StopInput
from mqtctl.quantities import Ohms, Seconds, Volts

__all__ = ["CounterOptions"]


class CounterOptions(Document):
    """Options of a timing counter.

    Attributes
    ----------
    start_slope, stop_slope
        Edges that count, positive or negative. The stop's are those of a switch at positive bias current.
    start_threshold, stop_threshold
        Levels of the edges. The stop's must lie between the amplified noise and the gap voltage, and has no
        default because it depends on the amplifier.
    start_impedance, stop_impedance
        Input impedances, 50 Ohm or 1 MOhm. A trigger-link line drives no 50 Ohm.
    start_coupling, stop_coupling
        Couplings; at a few hundred ramps a second ac coupling moves the baseline.
    delay
        Calibrated lag of the stop event behind the junction's current.
    timeout
        How long the counter waits for one interval; by default as long as it must. At least 1.5 ramp periods.
    amplifier_gain
        Voltage gain between junction and stop input, negative if it inverts; None: not known. For `check` and
        `rehearse` alone.
    amplifier_noise
        Its noise in V rms, referred to its input, in the bandwidth that the stop input sees; None: not known.
    """

    start_slope: Literal["positive", "negative"]
    stop_slope: Literal["positive", "negative"] = "positive"
    start_threshold: Volts
    stop_threshold: Volts
    start_impedance: Ohms = 1e6
    stop_impedance: Ohms = 1e6
    start_coupling: Literal["ac", "dc"] = "dc"
    stop_coupling: Literal["ac", "dc"] = "dc"
    delay: Seconds = Field(0.0, gt=-1, lt=1)
    timeout: Seconds | None = Field(None, gt=0)
    amplifier_gain: float | None = Field(None, strict=True, allow_inf_nan=False)
    amplifier_noise: Volts | None = Field(None, gt=0)

    @field_validator("amplifier_gain")
    @classmethod
    def _amplifies(cls, gain: float | None) -> float | None:
        """Refuse an amplifier that lets nothing through."""
        if gain == 0:
            raise ValueError("the gain is 0; write the voltage gain between junction and stop input, such as 1000")
        return gain

    @field_validator("start_impedance", "stop_impedance")
    @classmethod
    def _has_this_impedance(cls, impedance: float) -> float:
        """Refuse impedances that the counters do not have."""
        if impedance not in {50.0, 1e6}:
            raise ValueError(f"the impedance is 50 Ohm or 1 MOhm, not {impedance:g} Ohm")
        return impedance

    @property
    def start_edge(self) -> StopEdge:
        """The edge of the ramp's marker."""
        return StopEdge(self.start_threshold, rising=self.start_slope == "positive")

    @property
    def stop_edge(self) -> StopEdge:
        """The edge by which a switch at positive bias current is recognised."""
        return StopEdge(self.stop_threshold, rising=self.stop_slope == "positive")

    @property
    def amplifier(self) -> Amplifier:
        """What stands between the junction and the stop input."""
        return Amplifier(self.amplifier_gain, self.amplifier_noise)

    def stand_in(self, model: str, start: str, stop: str, *, streams: bool = False) -> CounterStandIn:
        """Return a simulated counter of a model that has the marker and the junction at these connectors."""
        return CounterStandIn(
            model,
            start=StartInput(start, self.start_edge.threshold, rising=self.start_edge.rising),
            stop=StopInput(
                stop,
                self.stop_edge.threshold,
                rising=self.stop_edge.rising,
                delay=self.delay,
                gain=self.amplifier_gain,
                noise=self.amplifier_noise,
            ),
            streams=streams,
        )
