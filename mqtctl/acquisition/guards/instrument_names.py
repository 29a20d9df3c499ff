"""Which instrument an address means: the same name for every way to write it, for the lock on the bench."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

from mqtctl.station import canonical_address, load_station

__all__ = ["instruments_of", "names_of"]


def instruments_of(station: Path) -> dict[str, str]:
    """Return what has to be locked for a station file: name of each instrument -> its address as it is written there.

    Instruments on a simulated bench inside this process have no name; those on a served one (`serve:PORT@mqt`) have.

    Raises
    ------
    InputError
        A fault in the station file.
    """
    return {
        name: entry.address
        for entry in load_station(station).instruments.values()
        for name in names_of(entry.address, entry.init.visalib or "")
    }


def names_of(address: str, library: str = "") -> set[str]:
    """Return the names of the instrument at a VISA address; two addresses of one instrument share one at least.

    A host on the network is one instrument, whatever the protocol and the port: an instrument has several. On this
    computer's own loopback addresses the port counts, for simulated instruments and tunnels share them. A GPIB
    instrument is one with all its secondary addresses. An alias that only the VISA library knows is its own name.

    Parameters
    ----------
    address
        VISA address in any spelling.
    library
        The `visalib` of the station file.
    """
    from pyvisa import rname

    if library.endswith("@mqt"):
        place, _, port = library.removesuffix("@mqt").partition(":")
        return (
            {f"served {port.lstrip('0')} {canonical_address(_spelled(address)).upper()}"} if place == "serve" else set()
        )
    try:
        found = rname.ResourceName.from_string(_spelled(address))
    except rname.InvalidResourceName:
        return {address.strip().casefold()}
    match found:
        case rname.TCPIPSocket():
            return _on_the_network(found.host_address, _number(found.port))
        case rname.TCPIPInstr():
            return _on_the_network(found.host_address, found.lan_device_name)
        case rname.VICPInstr():
            return _on_the_network(found.host_address, "vicp")
        case rname.GPIBInstr():
            return {f"gpib {_number(found.board)} {_number(found.primary_address)}"}
        case rname.USBInstr() | rname.USBRaw():
            model = f"{_number(found.manufacturer_id)} {_number(found.model_code)}"
            return {f"usb {model} {found.serial_number.upper()}"}
        case rname.ASRLInstr() if "/" in found.board:
            return {f"serial {Path(found.board).resolve()}"}  # /dev/serial/by-id and its like are links
        case _:
            return {str(found).upper()}


def _spelled(address: str) -> str:
    """Return an address with interface and class in capitals, as PyVISA wants them; a serial device stays as it is."""
    first, *rest = address.strip().split("::")
    first = first[:4].upper() + first[4:] if first.upper().startswith("ASRL") else first.upper()
    if rest and rest[-1].isalpha():
        rest[-1] = rest[-1].upper()
    return "::".join((first, *rest))


def _number(text: str) -> str:
    """Return a number of an address in one way: VISA takes 12, 012 and 0x0C."""
    try:
        return str(int(text, 16) if text.lower().startswith("0x") else int(text))
    except ValueError:
        return text.upper()


def _on_the_network(host: str, way: str) -> set[str]:
    """Return one name for each network address of a host; connecting looks it up, too."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):  # unknown here: nobody else on this computer reaches it under this name either
        return {f"host {host.lower()}"}
    return {
        f"loopback {way.lower()}" if ipaddress.ip_address(place).is_loopback else f"host {place}" for place in found
    }
