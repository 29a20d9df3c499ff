"""Opens the instruments that play a role in a station file, and closes them again.

In this order: all that the files alone can tell; who is at each address, with nothing but `*IDN?` sent; the drivers;
the adapters. What fails after a driver was opened is followed by making safe what was opened.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqtctl.clock import Clock, WallClock
from mqtctl.documents import dump_yaml, load_yaml, place, validate_document
from mqtctl.errors import HardwareError, InputError, UnsafeError
from mqtctl.instruments.registry import adapter_for
from mqtctl.instruments.roles.experiment import (
    LimitableSource,
    OffsetSource,
    RampSource,
    TemperatureController,
    TimingCounter,
)
from mqtctl.instruments.talk.identity import identity_at
from mqtctl.instruments.talk.link import remember_link
from mqtctl.instruments.talk.resting import attempt_of, bring_to_rest, in_use
from mqtctl.station.file import InstrumentEntry, Role, load_station, player, roles_played
from mqtctl.station.libraries import (
    complete_library,
    is_simulated,
    let_go_of_benches,
    let_go_of_session,
    require_own_address,
)
from mqtctl.storage.qcodes_settings import require_qcodes

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument
    from qcodes.station import Station as QcodesStation

__all__ = ["Player", "Station", "VisaFaults", "clock_of", "open_role", "open_station", "prepared"]

log = logging.getLogger(__name__)

#: How long in s an instrument may take to say who it is.
IDENTITY_TIMEOUT = 2.0
_SOURCES = ("ramp_source", "offset_source")


@dataclass(frozen=True)
class Station:
    """An open station: the three roles, the clock that rules them, and the QCoDeS station for snapshots.

    `offset` is None on a station without an offset source.
    """

    source: RampSource
    counter: TimingCounter
    thermometer: TemperatureController
    clock: Clock
    qcodes: QcodesStation
    simulated: bool
    offset: OffsetSource | None = None

    def identities(self) -> dict[str, str]:
        """Return what each role's instrument says it is."""
        found = {
            "ramp_source": self.source.identify(),
            "timing_counter": self.counter.identify(),
            "temperature_controller": self.thermometer.identify(),
        }
        return found if self.offset is None else {**found, "offset_source": self.offset.identify()}

    @property
    def seed(self) -> int | None:
        """Seed in force on the simulated bench, as its VISA library says; None on a real one or a served one."""
        drivers: list[Any] = list(self.qcodes.components.values()) if self.simulated else []
        seeds = (getattr(driver.visa_handle.visalib, "seed", None) for driver in drivers)
        return next((seed for seed in seeds if seed is not None), None)


@dataclass(frozen=True)
class Player:
    """An instrument that plays a role, with all that is needed to open it.

    Attributes
    ----------
    file
        The station file.
    driver, adapter
        Their classes.
    options
        The adapter's options as the file has them.
    library
        The VISA library as PyVISA takes it, None for the computer's own.
    terminator
        End of messages; None for the driver's own.
    """

    role: str
    name: str
    file: Path
    address: str
    driver: Any
    adapter: Any
    options: Mapping[str, object]
    library: str | None
    terminator: str | None = None

    @property
    def where(self) -> str:
        """File and key, for messages."""
        return f"{self.file}: instruments.{self.name}"

    def identify(self, timeout: float = IDENTITY_TIMEOUT) -> str:
        """Ask who is at the address, on a session of its own, and return it; "" if the adapter names no models.

        Raises
        ------
        WrongInstrumentError
            Another instrument; nothing but `*IDN?` was sent to it.
        HardwareError
            Nobody answers.
        """
        import pyvisa

        models = getattr(self.adapter, "models", ())
        if not models:
            return ""
        terminator = self.terminator or getattr(self.driver, "default_terminator", None)
        with VisaFaults(self):
            manager = pyvisa.ResourceManager(self.library or "")
            # pyvisa-py 0.8 takes the time-out of HiSLIP a thousand times too long
            patience = 0 if "hislip" in self.address.lower() else int(1e3 * IDENTITY_TIMEOUT)
            resource = manager.open_resource(self.address, open_timeout=patience)
            if not isinstance(resource, pyvisa.resources.MessageBasedResource):
                resource.close()
                raise InputError(f"{self.where}.address: {self.address!r} is no address of a message-based instrument")
            try:
                return identity_at(resource, f"{self.name} ({self.address})", models, terminator, timeout)
            finally:
                resource.close()


