"""Every setting that an adapter makes is read back, and watched: a change at the front panel is refused by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from inspect import isabstract
from itertools import count
from pkgutil import walk_packages
from typing import Any

import pytest
import pyvisa
from mqtctl_drivers.keithley_6221 import Keithley6221
from mqtctl_drivers.keysight_53230a import Keysight53230A
from mqtctl_drivers.srs_sr620 import SrsSR620
from qcodes.instrument_drivers.Keysight import Keysight33512B
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336, LakeshoreModel372
from qcodes.instrument_drivers.yokogawa import YokogawaGS200

from mqtctl import instruments
from mqtctl.errors import HardwareError
from mqtctl.instruments.keithley_6221.adapter import Keithley6221RampSource
from mqtctl.instruments.keysight_33500b.adapter import Keysight33500BRampSource
from mqtctl.instruments.keysight_53230a.adapter import Keysight53230ATimingCounter
from mqtctl.instruments.lakeshore.model_336 import Lakeshore336Controller
from mqtctl.instruments.lakeshore.model_372 import Lakeshore372Controller
from mqtctl.instruments.registry import _ADAPTERS
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.instruments.srs_sr620.adapter import SrsSR620TimingCounter
from mqtctl.instruments.talk.wanted import SettingsGuard
from mqtctl.instruments.yokogawa_gs200.adapter import YokogawaGS200OffsetSource

RAMP = RampProgram(start_current=0.0, stop_current=10e-6, rate=10e-6 / 9e-3, period=1e-2)
LAKE_SHORE = {"read_termination": "\r\n", "write_termination": "\r\n"}
#: Uploads other samples under the name that the adapter has given to its own.
_OTHER_WAVE = "SOUR1:DATA:VOL:CLE;:SOUR1:DATA:ARB MQTCTL,{};:SOUR1:FUNC:ARB MQTCTL;:SOUR1:FUNC ARB"
_numbers = count()


@dataclass(frozen=True)
class Case:
    """An adapter, how it is set up and used, and what a front panel could do to each of its settings.

    Attributes
    ----------
    changes
        Query of each watched setting -> a message that changes it.
    acts
        Headers that `set_up` sends which are no settings but acts: resets, uploads, what an output is turned off with.
    bursts
        Queries of settings that a burst itself changes: read back, not watched.
    """

    driver: Callable[..., Any]
    adapter: Callable[..., Any]
    address: str
    options: Mapping[str, object]
    set_up: Callable[[Any], object]
    use: Callable[[Any], object]
    guard: Callable[[Any], SettingsGuard]
    changes: Mapping[str, str]
    acts: frozenset[str]
    bursts: frozenset[str] = frozenset()
    driver_options: Mapping[str, object] = field(default_factory=dict)
    terminations: Mapping[str, Any] = field(default_factory=dict)


def _inputs_53230a() -> dict[str, str]:
    changes: dict[str, str] = {}
    for n in (1, 2):
        changes |= {
            f"INP{n}:LEV:AUTO?": f"INP{n}:LEV:AUTO 1", f"INP{n}:COUP?": f"INP{n}:COUP AC",
            f"INP{n}:IMP?": f"INP{n}:IMP 50", f"INP{n}:RANG?": f"INP{n}:RANG 50", f"INP{n}:LEV?": f"INP{n}:LEV 0.25",
            f"INP{n}:SLOP?": f"INP{n}:SLOP {'POS' if n == 1 else 'NEG'}", f"INP{n}:NREJ?": f"INP{n}:NREJ {2 - n}",
            f"INP{n}:FILT?": f"INP{n}:FILT 1", f"INP{n}:PROB?": f"INP{n}:PROB 10",
        }  # fmt: skip
    return changes


CASES = {
    "6221": Case(
        Keithley6221,
        Keithley6221RampSource,
        "GPIB0::12::INSTR",
        {"points": 100},
        lambda source: source.configure(RAMP),
        lambda source: source.start(10),
        lambda source: source._settings,
        {
            "SOUR:CURR?": "SOUR:CURR 1E-9", "SOUR:CURR:RANG?": "SOUR:CURR:RANG 2E-3",
            "SOUR:CURR:COMP?": "SOUR:CURR:COMP 1",
            "OUTP:RESP?": "OUTP:RESP SLOW", "SOUR:CURR:FILT?": "SOUR:CURR:FILT 1", "OUTP:ISH?": "OUTP:ISH GUAR",
            "OUTP:LTE?": "OUTP:LTE 1", "SOUR:WAVE:FUNC?": "SOUR:WAVE:FUNC SIN",
            "SOUR:WAVE:ARB:POIN?": "SOUR:WAVE:ARB:DATA 0,1,0", "SOUR:WAVE:AMPL?": "SOUR:WAVE:AMPL 2E-6",
            "SOUR:WAVE:OFFS?": "SOUR:WAVE:OFFS 0", "SOUR:WAVE:FREQ?": "SOUR:WAVE:FREQ 99",
            "SOUR:WAVE:RANG?": "SOUR:WAVE:RANG BEST", "SOUR:WAVE:PMAR:OLIN?": "SOUR:WAVE:PMAR:OLIN 5",
            "SOUR:WAVE:PMAR?": "SOUR:WAVE:PMAR 90", "SOUR:WAVE:PMAR:STAT?": "SOUR:WAVE:PMAR:STAT 0",
            "SOUR:WAVE:EXTR?": "SOUR:WAVE:EXTR 1",
        },
        frozenset({"SOUR:WAVE:ABOR", "*RST", "*CLS", "SOUR:WAVE:ARB:DATA"}),
        frozenset({"OUTP?", "SOUR:WAVE:DUR:CYCL?"}),
    ),
    "33512B": Case(
        Keysight33512B,
        Keysight33500BRampSource,
        "USB0::0x0957::0x2C07::MY52400001::INSTR",
        {"bias_resistance": "100 kOhm", "points": 100},
        lambda source: source.configure(RAMP),
        lambda source: source.start(10),
        lambda source: source._settings,
        {
            "OUTP1:LOAD?": "OUTP1:LOAD 50", "SOUR1:FUNC:ARB?": "SOUR1:FUNC:ARB EXP_RISE",
            "SOUR1:FUNC:ARB:FILT?": "SOUR1:FUNC:ARB:FILT STEP", "SOUR1:FUNC:ARB:SRAT?": "SOUR1:FUNC:ARB:SRAT 9000",
            "SOUR1:FUNC?": "SOUR1:FUNC SIN", "SOUR1:VOLT?": "SOUR1:VOLT 0.5", "SOUR1:VOLT:OFFS?": "SOUR1:VOLT:OFFS 0.4",
            "SOUR1:VOLT:LIM:HIGH?": "SOUR1:VOLT:LIM:HIGH 5", "SOUR1:VOLT:LIM:LOW?": "SOUR1:VOLT:LIM:LOW -5",
            "SOUR1:VOLT:LIM:STAT?": "SOUR1:VOLT:LIM:STAT 0", "TRIG1:SOUR?": "TRIG1:SOUR IMM",
            "SOUR1:BURS:MODE?": "SOUR1:BURS:MODE GAT", "SOUR1:BURS:PHAS?": "SOUR1:BURS:PHAS 90",
            "SOUR1:BURS:STAT?": "SOUR1:BURS:STAT 0", "OUTP:SYNC:SOUR?": "OUTP:SYNC:SOUR CH2",
            "OUTP1:SYNC:MODE?": "OUTP1:SYNC:MODE NORM", "OUTP:SYNC?": "OUTP:SYNC 0",
            "OUTP1:POL?": "OUTP1:POL INV", "OUTP1:MODE?": "OUTP1:MODE GAT", "OUTP:SYNC:POL?": "OUTP:SYNC:POL INV",
            "TRIG1:DEL?": "TRIG1:DEL 0.001", "SOUR1:DATA:ATTR:POIN?": _OTHER_WAVE.format(",".join(["0"] * 101)),
            "SOUR1:DATA:ATTR:AVER?": _OTHER_WAVE.format(",".join(["1", *["-1"] * 99])),
        },
        frozenset({"*RST", "*CLS", "FORM:BORD", "SOUR1:DATA:VOL:CLE", "SOUR1:DATA:ARB"}),
        frozenset({"OUTP1?", "SOUR1:BURS:NCYC?"}),
        {"silent": True},
    ),
    "GS200": Case(
        YokogawaGS200,
        YokogawaGS200OffsetSource,
        "GPIB0::1::INSTR",
        {"current_limit": "2 uA", "bias_resistance": "100 kOhm"},
        lambda source: source.set_current(1e-6),
        lambda source: source.verify_unchanged(),
        lambda source: source._settings,
        {
            ":SOUR:FUNC?": ":SOUR:FUNC CURR", ":SOUR:PROT:VOLT?": ":SOUR:PROT:VOLT 5",
            ":SOUR:PROT:CURR?": ":SOUR:PROT:CURR 0.1", ":SOUR:RANG?": ":SOUR:RANG 10", ":SOUR:LEV?": ":SOUR:LEV 0.2",
            ":OUTP?": ":OUTP 0",
        },
        frozenset({"*CLS"}),
    ),
    "53230A": Case(
        Keysight53230A,
        Keysight53230ATimingCounter,
        "TCPIP0::192.0.2.53::inst0::INSTR",
        {"start_slope": "negative", "start_threshold": "1.5 V", "stop_threshold": "1 V"},
        lambda counter: counter.configure(RAMP),
        lambda counter: counter.arm(10),
        lambda counter: counter._setup.guard,
        _inputs_53230a() | {
            "SYST:TIM?": "SYST:TIM 1", "FUNC?": "CONF:FREQ (@1)", "TRIG:SOUR?": "TRIG:SOUR BUS",
            "TRIG:COUN?": "TRIG:COUN 2",
            "FORM?": "FORM ASC", "FORM:BORD?": "FORM:BORD SWAP",
            "TRIG:DEL?": "TRIG:DEL 0.5", "TINT:GATE:SOUR?": "TINT:GATE:SOUR ADV", "CALC:STAT?": "CALC:STAT 1",
        },
        frozenset({"*RST", "*CLS", "CONF:TINT", "*SRE", "STAT:OPER:ENAB"}),
    ),
    "SR620": Case(
        SrsSR620,
        SrsSR620TimingCounter,
        "ASRL1::INSTR",
        {"stop_threshold": "1 V"},
        lambda counter: counter.configure(RAMP),
        lambda counter: counter.arm(10),
        lambda counter: counter._setup.guard,
        {"MODE?": "MODE 3", "ARMM?": "ARMM 0", "SRCE?": "SRCE 1", "SIZE?": "SIZE 100", "AUTM?": "AUTM 1",
         "EXPD?": "EXPD 1"}
        | {f"{m}? {n}": f"{m} {n},{v}" for n in (1, 2) for m, v in
           {"TMOD": 1, "TCPL": 1, "TERM": 0, "LEVL": 0.5, "TSLP": 1}.items()},
        frozenset({"*RST", "*CLS"}),
    ),
    "372": Case(
        LakeshoreModel372,
        Lakeshore372Controller,
        "TCPIP0::192.0.2.72::7777::SOCKET",
        {"channel": 6, "minimum": "12 mK", "maximum": "1 K",
         "ranges": [{"up_to": "1 K", "range": "3.16 mA", "p": 10.0, "i": 20.0, "d": 0.0}]},
        lambda controller: controller.set_target(0.1),
        lambda controller: controller.read(),
        lambda controller: controller._settings,
        {
            "OUTMODE? 0": "OUTMODE 0,3,6,0,0,1,5", "INSET? 6": "INSET 6,1,5,3,20,1", "FILTER? 6": "FILTER 6,1,20,10",
            "INTYPE? 6": "INTYPE 6,0,9,1,14,0,1",
            "PID? 0": "PID 0,50,20,0", "RAMP? 0": "RAMP 0,1,0.1", "SETP? 0": "SETP 0,0.2", "RANGE? 0": "RANGE 0,0",
        },
        frozenset({"SCAN"}),  # read in the same message as the value: it is stale on another channel
        driver_options={"print_connect_message": False},
        terminations=LAKE_SHORE,
    ),
    "336": Case(
        LakeshoreModel336,
        Lakeshore336Controller,
        "TCPIP0::192.0.2.36::7777::SOCKET",
        {"input": "B", "minimum": "12 mK", "maximum": "1 K",
         "ranges": [{"up_to": "1 K", "range": "low", "p": 10.0, "i": 20.0, "d": 0.0}]},
        lambda controller: controller.set_target(0.1),
        lambda controller: controller.read(),
        lambda controller: controller._settings,
        {
            "OUTMODE? 1": "OUTMODE 1,3,2,0", "INCRV? B": "INCRV B,22", "FILTER? B": "FILTER B,1,20,5",
            "INTYPE? B": "INTYPE B,2,1,0,1,1",
            "PID? 1": "PID 1,50,20,0", "RAMP? 1": "RAMP 1,1,0.1", "SETP? 1": "SETP 1,0.2", "RANGE? 1": "RANGE 1,0",
        },
        frozenset(),
        driver_options={"print_connect_message": False},
        terminations=LAKE_SHORE,
    ),
}  # fmt: skip


@dataclass
class Bench:
    """An adapter, what its session wrote, and a second session with the same instrument."""

    case: Case
    adapter: Any
    written: list[str]
    panel: Any


@pytest.fixture(params=CASES)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    case, number = CASES[request.param], next(_numbers)
    library = f"showroom?seed={9100 + number}@mqt"
    driver = case.driver(f"guarded_{number}", case.address, visalib=library, **case.driver_options)
    written: list[str] = []
    write = driver.visa_handle.visalib.write

    def record(session: Any, data: bytes) -> Any:
        if session == driver.visa_handle.session:
            written.append(data.decode("latin-1").strip())
        return write(session, data)

    driver.visa_handle.visalib.write = record
    manager = pyvisa.ResourceManager(library)
    panel: Any = manager.open_resource(case.address, **case.terminations)
    adapter = case.adapter(driver, case.options, driver.visa_handle.visalib.clock)
    yield Bench(case, adapter, written, panel)
    del driver.visa_handle.visalib.write
    panel.close()
    driver.close()


def headers(messages: list[str]) -> set[str]:
    """Return "HEAD?" or "HEAD? n" of each command; n where the instrument's first argument says which part."""
    found = set()
    for message in messages:
        for part in re.split(r";:?(?=[*A-Z])", message.lstrip(":")):
            header, _, arguments = part.partition(" ")
            if not header.endswith("?"):
                found.add(f"{header} {arguments.partition(',')[0]}".strip())
    return found


