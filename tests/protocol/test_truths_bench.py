"""What a bench file can state of the junction's truth, seen through the bytes of source and counter."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa_mqt
from mqtctl_drivers.keithley_6221 import Keithley6221
from mqtctl_drivers.keysight_53230a import Keysight53230A

from mqtctl.documents import dump_yaml, load_yaml
from mqtctl.instruments.keithley_6221.adapter import Keithley6221RampSource
from mqtctl.instruments.keysight_53230a.adapter import Keysight53230ATimingCounter
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.physics import AmbegaokarBaratoff, Escape, Junction, SwitchingDistribution

BUILTIN = Path(pyvisa_mqt.__file__).parent / "benches" / "builtin.yaml"
RAMP = RampProgram(start_current=0.0, stop_current=10e-6, rate=10e-6 / 0.9e-3, period=1e-3)
BATH, SWITCHES = 0.05, 4000
_names = count()


def measured(folder: Path, section: str, facts: dict[str, Any]) -> tuple[np.ndarray[Any, np.dtype[np.float64]], float]:
    """Return the switching currents (A) on a bench with these facts, and the ramp rate in A/s."""
    content = dict(load_yaml(BUILTIN))
    content["cryostat"]["base_temperature"] = "50 mK"
    content[section].update(facts)
    file = folder / "bench.yaml"
    file.write_text(dump_yaml(content), encoding="utf-8")
    number, library = next(_names), f"{file}@mqt"
    source_driver = Keithley6221(f"truth_source_{number}", "GPIB0::12::INSTR", visalib=library)
    counter_driver = Keysight53230A(f"truth_counter_{number}", "TCPIP0::192.0.2.53::inst0::INSTR", visalib=library)
    try:
        clock: Any = source_driver.visa_handle.visalib
        clock = clock.clock
        source = Keithley6221RampSource(source_driver, {}, clock)
        counter = Keysight53230ATimingCounter(counter_driver, {"stop_threshold": "1 V", "delay": "10.105 us"}, clock)
        actual = source.configure(RAMP)
        counter.configure(actual)
        source.start(SWITCHES + 200)
        counter.arm(SWITCHES)
        clock.sleep(SWITCHES * RAMP.period + 1.0)
        times = counter.read(SWITCHES)
        source.stop()
    finally:
        source_driver.close()
        counter_driver.close()
    return actual.start_current + actual.rate * (times - counter.delay), actual.rate


@pytest.mark.parametrize(
    ("section", "facts", "resistance", "temperature", "depletion"),
    [
        ("junction", {}, 190.0, BATH, True),
        ("junction", {"escape": "escape without depletion"}, 190.0, BATH, False),
        ("junction", {"plasma_resistance": "1 Ohm"}, 1.0, BATH, True),
        ("junction", {"decoupling_temperature": "80 mK"}, 190.0, (0.05**5 + 0.08**5) ** 0.2, True),
        ("bias", {"noise_temperature": "50 mK", "noise_exponent": 2}, 190.0, 0.05 * 2.0**0.5, True),
        ("bias", {"noise_temperature": "20 mK"}, 190.0, 0.07, True),
    ],
)
def test_mean_and_width_are_those_of_the_law_that_the_bench_file_states(
    tmp_path: Path, section: str, facts: dict[str, Any], resistance: float, temperature: float, depletion: bool
) -> None:
    currents, rate = measured(tmp_path, section, facts)
    junction = Junction(9.489e-6, 6.35e-12, resistance)
    law = SwitchingDistribution(junction, temperature, rate, Escape(depletion=depletion))
    assert abs(currents.mean() - law.mean) < 4.0 * law.std / np.sqrt(SWITCHES)
    assert currents.std() == pytest.approx(law.std, rel=4.0 * 1.05 / np.sqrt(SWITCHES))  # kurtosis 5
    # and not those of the bench as it stands
    if facts:
        plain = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), BATH, rate, Escape())
        assert abs(currents.mean() - plain.mean) > 6.0 * law.std / np.sqrt(SWITCHES)


def test_a_critical_current_that_falls_with_temperature_is_lower_in_the_bytes(tmp_path: Path) -> None:
    currents, rate = measured(tmp_path, "junction", {"critical_temperature": "0.2 K"})
    own = AmbegaokarBaratoff(0.2).junction(Junction(9.489e-6, 6.35e-12, 190.0), BATH)
    assert 0.99 < own.critical_current / 9.489e-6 < 0.995
    law = SwitchingDistribution(own, BATH, rate, Escape())
    assert abs(currents.mean() - law.mean) < 4.0 * law.std / np.sqrt(SWITCHES)
    assert currents.std() == pytest.approx(law.std, rel=4.0 * 1.05 / np.sqrt(SWITCHES))


def test_a_critical_current_that_drifts_is_seen_from_switch_to_switch(tmp_path: Path) -> None:
    currents, rate = measured(tmp_path, "junction", {"critical_current_drift": "-1 %/s"})
    # 4 s: the end of the histogram has an Ic 4 % lower than its beginning, some twenty widths
    law = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), BATH, rate, Escape())
    slope, first = np.polyfit(1e-3 * np.arange(SWITCHES), currents, 1)
    # x = 1 - I/Ic goes as Ic to the power -2/3, so that dI/dIc is 1 - x/3: 0.996
    assert slope == pytest.approx(-0.01 * 0.996 * 9.489e-6, rel=0.01)
    rest = currents - first - slope * 1e-3 * np.arange(SWITCHES)
    assert rest.std() == pytest.approx(law.std, rel=0.06)
