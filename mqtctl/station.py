"""Opens a QCoDeS station file, finds who plays which role, and closes it again.

The file is an ordinary QCoDeS station YAML. What an instrument does in this experiment, and how
it is wired, stands under `init: metadata: mqtctl:` and so also in the snapshot of every run.
Only drivers from known packages are loaded: a station file must not be able to import anything.
"""

from __future__ import annotations

import gc
import io
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import entry_points
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mqtctl.clock import Clock, WallClock
from mqtctl.documents import Document, dump_yaml, load_document, load_yaml, place
from mqtctl.errors import HardwareError, InputError
from mqtctl.instruments.registry import adapter_for
from mqtctl.instruments.roles import OffsetSource, RampSource, TemperatureController, TimingCounter

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument
    from qcodes.station import Station as QcodesStation

__all__ = [
    "ROLES",
    "Station",
    "StationFile",
    "canonical_address",
    "load_station",
    "open_role",
    "open_station",
    "roles_played",
]

log = logging.getLogger(__name__)

Role = Literal["ramp_source", "timing_counter", "temperature_controller", "offset_source"]
#: The roles that every station fills, and those that it may fill.
ROLES: tuple[Role, ...] = ("ramp_source", "timing_counter", "temperature_controller")
OPTIONAL_ROLES: tuple[Role, ...] = ("offset_source",)

#: Packages whose drivers a station file may name; others register under the entry-point group.
TRUSTED_PACKAGES = ("mqtctl_drivers", "qcodes.instrument_drivers", "qcodes_contrib_drivers")
ENTRY_POINT_GROUP = "mqtctl.drivers"

