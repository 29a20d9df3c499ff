"""The bench of a rehearsal: wired as the station says, or the station's own, with the estimate's junction."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyvisa_mqt.instruments import MODELS

from mqtctl.bench_description import BenchFile
from mqtctl.documents import validate_document
from mqtctl.errors import InputError
from mqtctl.instruments import registry
from mqtctl.instruments.roles.stand_in import MarkerLine, SourceStandIn, StandIn
from mqtctl.plan import ResolvedPlan, load_plan
from mqtctl.plan.calibration import Calibration
from mqtctl.rehearsal.bench import RehearsalBench, choose_bench
from mqtctl.rehearsal.laboratory import rehearsal_laboratory
from mqtctl.station import load_station, open_station
from mqtctl.station.file import OPTIONAL_ROLES, ROLES

KEITHLEY = """
  source:
    type: mqtctl_drivers.keithley_6221.Keithley6221
    address: GPIB0::12::INSTR
    init: {metadata: {mqtctl: {role: ramp_source}}}
"""
GENERATOR = """
  source:
    type: qcodes.instrument_drivers.Keysight.Keysight33522B
    address: USB0::0x0957::0x2807::MY52400001::INSTR
    init: {metadata: {mqtctl: {role: ramp_source, bias_resistance: 47 kOhm, channel: 2}}}
"""
COUNTER = """
  counter:
    type: mqtctl_drivers.keysight_53230a.Keysight53230A
    address: TCPIP0::192.0.2.53::inst0::INSTR
    init: {metadata: {mqtctl: {role: timing_counter, stop_threshold: 1 V, delay: 10.105 us}}}
"""
TIMER = """
  counter:
    type: mqtctl_drivers.srs_sr620.SrsSR620
    address: ASRL1::INSTR
    init: {metadata: {mqtctl: {role: timing_counter, start_input: b, stop_threshold: 1 V, delay: 10.105 us}}}
"""
BRIDGE = """
  thermometer:
    type: qcodes.instrument_drivers.Lakeshore.LakeshoreModel372
    address: TCPIP0::192.0.2.72::7777::SOCKET
    init: {metadata: {mqtctl: {role: temperature_controller, channel: 6, minimum: 12 mK, maximum: 1 K}}}
"""
CONTROLLER = """
  thermometer:
    type: qcodes.instrument_drivers.Lakeshore.LakeshoreModel336
    address: GPIB0::3::INSTR
    init: {metadata: {mqtctl: {role: temperature_controller, input: B, output: 2, minimum: 20 mK, maximum: 1 K}}}
"""
DC_SOURCE = """
  trim:
    type: qcodes.instrument_drivers.yokogawa.YokogawaGS200
    address: GPIB0::1::INSTR
    init: {metadata: {mqtctl: {role: offset_source, current_limit: 1 uA, bias_resistance: 100 kOhm}}}
"""
IDLE = """
  magnet:
    type: qcodes_contrib_drivers.drivers.Some.Magnet
    address: GPIB0::9::INSTR
"""

Chooser = Callable[..., RehearsalBench]


@pytest.fixture
def choose(build_laboratory: Callable[[Path], Any], tmp_path: Path) -> Chooser:
    """Return the bench for a station of these entries, with changes of the plan and texts changed in the station."""

    def chosen(*entries: str, changes: dict[str, str] | None = None, **facts: Any) -> RehearsalBench:
        laboratory = build_laboratory(tmp_path / "chosen")
        text = "instruments:\n" + "".join(entries)
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        (laboratory.folder / "station.yaml").write_text(text, encoding="utf-8")
        plan: ResolvedPlan = replace(load_plan(laboratory.folder / "plan.yaml"), **facts)
        return choose_bench(load_station(plan.station), plan)

    return chosen


@pytest.fixture
def plan(laboratory: Any) -> ResolvedPlan:
    """The example's plan."""
    return load_plan(laboratory.folder / "plan.yaml")


def as_bench(bench: RehearsalBench) -> BenchFile:
    """Return the description as the simulated bench reads it; a wrong one raises."""
    return validate_document(dict(bench.content), BenchFile, "rehearsal")


def delay_of(file: BenchFile) -> float:
    """Return by how much a stop event lags the straight ramp's current, in s."""
    assert file.bias is not None
    assert file.junction is not None
    (readout,) = file.readouts
    step = readout.gain * file.junction.gap_voltage
    amplifier = -readout.rise_time / math.log(9.0) * math.log1p(-1.0 / step)
    return file.bias.lag + file.bias.delay + readout.delay + amplifier - file.markers[0].delay


