"""The simulated SR620: its grammar, its status bytes, its samples and their timing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def counter(talk_to: Callable[..., Any]) -> Any:
    counter = talk_to("srs-sr620", resolution=0.0)
    counter.write("AUTM0;LEVL1,1;LEVL2,1")
    return counter


def lay(counter: Any, period: float, interval: float, number: int, first: float = 0.01) -> None:
    starts = first + period * np.arange(number)
    counter.wires.edge_times = {"inputA": starts, "inputB": starts + interval}


def test_spaces_are_optional_and_joined_queries_give_one_line(counter: Any) -> None:
    counter.write("MODE0", "SRCE 0", "SIZE 1000.0;ARMM 1")
    assert counter.query("MODE?;SRCE ?;SIZE?;ARMM?") == "0;0;1000;1"
    assert counter.query("LEVL?1;LEVL? 0") == "1.00;0.00"
    assert counter.query("TERM1,0;TERM?1;TERM?2") == "0;1"
    assert counter.query("*idn?") == "StanfordResearchSystems,SR620,02500,1.48"


def test_the_setup_string_packs_the_settings(counter: Any) -> None:
    counter.write("MODE4;SRCE1;ARMM3;SIZE 500;JTTR1;CLCK1;CLKF1;EXPD1;AUTM1")
    numbers = [int(item) for item in counter.query("STUP?").split(",")]
    assert len(numbers) == 24
    assert numbers[:8] == [4, 1, 3, 6, 8, 0, 0, 1 + 8 + 32 + 64 + 128]


@pytest.mark.parametrize(
    ("message", "event_status"),
    [
        ("NONSENSE", 32),
        ("MODE 7", 16),
        ("MODE", 32),
        ("MODE 1,2", 32),
        ("MODE x", 32),
        ("SIZE 3", 16),
        ("SIZE 2000000", 16),
        ("LEVL 1,5.5", 16),
        ("LEVL 3,1", 16),
        ("LEVL 1", 32),
        ("TSLP 1,2", 16),
        ("BDMP 0", 16),
        ("MEAS? 4", 16),
        ("MEAS?", 32),
        ("XAVG", 32),
        ("STRT?", 32),
        ("*ESE 256", 16),
        ("MODE 1.5", 16),
    ],
)
def test_what_is_refused_shows_in_the_event_status_alone(counter: Any, message: str, event_status: int) -> None:
    counter.write("*CLS")
    counter.write(message)
    assert not counter.instrument.output
    assert counter.query("*ESR?") == str(event_status)
    assert counter.query("*ESR?") == "0"


def test_single_bits_of_a_status_byte_can_be_asked_for(counter: Any) -> None:
    counter.write("*CLS", "MODE 9", "NONSENSE")
    assert counter.query("*ESR? 4;*ESR? 4;*ESR? 5;*ESR?") == "1;0;1;0"


def test_an_overflowing_input_is_dropped_and_flagged(counter: Any) -> None:
    counter.write("*CLS", "MODE 1" + " " * 300)
    assert counter.query("*ESR?;MODE?") == "16;0"


def test_a_reply_longer_than_the_output_buffer_is_lost(counter: Any) -> None:
    counter.write("*CLS", ";".join(["*IDN?"] * 7))
    assert not counter.instrument.output
    assert counter.query("*ESR?") == "4"


def test_a_measurement_waits_for_its_edges_and_answers_behind_the_end_of_the_group(counter: Any) -> None:
    lay(counter, 0.01, 0.003, 10)
    counter.write("MEAS? 0")
    assert counter.instrument.busy
    assert float(counter.wait_for_reply()) == pytest.approx(0.003, rel=1e-9)
    # 10 ms to the first start, 3 ms, 750 us for the sample, 5 ms for the group, 250 us for the text.
    assert counter.wires.clock.now() == pytest.approx(0.019, abs=1e-5)


def test_a_group_has_mean_jitter_and_extremes(counter: Any) -> None:
    starts = 0.01 + 0.01 * np.arange(100)
    intervals = 0.003 + 1e-6 * np.arange(100)
    counter.wires.edge_times = {"inputA": starts, "inputB": starts + intervals}
    counter.write("SIZE 10;STRT;*WAI;XAVG?;XJIT?;XMAX?;XMIN?")
    mean, jitter, largest, smallest = (float(item) for item in counter.wait_for_reply().split(";"))
    assert mean == pytest.approx(intervals[:10].mean())
    assert jitter == pytest.approx(intervals[:10].std(ddof=1), rel=1e-5)
    assert [largest, smallest] == pytest.approx([intervals[9], intervals[0]])
    assert float(counter.query("JTTR1;XJIT?")) == pytest.approx(np.sqrt(0.5) * 1e-6, rel=1e-5)
    assert float(counter.query("XALL?").split(",")[0]) == pytest.approx(mean)


def test_automatic_measurement_gives_the_latest_group(counter: Any) -> None:
    lay(counter, 0.01, 0.003, 100)
    counter.write("AUTM1")
    assert float(counter.query("XAVG?")) == 9e20
    counter.wait(0.5)
    assert float(counter.query("XAVG?")) == pytest.approx(0.003)


@pytest.mark.parametrize(("interval", "skipped"), [(0.0002, 1), (0.0003, 2)])
def test_ramps_within_the_dead_time_of_750_microseconds_are_skipped(
    counter: Any, interval: float, skipped: int
) -> None:
    lay(counter, 0.001, interval, 2000)
    counter.write("SIZE 100;STRT;*WAI;XAVG?")
    counter.wait_for_reply()
    # 10 ms group statistics, 5 ms end of group and 0.25 ms text besides the samples.
    samples = counter.wires.clock.now() - 0.01 - 0.01525 - interval - 0.00075
    assert samples == pytest.approx(99 * 0.001 * skipped, abs=1e-3)


def test_a_binary_sample_is_eight_bytes_little_endian_and_signed(counter: Any) -> None:
    starts = np.array([0.010])
    counter.wires.edge_times = {"inputA": starts, "inputB": starts - 0.002}
    counter.write("ARMM0;BDMP 1")
    counter.wait(0.02)
    data = counter.read_bytes()
    assert len(data) == 8
    assert int.from_bytes(data, "little", signed=True) * 1.05963812934e-14 == pytest.approx(-0.002, rel=1e-9)
    assert not counter.instrument.busy


@pytest.mark.parametrize(("mode", "expected"), [(3, 500.0), (4, 0.002), (6, 51.0)])
def test_frequency_period_and_count_are_measured_over_the_gate(counter: Any, mode: int, expected: float) -> None:
    counter.wires.edge_times = {"inputA": 0.002 * np.arange(1, 1000)}
    counter.write(f"MODE{mode};ARMM4;STRT;*WAI;XAVG?")
    assert float(counter.wait_for_reply()) == pytest.approx(expected, rel=1e-6)


def test_external_arming_takes_one_sample_for_each_external_edge(counter: Any) -> None:
    lay(counter, 0.01, 0.003, 100)
    counter.wires.edge_times["external"] = np.array([0.205, 0.405])
    counter.write("LEVL0,1;ARMM7;SIZE2;STRT;*WAI;XAVG?")
    counter.wait_for_reply()
    assert counter.wires.clock.now() == pytest.approx(0.41 + 0.003 + 0.00075 + 0.01525, abs=0.002)


def test_device_clear_and_a_new_message_end_a_measurement_that_never_comes(counter: Any) -> None:
    counter.write("*CLS", "MEAS? 0")
    counter.instrument.clear()
    assert counter.query("*IDN?").startswith("Stanford")
    counter.write("MEAS? 0")
    assert counter.query("*ESR?") == "4"


def test_a_finished_measurement_requests_service_once_per_rising_bit(counter: Any) -> None:
    lay(counter, 0.01, 0.003, 1000)
    counter.write("*CLS;*ESE 1;*SRE 32;STRT")
    counter.wait(0.1)
    assert counter.instrument.service_requests == 1
    counter.write("STRT")
    counter.wait(0.1)
    assert counter.instrument.service_requests == 1  # the bit was not cleared
    counter.query("*ESR?")
    counter.write("STRT")
    counter.wait(0.1)
    assert counter.instrument.service_requests == 2


def test_the_counters_own_status_tells_which_inputs_were_triggered(counter: Any) -> None:
    lay(counter, 0.01, 0.003, 2)
    counter.wait(0.1)
    assert counter.query("STAT?") == "6"
    assert counter.query("STAT?;ERRS?") == "0;0"
    lay(counter, 0.01, 0.003, 2, first=0.2)
    counter.wait(0.2)
    counter.write("*CLS")
    assert counter.query("STAT?") == "0"


def test_on_a_serial_line_carriage_return_ends_a_message_and_the_terminator_can_be_chosen(counter: Any) -> None:
    counter.instrument.message_exchange = False
    counter.instrument.write(b"MODE?\r", False)
    assert counter.read_bytes() == b"0\r\n"
    counter.instrument.write(b"ENDT 13,69\rMODE?\r", False)
    assert counter.read_bytes() == b"0\rE"


def test_impossible_options_are_refused(talk_to: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="resolution"):
        talk_to("srs-sr620", resolution=-1.0)