def adapters() -> set[type]:
    """Return what plays a role, wherever it lies in the package."""
    modules = [import_module(found.name) for found in walk_packages(instruments.__path__, "mqtctl.instruments.")]
    classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    return {
        one for one in classes
        if isinstance(getattr(one, "role", None), str) and not isabstract(one) and hasattr(one, "make_safe")
    }  # fmt: skip


def test_the_table_has_every_adapter_of_the_package() -> None:
    assert adapters() == {case.adapter for case in CASES.values()}
    assert {name for _, name in _ADAPTERS.values()} == {adapter.__name__ for adapter in adapters()}


def require_watched(bench: Bench) -> None:
    """Set up and use an adapter: what it sets is what it reads back and watches, and what the table has."""
    case = bench.case
    bench.case.set_up(bench.adapter)
    guard = case.guard(bench.adapter)
    watched = {s.query for s in guard.wanted if s.watched}
    assert watched == set(case.changes), "the table of this test is not that of the adapter"
    assert {s.query for s in guard.wanted if not s.watched} == case.bursts
    made = headers(bench.written)
    known = {query.lstrip(":").replace("?", "") for query in watched | case.bursts}
    unknown = {
        header for header in made
        if header not in known and header.partition(" ")[0] not in known and header.partition(" ")[0] not in case.acts
    }  # fmt: skip
    assert unknown == set(), "these are set and not watched"
    # and what is made is asked for: in one message, before each use
    bench.written.clear()
    case.use(bench.adapter)
    assert sum(guard.query in message for message in bench.written) == 1, "what is watched is not asked for once"


