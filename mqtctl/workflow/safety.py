"""Brings a bench to rest with nothing but its station file, however much of that is wrong.

Address and driver of an instrument are enough. Whatever else the file says is not carried out, and what is wrong
with it is told when everything has been tried.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mqtctl.clock import WallClock
from mqtctl.documents import load_yaml
from mqtctl.errors import InputError, MqtctlError, UnsafeError
from mqtctl.instruments.talk.link import remember_link
from mqtctl.instruments.talk.resting import attempt_of, bring_to_rest
from mqtctl.station.connecting import Player, VisaFaults, clock_of, prepared
from mqtctl.station.file import OPTIONAL_ROLES, ROLES, InstrumentEntry, check_entry, check_together, check_top, players
from mqtctl.station.libraries import is_simulated
from mqtctl.station.rescue import rescued, role_in
from mqtctl.storage.qcodes_settings import qcodes_without_broken_files

__all__ = ["Rested", "bring_station_to_rest", "make_station_safe"]

#: How long in s a counter may take to say who it is.
_IDENTITY_TIMEOUT = 1.0
_COUNTER = "timing_counter"
_numbers = itertools.count()


@dataclass
class Rested:
    """What became of a bench.

    Attributes
    ----------
    done
        A sentence for each instrument that is at rest, in the order of the roles.
    unconfirmed
        A sentence for each source and heater that is not, or may not be.
    faults
        What is wrong with the station file.
    remarks
        What else is to be said: a counter that cannot be reached has no output and harms nothing.
    simulated
        Whether all that could be opened stands on a simulated bench.
    """

    done: list[str] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    simulated: bool = False

    @property
    def error(self) -> MqtctlError | None:
        """What the command ends with: not confirmed goes before a fault of the file."""
        if self.unconfirmed:
            listed = "; ".join([*self.unconfirmed, *self.faults])
            return UnsafeError(f"the safe state is NOT confirmed, look at the instruments; {listed}")
        if self.faults:
            return InputError(f"source and heater are off, but the station file has faults: {'; '.join(self.faults)}")
        return None


def make_station_safe(station: Path) -> list[str]:
    """Make each instrument safe, whatever happens to the others; returns a sentence for each.

    No lock is taken: this must work while another process hangs on the bench.

    Raises
    ------
    UnsafeError
        A source or heater could not be confirmed off; the message names all of them.
    InputError
        The station file has faults; everything was made safe nevertheless, unless it cannot be read at all.
    """
    rested = bring_station_to_rest(station)
    if rested.error is not None:
        raise rested.error
    return rested.done


def bring_station_to_rest(path: Path) -> Rested:
    """Do what `make_station_safe` does and return all that there is to say.

    Raises
    ------
    InputError
        There is no such file.
    """
    rested = Rested()
    if not path.is_file():
        raise InputError(f"{path}: no such file; name the station file whose instruments are to be made safe")
    try:
        content = load_yaml(path, duplicates=True)
        players(content, path)
    except InputError as exc:  # nobody knows where source and heater are
        rested.unconfirmed.append(str(exc))
        return rested
    try:
        load_yaml(path)
    except InputError as exc:  # a key that stands twice
        rested.faults.append(str(exc))
    entries = players(content, path)
    broken = qcodes_without_broken_files()
    rested.remarks += [broken] if broken else []
    rested.faults += _faults(content, entries, path)
    cast, refused = [], []
    for name, entry in entries.items():
        try:
            cast.append(rescued(name, entry, path))
        except InputError as exc:
            refused.append(str(exc))
            role = role_in(entry)
            if role != _COUNTER:
                rested.unconfirmed.append(f"{role or name}: {exc}")
    rested.faults += [fault for fault in refused if fault not in rested.faults]
    if rested.unconfirmed:  # what is told there need not be told twice
        rested.faults = [fault for fault in rested.faults if not any(fault in said for said in rested.unconfirmed)]
    played = {one.role for one in cast} | {role_in(entry) for entry in entries.values()}
    rested.unconfirmed += [
        f"{role}: no instrument of the station file plays this role"
        for role in ROLES
        if role not in {*played, _COUNTER}
    ]
    with ExitStack() as stack, redirect_stdout(io.StringIO()):  # drivers announce themselves on stdout
        _rest(cast, rested, stack)
    return rested


def _rest(cast: Iterable[Player], rested: Rested, stack: ExitStack) -> None:
    """Bring sources and heaters to rest side by side, then the counters."""
    rescues = [_Rescue(one, stack) for one in cast]
    for rescue in rescues:
        rescue.hold_library()
    outputs = {_label(rescue, rescues): rescue for rescue in rescues if rescue.one.role != _COUNTER}
    real = any(not is_simulated(rescue.one.library) for rescue in rescues)
    rested.simulated = bool(rescues) and not real
    attempts = {label: rescue.attempt for label, rescue in outputs.items()}
    unconfirmed = bring_to_rest(attempts, WallClock(), patience=0.0, side_by_side=real)
    rested.unconfirmed += [f"{label}: {fault}" for label, fault in unconfirmed.items()]
    done = [
        (rescue.one.role, f"{label}: {rescue.identity}: safe")
        for label, rescue in outputs.items()
        if label not in unconfirmed
    ]
    for rescue in rescues:
        if rescue.one.role == _COUNTER:
            try:
                rescue.idle()
            except Exception as exc:  # of any kind: a counter harms nothing, and what was confirmed must be told
                rested.remarks.append(f"{_COUNTER}: not brought to rest, which harms nothing: {exc}")
            else:
                done.append((_COUNTER, f"{_COUNTER}: {rescue.identity}: safe"))
    order = (*ROLES, *OPTIONAL_ROLES)
    rested.done += [line for _, line in sorted(done, key=lambda told: order.index(told[0]))]


def _label(rescue: _Rescue, rescues: list[_Rescue]) -> str:
    """Return the role, with the instrument's name where several play it."""
    role, alike = rescue.one.role, [other for other in rescues if other.one.role == rescue.one.role]
    return role if len(alike) == 1 else f"{role}: {rescue.one.name}"


