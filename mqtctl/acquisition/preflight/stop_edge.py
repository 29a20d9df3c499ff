"""Whether the edge that the counter waits for is one that a switch makes, and noise does not."""

from __future__ import annotations

from collections.abc import Iterator

from mqtctl.instruments.roles.diagnostic import Amplifier
from mqtctl.instruments.roles.experiment import StopEdge
from mqtctl.instruments.roles.findings import Finding
from mqtctl.quantities import readable

__all__ = ["stop_edge_findings"]

#: A threshold nearer to the base line than so many standard deviations is passed by noise alone: at a bandwidth B
#: it is crossed 0.6 B exp(-n^2 / 2) times a second (Rice, Bell Syst. Tech. J. 23, 282 (1944), eq. 3.3-11), for
#: B = 1 MHz every half second at n = 5, and once in a quarter of a day at 7.
_NOISY, _QUIET = 5.0, 7.0
#: Beyond this share of the gap voltage, noise and rounding of the step decide when it is passed.
_HIGH = 0.9
#: Where a threshold is recommended, as a share of the gap voltage.
_RECOMMENDED = 0.4


def stop_edge_findings(edge: StopEdge, amplifier: Amplifier, gap_voltage: float | None) -> list[Finding]:
    """Compare the stop's threshold and slope with what amplifier and junction make of a switch at positive current.

    Parameters
    ----------
    edge
        As the station file has it.
    amplifier
        As far as it is known.
    gap_voltage
        Voltage of the junction behind a switch in V; None: not known.
    """
    wrong = _polarity(edge, amplifier.gain)
    if wrong is not None:
        return [wrong]
    return [*_against_gap(edge, amplifier, gap_voltage), *_against_noise(edge, amplifier)]


def _fault(text: str, advice: str) -> Finding:
    return Finding("stop threshold", "fault", text, advice, cause="file")


def _slope(rising: bool) -> str:
    return "positive" if rising else "negative"


def _polarity(edge: StopEdge, gain: float | None) -> Finding | None:
    """Return the fault if a switch at positive current goes the other way."""
    level = readable(edge.threshold, "V")
    if edge.threshold == 0.0:
        return _fault("stop_threshold is 0 V, which noise passes all the time", "put it between noise and gap voltage")
    upwards = edge.threshold > 0 if gain is None else gain > 0
    if edge.rising == upwards and (edge.threshold > 0) == upwards:
        return None
    if gain is None:
        return _fault(
            f"wrong polarity: with stop_slope {_slope(edge.rising)} at {level} the counter waits for the junction's "
            "return to the zero-voltage state, not for its switch",
            f"set stop_slope: {_slope(upwards)}, or the threshold's sign if the amplifier inverts",
        )
    return _fault(
        f"wrong polarity: behind an amplifier of gain {gain:g} a switch at positive current goes "
        f"{'up' if upwards else 'down'} from 0 V, but the counter waits for a {'rising' if edge.rising else 'falling'} "
        f"edge through {level}",
        f"set stop_slope: {_slope(upwards)} and a {_slope(upwards)} stop_threshold, or correct amplifier_gain",
    )


def _against_gap(edge: StopEdge, amplifier: Amplifier, gap_voltage: float | None) -> Iterator[Finding]:
    """Compare the threshold with the amplified gap voltage."""
    if amplifier.gain is None or gap_voltage is None:
        missing = [
            name
            for name, value in (
                ("amplifier_gain of the counter in the station file", amplifier.gain),
                ("junction.gap_voltage in the sample file", gap_voltage),
            )
            if value is None
        ]
        text = f"whether {readable(edge.threshold, 'V')} lies below the amplified gap voltage is not known"
        yield Finding("stop threshold", "not checked", text, f"give {' and '.join(missing)}", cause="file")
        return
    step = abs(amplifier.gain) * gap_voltage
    share = abs(edge.threshold) / step
    level, size = readable(abs(edge.threshold), "V"), readable(step, "V")
    text = f"stop_threshold is {level}, the gap voltage behind the amplifier {size}"
    advice = f"lower it, to {readable(_RECOMMENDED * step, 'V')} for instance"
    if share >= 1.0:
        yield _fault(f"{text}: above the gap voltage, it is passed by no switch", advice)
    elif share > _HIGH:
        text = f"{text}: so close to it that noise decides when a switch passes"
        yield Finding("stop threshold", "warning", text, advice, cause="file")
    else:
        yield Finding("stop threshold", "good", f"{text} ({share:.0%})")


def _against_noise(edge: StopEdge, amplifier: Amplifier) -> Iterator[Finding]:
    """Compare the threshold with the declared noise; what is not declared is measured by `live_findings`."""
    if amplifier.gain is None or amplifier.noise is None:
        return
    noise = abs(amplifier.gain) * amplifier.noise
    distance = abs(edge.threshold) / noise
    text = f"stop_threshold is {distance:.3g} times the amplified noise of {readable(noise, 'V')} rms"
    advice = f"raise it, to {readable(2 * _QUIET * noise, 'V')} for instance"
    if distance < _NOISY:
        yield _fault(f"{text}, below the noise: with less than {_NOISY:g} times it makes false stops", advice)
    elif distance < _QUIET:
        yield Finding("stop threshold", "warning", f"{text}: noise passes it now and then", advice, cause="file")
    else:
        yield Finding("stop threshold", "good", text)
