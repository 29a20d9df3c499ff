"""How an instrument is reached, taken once on connecting: an error sentence must not ask the session it tells of.

With it a session that is lost can also be opened anew, which is the last resort on the way to a safe state.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["Link", "link_of", "open_anew", "remember_link"]

#: Settings of a session that a new one needs as well; the last five exist on serial lines only.
_SETTINGS = (
    "read_termination",
    "write_termination",
    "timeout",
    "baud_rate",
    "data_bits",
    "parity",
    "stop_bits",
    "flow_control",
)


@dataclass(frozen=True)
class Link:
    """Name and address of an instrument, and what a new session to it needs.

    Attributes
    ----------
    library
        The VISA library as QCoDeS takes it; None for the computer's own.
    known
        Whether it was taken on connecting, so that a session can be opened anew.
    settings
        Attributes of the PyVISA resource.
    """

    name: str
    address: str
    library: str | None = None
    known: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"

    def reopen(self, instrument: VisaInstrument) -> None:
        """Close the session, whatever state it is in, and open a new one; raises whatever the VISA library raises."""
        with suppress(Exception):  # it is being given up: nothing that it still says matters
            instrument.visa_handle.close()
        instrument.set_address(self.address, self.library)
        for name, value in self.settings.items():
            setattr(instrument.visa_handle, name, value)


_links: weakref.WeakKeyDictionary[Any, Link] = weakref.WeakKeyDictionary()


def remember_link(instrument: VisaInstrument, address: str, library: str | None, name: str | None = None) -> Link:
    """Keep how an instrument was reached, and what it is called (default: its name); called once it is connected."""
    handle, settings = instrument.visa_handle, {}
    for setting in _SETTINGS:
        with suppress(Exception):  # an attribute that this interface does not have
            settings[setting] = getattr(handle, setting)
    link = _links[instrument] = Link(name or instrument.name, address, library, known=True, settings=settings)
    return link


def link_of(instrument: VisaInstrument) -> Link:
    """Return how an instrument is reached; never fails, whatever has become of its session."""
    found = _links.get(instrument)
    if found is None:
        try:
            address = str(instrument.address)
        except Exception:  # a driver asks the session, and that may be what is broken
            address = "address not known any more"
        else:
            _links[instrument] = found = Link(instrument.name, address)
    return found or Link(instrument.name, address)


def open_anew(instrument: VisaInstrument, distrust: Callable[[], object]) -> None:
    """Open the session of an instrument anew and have it asked who it is before anything else.

    Parameters
    ----------
    distrust
        Makes sure of the instrument's identity before the next exchange.
    """
    link = link_of(instrument)
    if not link.known:
        return
    link.reopen(instrument)
    distrust()