class _Rescue:
    """One instrument on its way to rest: opened at the first try, and again if that failed."""

    def __init__(self, one: Player, stack: ExitStack) -> None:
        self.one = one
        self.identity = ""
        self._stack = stack
        self._way: Any = None

    def hold_library(self) -> None:
        """Open the VISA library, in the thread of all; if that fails it is told when the instrument is tried."""
        import pyvisa

        with suppress(Exception):
            self._stack.callback(lambda _manager: None, pyvisa.ResourceManager(self.one.library or ""))

    def attempt(self, number: int, timeout: float) -> str:
        """Try once; replies are waited for `timeout` s, twice as long where nothing was heard yet."""
        if self._way is None:
            driver, clock = self._open(2.0 * timeout)
            rest = getattr(self.one.adapter, "rest", None)
            if rest is not None:
                self._way = rest(driver, self.one.options, clock).attempt
            else:
                self._way = attempt_of(self._adapter(driver, clock))
        return str(self._way(number, timeout))

    def idle(self) -> None:
        """Bring a counter to rest; raises what goes wrong."""
        driver, clock = self._open(_IDENTITY_TIMEOUT)
        self._adapter(driver, clock).make_safe()

    def _open(self, timeout: float) -> tuple[Any, Any]:
        """Open the instrument if it is the right one; return driver and clock."""
        one = self.one
        self.identity = one.identify(timeout)
        arguments: dict[str, Any] = {} if one.terminator is None else {"terminator": one.terminator}
        with VisaFaults(one):
            # a name of its own: the station may be open in this very process
            driver = one.driver(f"rest{next(_numbers)}", one.address, visalib=one.library, **arguments)
        self._stack.callback(_close, driver)
        remember_link(driver, one.address, one.library, one.name)
        return driver, clock_of(driver, simulated=is_simulated(one.library))

    def _adapter(self, driver: Any, clock: Any) -> Any:
        adapter = self.one.adapter(driver, self.one.options, clock)
        self.identity = self.identity or adapter.identify()
        return adapter


def _close(driver: Any) -> None:
    """Close a driver; what is confirmed stays so even if that fails."""
    with suppress(Exception):
        driver.close()


def _faults(content: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]], path: Path) -> list[str]:
    """Return all that is wrong with a station file."""
    faults: list[str] = []
    checked: dict[str, InstrumentEntry] = {}
    try:
        check_top(content, path)
    except InputError as exc:
        faults.append(str(exc))
    for name, entry in entries.items():
        try:
            checked[name] = check_entry(name, entry, path)
            prepared(checked[name], name, path)
        except InputError as exc:
            faults.append(str(exc))
    if len(checked) == len(entries):
        try:
            check_together(checked, path)
        except InputError as exc:
            faults.append(str(exc))
    return faults
