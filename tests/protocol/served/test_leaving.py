"""What clients send when they let an instrument go: front panel, display, beeper, locks. Nothing of it is an error."""

from __future__ import annotations

import socket

import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource

from tests.protocol.served.in_a_thread import serving_in_a_thread

ADDRESSES = {
    "6221": "GPIB0::12::INSTR",
    "33512B": "USB0::0x0957::0x2C07::MY52400001::INSTR",
    "GS200": "GPIB0::1::INSTR",
    "53230A": "TCPIP0::192.0.2.53::inst0::INSTR",
    "SR620": "ASRL1::INSTR",
    "372": "TCPIP0::192.0.2.72::7777::SOCKET",
    "336": "TCPIP0::192.0.2.36::7777::SOCKET",
}
LEAVING = {
    "6221": ["SYST:LOC", "SYST:REM", "SYST:RWL", "SYST:RWL OFF", "DISP:ENAB ON", "SYST:BEEP:STAT OFF"],
    "33512B": [
        "SYST:LOC", "SYST:REM", "SYST:RWL", "SYST:LOCK:REL", "SYST:BEEP", "SYST:BEEP:STAT ON", "DISP ON",
        "DISP:TEXT:CLE",
    ],
    "GS200": ["SYST:LOC", "SYST:REM", "SYST:KLOC OFF", "SYST:DISP ON", "SYST:BEEP ON"],
    "53230A": ["SYST:LOC", "SYST:REM", "SYST:RWL", "SYST:LOCK:REL", "SYST:BEEP", "SYST:BEEP:STAT ON", "DISP ON"],
    "SR620": ["LOCL 0", "LOCL0", "DISP 0"],
    "372": ["MODE 0", "LOCK 0,123", "BRIGT 1", "BEEP 0"],
    "336": ["MODE 0", "LOCK 0,123", "BRIGT 1", "LEDS 1"],
}  # fmt: skip
ERRORS = {"SR620": ("*ESR?", "0"), "372": ("*ESR?", "000"), "336": ("*ESR?", "000")}


def instrument(manager: pyvisa.ResourceManager, model: str) -> MessageBasedResource:
    end = {"SR620": "\r"}.get(model, "\n")
    opened = manager.open_resource(ADDRESSES[model], read_termination="\n", write_termination=end)
    assert isinstance(opened, MessageBasedResource)
    return opened


@pytest.mark.shown(10)
@pytest.mark.parametrize(("model", "command"), [(model, each) for model in LEAVING for each in LEAVING[model]])
def test_what_clients_send_on_leaving_is_understood(model: str, command: str) -> None:
    manager = pyvisa.ResourceManager("showroom@mqt")
    opened = instrument(manager, model)
    opened.write("*CLS")
    opened.write(command)
    query, right = ERRORS.get(model, ("SYST:ERR?", '0,"No error"'))
    assert opened.query(query).strip().lstrip("+") == right
    manager.close()


@pytest.mark.parametrize("model", ["53230A", "33512B"])
def test_requests_for_the_lock_are_counted_and_the_register_tells_of_it(model: str) -> None:
    manager = pyvisa.ResourceManager("showroom@mqt")
    opened = instrument(manager, model)
    assert opened.query("SYST:LOCK:OWN?").strip() == '"NONE"'
    assert [opened.query("SYST:LOCK:REQ?").strip() for _ in range(2)] == ["+1", "+1"]
    assert opened.query("SYST:LOCK:OWN?") == opened.query("SYST:LOCK:NAME?")
    opened.write("SYST:LOCK:REL")
    assert int(opened.query("STAT:OPER:COND?")) & 1024
    opened.write("SYST:LOCK:REL;:SYST:LOCK:REL")
    assert not int(opened.query("STAT:OPER:COND?")) & 1024
    assert opened.query("SYST:ERR?").strip() == '+0,"No error"'
    manager.close()


def test_a_lock_keeps_another_connection_from_it_until_its_own_ends() -> None:
    with serving_in_a_thread("showroom") as bench:
        first, second = (socket.create_connection(("127.0.0.1", bench.port("counter")), timeout=5) for _ in range(2))
        with second:
            with first:
                for client, answer in ((first, b"+1\n"), (second, b"+0\n")):
                    client.sendall(b"SYST:LOCK:REQ?\n")
                    assert client.recv(100) == answer
            for _ in range(1000):
                second.sendall(b"SYST:LOCK:REQ?\n")
                if second.recv(100) == b"+1\n":
                    break
            else:
                raise AssertionError("the lock of a connection that has ended is still there")
