"""The bench as a station file describes it: what the file may say, and the instruments behind it, open.

The file is an ordinary QCoDeS station YAML. What an instrument does in this experiment, and how
it is wired, stands under `init: metadata: mqtctl:` and so also in the snapshot of every run.
"""

from __future__ import annotations

from mqtctl.station.connecting import Station, open_role, open_station
from mqtctl.station.file import (
    ROLES,
    InstrumentEntry,
    Role,
    StationFile,
    load_station,
    roles_played,
)
from mqtctl.station.libraries import canonical_address

__all__ = [
    "ROLES",
    "InstrumentEntry",
    "Role",
    "Station",
    "StationFile",
    "canonical_address",
    "load_station",
    "open_role",
    "open_station",
    "roles_played",
]
