from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mqtctl.acquisition.exclusive import exclusive
from mqtctl.errors import BenchBusyError

ADDRESS = f"GPIB7::{os.getpid()}::INSTR"


def test_two_processes_cannot_hold_one_address() -> None:
    script = f"""
from mqtctl.acquisition.exclusive import exclusive
try:
    with exclusive([{ADDRESS!r}]):
        print("taken")
except Exception as exc:
    print(type(exc).__name__, exc)
"""
    with exclusive([ADDRESS, "GPIB7::31::INSTR"]):
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert other.stdout.startswith("BenchBusyError")
    assert f"process {os.getpid()}" in other.stdout
    again = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert again.stdout.strip() == "taken"


def test_an_address_is_free_again_after_a_fault() -> None:
    with pytest.raises(ValueError, match="broken"), exclusive([ADDRESS]):
        raise ValueError("broken")
    with exclusive([ADDRESS]):
        pass


def test_the_fault_has_the_contracts_exit_code() -> None:
    assert BenchBusyError.exit_code == 13
