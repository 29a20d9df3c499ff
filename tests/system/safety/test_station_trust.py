"""A station file can command no output, load no code, write over no file, and mix no worlds, whatever reads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mqtctl.errors import HardwareError, InputError
from mqtctl.station import load_station, open_station
from mqtctl.station.libraries import VARIABLE
from tests.system.safety.bench_truth import with_transcript

SOURCE = "GPIB0::12::INSTR"
COUNTER = "TCPIP0::192.0.2.53::inst0::INSTR"
THERMOMETER = "TCPIP0::192.0.2.72::7777::SOCKET"
COMMANDS = ("check", "sweep", "histogram", "calibrate", "rehearse")
ON = """    parameters:
      current_range: {initial_value: 0.1}
      current: {initial_value: 0.05}
      output: {initial_value: true}
"""


def run(laboratory: Any, command: str) -> Any:
    """Run any command that reads a station."""
    if command == "safe":
        return laboratory.run("safe", laboratory.folder / "station.yaml")
    where = () if command in {"check", "rehearse"} else ("-o", laboratory.folder / "run")
    return laboratory.run(command, laboratory.folder / "plan.yaml", *where)


def said(outcome: Any) -> str:
    """Return all that a command printed, in one line."""
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    return " ".join(f"{outcome.stdout} {outcome.stderr}".split())


def add_to(laboratory: Any, address: str, lines: str) -> None:
    """Put lines behind an instrument's address."""
    laboratory.change("station.yaml", f"    address: {address}\n", f"    address: {address}\n{lines}")


@pytest.mark.parametrize("command", COMMANDS)
def test_what_qcodes_would_carry_out_is_refused_in_every_command(laboratory: Any, command: str) -> None:
    truth = with_transcript(laboratory)
    add_to(laboratory, SOURCE, ON)
    outcome = run(laboratory, command)
    assert outcome.exit_code == 2
    assert "instruments.source: the key 'parameters' is refused for an instrument with a role" in said(outcome)
    assert truth.records() == []  # the bench was not even opened


def test_safe_carries_nothing_of_it_out_makes_safe_and_tells(laboratory: Any) -> None:
    truth = with_transcript(laboratory)
    add_to(laboratory, SOURCE, ON)
    outcome = run(laboratory, "safe")
    assert outcome.exit_code == 2
    assert "source and heater are off, but the station file has faults" in outcome.stderr
    assert "'parameters'" in outcome.stderr
    assert [line.split(":")[0] for line in outcome.stdout.splitlines()] == [
        "ramp_source",
        "timing_counter",
        "temperature_controller",
    ]
    assert truth.ever_on() == set()
    assert "OUTP 0" in truth.sent_to("source")


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ("    add_parameters: {x: {source: current, initial_value: 0.05}}\n", "add_parameters"),
        ("    enable_forced_reconnect: true\n", "enable_forced_reconnect"),
        ("    driver: x\n", "driver"),
        ("    adress: x\n", "adress"),
    ],
)
@pytest.mark.parametrize("address", [SOURCE, COUNTER, THERMOMETER])
def test_keys_that_are_not_known_to_be_harmless_are_refused(
    laboratory: Any, address: str, lines: str, key: str
) -> None:
    add_to(laboratory, address, lines)
    with pytest.raises(InputError, match=rf"the key '{key}' is refused for an instrument with a role"):
        load_station(laboratory.folder / "station.yaml")


@pytest.mark.parametrize("line", ["resource: x", "name: other", "pyvisa_sim_file: x.yaml", "current: 1", "timeout: -1"])
def test_arguments_of_the_driver_are_a_list_of_harmless_ones(laboratory: Any, line: str) -> None:
    laboratory.change(
        "station.yaml", "      visalib: bench.yaml@mqt\n", f"      visalib: bench.yaml@mqt\n      {line}\n"
    )
    with pytest.raises(InputError, match=line.split(":")[0]):
        load_station(laboratory.folder / "station.yaml")


def test_the_harmless_ones_pass(laboratory: Any) -> None:
    more = '      timeout: 3\n      device_clear: true\n      label: mine\n      terminator: "\\n"\n'
    laboratory.change("station.yaml", "      visalib: bench.yaml@mqt\n", f"      visalib: bench.yaml@mqt\n{more}")
    laboratory.change("station.yaml", "        mqtctl:\n", "        room: {shelf: 3}\n        mqtctl:\n")
    with open_station(laboratory.folder / "station.yaml") as station:
        assert station.source.identify().startswith("KEITHLEY")