def test_every_setting_that_is_made_is_read_back_and_watched(bench: Bench) -> None:
    require_watched(bench)


class Unlisted(YokogawaGS200OffsetSource):
    """Makes a setting beside its list."""

    def set_current(self, current: float) -> float:
        found = super().set_current(current)
        self._talk.write(":SENS:DEL 5")
        return found


class Unwatched(YokogawaGS200OffsetSource):
    """Reads everything back and watches all but the last of it."""

    def set_current(self, current: float) -> float:
        found = super().set_current(current)
        self._settings.verify(self._settings.wanted[:-1])
        return found


class Unasked(YokogawaGS200OffsetSource):
    """Has a list of what is watched and never asks for it."""

    def verify_unchanged(self) -> None:
        pass


@pytest.mark.parametrize(
    ("broken", "fault"),
    [(Unlisted, "set and not watched"), (Unwatched, "is not that of the adapter"), (Unasked, "asked for once")],
)
@pytest.mark.parametrize("bench", ["GS200"], indirect=True)
def test_an_adapter_that_watches_less_than_it_makes_is_found(bench: Bench, broken: type[Any], fault: str) -> None:
    bench.adapter = broken(bench.adapter._source, bench.case.options, bench.adapter._source.visa_handle.visalib.clock)
    with pytest.raises(AssertionError, match=fault):
        require_watched(bench)


