"""The arbitrary waves of the 6221 go by their short and by their long names."""

from __future__ import annotations

from typing import Any

import pytest
import pyvisa


@pytest.mark.parametrize("number", range(5))
def test_an_arbitrary_wave_is_selected_in_short_and_in_long_form(number: int) -> None:
    manager = pyvisa.ResourceManager("showroom@mqt")
    source: Any = manager.open_resource("GPIB0::12::INSTR", read_termination="\n")
    for spelling in (f"ARB{number}", f"ARBitrary{number}", f"arbitrary{number}"):
        source.write("*CLS;:SOUR:WAVE:FUNC SIN;FUNC " + spelling)
        assert source.query("SOUR:WAVE:FUNC?") == f"ARB{number}"
        assert source.query("SYST:ERR?") == '0,"No error"'
    source.write("SOUR:WAVE:FUNC ARBITRAR1")
    assert source.query("SYST:ERR?").startswith("-224")
    manager.close()