def test_an_instrument_without_a_role_may_say_anything_and_is_never_opened(laboratory: Any) -> None:
    truth = with_transcript(laboratory)
    other = f"""
  spare:
    type: os.path.join
    address: GPIB0::3::INSTR
    enable_forced_reconnect: true
{ON}    init: {{visalib: /somewhere/lib.so, anything: at all}}
"""
    path = laboratory.folder / "station.yaml"
    path.write_text(path.read_text(encoding="utf-8").rstrip() + "\n" + other, encoding="utf-8")
    laboratory.change(
        "bench.yaml", "\njunction:\n", "  spare: {model: keithley-6221, address: 'GPIB0::3::INSTR'}\n\njunction:\n"
    )
    for command in ("check", "safe"):
        outcome = run(laboratory, command)
        assert outcome.exit_code == 0, said(outcome)
    assert truth.sent_to("source")
    assert truth.sent_to("spare") == []


LOADING = ("/tmp/evil.so@ivi", "evil.so", "@evil", "@sim", "x@py", "bench.yaml@mqt2", "~/evil.so@ivi")


@pytest.mark.parametrize("library", LOADING)
def test_a_visa_library_that_loads_code_is_refused(laboratory: Any, library: str) -> None:
    laboratory.change("station.yaml", "bench.yaml@mqt", f"'{library}'")
    with pytest.raises(InputError) as caught:
        load_station(laboratory.folder / "station.yaml")
    assert f"instruments.source.init.visalib is '{library}', which would load code" in str(caught.value)


@pytest.mark.parametrize("command", [*COMMANDS, "safe"])
def test_no_command_loads_a_library_that_the_station_file_brings(laboratory: Any, command: str) -> None:
    laboratory.change("station.yaml", "bench.yaml@mqt", "'@evil'")
    (laboratory.folder / "pyvisa_evil.py").write_text("raise SystemExit('loaded')", encoding="utf-8")
    outcome = run(laboratory, command)
    assert outcome.exit_code == (20 if command == "safe" else 2)
    assert "which would load code" in said(outcome)


