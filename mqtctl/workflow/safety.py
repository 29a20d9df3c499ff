"""Brings a station to rest with nothing but its file: source to zero and off, heater off."""

from __future__ import annotations

from pathlib import Path

from mqtctl.errors import InputError, MqtctlError, UnsafeError
from mqtctl.station import load_station, open_role, roles_played

__all__ = ["make_station_safe"]


def make_station_safe(station: Path) -> list[str]:
    """Make each instrument safe, whatever happens to the others; returns a sentence for each.

    No lock is taken: this must work while another process hangs on the bench.

    Raises
    ------
    InputError
        A fault in the station file.
    UnsafeError
        At least one instrument could not be confirmed safe; the message names all of them.
    """
    done, faults = [], []
    for role in roles_played(load_station(station), station):
        try:
            with open_role(station, role) as adapter:
                adapter.make_safe()
                done.append(f"{role}: {adapter.identify()}: safe")
        except InputError:
            raise
        except MqtctlError as exc:
            faults.append(f"{role}: {exc}")
    if faults:
        raise UnsafeError(f"the safe state is NOT confirmed, look at the instruments; {'; '.join(faults)}")
    return done
