#!/usr/bin/env bash
# pyvisa-py 0.8.1 over HiSLIP: `clear()` is there to get rid of a reply that nobody read, and fails just then. The client of a device clear has to
# drop what still arrives until DeviceClearAcknowledge (IVI-6.1, device clear); pyvisa-py takes the unread reply itself for the acknowledgement and raises
# RuntimeError. `read_stb()` behind a service request fails alike: AsyncServiceRequest, which may come at any time, is taken for the answer.
# The server here is the smallest that speaks the protocol. mqtctl: what this means for `bench serve` stands in docs/bench-serve.md.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyvisa-py==0.8.1 pyvisa==1.16.2
venv/bin/python - <<'PYTHON'
import socket
import struct
import threading

import pyvisa

HEADER = struct.Struct("!2sBBIQ")
INITIALIZE, INITIALIZED, DATA_END, CLEARED, ACKNOWLEDGED = 0, 1, 7, 8, 9
SIZE, SIZE_IS, ASYNC, ASYNC_IS, CLEAR, SERVICE, STATUS, STATUS_IS, CLEARING = 15, 16, 17, 18, 19, 20, 21, 22, 23


def send(end: socket.socket, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
    end.sendall(HEADER.pack(b"HS", kind, control, parameter, len(payload)) + payload)


def whole(end: socket.socket, number: int) -> bytes:
    data = b""
    while len(data) < number:
        piece = end.recv(number - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def serve(listening: socket.socket) -> None:
    """Serve one session at a time: a synchronous connection, then an asynchronous one."""
    while True:
        channels: list[socket.socket] = []
        for _ in range(2):
            end, _address = listening.accept()
            channels.append(end)
            threading.Thread(target=answer, args=(end, channels), daemon=True).start()


def answer(end: socket.socket, channels: list[socket.socket]) -> None:
    try:
        while True:
            _, kind, _control, parameter, length = HEADER.unpack(whole(end, HEADER.size))
            payload = whole(end, length)
            if kind == INITIALIZE:
                send(end, INITIALIZED, 0, 0x01000001)
            elif kind == ASYNC:
                send(end, ASYNC_IS)
            elif kind == SIZE:
                send(end, SIZE_IS, payload=struct.pack("!Q", 1 << 20))
            elif kind == STATUS:
                send(end, STATUS_IS, 64)
            elif kind == CLEAR:
                send(end, CLEARING)
            elif kind == CLEARED:
                send(end, ACKNOWLEDGED)
            elif kind == DATA_END and b"?" in payload:
                send(end, DATA_END, 0, parameter, b"here\n")
            elif kind == DATA_END:
                send(channels[1], SERVICE, 64)
    except (EOFError, OSError):
        end.close()


with socket.create_server(("127.0.0.1", 0)) as listening:
    port = listening.getsockname()[1]
    threading.Thread(target=serve, args=(listening,), daemon=True).start()
    manager = pyvisa.ResourceManager("@py")
    seen = {}
    for name, message, act in (("clear", "*IDN?", "clear"), ("read_stb", "*OPC", "read_stb")):
        instrument = manager.open_resource(f"TCPIP0::127.0.0.1::hislip0,{port}::INSTR")
        assert instrument.query("*IDN?") == "here\n"
        instrument.write(message)
        threading.Event().wait(0.3)  # what was sent has arrived
        try:
            getattr(instrument, act)()
            seen[name] = "no error"
        except RuntimeError as error:
            seen[name] = str(error)
        print(f"{name}: {seen[name]}")
assert "DeviceClearAcknowledge" in seen["clear"]
assert "AsyncServiceRequest" in seen["read_stb"]
PYTHON