def test_a_library_of_ones_own_is_allowed_outside_of_the_station_file(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    laboratory.change("station.yaml", "bench.yaml@mqt", "/opt/visa/libvisa.so@ivi")
    monkeypatch.setenv(VARIABLE, "/opt/other.so:/opt/visa/libvisa.so@ivi")
    file = load_station(laboratory.folder / "station.yaml")
    assert not file.simulated


@pytest.mark.shown(1)
@pytest.mark.parametrize("content", ["precious\n", '{"kind": "bench"}\n', '{"t": 0, "kind": "message"}\n', "[1]\n"])
def test_a_transcript_is_never_added_to_somebody_elses_file(laboratory: Any, content: str) -> None:
    victim = laboratory.folder / "thesis.txt"
    victim.write_text(content, encoding="utf-8")
    laboratory.change("station.yaml", "bench.yaml@mqt", f"bench.yaml?transcript={victim}@mqt")
    outcome = run(laboratory, "check")
    assert outcome.exit_code == 2
    assert "no transcript of a bench; name a new file" in said(outcome)
    assert victim.read_text(encoding="utf-8") == content


@pytest.mark.shown(4)
@pytest.mark.parametrize(
    ("command", "library"),
    [*((command, "@py") for command in (*COMMANDS, "safe")), ("sweep", ""), ("sweep", "@mqt"), ("safe", "serve:1@mqt")],
)
def test_a_mixed_station_is_refused_wherever_it_is_read(laboratory: Any, command: str, library: str) -> None:
    truth = with_transcript(laboratory)
    before, _, after = (laboratory.folder / "station.yaml").read_text(encoding="utf-8").rpartition("bench.yaml@mqt")
    before = before.replace(THERMOMETER, "TCPIP0::127.0.0.1::1::SOCKET")  # nobody listens there
    (laboratory.folder / "station.yaml").write_text(f'{before}"{library}"{after}', encoding="utf-8")
    outcome = run(laboratory, command)
    text = said(outcome)
    assert "source, counter are on the simulated bench" in text
    assert "thermometer is " in text
    assert "thermometer is real" in text or "thermometer is on the simulated bench" in text
    if command == "safe":  # whatever can be reached was made safe, and told: the thermometer cannot, on no network
        assert outcome.exit_code == 20
        assert "OUTP 0" in truth.sent_to("source")
    else:
        assert outcome.exit_code == 2
        assert truth.records() == []


def test_the_same_bench_written_in_several_ways_is_one(laboratory: Any) -> None:
    text = (laboratory.folder / "station.yaml").read_text(encoding="utf-8")
    whole = str((laboratory.folder / "bench.yaml").resolve())
    (laboratory.folder / "station.yaml").write_text(text.replace("bench.yaml@mqt", f"{whole}@mqt", 1), encoding="utf-8")
    assert load_station(laboratory.folder / "station.yaml").simulated
    (laboratory.folder / "station.yaml").write_text(
        text.replace("bench.yaml@mqt", '"@mqt"', 1).replace("bench.yaml@mqt", "built-in@mqt"), encoding="utf-8"
    )
    assert load_station(laboratory.folder / "station.yaml").simulated


def test_the_samples_limit_reaches_adapter_and_driver_when_the_station_names_none(laboratory: Any) -> None:
    with open_station(laboratory.folder / "station.yaml", current_limit=5e-6) as station:
        source: Any = station.source
        driver = vars(source)["_source"]
        assert driver.current_limit.get() == 5e-6
        with pytest.raises(ValueError, match="exceeds the current limit of 5e-06 A"):
            driver.current.set(6e-6)
        from mqtctl.instruments.roles.experiment import RampProgram

        with pytest.raises(InputError, match="exceeds the source's current limit of 5e-06 A"):
            source.configure(RampProgram(0.0, 6e-6, 1e-3, 0.0125))
    laboratory.change("station.yaml", "# current_limit: 12 uA ", "current_limit: 3 uA ")
    with open_station(laboratory.folder / "station.yaml", current_limit=5e-6) as station:
        assert vars(station.source)["_source"].current_limit.get() == 3e-6  # the smaller one


# -- benches ------------------------------------------------------------------------------------


def test_a_bench_ends_with_its_station_and_one_that_somebody_holds_goes_on(laboratory: Any) -> None:
    import pyvisa
    from pyvisa_mqt.visa.library import MqtVisaLibrary

    path = laboratory.folder / "station.yaml"
    before = len(MqtVisaLibrary.living)
    with open_station(path) as station:
        assert len(MqtVisaLibrary.living) == before + 1
        station.clock.sleep(1000.0)
    assert len(MqtVisaLibrary.living) == before  # no garbage collection is needed, and none is run in these tests
    held = pyvisa.ResourceManager(f"{laboratory.folder / 'bench.yaml'}@mqt")
    with open_station(path) as station:
        assert station.clock.now() < 100.0
        station.clock.sleep(1000.0)
    with open_station(path) as station:
        assert station.clock is getattr(held.visalib, "clock")  # noqa: B009
        assert station.clock.now() > 1000.0


def test_a_snapshot_says_what_was_set_or_read_last_and_asks_nothing(laboratory: Any) -> None:
    def timeless(snapshot: Any) -> dict[str, Any]:
        # the session's time-out is read by each snapshot, and bears the second in which it was
        settings = {name: {**of, "ts": ""} if name == "timeout" else of for name, of in snapshot["parameters"].items()}
        return {**snapshot, "parameters": settings, "metadata": None}

    def found(station: Any) -> dict[str, Any]:
        now: dict[str, Any] = station.qcodes.snapshot()["instruments"]
        for name, driver in station.qcodes.components.items():
            assert timeless(now[name]) == timeless(type(driver).snapshot_base(driver, update=False))
        return now

    with open_station(laboratory.folder / "station.yaml") as station:
        source, counter = (
            vars(part)[name] for part, name in ((station.source, "_source"), (station.counter, "_counter"))
        )
        before, time = found(station), station.clock.now()
        assert all(timeless(now) == timeless(before[name]) for name, now in found(station).items())
        first, again = (station.qcodes.snapshot()["instruments"] for _ in range(2))
        assert all(again[name]["parameters"] is first[name]["parameters"] for name in first)  # as nothing has changed
        source.current.set(1e-9)
        assert found(station)["source"]["parameters"]["current"]["value"] == 1e-9
        assert timeless(found(station)["counter"]) == timeless(before["counter"])
        messages = station.clock.now() - time
        counter.operation.enable.set(16)
        assert found(station)["counter"]["submodules"]["operation"]["parameters"]["enable"]["value"] == 16
        assert timeless(found(station)["thermometer"]) == timeless(before["thermometer"])
        counter.operation.enable.cache.set(0)
        assert found(station)["counter"]["submodules"]["operation"]["parameters"]["enable"]["value"] == 0
        assert 0.0 < messages < 1.0


# -- identities ---------------------------------------------------------------------------------

#: Address -> one of a station's roles, and where another instrument of the bench stands.
ROLES = {"source": SOURCE, "counter": COUNTER, "thermometer": THERMOMETER}


def exchange(laboratory: Any, first: str, second: str) -> None:
    """Exchange two instruments on the bench, so that each answers at the other's address."""
    laboratory.change("bench.yaml", f"address: {ROLES[first]}", "address: THEIRS")
    laboratory.change("bench.yaml", f"address: {ROLES[second]}", f"address: {ROLES[first]}")
    laboratory.change("bench.yaml", "address: THEIRS", f"address: {ROLES[second]}")


@pytest.mark.shown(2)
@pytest.mark.parametrize(
    ("command", "first", "second"),
    [
        pytest.param(command, first, second, marks=[] if usual else [pytest.mark.slow])
        for command in ("check", "sweep", "histogram", "calibrate", "safe")
        for first, second in (("source", "counter"), ("counter", "thermometer"), ("source", "thermometer"))
        for usual in [command == "safe" or (command, first) in {("check", "counter"), ("sweep", "source")}]
    ],
)
def test_nothing_but_its_identity_is_asked_of_another_instrument(
    laboratory: Any, command: str, first: str, second: str
) -> None:
    truth = with_transcript(laboratory)
    exchange(laboratory, first, second)
    outcome = run(laboratory, command)
    assert outcome.exit_code == (20 if command == "safe" else 10), said(outcome)
    assert "it says it is" in said(outcome)
    if command == "check":
        for subject in ("noise", "start marker", "bath"):
            assert f"not checked {subject}" in said(outcome)
    for name in (first, second):
        assert set(truth.sent_to(name)) <= {"*IDN?"}, name
    assert truth.sent_to(first) or truth.sent_to(second)


# -- safe ---------------------------------------------------------------------------------------


@pytest.fixture
def heated(laboratory: Any) -> Any:
    """A laboratory whose bench goes on ramping and heating after whoever began it has died; and the truth about it."""
    truth = with_transcript(laboratory)
    with open_station(laboratory.folder / "station.yaml") as station:
        station.thermometer.set_target(0.5)
        station.clock.sleep(5.0)
        driver = vars(station.source)["_source"]
        library = driver.visa_handle.visalib  # whoever holds it keeps the bench
        driver.current.set(5e-6)
        driver.output.set(True)
    assert truth.on() == {"source", "thermometer"}
    return laboratory, truth, library


TYPOS = {
    "counter's option": ("start_threshold", "start_treshold", 2),
    "counter's driver": ("keysight_53230a.Keysight53230A", "keysight_53230a.Keysight53230", 2),
    "counter's package": ("mqtctl_drivers.keysight_53230a", "os.path", 2),
    "counter's role": ("role: timing_counter", "role: timing_caunter", 2),
    "counter's address": (COUNTER, "TCPIP0::192.0.2.99::inst0::INSTR", 0),
    "counter's key twice": (
        "          start_threshold: 1.5 V",
        "          delay: 1 us\n          start_threshold: 1.5 V",
        2,
    ),
    "counter's address twice": (COUNTER, SOURCE, 2),
    "source's option": ("marker_line: 3", "marker_lime: 3", 2),
    "source's role": ("role: ramp_source", "role: ramp_sauce", 2),
    "source's driver": ("keithley_6221.Keithley6221", "keithley_6221.Keithley6222", 20),
    "source's address": (SOURCE, "GPIB0::13::INSTR", 20),
    "source's key": ("    address: GPIB0", "    speed: 3\n    address: GPIB0", 2),
    "thermometer's option": ("maximum: 1 K", "maximum: 1", 2),
    "thermometer's heater": ("heater: sample", "heater: sampel", 2),
    "thermometer's driver": ("Lakeshore.LakeshoreModel372", "Lakeshore.LakeshoreModel371", 20),
    "top level": ("instruments:\n", "colour: red\ninstruments:\n", 2),
}


@pytest.mark.shown(4)
@pytest.mark.parametrize("typo", TYPOS.values(), ids=TYPOS)
def test_safe_needs_no_more_than_addresses_and_drivers(heated: Any, typo: tuple[str, str, int]) -> None:
    laboratory, truth, _ = heated
    old, new, code = typo
    laboratory.change("station.yaml", old, new)
    outcome = run(laboratory, "safe")
    assert outcome.exit_code == code, said(outcome)
    assert outcome.stderr.count("Traceback") == 0
    left = truth.on()
    assert len(left) == (1 if code == 20 else 0), left
    for name in {"source", "thermometer"} - left:
        assert name not in truth.on()


def test_safe_collects_all_faults(heated: Any) -> None:
    laboratory, truth, _ = heated
    for old, new in (
        ("start_threshold", "start_treshold"),
        ("marker_line: 3", "marker_lime: 3"),
        ("maximum: 1 K", "maximum: 1"),
    ):
        laboratory.change("station.yaml", old, new)
    outcome = run(laboratory, "safe")
    assert outcome.exit_code == 2
    assert truth.on() == set()
    for word in ("start_treshold", "marker_lime", "maximum"):
        assert word in outcome.stderr


@pytest.mark.shown(1)
@pytest.mark.parametrize(
    ("command", "file", "code"), [("safe", "station.yaml", 0), ("check", "plan.yaml", 2), ("rehearse", "plan.yaml", 2)]
)
def test_a_broken_qcodes_configuration_is_told_and_nothing_stays_on_for_it(
    laboratory: Any, command: str, file: str, code: int
) -> None:
    (laboratory.folder / "qcodesrc.json").write_text('{"dataset": ')
    done = subprocess.run(  # a process of its own: QCoDeS reads its files when it is imported
        [sys.executable, "-m", "mqtctl", command, file], cwd=laboratory.folder, capture_output=True, text=True
    )
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == code, said
    assert "qcodesrc.json" in said
    assert "Traceback" not in said
    if command == "safe":
        assert "ramp_source: KEITHLEY" in said
        assert "temperature_controller: LSCI" in said


def test_safe_is_not_safe_without_a_source_in_the_file(laboratory: Any) -> None:
    laboratory.change(
        "station.yaml", "        mqtctl:\n          role: ramp_source\n", "        other:\n          x: 1\n"
    )
    outcome = run(laboratory, "safe")
    assert outcome.exit_code == 20
    assert "ramp_source: no instrument of the station file plays this role" in outcome.stderr


def test_safe_confirms_nothing_of_a_file_that_cannot_be_read(tmp_path: Path, laboratory: Any) -> None:
    for text in ("", "instruments: 3", "instruments: {}", "- 1", "a: [", "instruments: {source: 1}"):
        path = tmp_path / "station.yaml"
        path.write_text(text, encoding="utf-8")
        outcome = laboratory.run("safe", path)
        assert outcome.exit_code == 20, text
        assert "NOT confirmed" in said(outcome)
    assert laboratory.run("safe", tmp_path / "nothing.yaml").exit_code == 2


# -- connecting ---------------------------------------------------------------------------------


def broken_controller(_self: object, _instrument: object, _options: object, _clock: object) -> None:
    raise HardwareError("the thermometer's adapter fails")


def opening_fails(laboratory: Any, *, only_look: bool = False) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mqtctl.instruments.lakeshore.model_372.Lakeshore372Controller.__init__", broken_controller)
        with (
            pytest.raises(HardwareError, match="adapter fails"),
            open_station(laboratory.folder / "station.yaml", only_look=only_look),
        ):
            pass


@pytest.mark.parametrize("only_look", [False, True])
def test_what_was_opened_is_made_safe_when_another_instrument_fails_to_open(laboratory: Any, only_look: bool) -> None:
    truth = with_transcript(laboratory)
    opening_fails(laboratory, only_look=only_look)
    assert ("OUTP 0" in truth.sent_to("source")) != only_look  # `check` switches nothing
    assert truth.ever_on() == set()


def test_a_source_that_somebody_uses_is_left_alone_when_another_instrument_fails_to_open(heated: Any) -> None:
    laboratory, truth, _ = heated
    opening_fails(laboratory)
    assert truth.on() == {"source", "thermometer"}


def test_a_station_that_is_open_in_this_process_already_is_refused_in_a_sentence(laboratory: Any) -> None:
    with (
        open_station(laboratory.folder / "station.yaml"),
        pytest.raises(InputError, match="open in this process"),
        open_station(laboratory.folder / "station.yaml"),
    ):
        pass
