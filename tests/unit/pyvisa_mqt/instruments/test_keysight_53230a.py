"""The simulated counter, from edges on its inputs to readings in its formats."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

PERIOD = 1e-3
INTERVAL = 0.4e-3
RESOLUTION = 20e-12


@pytest.fixture
def counter(talk_to: Callable[..., Any]) -> Any:
    counter = talk_to("keysight-53230a")
    starts = 5.1e-3 + PERIOD * np.arange(20_000)
    counter.wires.edge_times = {"input1": starts, "input2": starts + INTERVAL}
    return counter


def recipe(counter: Any, samples: int, timeout: str = "10 MS", *more: str) -> None:
    counter.write(
        "*RST;*CLS",
        f"SYST:TIM {timeout}",
        "CONF:TINT (@1),(@2)",
        "INP1:COUP DC;IMP 50;LEV 1.0;SLOP POS",
        "INP2:COUP DC;IMP 1E6;LEV 0.5;SLOP POS;NREJ 1",
        "TRIG:SOUR IMM;COUN 1",
        f"SAMP:COUN {samples}",
        "FORM REAL,64",
        f"DATA:POIN:EVEN:THR {samples}",
        *more,
        "INIT;*OPC",
    )
    assert counter.query("SYST:ERR?") == '+0,"No error"'


def block(counter: Any, command: str, kind: str = ">f8") -> Any:
    counter.write(command)
    data = counter.read_bytes()
    assert data.startswith(b"#")
    assert data.endswith(b"\n")
    digits = int(data[1:2])
    length = int(data[2 : 2 + digits])
    body = data[2 + digits : -1]
    assert len(body) == length
    return np.frombuffer(body, kind)


def test_it_knows_its_name_and_its_reply_formats(counter: Any) -> None:
    assert counter.query("*IDN?").startswith("Agilent Technologies,53230A,MY50000001,")
    assert counter.query("INP:IMP?;:FORM?;:SYST:TIM 1E-2;TIM?;:SAMP:COUN?;:INP:COUP?") == (
        "+1.00000000E+006;ASC,15;+1.00000000000000E-002;+1;AC"
    )
    assert counter.query("*ESR?;:SYST:ERR?") == '+128;+0,"No error"'


def test_the_recipe_gives_every_interval_once_and_signals_the_full_block(counter: Any) -> None:
    recipe(counter, 1000, "10 MS", "*ESE 1", "STAT:OPER:ENAB 4096", "*SRE 128")
    counter.wait(1.0)
    assert counter.query("DATA:POIN?") == "+995"
    assert counter.instrument.service_requests == 0
    counter.wait(0.1)
    assert counter.instrument.service_requests == 1
    assert counter.query("STAT:OPER?;*ESR?") == "+4112;+1"  # threshold and measuring; operation complete
    first, rest = block(counter, "R? 300"), block(counter, "R? 10000")
    readings = np.concatenate([first, rest])
    assert len(readings) == 1000
    # 5 sigma over 1000 readings
    assert np.abs(readings - INTERVAL).max() < 5 * RESOLUTION
    assert np.std(readings) == pytest.approx(RESOLUTION, rel=0.1)  # 4 sigma for n = 1000 is 0.09
    assert counter.query("R?;:SYST:ERR?") == '-230,"Data corrupt or stale"'


def test_what_is_read_does_not_depend_on_how_often_is_polled(talk_to: Any) -> None:
    results = []
    for steps in (1, 7, 500):
        counter = talk_to("keysight-53230a")
        counter.wires.edge_times = {
            "input1": 5.1e-3 + PERIOD * np.arange(500),
            "input2": 5.5e-3 + PERIOD * np.arange(500)[::3],
        }
        recipe(counter, 300)
        for _ in range(steps):
            counter.wait(1.0 / steps)
        results.append(block(counter, "R?"))
    assert np.sum(results[0] < 1) == 167  # every third ramp has a stop; then time-outs
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def test_a_ramp_without_a_switch_is_a_not_a_number_inside_the_block_and_is_reported(counter: Any) -> None:
    starts = 0.0101 + 0.02 * np.arange(10)
    counter.wires.edge_times = {"input1": starts, "input2": np.delete(starts, [3, 4]) + INTERVAL}
    recipe(counter, 10, "30 MS")
    counter.wait(1.0)
    values = block(counter, "R?")
    assert np.flatnonzero(values > 1).tolist()[0] == 3
    assert values[3] == 9.91e37
    assert values[0] == pytest.approx(INTERVAL, abs=1e-10)
    assert counter.query("STAT:QUES?;:SYST:ERR?") == '+4;321,"Measurement timeout occurred"'


def test_conf_resets_counts_levels_and_slopes_but_not_coupling_and_timeout(counter: Any) -> None:
    counter.write("SYST:TIM 0.5", "INP1:COUP DC;LEV 1;SLOP NEG", "SAMP:COUN 5;:TRIG:COUN 3;SOUR BUS")
    counter.write("CONF:TINT (@1),(@2)")
    assert counter.query("INP1:COUP?;SLOP?;LEV:AUTO?;:SAMP:COUN?;:TRIG:COUN?;SOUR?;:SYST:TIM?") == (
        "DC;POS;1;+1;+1;IMM;+5.00000000000000E-001"
    )
    counter.write("*RST")
    assert counter.query("SYST:TIM?;:INP1:COUP?;:TRIG:SLOP?;:CONF?") == '+5.00000000000000E-001;AC;NEG;"FREQ (@1)"'


def test_from_the_factory_there_is_no_timeout(counter: Any) -> None:
    assert counter.query("SYST:TIM?") == "+9.90000000000000E+037"


def test_a_level_by_hand_switches_auto_level_off(counter: Any) -> None:
    assert counter.query("INP2:LEV:AUTO?;:INP2:LEV 0.2;LEV:AUTO?;:INP1:LEV:AUTO?") == "1;0;1"


def test_auto_level_finds_the_middle_of_a_signal_and_nothing_without_one(counter: Any) -> None:
    counter.wires.levels = {"input1": (-0.001, 4.0)}
    counter.wait(1.0)
    counter.write("CONF:TINT (@1),(@2)", "INIT")
    assert 0.5 < float(counter.query("INP1:LEV?")) < 3.0
    counter.wires.edge_times = {}
    counter.wait(1.0)
    counter.write("ABOR;*RST", "CONF:TINT (@1),(@2)", "INIT")
    assert float(counter.query("INP1:LEV?")) == 0.0


def test_a_threshold_outside_the_signal_sees_nothing(counter: Any) -> None:
    recipe(counter, 10)
    counter.wait(1.0)
    counter.write("ABOR", "SYST:TIM INF", "INP2:LEV 5.1", "INIT")
    counter.wait(1.0)
    assert counter.query("DATA:POIN?") == "+0"


def test_fetch_waits_for_the_end_keeps_the_readings_and_uses_the_indefinite_block(counter: Any) -> None:
    recipe(counter, 100)
    counter.write("FETC?")
    assert counter.instrument.busy
    counter.wait(0.2)
    data = counter.read_bytes()
    assert data.startswith(b"#0")
    assert len(data) == 2 + 800 + 1
    assert counter.query("DATA:POIN?") == "+100"


def test_read_in_ascii_separates_by_commas_and_r_is_a_definite_block_even_then(counter: Any) -> None:
    recipe(counter, 3)
    counter.wait(0.1)
    counter.write("FORM ASC", "R?")
    text = counter.read_bytes().decode()
    assert text[:4] == "#268"  # three readings of 22 characters and two commas
    values = [float(item) for item in text[4:].strip().split(",")]
    assert values == pytest.approx([INTERVAL] * 3, abs=1e-10)
    counter.write("SAMP:COUN 2", "READ?")
    reply = counter.wait_for_reply()
    assert [len(item) for item in reply.split(",")] == [22, 22]


def test_byte_order_can_be_swapped(counter: Any) -> None:
    recipe(counter, 3)
    counter.wait(0.1)
    counter.write("FORM:BORD SWAP")
    assert block(counter, "R?", "<f8") == pytest.approx([INTERVAL] * 3, abs=1e-10)


def test_data_remove_needs_enough_readings_or_waits_for_them(counter: Any) -> None:
    recipe(counter, 50)
    assert counter.query("DATA:REM? 20") == ""
    assert counter.query("SYST:ERR?") == '-230,"Data corrupt or stale"'
    counter.write("DATA:REM? 20,WAIT")
    assert counter.instrument.busy
    counter.wait(0.03)
    assert len(np.frombuffer(counter.read_bytes()[5:-1], ">f8")) == 20
    assert counter.query("DATA:LAST?").endswith(" S")


def test_while_measuring_without_readings_r_gives_an_empty_block(counter: Any) -> None:
    recipe(counter, 50)
    counter.write("R?")
    assert counter.read_bytes() == b"#10\n"


def test_the_memory_holds_a_million_and_drops_the_oldest_silently(counter: Any) -> None:
    memory = counter.instrument.memory
    memory.append(np.arange(999_999.0))
    recipe_free = memory.append(np.array([1e6, 2e6, 3e6]))
    assert recipe_free is True
    assert len(memory) == 1_000_000
    assert memory.take(2).tolist() == [2.0, 3.0]
    assert memory.last() == 3e6


def test_an_overflow_is_told_by_its_status_bit(counter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counter.instrument.memory, "_capacity", 50)
    recipe(counter, 100)
    counter.wait(0.2)
    assert counter.query("STAT:QUES?;:DATA:POIN?;:SYST:ERR?") == '+16384;+50;+0,"No error"'


def test_bus_triggers_take_their_samples_one_after_the_other(counter: Any) -> None:
    counter.write("SYST:TIM INF", "CONF:TINT (@1),(@2)", "INP1:LEV 1", "INP2:LEV 1", "TRIG:SOUR BUS;COUN 2")
    counter.write("SAMP:COUN 3", "INIT")
    counter.wait(0.1)
    assert counter.query("DATA:POIN?;:STAT:OPER:COND?") == "+0;+32"
    counter.write("*TRG")
    counter.wait(0.1)
    assert counter.query("DATA:POIN?;:STAT:OPER:COND?") == "+3;+4128"  # threshold of one, waiting again
    counter.instrument.trigger()
    counter.wait(0.1)
    assert counter.query("DATA:POIN?;:STAT:OPER:COND?") == "+6;+4096"
    counter.write("*TRG")
    assert counter.query("SYST:ERR?") == '-211,"Trigger ignored"'


def test_several_triggers_with_a_delay_leave_ramps_out(counter: Any) -> None:
    recipe(counter, 2, "1 S", "TRIG:COUN 3;DEL 0.01")
    counter.wait(1.0)
    assert counter.query("DATA:POIN?") == "+6"


def test_a_holdoff_ignores_early_stops(counter: Any) -> None:
    starts = counter.wires.edge_times["input1"]
    counter.wires.edge_times["input2"] = np.sort(np.concatenate([starts + 1e-6, starts + INTERVAL]))
    recipe(counter, 5, "1 S", "TINT:GATE:SOUR ADV", "GATE:STOP:HOLD:SOUR TIME;TIME 10E-6")
    counter.wait(0.1)
    assert block(counter, "R?") == pytest.approx([INTERVAL] * 5, abs=1e-10)


def test_frequency_and_period_of_the_marker(counter: Any) -> None:
    counter.write("CONF:FREQ (@1)", "INP1:LEV 1")
    counter.write("READ?")
    assert float(counter.wait_for_reply()) == pytest.approx(1000.0, rel=1e-8)
    counter.write("CONF:PER DEF,DEF,(@1)", "INP1:LEV 1", "READ?")
    assert float(counter.wait_for_reply()) == pytest.approx(PERIOD, rel=1e-8)
    assert counter.query("CONF?;:FUNC?;:SYST:ERR?") == '"PER (@1)";"PER";+0,"No error"'


def test_measure_configures_levels_and_reads(counter: Any) -> None:
    counter.wait(1.0)
    counter.write("MEAS:TINT? (@1),(@2)")
    assert float(counter.wait_for_reply()) == pytest.approx(INTERVAL, abs=1e-10)


def test_init_is_ignored_while_measuring_and_abort_keeps_the_readings(counter: Any) -> None:
    recipe(counter, 1000)
    counter.write("INIT")
    assert counter.query("SYST:ERR?") == '-213,"Init ignored"'
    counter.wait(0.1)
    counter.write("ABOR")
    count = counter.query("DATA:POIN?")
    counter.wait(0.1)
    assert counter.query("DATA:POIN?") == count
    assert len(block(counter, "R?")) == int(count)


def test_the_dead_time_is_an_option_and_skips_ramps(talk_to: Any) -> None:
    counter = talk_to("keysight-53230a", dead_time=0.7e-3)
    starts = 0.0101 + PERIOD * np.arange(100)
    counter.wires.edge_times = {"input1": starts, "input2": starts + INTERVAL}
    recipe(counter, 1000, "INF")
    counter.wait(1.0)
    assert counter.query("DATA:POIN?") == "+50"
    with pytest.raises(ValueError, match="dead_time"):
        talk_to("keysight-53230a", dead_time=-1.0)
    with pytest.raises(ValueError, match="'resolution'"):
        talk_to("keysight-53230a", resolution="small")


def test_waiting_for_a_block_takes_few_steps_and_overshoots_little(counter: Any) -> None:
    recipe(counter, 10_000)
    counter.write("FETC?")
    clock = counter.wires.clock
    steps = 0
    while counter.instrument.busy:
        clock.advance_to(max(counter.instrument.next_event(), clock.now() + 1e-6))
        steps += 1
    assert steps < 60
    assert clock.now() == pytest.approx(5.1e-3 + 9999 * PERIOD + INTERVAL, abs=2 * PERIOD)


def test_a_hundred_thousand_readings_are_made_and_formatted_in_well_under_a_second(counter: Any) -> None:
    starts = 5.1e-3 + 1e-4 * np.arange(100_000)
    counter.wires.edge_times = {"input1": starts, "input2": starts + 5e-5}
    recipe(counter, 100_000)
    before = time.perf_counter()
    counter.wait(11.0)
    assert len(block(counter, "R?")) == 100_000
    assert time.perf_counter() - before < 0.5  # measured: 0.02 s
    assert math.isinf(counter.instrument.next_event())