def test_the_first_instruments_are_wired_as_the_station_says(choose: Chooser) -> None:
    bench = as_bench(choose(KEITHLEY, COUNTER, BRIDGE, IDLE))
    assert {section.model for section in bench.instruments.values()} == {
        "keithley-6221",
        "keysight-53230a",
        "lakeshore-372",
    }
    (marker,), (readout,) = bench.markers, bench.readouts
    assert (marker.source, marker.to, marker.pulse) == ("ramp_source.marker", "timing_counter.input1", "low")
    assert readout.to == "timing_counter.input2"
    assert bench.cryostat.sensors == {"temperature_controller.ch6": "mixing_chamber"}
    assert bench.cryostat.heaters == {"temperature_controller.sample": "mixing_chamber"}
    assert bench.cryostat.base_temperature == 0.012


def test_the_second_instruments_are_wired_as_the_station_says(choose: Chooser) -> None:
    bench = as_bench(choose(GENERATOR, TIMER, CONTROLLER, DC_SOURCE))
    assert bench.instruments["ramp_source"].model == "keysight-33522b"
    assert bench.instruments["timing_counter"].transport is not None, "a serial line is slow"
    assert bench.bias is not None
    scales = {source.port: source.scale for source in bench.bias.sources}
    assert scales == {"ramp_source.output2": 1 / 47e3, "offset_source.voltage": 1 / 100e3}
    (marker,), (readout,) = bench.markers, bench.readouts
    assert (marker.source, marker.to, marker.pulse) == ("ramp_source.sync", "timing_counter.inputB", "high")
    assert readout.to == "timing_counter.inputA"
    assert bench.cryostat.sensors == {"temperature_controller.chB": "mixing_chamber"}
    assert bench.cryostat.heaters == {"temperature_controller.output2": "mixing_chamber"}


def test_the_junction_is_the_samples_estimate(choose: Chooser) -> None:
    junction = as_bench(choose(KEITHLEY, COUNTER, BRIDGE)).junction
    assert junction is not None
    assert (junction.critical_current, junction.capacitance, junction.resistance) == (9.5e-6, 6.35e-12, 190.0)


def test_a_stated_filter_is_the_bias_lines(choose: Chooser) -> None:
    stated = {"role: ramp_source": "role: ramp_source, filter_time: 25 us"}
    bench = as_bench(choose(KEITHLEY, COUNTER, BRIDGE, changes=stated))
    assert bench.bias is not None
    assert bench.bias.lag == 25e-6
    assert delay_of(bench) == pytest.approx(10.105e-6, rel=1e-9), "the marker comes late to make up for it"


@pytest.mark.parametrize("delay", ["10.105 us", "0 s", "20 ns", "3 us", "2 ms", "-0.4 us"])
def test_filter_amplifier_and_cables_make_up_the_stations_delay(choose: Chooser, delay: str) -> None:
    bench = as_bench(choose(KEITHLEY, COUNTER, BRIDGE, changes={"10.105 us": delay}))
    wanted = {"10.105 us": 10.105e-6, "0 s": 0.0, "20 ns": 2e-8, "3 us": 3e-6, "2 ms": 2e-3, "-0.4 us": -4e-7}[delay]
    assert delay_of(bench) == pytest.approx(wanted, rel=1e-9, abs=1e-15)


def test_a_calibration_stands_above_the_stations_delay(choose: Chooser) -> None:
    calibration = Calibration.model_validate(
        {
            "date": datetime(2026, 1, 5, tzinfo=UTC),
            "method": "dummy resistor",
            "station": "station.yaml",
            "instruments": {},
            "simulated": False,
            "sweep_id": "x",
            "database": "x.db",
            "delay": "7 us",
            "delay_uncertainty": "1 ns",
            "offset": "3 nA",
            "scale": 1.02,
        }
    )
    bench = as_bench(choose(KEITHLEY, COUNTER, BRIDGE, calibration=calibration))
    assert delay_of(bench) == pytest.approx(7e-6, rel=1e-9)
    assert bench.bias is not None
    assert (bench.bias.offset, bench.bias.sources[0].scale) == (3e-9, 1.02)


def test_a_stated_amplifier_is_not_assumed(choose: Chooser) -> None:
    stated = {"stop_threshold: 1 V": "stop_threshold: 1 V, amplifier_gain: 500, amplifier_noise: 3 uV"}
    bench = choose(KEITHLEY, COUNTER, BRIDGE, changes=stated)
    (readout,) = as_bench(bench).readouts
    assert (readout.gain, readout.noise) == (500.0, 3e-6)
    assert not any("pre-amplifier: gain" in sentence for sentence in bench.assumed)


def test_what_neither_station_nor_sample_says_is_told_as_assumed(choose: Chooser, plan: ResolvedPlan) -> None:
    junction = plan.sample.junction.model_copy(update={"gap_voltage": None})
    sample = plan.sample.model_copy(update={"junction": junction})
    told = " ".join(choose(KEITHLEY, COUNTER, BRIDGE, sample=sample).assumed)
    for words in ("gain 1000", "gap voltage 2.7 mV", "cooling power", "messages", "current noise"):
        assert words in told


