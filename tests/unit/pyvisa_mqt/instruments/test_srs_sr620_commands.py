"""Every command of the SR620's reference: range, value at power-on, reply, refusal; and what the settings do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

COMMAND_ERROR, EXECUTION_ERROR = "32", "16"


@pytest.fixture
def counter(talk_to: Callable[..., Any]) -> Any:
    counter = talk_to("srs-sr620", resolution=0.0)
    counter.write("*CLS")
    return counter


def lay(
    counter: Any, interval: float = 0.3e-3, *, width: float = 0.25e-3, period: float = 0.01, number: int = 1000
) -> None:
    starts = 0.0101 + period * np.arange(number)
    counter.wires.edge_times = {"inputA": starts, "inputB": starts + interval}
    counter.wires.widths = {"inputA": width, "inputB": width}


# mnemonic, greatest, at power-on
CODES = [
    ("MODE", 6, 0), ("SRCE", 3, 0), ("ARMM", 12, 1), ("GATE", 18, 6), ("AUTM", 1, 1), ("AUTP", 1, 0), ("JTTR", 1, 0),
    ("CLCK", 1, 0), ("CLKF", 1, 0), ("EXPD", 1, 0), ("DREL", 3, 0), ("DISP", 6, 0), ("DGPH", 2, 0), ("EDMP", 1, 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "greatest", "power_on"), CODES)
def test_a_code_has_its_range_and_its_value_at_power_on(counter: Any, name: str, greatest: int, power_on: int) -> None:
    assert counter.query(f"{name}?") == str(power_on)
    for value in range(greatest + 1):
        counter.write(f"{name}{value}")
        assert counter.query(f"{name} ?") == str(value)
    for wrong, error in (
        (f"{name} {greatest + 1}", EXECUTION_ERROR), (f"{name} -1", EXECUTION_ERROR), (f"{name} 0.5", EXECUTION_ERROR),
        (name, COMMAND_ERROR), (f"{name} 0,0", COMMAND_ERROR), (f"{name} x", COMMAND_ERROR),
        (f"{name}? 1", COMMAND_ERROR),
    ):  # fmt: skip
        counter.write("*CLS", wrong)
        assert counter.query("*ESR?") == error, wrong
    assert counter.query(f"{name}?") == str(greatest)
    counter.write("*RST")
    assert counter.query(f"{name}?;*ESR?") == f"{power_on};0"


# mnemonic, inputs, greatest, at power-on
INDEXED = [("TERM", (0, 1, 2), 1, 1), ("TSLP", (0, 1, 2), 1, 0), ("TCPL", (1, 2), 1, 0), ("TMOD", (1, 2), 1, 0)]


@pytest.mark.parametrize(("name", "indices", "greatest", "power_on"), INDEXED)
def test_an_inputs_code_has_its_index(
    counter: Any, name: str, indices: tuple[int, ...], greatest: int, power_on: int
) -> None:
    for index in indices:
        assert counter.query(f"{name}? {index}") == str(power_on)
        counter.write(f"{name} {index},{1 - power_on}")
        assert counter.query(f"{name}?{index};*ESR?") == f"{1 - power_on};0"
    for wrong, error in (
        (f"{name} 3,0", EXECUTION_ERROR),
        (f"{name} 1,2", EXECUTION_ERROR),
        (f"{name} 1", COMMAND_ERROR),
    ):
        counter.write("*CLS", wrong)
        assert counter.query("*ESR?") == error


def test_sizes_are_one_two_five_times_powers_of_ten(counter: Any) -> None:
    for code, size in enumerate(int(d * 10**p) for p in range(7) for d in (1, 2, 5) if d * 10**p <= 10**6):
        counter.write(f"SIZE {float(size)}")
        assert counter.query("SIZE?") == str(size)
        assert counter.query("STUP?").split(",")[4] == str(code)
    for wrong in ("SIZE 3", "SIZE 0", "SIZE 2E6", "SIZE 1.5"):
        counter.write("*CLS", wrong)
        assert counter.query("*ESR?") == EXECUTION_ERROR


def test_levels_are_within_five_volts_in_steps_of_ten_millivolts(counter: Any) -> None:
    for sent, read in (("1.234", "1.23"), ("-5", "-5.00"), ("5", "5.00"), ("2.5E-1", "0.25")):
        counter.write(f"LEVL 2,{sent}")
        assert counter.query("LEVL? 2") == read
    counter.write("LEVL 2,5.01")
    assert counter.query("*ESR?;LEVL?2") == "16;0.25"


def test_masks_and_status_bytes(counter: Any) -> None:
    for name in ("*ESE", "TENA", "EREN"):
        counter.write(f"{name} 255")
        assert counter.query(f"{name}?") == "255"
        counter.write(f"{name} 256")
        assert counter.query("*ESR?") == EXECUTION_ERROR
    counter.write("*SRE 255")
    assert counter.query("*SRE?") == "191"  # bit 6 cannot be enabled
    assert counter.query("*TST?;*CAL?;ERRS?;STAT?") == "0;0;0;0"


def test_operation_complete_waits_for_the_group_and_sets_its_bit_then(counter: Any) -> None:
    lay(counter)
    counter.write("AUTM0;LEVL1,1;LEVL2,1;SIZE 5")
    assert counter.query("*OPC?") == "1"
    counter.write("STRT;*OPC")
    assert counter.query("*ESR?") == "0"
    counter.wait(0.2)
    assert counter.query("*ESR?;*ESR?") == "1;0"
    begin = counter.wires.clock.now()
    counter.write("STRT;*OPC?")
    assert counter.wait_for_reply() == "1"
    assert counter.wires.clock.now() - begin > 0.05


def test_a_poll_of_the_ready_bit_sees_the_end_of_a_group(counter: Any) -> None:
    lay(counter)
    counter.write("AUTM0;LEVL1,1;LEVL2,1;SIZE 5;STRT")
    assert counter.instrument.status_byte() & 1 == 0
    counter.wait(0.2)
    assert counter.instrument.status_byte() & 1 == 1


@pytest.mark.parametrize(
    ("mode", "source", "expected"),
    [
        (0, 0, 0.3e-3), (0, 1, 9.7e-3), (1, 0, 0.25e-3), (3, 0, 100.0), (4, 0, 0.01), (5, 0, 10.8), (6, 0, 11.0),
        (3, 2, 1000.0), (3, 3, 1.0),
    ],
)  # fmt: skip
def test_every_mode_measures_what_its_name_says(counter: Any, mode: int, source: int, expected: float) -> None:
    lay(counter)
    arming = 4 if mode in (3, 6) else 1
    counter.write(f"AUTM0;LEVL1,1;LEVL2,1;MODE{mode};SRCE{source};ARMM{arming};STRT;*WAI;XAVG?")
    assert float(counter.wait_for_reply()) == pytest.approx(expected, rel=1e-6)


def test_edmp_gives_every_sample_of_a_group_as_text(counter: Any) -> None:
    starts = 0.0101 + 0.01 * np.arange(100)
    intervals = 0.3e-3 + 1e-6 * np.arange(100)
    counter.wires.edge_times = {"inputA": starts, "inputB": starts + intervals}
    counter.write("AUTM0;LEVL1,1;LEVL2,1;SIZE 5;EDMP1;STRT;*OPC?")
    lines = [counter.wait_for_reply()]
    while counter.instrument.output:
        lines.append(counter.read_bytes().decode().strip())
    assert [float(line) for line in lines[:5]] == pytest.approx(intervals[:5])
    assert lines[5:] == ["1"]


def test_a_mean_is_relative_to_that_at_which_drel_was_set(counter: Any) -> None:
    starts = 0.0101 + 0.01 * np.arange(100)
    counter.wires.edge_times = {"inputA": starts, "inputB": starts + 0.3e-3 + 1e-6 * np.arange(100)}
    counter.write("AUTM0;LEVL1,1;LEVL2,1;MEAS?0")
    first = float(counter.wait_for_reply())
    assert float(counter.query("XREL?")) == pytest.approx(first)
    counter.write("DREL1;MEAS?0")
    second = float(counter.wait_for_reply())
    assert float(counter.query("XREL?")) == pytest.approx(second - first)
    assert float(counter.query("XALL?").split(",")[1]) == pytest.approx(second - first)
    assert float(counter.query("DREL0;XREL?")) == pytest.approx(second)


def test_a_missing_external_clock_and_a_failed_auto_level_are_errors_of_the_timer(talk_to: Callable[..., Any]) -> None:
    counter = talk_to("srs-sr620", external_clock=False)
    counter.write("CLCK1")
    assert counter.query("ERRS?;ERRS?") == "2;0"
    counter.write("TMOD1,1;TMOD2,1;STRT")
    assert counter.query("ERRS?") == "12"
    with_clock = talk_to("srs-sr620")
    with_clock.write("CLCK1")
    assert with_clock.query("ERRS?") == "0"


def test_auto_level_goes_to_the_middle(counter: Any) -> None:
    lay(counter)
    counter.wait(0.5)
    counter.write("AUTM0;TMOD1,1;STRT")
    assert float(counter.query("LEVL?1")) == pytest.approx(2.5, abs=0.011)
    counter.write("TERM1,0;STRT")
    assert float(counter.query("LEVL?1")) == pytest.approx(1.25, abs=0.011)


def test_termination_and_coupling_decide_what_triggers(counter: Any) -> None:
    lay(counter, width=9e-3)  # high for nine tenths: AC coupling puts the high level at 0.5 V
    counter.write("AUTM0;LEVL2,1;TSLP1,1")
    counter.wait(0.5)
    for settings, seen in (
        ("LEVL1,2.4", 1), ("TERM1,0", 1), ("LEVL1,2.6", 0), ("TERM1,1", 1), ("TCPL1,1", 0), ("LEVL1,-2", 1),
        ("TCPL1,0", 0),
    ):  # fmt: skip
        counter.write(settings)
        counter.query("STAT?")
        counter.wait(0.5)
        assert int(counter.query("STAT? 1")) == seen, settings


def test_the_resolution_is_the_jitter_of_a_constant_interval(talk_to: Callable[..., Any]) -> None:
    for resolution in (25e-12, 0.0):
        counter = talk_to("srs-sr620", resolution=resolution)
        lay(counter)
        counter.write("AUTM0;LEVL1,1;LEVL2,1;SIZE 500;STRT;*WAI;XJIT?")
        assert float(counter.wait_for_reply()) == pytest.approx(resolution, rel=4 / np.sqrt(2 * 500), abs=1e-13)
