"""The Lake Shore 372 as temperature controller, through QCoDeS's own driver.

To what `lakeshore` says it adds the scanner: its position is asked for in the same message as value and
status, because a channel that is not being scanned keeps its last value and says it is valid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372

from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import CryostatError, HardwareError
from mqtctl.instruments.lakeshore.controller import LakeshoreController
from mqtctl.instruments.lakeshore.model_372_options import Lakeshore372Options
from mqtctl.instruments.lakeshore.zones import Zone
from mqtctl.instruments.roles.stand_in import ControllerStandIn
from mqtctl.instruments.talk.error_sentences import named
from mqtctl.instruments.talk.wanted import Spoken, Wanted

__all__ = ["Lakeshore372Controller"]

_SCAN = re.compile(r"\s*(\d{1,2}),([01])\s*")
_CLOSED_LOOP = 5


class Lakeshore372Controller(LakeshoreController):
    """`TemperatureController` on a Lake Shore 372.

    Parameters
    ----------
    instrument
        QCoDeS's driver.
    options
        Keys and values as in `Lakeshore372Options`, quantities as text.
    clock
        Keeps the pauses between messages and the settling time after a change of channel.
    """

    options_model: ClassVar[type[Document]] = Lakeshore372Options
    model: ClassVar[str] = "MODEL372"
    models: ClassVar[tuple[str, ...]] = (model,)
    heater_option: ClassVar[str] = "heater"
    heaters: ClassVar[Mapping[str | int, int]] = {"sample": 0, "warm-up": 1}

    def __init__(self, instrument: LakeshoreModel372, options: Mapping[str, object], clock: Clock) -> None:
        self._options = validate_document(options, Lakeshore372Options, f"options of {instrument.name}")
        self._statuses = instrument.ch01.SENSOR_STATUSES
        self._fresh_from = -math.inf
        heater = self._options.heater
        super().__init__(instrument, self._options, self.heaters[heater], f"{heater} heater", clock)

    @classmethod
    def stand_in(cls, driver: str, options: Lakeshore372Options) -> ControllerStandIn:
        """Return a resistance bridge with a sample heater and a warm-up heater."""
        return ControllerStandIn(
            "lakeshore-372",
            sensor=f"ch{options.channel}",
            heater="sample" if options.heater == "sample" else "warmup",
            coldest=options.minimum,
        )

    @property
    def _reading_query(self) -> str:
        """Ask for value, status and scanner position in one message."""
        channel = self._options.channel
        return f"KRDG? {channel};RDGST? {channel};SCAN?"

    @property
    def _heater_query(self) -> str:
        """Ask for the sample heater's current, or the warm-up heater's output (unconfirmed), in % of the range."""
        return "HTR?" if self._output == 0 else f"AOUT? {self._output}"

    def _interpret(self, fields: Sequence[str]) -> tuple[float, str, bool]:
        """Take value, status and scanner position apart."""
        value, status, scanner = fields
        scan = _SCAN.fullmatch(scanner)
        if scan is None:
            raise ValueError(f"{scanner!r} is not channel,autoscan")
        fault, stale = self._status_text(int(status), self._statuses), self._stale(int(scan[1]))
        return float(value), fault or stale, bool(stale and not fault)

    def _stale(self, scanned: int) -> str:
        """Return why the value is an old one, or nothing."""
        if scanned != self._options.channel:
            return f"stale: the scanner is on channel {scanned}, not {self._options.channel}"
        if self._clock.now() < self._fresh_from:
            return f"stale: the scanner has just come to channel {scanned}"
        return ""

    @property
    def _sensor(self) -> str:
        """The thermometer's channel."""
        return str(self._options.channel)

    def _check_input(self) -> None:
        """Raise unless the channel is on, excited and in kelvin; put the scanner on it for good."""
        channel = self._options.channel
        where = f"{named(self._instrument)}: channel {channel}"
        enabled, _, pause, *_ = self._talk.fields(f"INSET? {channel}", 5)
        if int(enabled) != 1:
            raise CryostatError(f"{where} is disabled; enable it at the instrument")
        *_, shunted, units = self._talk.fields(f"INTYPE? {channel}", 6)
        if int(shunted) != 0:
            raise CryostatError(f"{where} has its excitation off; turn it on at the instrument")
        if int(units) != 1:
            raise CryostatError(f"{where} regulates in Ohm and not in kelvin; choose kelvin as its preferred units")
        before = _SCAN.fullmatch(self._talk.ask("SCAN?"))
        self._talk.write(f"SCAN {channel},0")
        after = _SCAN.fullmatch(self._talk.ask("SCAN?"))
        if after is None or (int(after[1]), int(after[2])) != (channel, 0):
            found = after[0] if after else "nothing that can be read"
            raise HardwareError(f"{where}: the scanner does not stay on it, SCAN? gives {found}; free it at the panel")
        if before is None or int(before[1]) != channel:
            self._fresh_from = self._clock.now() + float(pause)

    def _loop(self) -> list[Wanted]:
        """Regulate this output on our channel; filter, polarity and delay stay as the lab has set them."""
        channel, talk = self._options.channel, self._talk
        query = f"OUTMODE? {self._output}"

        def make(_value: object) -> None:
            mode, source, powerup, polarity, use_filter, delay = talk.fields(query, 6)
            if (int(mode), source.lstrip("0"), int(powerup)) != (_CLOSED_LOOP, str(channel), 0):
                self._turn_off_unless_in(0)
                settings = f"{_CLOSED_LOOP},{channel},0,{int(polarity)},{int(use_filter)},{int(delay)}"
                talk.write(f"OUTMODE {self._output},{settings}")

        def parse(text: str) -> tuple[int, ...]:
            return tuple(int(field) for field in text.split(",")[:3])

        wanted = (_CLOSED_LOOP, channel, 0)
        return [
            Wanted("output mode and control channel", Spoken(query, talk.ask, make, parse), wanted),
            Wanted("input set-up", self._seen(f"INSET? {channel}"), made=False),
            self._input_type(autorange=2),
            Wanted("input filter", self._seen(f"FILTER? {channel}"), made=False),
        ]

    def _range_code(self, zone: Zone) -> int:
        """Return the number of a zone's heater range."""
        return self._options.range_code(zone)