def test_a_negative_threshold_means_an_inverting_amplifier(choose: Chooser) -> None:
    inverted = {"stop_threshold: 1 V": "stop_threshold: -1 V, stop_slope: negative"}
    (readout,) = as_bench(choose(KEITHLEY, COUNTER, BRIDGE, changes=inverted)).readouts
    assert readout.gain == -1000.0


def test_an_instrument_without_a_stand_in_is_refused_in_one_sentence(choose: Chooser) -> None:
    unknown = KEITHLEY.replace("keithley_6221.Keithley6221", "homemade.Ramp")
    with pytest.raises(InputError, match=r"station.yaml: instruments.source: .*cannot play the role"):
        choose(unknown, COUNTER, BRIDGE)


@pytest.mark.parametrize(
    ("role", "entry"),
    [
        ("ramp_source", KEITHLEY),
        ("ramp_source", GENERATOR),
        ("timing_counter", COUNTER),
        ("timing_counter", TIMER),
        ("temperature_controller", BRIDGE),
        ("temperature_controller", CONTROLLER),
        ("offset_source", DC_SOURCE),
    ],
)
def test_every_adapter_of_ours_brings_a_stand_in_that_the_bench_has(choose: Chooser, role: str, entry: str) -> None:
    usual = {"ramp_source": KEITHLEY, "timing_counter": COUNTER, "temperature_controller": BRIDGE}
    bench = as_bench(choose(*{**usual, role: entry}.values()))
    section = bench.instruments[role]
    assert MODELS[section.model].__module__.startswith("pyvisa_mqt.instruments.")
    assert section.options == {}


def test_every_adapter_that_a_station_can_name_can_be_rehearsed() -> None:
    adapters = {
        registry.adapter_for(role, driver)
        for role in (*ROLES, *OPTIONAL_ROLES)
        for driver in registry.known_drivers(role)
    }
    assert len(adapters) == 7
    assert [adapter for adapter in adapters if not callable(getattr(adapter, "stand_in", None))] == []


class SilentRamp:
    """A laboratory's own adapter that says nothing of a stand-in."""

    role = "ramp_source"


class ConfusedRamp(SilentRamp):
    """One whose stand-in is of the wrong kind."""

    @classmethod
    def stand_in(cls, driver: str, options: object) -> StandIn:
        return StandIn("keithley-6221")


class OwnRamp(SilentRamp):
    """One without a model of its options."""

    @classmethod
    def stand_in(cls, driver: str, options: dict[str, object]) -> SourceStandIn:
        marker = MarkerLine("marker", str(options["pulse"]), high=3.0, width=2e-6)
        return SourceStandIn("lab-ramp", connector="out", resistance=1e5, marker=marker, options={"range": "1 V"})


