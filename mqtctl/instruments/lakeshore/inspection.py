"""What a Lake Shore controller tells of itself in a check: errors, self-test, heater, and whether its reading lives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from mqtctl.clock import Clock
from mqtctl.instruments.lakeshore.zones import ZonedOptions
from mqtctl.instruments.roles.experiment import TemperatureReading
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.talk.foreign_driver import Conversation
from mqtctl.instruments.talk.inspection import examine, look
from mqtctl.quantities import readable

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["inspect_controller", "zone_findings"]

#: Bits of the standard event register that tell of a fault.
_EVENTS = {4: "query error", 16: "a command was refused", 32: "a command was not understood"}
#: Times in s after which the thermometer is read again: at 1 reading a second all of them change, if only by noise.
_READ_AGAIN = (2.0, 5.0)
#: A zone without heating is left for temperatures up to this many times the lowest one.
_WITHOUT_HEATING = 1.2


def inspect_controller(
    instrument: VisaInstrument,
    talk: Conversation,
    models: Collection[str],
    *,
    read: Callable[[], TemperatureReading],
    sensor: str,
    heater: tuple[int, str],
    clock: Clock,
) -> list[Finding]:
    """Return identity, errors, self-test, heater and freshness of the reading; changes nothing.

    Parameters
    ----------
    read
        Reads the thermometer.
    sensor
        Its channel or input.
    heater
        Number and name of its output.
    clock
        Rules the time between two readings.
    """

    def errors() -> Sequence[tuple[int, str]]:
        status = int(talk.ask("*ESR?"))
        return [(bit, text) for bit, text in _EVENTS.items() if status & bit]

    found = examine(instrument, models, errors=errors, self_test=lambda: int(float(talk.ask("*TST?"))))
    if found[0].verdict == "fault":
        return found
    found.append(look("heater", lambda: _heater(talk, *heater)))
    found.append(look("thermometer", lambda: _freshness(read, lambda: _sensor_reading(talk, sensor), clock)))
    return found


def zone_findings(
    zones: ZonedOptions, range_code: Callable[[float], int], temperatures: Collection[float]
) -> list[Finding]:
    """Return a warning for each temperature (K) above the lowest that is to be held without heating.

    Raises
    ------
    InputError
        A temperature is outside of what the cryostat holds.
    """
    cold = [t for t in temperatures if range_code(t) == 0 and t > _WITHOUT_HEATING * zones.minimum]
    if not cold:
        return []
    listed = ", ".join(readable(t, "K") for t in cold)
    return [
        Finding(
            "heater ranges",
            "warning",
            f"the heater is off in the zone of {listed}, above the lowest temperature of "
            f"{readable(zones.minimum, 'K')}: the bath will not come up to it",
            "give that zone a heater range",
            cause="file",
        )
    ]


def _heater(talk: Conversation, output: int, name: str) -> Finding:
    """Say whether the heater is on; in a check that is no fault."""
    with talk.about("asking for the heater's range"):
        code = int(talk.ask(f"RANGE? {output}"))
    return Finding("heater", "good", f"the {name} is off" if code == 0 else f"the {name} is on (range {code})")


def _sensor_reading(talk: Conversation, sensor: str) -> str:
    """Return the sensor's resistance or voltage as it is written: it has more digits than the temperature."""
    with talk.about("reading the sensor"):
        return talk.ask(f"SRDG? {sensor}")


def _freshness(read: Callable[[], TemperatureReading], read_sensor: Callable[[], str], clock: Clock) -> Finding:
    """Say whether the reading can be believed, and whether it moves."""
    first = read()
    text = f"{readable(first.temperature, 'K')}" if first.temperature > 0 else f"{first.temperature:g} K"
    if not first.valid:
        if first.stale:
            advice = "nothing, if it is the scanner: a sweep puts it on its channel and waits; else look at the panel"
            return Finding("thermometer", "warning", f"it reads {text}, but that is {first.status}", advice)
        return Finding(
            "thermometer", "fault", f"it reads {text} ({first.status})", "look at sensor, excitation and curve"
        )
    before = read_sensor()
    waited = 0.0
    for pause in _READ_AGAIN:
        clock.sleep(pause)
        waited += pause
        if read_sensor() != before:
            return Finding("thermometer", "good", f"{text}, valid, and alive (two readings differ)")
    return Finding(
        "thermometer",
        "warning",
        f"it reads {text} and has not changed at all in {readable(waited, 's')}",
        "see whether the channel is being scanned, and its filter",
    )