def prepared(file_entry: InstrumentEntry, name: str, path: Path, seed: int | None = None) -> Player:
    """Return a player after looking for its driver and adapter and checking its options; nothing is opened.

    Raises
    ------
    InputError
        No such driver, no adapter for it in this role, or wrong options.
    """
    where = f"{path}: instruments.{name}"
    require_own_address(file_entry.address, file_entry.init.visalib, name, path)
    settings = file_entry.init.metadata.mqtctl
    if settings is None:
        raise InputError(f"{where}: plays no role")
    options = dict(settings.model_extra or {})
    module, _, class_name = file_entry.type.rpartition(".")
    require_qcodes()
    try:
        driver = getattr(import_module(module), class_name)
    except (ImportError, AttributeError) as exc:
        raise InputError(f"{where}.type: there is no driver {file_entry.type!r} ({exc})") from exc
    try:
        adapter = adapter_for(settings.role, file_entry.type)
        model = getattr(adapter, "options_model", None)
        if model is not None:
            validate_document(options, model, f"options of {name}")
    except InputError as exc:
        raise _option_fault(exc, name, path) from exc
    library = complete_library(file_entry.init.visalib, path, seed)
    return Player(
        settings.role, name, path, file_entry.address, driver, adapter, options, library, file_entry.init.terminator
    )


@contextmanager
def open_station(
    path: Path,
    *,
    seed: int | None = None,
    current_limit: float | None = None,
    only_look: bool = False,
    wall: Clock | None = None,
) -> Iterator[Station]:
    """Connect to every instrument that plays a role and close them all at the end.

    Parameters
    ----------
    path
        Station file.
    seed
        Seed of the simulated bench; only if every instrument is on one.
    current_limit
        Largest current in A that the sample may see: sources and their drivers refuse more, whatever the station file
        allows.
    only_look
        Whether nothing will be switched: then nothing is made safe either if connecting fails.
    wall
        The clock for real instruments [default: the computer's].

    Raises
    ------
    InputError
        A fault in the station file, in the bench file behind it, or a seed for a real bench.
    HardwareError
        Nothing answers at an address, or something else than expected.
    UnsafeError
        Connecting failed, and a source or heater that had been opened could not be confirmed off.
    """
    require_qcodes()
    from mqtctl.station.quiet_station import QuietStation

    file = load_station(path)
    if seed is not None:
        _require_simulated(file.instruments, path)
    names = [player(file, role, path) for role in roles_played(file, path)]
    cast = [prepared(file.instruments[name], name, path, seed) for name in names]
    if file.simulated:
        let_go_of_benches()
    with ExitStack() as stack:
        qcodes = QuietStation(default=False)
        qcodes.load_config(_completed(load_yaml(path), cast))
        stack.enter_context(_libraries_held(cast))
        for one in cast:
            one.identify()
        adapters: dict[str, Any] = {}
        clock: Clock = wall or WallClock()
        try:
            for one in cast:
                driver = stack.enter_context(_connected(qcodes, one))
                clock = clock_of(driver, simulated=file.simulated, wall=wall)
                adapters[one.role] = _adapter(one, driver, clock, current_limit)
        except BaseException:
            if not only_look:
                _leave_safe(adapters, clock)
            raise
        yield Station(
            source=adapters["ramp_source"],
            counter=adapters["timing_counter"],
            thermometer=adapters["temperature_controller"],
            clock=clock,
            qcodes=qcodes,
            simulated=file.simulated,
            offset=adapters.get("offset_source"),
        )


@contextmanager
def open_role(path: Path, role: Role) -> Iterator[Any]:
    """Connect to the one instrument that plays a role, whatever the others do; gives its adapter.

    Errors are those of `open_station`.
    """
    from mqtctl.station.quiet_station import QuietStation

    file = load_station(path)
    name = player(file, role, path)
    one = prepared(file.instruments[name], name, path)
    qcodes = QuietStation(default=False)
    qcodes.load_config(_completed(load_yaml(path), [one]))
    with _libraries_held([one]):
        one.identify()
        with _connected(qcodes, one) as driver:
            yield _adapter(one, driver, clock_of(driver, simulated=file.simulated), None)


def _leave_safe(adapters: Mapping[str, Any], clock: Clock) -> None:
    """Make safe what was opened, unless a source is on: then somebody may be using it, and all is left as it is.

    Raises
    ------
    UnsafeError
        Something did not confirm.
    """
    if in_use([adapters[role] for role in _SOURCES if role in adapters]):
        return
    attempts = {role: attempt_of(adapter) for role, adapter in adapters.items() if role != "timing_counter"}
    faults = bring_to_rest(attempts, clock, log.warning)
    if faults:
        listed = "; ".join(f"{role}: {fault}" for role, fault in faults.items())
        raise UnsafeError(f"the safe state is NOT confirmed, look at the instruments; {listed}")