#: Addresses that no network uses, kept for documents (RFC 5737, RFC 3849): `mqtctl init` writes some of them.
_EXAMPLE_NETWORKS = tuple(
    ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


class RoleSettings(Document, extra="allow"):
    """What one instrument does here; further keys are the options of its adapter."""

    role: Role


class Metadata(Document, extra="allow"):
    """The instrument's metadata; only the part named mqtctl is read."""

    mqtctl: RoleSettings | None = None


class Init(Document, extra="allow"):
    """Arguments of the driver; those not named here are passed on as they are."""

    visalib: str | None = None
    metadata: Metadata = Metadata()


class InstrumentEntry(Document, extra="allow"):
    """One instrument of the station."""

    type: str = Field(pattern=r"^\w+(\.\w+)+$")
    address: str = Field(min_length=1)
    init: Init = Init()


class StationFile(Document):
    """The part of a QCoDeS station file that mqtctl reads."""

    instruments: dict[str, InstrumentEntry]


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


def load_station(path: Path) -> StationFile:
    """Read and check a station file without opening anything.

    Raises
    ------
    InputError
        A fault in the file, a driver from a package that is not trusted, an address used twice,
        or a role that nobody or more than one instrument plays.
    """
    file = load_document(path, StationFile)
    trusted = (*TRUSTED_PACKAGES, *(point.value for point in entry_points(group=ENTRY_POINT_GROUP)))
    addresses: dict[tuple[str | None, str], str] = {}
    for name, entry in file.instruments.items():
        if not any(entry.type.startswith(f"{package}.") for package in trusted):
            raise InputError(
                f"{path}: instruments.{name}.type is {entry.type!r}, which is outside the allowed packages "
                f"({', '.join(trusted)}); a driver package of yours is allowed by an entry point {ENTRY_POINT_GROUP!r}"
            )
        other = addresses.setdefault((entry.init.visalib, canonical_address(entry.address)), name)
        if other != name:
            raise InputError(f"{path}: instruments {other!r} and {name!r} have the same address {entry.address!r}")
    roles_played(file, path)
    return file


def canonical_address(address: str) -> str:
    """Return a VISA address as VISA compares it: defaults written out; what is no address is left as it is."""
    from pyvisa.rname import InvalidResourceName, to_canonical_name

    try:
        return str(to_canonical_name(address))
    except InvalidResourceName:
        return address


def roles_played(file: StationFile, path: Path) -> tuple[Role, ...]:
    """Return the roles that the station's instruments play; raises `InputError` if one that is needed is missing."""
    for role in ROLES:
        _player(file, role, path)
    return (*ROLES, *(role for role in OPTIONAL_ROLES if _players(file, role) and _player(file, role, path)))


def _players(file: StationFile, role: Role) -> list[str]:
    """Return the names of the instruments that play a role."""
    return [
        name
        for name, entry in file.instruments.items()
        if entry.init.metadata.mqtctl is not None and entry.init.metadata.mqtctl.role == role
    ]


def _player(file: StationFile, role: Role, path: Path) -> str:
    """Return the name of the one instrument that plays a role."""
    players = _players(file, role)
    if len(players) == 1:
        return players[0]
    found = f"{' and '.join(players)} do" if players else "none does"
    raise InputError(
        f"{path}: exactly one instrument must play the role {role!r} (init.metadata.mqtctl.role), but {found}"
    )


@contextmanager
def open_station(path: Path, *, seed: int | None = None, wall: Clock | None = None) -> Iterator[Station]:
    """Connect to every instrument that plays a role and close them all at the end.

    Parameters
    ----------
    path
        Station file.
    seed
        Seed of the simulated bench; only if every instrument is on one.
    wall
        The clock where the VISA library brings none [default: the computer's].

    Raises
    ------
    InputError
        A fault in the station file, in the bench file behind it, or a seed for a real bench.
    HardwareError
        Nothing answers at an address, or something else than expected.
    """
    from qcodes.station import Station as QcodesStation

    file = load_station(path)
    content = load_yaml(path)
    simulated = _complete_libraries(content, path, seed)
    for name, entry in file.instruments.items():
        _require_own_address(name, entry, path)
    if simulated:
        _let_go_of_benches()
    with ExitStack() as stack:
        qcodes = QcodesStation(default=False)
        qcodes.load_config(dump_yaml(content))
        drivers = {
            role: stack.enter_context(_connected(qcodes, name, file.instruments[name], path))
            for role in roles_played(file, path)
            for name in [_player(file, role, path)]
        }
        clock = _clock(drivers.values(), wall)
        adapters = {role: _adapter(file, role, path, driver, clock) for role, driver in drivers.items()}
        yield Station(
            source=adapters["ramp_source"],
            counter=adapters["timing_counter"],
            thermometer=adapters["temperature_controller"],
            clock=clock,
            qcodes=qcodes,
            simulated=simulated,
            offset=adapters.get("offset_source"),
        )


@contextmanager
def open_role(path: Path, role: Role) -> Iterator[Any]:
    """Connect to the one instrument that plays a role, whatever the others do; gives its adapter.

    Errors are those of `open_station`.
    """
    from qcodes.station import Station as QcodesStation

    file = load_station(path)
    content = load_yaml(path)
    _complete_libraries(content, path, None)
    name = _player(file, role, path)
    _require_own_address(name, file.instruments[name], path)
    qcodes = QcodesStation(default=False)
    qcodes.load_config(dump_yaml(content))
    with _connected(qcodes, name, file.instruments[name], path) as driver:
        yield _adapter(file, role, path, driver, _clock([driver]))


def _require_own_address(name: str, entry: InstrumentEntry, path: Path) -> None:
    """Refuse to connect to an address that stands for an example: whoever answers there is not what is looked for."""
    if (entry.init.visalib or "").endswith("@mqt"):
        return
    for part in entry.address.split("::"):
        try:
            host = ip_address(part)
        except ValueError:
            continue
        if any(host in network for network in _EXAMPLE_NETWORKS):
            where = place(path, "instruments", name, "address")
            raise InputError(
                f"{where}: instruments.{name}.address: {host} stands for an example and is nobody's address; write "
                'your instrument\'s own, or `visalib: "@mqt"` for the simulated bench'
            )


def _let_go_of_benches() -> None:
    """Drop simulated benches of earlier runs that nobody holds any more, so that this one begins with a fresh one.

    PyVISA's resource manager and library refer to each other and have finalisers: the first collection runs
    those, the second frees them.
    """
    gc.collect()
    gc.collect()


def _complete_libraries(content: Mapping[str, Any], path: Path, seed: int | None) -> bool:
    """Make bench files relative to the station file absolute, put the seed in; return whether all are simulated."""
    simulated = True
    for name, entry in content["instruments"].items():
        init = entry.get("init") or {}
        library = init.get("visalib") or ""
        if not library.endswith("@mqt"):
            simulated = False
            if seed is not None:
                raise InputError(
                    f"{path}: --seed works only on a simulated bench, but instruments.{name} is on the VISA library "
                    f"{library or 'of this computer'!r}; leave --seed out"
                )
            continue
        init["visalib"] = f"{_complete_bench(library.removesuffix('@mqt'), path, seed)}@mqt"
    return simulated


def _complete_bench(bench: str, path: Path, seed: int | None) -> str:
    """Return what stands before `@mqt` with the file made absolute and the seed put in, other options kept."""
    name, _, query = bench.partition("?")
    beside = path.resolve().parent / name
    if name and beside.is_file():
        name = str(beside)
    options = [option for option in query.split("&") if option]
    if seed is not None:
        options = [option for option in options if not option.startswith("seed=")] + [f"seed={seed}"]
    return f"{name}?{'&'.join(options)}" if options else name


@contextmanager
def _connected(qcodes: QcodesStation, name: str, entry: InstrumentEntry, path: Path) -> Iterator[VisaInstrument]:
    """Load one instrument and close it at the end."""
    from pyvisa.constants import StatusCode
    from pyvisa.errors import LibraryError, VisaIOError

    where = f"{path}: instruments.{name}"
    try:
        with redirect_stdout(io.StringIO()):  # drivers announce themselves on stdout: results go there
            driver: Any = qcodes.load_instrument(name, update_snapshot=False)
    except VisaIOError as exc:
        if exc.error_code == StatusCode.error_invalid_resource_name:
            raise InputError(
                f"{where}.address: {entry.address!r} is no VISA address; write one such as GPIB0::12::INSTR"
            ) from exc
        raise HardwareError(
            f"{where}: nothing answers at {entry.address} ({exc.description.rstrip('.')}); "
            "check the address, the cable and that it is switched on"
        ) from exc
    except (ImportError, AttributeError) as exc:
        raise InputError(f"{where}.type: there is no driver {entry.type!r} ({exc})") from exc
    except (LibraryError, OSError) as exc:
        raise HardwareError(f"{where}: the VISA library could not be opened ({exc})") from exc
    except (TypeError, ValueError) as exc:
        raise InputError(f"{where}: {' '.join(str(exc).split())}") from exc
    try:
        yield driver
    finally:
        qcodes.close_and_remove_instrument(driver)


def _clock(drivers: Iterable[VisaInstrument], wall: Clock | None = None) -> Clock:
    """Return the clock of the VISA library if it brings one, else the wall clock that was given, or the computer's.

    Only a library on which time is simulated has one; that is all that is known here about it.
    """
    clocks = {id(c): c for d in drivers if isinstance(c := getattr(d.visa_handle.visalib, "clock", None), Clock)}
    if len(clocks) > 1:
        raise InputError("the station mixes simulated benches with different clocks; put them into one bench file")
    return next(iter(clocks.values()), wall or WallClock())


def _adapter(file: StationFile, role: Role, path: Path, driver: VisaInstrument, clock: Clock) -> Any:
    """Return the role's adapter around a driver."""
    name = _player(file, role, path)
    entry = file.instruments[name]
    settings = entry.init.metadata.mqtctl
    options = {} if settings is None else dict(settings.model_extra or {})
    try:
        return adapter_for(role, entry.type)(driver, options, clock)
    except InputError as exc:
        where = ("instruments", name, "init", "metadata", "mqtctl")
        raise InputError(f"{place(path, *where, *exc.location)}: {'.'.join(where)}: {exc}") from exc