def brought_by_a_laboratory(adapter: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an adapter of another package play with the driver of a 6221."""
    point = SimpleNamespace(name="mqtctl_drivers.keithley_6221.Keithley6221", load=lambda: adapter)
    monkeypatch.setattr(registry, "_entry_points", lambda: (point,))


@pytest.mark.parametrize(
    ("adapter", "complaint"),
    [
        (
            SilentRamp,
            r"instruments.source.type: nothing stands in for .*Keithley6221.*stand_in to its adapter .*Silent",
        ),
        (ConfusedRamp, r"instruments.source.type: stand_in of .*ConfusedRamp returned .* must be a SourceStandIn of"),
    ],
)
def test_a_laboratorys_adapter_without_a_stand_in_is_told_how_to_add_one(
    choose: Chooser, monkeypatch: pytest.MonkeyPatch, adapter: type, complaint: str
) -> None:
    brought_by_a_laboratory(adapter, monkeypatch)
    with pytest.raises(InputError, match=complaint) as error:
        choose(KEITHLEY, COUNTER, BRIDGE)
    assert "\n" not in str(error.value)


def test_a_laboratorys_adapter_is_wired_by_its_own_stand_in(choose: Chooser, monkeypatch: pytest.MonkeyPatch) -> None:
    brought_by_a_laboratory(OwnRamp, monkeypatch)
    bench = as_bench(choose(KEITHLEY.replace("ramp_source}", "ramp_source, pulse: high}"), COUNTER, BRIDGE))
    assert (bench.instruments["ramp_source"].model, bench.instruments["ramp_source"].options) == (
        "lab-ramp",
        {"range": "1 V"},
    )
    assert bench.bias is not None
    assert {source.port: source.scale for source in bench.bias.sources} == {"ramp_source.out": 1e-5}
    assert (bench.markers[0].pulse, bench.markers[0].high, bench.markers[0].width) == ("high", 3.0, 2e-6)


def test_a_stand_in_that_no_package_has_registered_is_told_without_the_temporary_folder(
    choose: Chooser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    brought_by_a_laboratory(OwnRamp, monkeypatch)
    bench = choose(KEITHLEY.replace("ramp_source}", "ramp_source, pulse: high}"), COUNTER, BRIDGE)
    with rehearsal_laboratory(load_plan(tmp_path / "chosen" / "plan.yaml"), bench) as place:
        with pytest.raises(InputError) as error, open_station(place.station):
            pass
        told = place.in_users_terms(str(error.value))
    assert "the bench's description: instruments.ramp_source.model: 'lab-ramp' is unknown; choose one of" in told
    assert "entry point of the group pyvisa_mqt.instruments" in told
    assert "mqtctl-rehearsal" not in told


def test_a_station_on_a_simulated_bench_keeps_its_wiring(laboratory: Any) -> None:
    laboratory.change("bench.yaml", "link_power: 1.5 mW", "link_power: 7 nW")
    laboratory.change("bench.yaml", "seed: 0", "seed: 0\ntranscript: run.jsonl")
    laboratory.change("sample.yaml", "gap_voltage: 2.7 mV", "gap_voltage: 2.5 mV")
    plan = load_plan(laboratory.folder / "plan.yaml")
    bench = choose_bench(load_station(plan.station), plan)
    file = as_bench(bench)
    assert file.cryostat.link_power == 7e-9
    assert file.junction is not None
    assert (file.junction.critical_current, file.junction.gap_voltage) == (9.5e-6, 2.5e-3)
    assert file.transcript is None, "a rehearsal writes nothing into the user's folder"


@pytest.mark.parametrize("name", ["", "built-in", "builtin", "showroom"])
def test_built_in_benches_are_known_by_name(laboratory: Any, name: str) -> None:
    laboratory.change("station.yaml", "bench.yaml@mqt", f"{name}?seed=4@mqt")
    plan = load_plan(laboratory.folder / "plan.yaml")
    assert as_bench(choose_bench(load_station(plan.station), plan)).junction is not None


def test_a_served_bench_is_left_alone(laboratory: Any) -> None:
    laboratory.change("station.yaml", "bench.yaml@mqt", "serve:40123@mqt")
    plan = load_plan(laboratory.folder / "plan.yaml")
    assert "wired as station.yaml says" in choose_bench(load_station(plan.station), plan).origin


def test_a_warm_base_means_the_cooling_power_of_a_helium_insert(choose: Chooser) -> None:
    bench = choose(KEITHLEY, COUNTER, BRIDGE, changes={"minimum: 12 mK": "minimum: 300 mK"})
    assert as_bench(bench).cryostat.cooling_power == 100e-6
    assert any("100 uW of cooling power at 300 mK" in sentence for sentence in bench.assumed)


def test_a_quantity_without_its_unit_in_the_bench_file_is_told_with_its_key(laboratory: Any) -> None:
    laboratory.change("bench.yaml", "lag: 10 us", "lag: 10")
    plan = load_plan(laboratory.folder / "plan.yaml")
    with pytest.raises(InputError, match=r"bench.yaml: bias.lag: 10 has no unit"):
        choose_bench(load_station(plan.station), plan)


def test_a_retrapping_current_above_the_estimates_critical_current_is_left_out(laboratory: Any) -> None:
    laboratory.change("bench.yaml", "# retrapping_current: 149 nA", "retrapping_current: 2 uA")
    laboratory.change("sample.yaml", "critical_current: 9.5 uA", "critical_current: 1 uA")
    plan = load_plan(laboratory.folder / "plan.yaml")
    junction = as_bench(choose_bench(load_station(plan.station), plan)).junction
    assert junction is not None
    assert junction.retrapping_current is None


def test_a_users_bench_file_stands_above_the_station(laboratory: Any, tmp_path: Path) -> None:
    other = tmp_path / "ours.yaml"
    text = (laboratory.folder / "bench.yaml").read_text(encoding="utf-8")
    other.write_text(text.replace("base_temperature: 12 mK", "base_temperature: 9 mK"), encoding="utf-8")
    plan = load_plan(laboratory.folder / "plan.yaml")
    bench = choose_bench(load_station(plan.station), plan, other)
    assert as_bench(bench).cryostat.base_temperature == 0.009


def test_a_bench_without_a_junction_is_refused(laboratory: Any) -> None:
    (laboratory.folder / "bench.yaml").write_text("seed: 1\n", encoding="utf-8")
    plan = load_plan(laboratory.folder / "plan.yaml")
    with pytest.raises(InputError, match="has no junction"):
        choose_bench(load_station(plan.station), plan)