def _require_simulated(instruments: Mapping[str, InstrumentEntry], path: Path) -> None:
    """Raise unless all instruments stand on a simulated bench, where a seed means something."""
    for name, entry in instruments.items():
        if not is_simulated(entry.init.visalib):
            raise InputError(
                f"{path}: --seed works only on a simulated bench, but instruments.{name} is on the VISA library "
                f"{entry.init.visalib or 'of this computer'!r}; leave --seed out"
            )


def _completed(content: Mapping[str, Any], cast: list[Player]) -> str:
    """Return the station's text for QCoDeS, with the libraries as PyVISA takes them."""
    for one in cast:
        if one.library is not None:
            content["instruments"][one.name]["init"]["visalib"] = one.library
    return dump_yaml(content)


@contextmanager
def _libraries_held(cast: list[Player]) -> Iterator[None]:
    """Keep the VISA libraries open within the block: a simulated bench must not end between two sessions."""
    import pyvisa

    managers = []
    for one in cast:
        with VisaFaults(one):
            managers.append(pyvisa.ResourceManager(one.library or ""))
    yield
    del managers


class VisaFaults:
    """Context that turns what opening an instrument can raise into a sentence that says what to do.

    Parameters
    ----------
    one
        The instrument.
    """

    def __init__(self, one: Player) -> None:
        self._player = one

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, exc: BaseException | None, _traceback: object) -> None:
        from pyvisa.constants import StatusCode
        from pyvisa.errors import LibraryError, VisaIOError

        one = self._player
        if exc is None or isinstance(exc, (HardwareError, InputError)):
            return
        if isinstance(exc, VisaIOError):
            if exc.error_code == StatusCode.error_invalid_resource_name:
                raise InputError(
                    f"{one.where}.address: {one.address!r} is no VISA address; write one such as GPIB0::12::INSTR"
                ) from exc
            raise HardwareError(
                f"{one.where}: nothing answers at {one.address} ({exc.description.rstrip('.')}); "
                "check the address, the cable and that it is switched on"
            ) from exc
        if isinstance(exc, (LibraryError, OSError)):
            raise HardwareError(f"{one.where}: the VISA library could not be opened ({exc})") from exc
        if isinstance(exc, (TypeError, ValueError)):
            raise InputError(f"{one.where}: {' '.join(str(exc).split())}") from exc
        if str(exc).startswith("error creating link"):  # pyvisa-py's word for a VXI-11 refusal is a bare Exception
            raise HardwareError(
                f"{one.where}: {one.address} refuses the connection ({exc}); "
                "check its name there (3: no such name) and who else is connected (9: no place left)"
            ) from exc


@contextmanager
def _connected(qcodes: QcodesStation, one: Player) -> Iterator[VisaInstrument]:
    """Load one instrument and close it at the end."""
    from qcodes.instrument import Instrument

    if Instrument.exist(one.name):
        raise InputError(f"{one.where}: an instrument of this name is open in this process already; close it first")
    with VisaFaults(one), redirect_stdout(io.StringIO()):  # drivers announce themselves on stdout: results go there
        driver: Any = qcodes.load_instrument(one.name, update_snapshot=False)
    try:
        remember_link(driver, one.address, one.library)
        yield driver
    finally:
        handle: Any = driver.visa_handle
        qcodes.close_and_remove_instrument(driver)
        if is_simulated(one.library):
            let_go_of_session(handle)


def clock_of(driver: VisaInstrument, *, simulated: bool, wall: Clock | None = None) -> Clock:
    """Return the clock of the simulated bench's VISA library, and the wall clock, or `wall`, for a real instrument.

    A library that brings a clock is all that is known here of a bench.
    """
    clock = getattr(driver.visa_handle.visalib, "clock", None)
    return clock if simulated and isinstance(clock, Clock) else wall or WallClock()


def _adapter(one: Player, driver: VisaInstrument, clock: Clock, current_limit: float | None) -> Any:
    """Return the role's adapter around a driver."""
    try:
        adapter = one.adapter(driver, one.options, clock)
    except InputError as exc:
        raise _option_fault(exc, one.name, one.file) from exc
    if current_limit is not None and isinstance(adapter, LimitableSource):
        adapter.restrict_current(current_limit)
    return adapter


def _option_fault(exc: InputError, name: str, path: Path) -> InputError:
    """Return a fault of an adapter's options with the line of the value."""
    where = ("instruments", name, "init", "metadata", "mqtctl")
    return InputError(f"{place(path, *where, *exc.location)}: {'.'.join(where)}: {exc}")