def test_a_change_at_the_front_panel_is_refused_by_its_name(bench: Bench) -> None:
    case = bench.case
    for query, change in case.changes.items():
        case.set_up(bench.adapter)
        guard = case.guard(bench.adapter)
        name = next(s.name for s in guard.wanted if s.query == query)
        bench.panel.write(change)
        assert bench.panel.query("*IDN?"), query  # it has been executed
        with pytest.raises(HardwareError, match="settings changed since they were made") as refused:
            case.use(bench.adapter)
        assert name in str(refused.value)
        bench.adapter.make_safe()


def test_a_power_cycle_is_told_as_one(bench: Bench) -> None:
    case = bench.case
    case.set_up(bench.adapter)
    library: Any = bench.panel.visalib
    library.bench.power_cycle(library.bench.lines[bench.panel.resource_name].name)
    with pytest.raises(HardwareError, match="switched off and on"):
        case.use(bench.adapter)


@pytest.mark.parametrize("bench", ["372"], indirect=True)
def test_a_range_that_autorange_chooses_is_no_change(bench: Bench) -> None:
    bench.case.set_up(bench.adapter)
    before = bench.panel.query("INTYPE? 6")
    bench.panel.write("INTYPE 6,,,,7")
    assert bench.panel.query("INTYPE? 6") != before
    assert bench.adapter.read().status != ""
    bench.panel.write("INTYPE 6,,,0")  # now nobody chooses it but whoever did that
    with pytest.raises(HardwareError, match="input type and excitation"):
        bench.adapter.read()
