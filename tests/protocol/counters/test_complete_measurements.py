"""One complete measurement with each counter through plain PyVISA, as its manual describes, in each way of waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyvisa.constants import EventMechanism, EventType, ResourceAttribute, StatusCode

from tests.protocol.counters.chain import Array, Chain, sawtooth

Open = Callable[..., Chain]

FREQUENCY, NUMBER = 400.0, 300
BUILT_IN_MEAN = 9.25e-6 / (10.5e-6 * FREQUENCY / 0.9)  # s; about where the built-in junction switches at 12 mK
RECIPE = (
    "*RST;*CLS",
    f"SYST:TIM {max(2 / FREQUENCY, 0.01)}",
    "CONF:TINT (@1),(@2)",
    "SENS:TINT:GATE:SOUR IMM",
    "INP1:COUP DC;IMP 50;LEV 1.0;SLOP NEG",
    "INP2:COUP DC;IMP 1E6;LEV 1.0;SLOP POS;NREJ 1",
    "TRIG:SOUR IMM;COUN 1",
    f"SAMP:COUN {NUMBER}",
    "FORM REAL,64",
)


def prepared(chain: Open, *more: str) -> Chain:
    """Return a bench with the counter configured by the recipe and the source loaded."""
    opened = chain()
    opened.source.load(sawtooth(10.5e-6), FREQUENCY, NUMBER)
    for command in (*RECIPE, *more):
        opened.counter.visa.write(command)
    assert opened.counter.visa.query("SYST:ERR?") == '+0,"No error"'
    return opened


def block(counter: Any, command: str) -> Array:
    """Ask for a definite block of big-endian doubles."""
    values = counter.query_binary_values(command, datatype="d", is_big_endian=True, container=np.array)
    return np.asarray(values, dtype=np.float64)


def fetched(counter: Any) -> Array:
    """Fetch all readings: an indefinite block, of which only END tells where it ends, not a line feed within."""
    counter.read_termination = None
    counter.write("FETC?")
    data = counter.read_raw()
    counter.read_termination = "\n"
    assert data[:2] == b"#0"
    assert data[-1:] == b"\n"
    return np.frombuffer(data[2:-1], dtype=">f8").astype(np.float64)


def right(readings: Array) -> bool:
    return bool(len(readings) == NUMBER and np.abs(readings / BUILT_IN_MEAN - 1.0).max() < 0.03)


def test_initiate_wait_for_operation_complete_and_fetch(chain: Open) -> None:
    opened = prepared(chain)
    counter = opened.counter.visa
    counter.write("INIT")
    opened.source.start()
    assert counter.query("*OPC?") == "1"
    assert counter.query("DATA:POIN?") == f"+{NUMBER}"
    first, again = fetched(counter), fetched(counter)
    assert right(first)
    np.testing.assert_array_equal(first, again)  # FETCh? erases nothing
    np.testing.assert_array_equal(block(counter, "R?"), first)
    assert counter.query("DATA:POIN?;:STAT:QUES?;:SYST:ERR?") == '+0;+0;+0,"No error"'


def test_blocks_are_read_and_erased_while_the_measurement_goes_on(chain: Open) -> None:
    opened = prepared(chain)
    counter = opened.counter.visa
    counter.write("INIT;*OPC")
    opened.source.start()
    pieces: list[Array] = []
    while sum(map(len, pieces)) < NUMBER:
        opened.bench.clock.sleep(0.05)
        assert int(counter.query("DATA:POIN?")) <= 30
        pieces.append(block(counter, "R? 10000"))
    assert len(pieces) > 10
    assert right(np.concatenate(pieces))
    assert counter.query("*ESR?") == "+1"


def test_data_remove_waits_for_as_many_as_are_asked_for(chain: Open) -> None:
    opened = prepared(chain)
    counter = opened.counter.visa
    counter.timeout = 10_000
    counter.write("INIT")
    opened.source.start()
    pieces = [block(counter, "DATA:REM? 100,WAIT") for _ in range(3)]
    assert [len(piece) for piece in pieces] == [100] * 3
    assert right(np.concatenate(pieces))
    assert counter.query("SYST:ERR?") == '+0,"No error"'
    counter.write("DATA:REM? 1")
    assert counter.query("SYST:ERR?") == '-230,"Data corrupt or stale"'


def test_read_takes_triggers_waits_and_answers_in_text(chain: Open) -> None:
    opened = prepared(chain, "FORM ASC", "SAMP:COUN 5;:TRIG:COUN 2")
    counter = opened.counter.visa
    opened.source.start()
    text = counter.query("READ?")
    values = [float(item) for item in text.split(",")]
    assert len(values) == 10
    assert {len(item) for item in text.split(",")} == {22}  # +d.ddddddddddddddE+ddd
    assert values == pytest.approx([BUILT_IN_MEAN] * 10, rel=0.03)
    assert counter.query("DATA:LAST?").endswith(" S")


def test_a_bus_trigger_starts_each_group(chain: Open) -> None:
    opened = prepared(chain, "TRIG:SOUR BUS;COUN 2", "SAMP:COUN 50", "INIT")
    counter = opened.counter.visa
    opened.source.start()
    opened.bench.clock.sleep(0.1)
    assert counter.query("DATA:POIN?;:STAT:OPER:COND?") == "+0;+32"
    counter.write("*TRG")
    opened.bench.clock.sleep(0.2)
    assert counter.query("DATA:POIN?") == "+50"
    counter.assert_trigger()
    assert len(fetched(counter)) == 100


WAYS = {
    "threshold": (f"DATA:POIN:EVEN:THR {NUMBER}", "STAT:OPER:ENAB 4096", "*SRE 128", "INIT"),
    "operation complete": ("*ESE 1", "*SRE 32", "INIT;*OPC"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_service_request_tells_that_the_block_is_ready(chain: Open, way: str) -> None:
    opened = prepared(chain)
    counter = opened.counter.visa
    counter.enable_event(EventType.service_request, EventMechanism.queue)
    for command in WAYS[way]:
        counter.write(command)
    opened.source.start()
    begin = opened.bench.clock.now()
    response = counter.wait_on_event(EventType.service_request, 10_000)
    assert response.ret == StatusCode.success
    assert opened.bench.clock.now() - begin == pytest.approx(NUMBER / FREQUENCY, abs=0.01)
    status = counter.read_stb()
    assert status & 64
    assert status & (128 if way == "threshold" else 32)
    assert counter.read_stb() & 64 == 0  # the poll has withdrawn it
    assert right(block(counter, "R?"))
    counter.disable_event(EventType.service_request, EventMechanism.queue)


def test_polling_the_event_status_until_operation_complete(chain: Open) -> None:
    opened = prepared(chain)
    counter = opened.counter.visa
    counter.write("INIT;*OPC")
    opened.source.start()
    polls = 0
    while not int(counter.query("*ESR?")) & 1:
        opened.bench.clock.sleep(0.02)
        polls += 1
    assert 10 < polls < 40
    assert right(block(counter, "R?"))


def test_ramps_without_a_switch_are_censored_readings_in_the_block(chain: Open) -> None:
    opened = prepared(chain, "SAMP:COUN 20")
    counter = opened.counter.visa
    opened.source.load(sawtooth(9.1e-6), FREQUENCY, NUMBER)  # too low for the built-in junction
    counter.write("INIT")
    opened.source.start()
    assert counter.query("*OPC?") == "1"
    assert np.all(block(counter, "R?") == 9.91e37)
    assert counter.query("STAT:QUES?;:SYST:ERR?") == '+4;321,"Measurement timeout occurred"'


def test_a_memory_that_overflows_drops_the_oldest_and_says_so(chain: Open) -> None:
    opened = prepared(chain)
    opened.bench.line("counter").instrument.memory.restrict(100)
    counter = opened.counter.visa
    counter.write("INIT")
    opened.source.start()
    assert counter.query("*OPC?") == "1"
    assert counter.query("DATA:POIN?;:STAT:QUES?;:SYST:ERR?") == '+100;+16384;+0,"No error"'


# The SR620.


def timer(chain: Open, ramps: int = 5000) -> Chain:
    """Return a bench with a running source and an SR620 set up for intervals from A to B."""
    opened = chain("keysight-33512b", "srs-sr620")
    opened.source.load(sawtooth(10.5e-6), FREQUENCY, ramps)
    visa = opened.counter.visa
    for command in (
        "*RST;*CLS",
        "AUTM 0",
        "MODE 0",
        "SRCE 0",
        "ARMM 1",
        "LEVL 1,1.0;TSLP 1,0;TCPL 1,0;TERM 1,1",
        "LEVL 2,1.0;TSLP 2,0;TCPL 2,0;TERM 2,1",
    ):
        visa.write(command)
    assert visa.query("*ESR?;ERRS?") == "0;0"
    assert visa.query("STUP?").startswith("0,0,1,")
    opened.source.start()
    return opened


def test_meas_starts_waits_and_answers(chain: Open) -> None:
    visa = timer(chain).counter.visa
    visa.write("SIZE 1")
    assert float(visa.query("MEAS? 0")) == pytest.approx(BUILT_IN_MEAN, rel=0.03)
    visa.write("SIZE 100")
    mean = float(visa.query("MEAS? 0"))
    jitter, largest, smallest = (float(visa.query(f"{what}?")) for what in ("XJIT", "XMAX", "XMIN"))
    assert smallest < mean < largest
    assert 3.0 < (largest - smallest) / jitter < 8.0  # of 100 samples
    assert [float(item) for item in visa.query("XALL?").split(",")] == [mean, mean, jitter, largest, smallest]


def test_start_wait_and_average_in_one_message(chain: Open) -> None:
    visa = timer(chain).counter.visa
    assert float(visa.query("SIZE 50;STRT;*WAI;XAVG?")) == pytest.approx(BUILT_IN_MEAN, rel=0.03)


def test_a_service_request_tells_that_the_group_is_done(chain: Open) -> None:
    visa = timer(chain).counter.visa
    visa.write("SIZE 50;*ESE 1;*SRE 32;STRT")
    visa.wait_for_srq(10_000)
    assert visa.query("*ESR?") == "1"
    assert float(visa.query("XAVG?")) == pytest.approx(BUILT_IN_MEAN, rel=0.03)


def test_a_poll_of_the_status_byte_sees_the_end_of_the_group(chain: Open) -> None:
    opened = timer(chain)
    visa = opened.counter.visa
    visa.write("SIZE 50;STRT")
    polls = 0
    while not visa.read_stb() & 1:
        opened.bench.clock.sleep(0.01)
        polls += 1
    assert 10 < polls < 50  # 50 samples, every second ramp: 0.25 s


def test_a_binary_dump_streams_eight_bytes_a_sample_each_with_end(chain: Open) -> None:
    opened = timer(chain)
    visa = opened.counter.visa
    visa.write("BDMP500")
    visa.read_termination = None
    visa.set_visa_attribute(ResourceAttribute.termchar_enabled, False)
    begin = opened.bench.clock.now()
    samples = [visa.read_raw(8) for _ in range(500)]
    # An interval of 2 ms and 750 us do not fit into a ramp of 2.5 ms: every second ramp is missed.
    assert opened.bench.clock.now() - begin == pytest.approx(500 * 2 / FREQUENCY, rel=0.01)
    assert {len(sample) for sample in samples} == {8}
    values = np.array([int.from_bytes(sample, "little", signed=True) for sample in samples]) * 1.05963812934e-14
    assert np.abs(values / BUILT_IN_MEAN - 1.0).max() < 0.03
    visa.read_termination = "\n"
    assert visa.query("*IDN?").startswith("StanfordResearchSystems,SR620,")


def test_any_command_ends_a_dump(chain: Open) -> None:
    visa = timer(chain).counter.visa
    visa.write("BDMP 1000")
    visa.read_bytes(8, break_on_termchar=False)
    assert visa.query("MODE?") == "0"
    visa.timeout = 500
    assert float(visa.query("MEAS? 0")) == pytest.approx(BUILT_IN_MEAN, rel=0.03)


def test_the_other_slope_of_the_stop_measures_to_the_way_back(chain: Open) -> None:
    opened = timer(chain)
    opened.counter.visa.write("TSLP 2,1")
    # At 0.91 of the ramp's period the source is back at zero; some 30 us later the filtered current is, too.
    assert float(opened.counter.visa.query("MEAS? 0")) == pytest.approx(0.91 / FREQUENCY + 30e-6, abs=10e-6)
