"""QCoDeS driver for the Nivalis TC2 temperature controller: two sensors, one heater."""

from __future__ import annotations

from typing import Any

from mqtctl_drivers.commands import Queried
from qcodes.instrument import VisaInstrument

__all__ = ["NivalisTC2"]


class NivalisTC2(VisaInstrument):
    """The controller; the settings are `Queried`, so that mqtctl can ask for all of them in one message."""

    default_terminator = "\n"

    def __init__(self, name: str, address: str, **kwargs: Any) -> None:
        super().__init__(name, address, **kwargs)
        for sensor in (1, 2):
            self.add_parameter(
                f"temperature_{sensor}",
                get_cmd=f"MEAS:TEMP{sensor}?",
                get_parser=lambda reply: float(reply.split(",")[0]),
                unit="K",
            )
        self.add_parameter("control_sensor", Queried, get_cmd="LOOP:SENS?", set_cmd="LOOP:SENS {:d}", get_parser=int)
        self.add_parameter(
            "setpoint", Queried, get_cmd="LOOP:SETP?", set_cmd="LOOP:SETP {:.6E}", get_parser=float, unit="K"
        )
        self.add_parameter(
            "heater_limit",
            Queried,
            get_cmd="HEAT:CURR:LIM?",
            set_cmd="HEAT:CURR:LIM {:.6E}",
            get_parser=float,
            unit="A",
        )
        self.add_parameter(
            "heater", Queried, get_cmd="HEAT?", set_cmd="HEAT {:d}", get_parser=lambda reply: bool(int(reply))
        )
