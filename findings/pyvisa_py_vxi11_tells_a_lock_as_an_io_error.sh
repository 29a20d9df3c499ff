#!/usr/bin/env bash
# pyvisa-py 0.8.1 (pyvisa 1.16.2) over VXI-11: an instrument that answers 11, 'device locked by another link', is told as locked by `read_stb()`
# (VI_ERROR_RSRC_LOCKED), and as VI_ERROR_IO by `write()` and `read()`, just as a real I/O error (17) and an abort (23) are. The table of what the
# numbers mean is in pyvisa_py/tcpip.py; write and read look at 15 (time-out) only. Who is locked out looks for a broken cable; the same with a
# Rigol DM3068, which answers 11 to every write with a lock time-out (pull request 496 of pyvisa-py, issue 5 of python-vxi11). A link that the
# instrument refuses (3: no such name, 9: no place left) is an `Exception` and nothing narrower, so that `except VisaIOError` around an open
# misses it (issue 419, open). The server here is the smallest that speaks the protocol. mqtctl: docs/bench-serve.md; it says such a refusal as a sentence.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyvisa-py==0.8.1 pyvisa==1.16.2
venv/bin/python - <<'PYTHON'
import socketserver
import struct
import threading

import pyvisa

CREATE_LINK, WRITE, READ, READ_STATUS, DESTROY_LINK = 10, 11, 12, 13, 23
LOCKED, IO_ERROR, ABORT = 11, 17, 23
NAMES = {b"inst0": 0, b"inst1": 9}  # the error of create_link; any other name is not there: 3
refusal = 0  # the error with which the instrument answers from now on


def opaque(data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + data + bytes(-len(data) % 4)


def counted(data: bytes, start: int) -> bytes:
    (length,) = struct.unpack_from("!I", data, start)
    return data[start + 4 : start + 4 + length]


def answer(procedure: int, arguments: bytes) -> bytes:
    """Carry out one call of DEVICE_CORE; `arguments` and the answer are XDR."""
    if procedure == CREATE_LINK:  # client, lock, lock time-out, name
        return struct.pack("!iiII", NAMES.get(counted(arguments, 12), 3), 1, 0, 1024)
    if procedure == WRITE:  # link, I/O and lock time-out, flags, data
        return struct.pack("!iI", refusal, 0 if refusal else len(counted(arguments, 16)))
    if procedure == READ:  # the reason is END
        return struct.pack("!ii", refusal, 4) + opaque(b"" if refusal else b"here\n")
    if procedure == READ_STATUS:
        return struct.pack("!iI", refusal, 0 if refusal else 16)
    assert procedure == DESTROY_LINK
    return struct.pack("!i", 0)


class Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while head := self.rfile.read(4):  # a record of one fragment: the highest bit says last
            call = self.rfile.read(struct.unpack("!I", head)[0] & 0x7FFFFFFF)
            number, _call, _rpc, program, _version, procedure = struct.unpack_from("!6I", call)
            assert program == 0x0607AF
            start = 24
            for _ in range(2):  # credentials and verifier
                start += 8 + len(counted(call, start + 4))
            reply = struct.pack("!6I", number, 1, 0, 0, 0, 0) + answer(procedure, call[start:])
            self.wfile.write(struct.pack("!I", 0x80000000 | len(reply)) + reply)


def told(act) -> str:
    try:
        return f"no error, {act()!r}"
    except pyvisa.VisaIOError as error:
        return error.abbreviation


with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection) as server:
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"TCPIP0::127.0.0.1,{server.server_address[1]}"
    manager = pyvisa.ResourceManager("@py")
    instrument = manager.open_resource(f"{host}::inst0::INSTR")
    acts = {"write": lambda: instrument.write("*IDN?"), "read": instrument.read, "read_stb": instrument.read_stb}
    seen = {}
    for refusal in (0, LOCKED, IO_ERROR, ABORT):
        seen[refusal] = {name: told(act) for name, act in acts.items()}
        print(f"the instrument answers {refusal:2}:", ", ".join(f"{name}: {what}" for name, what in seen[refusal].items()))
    refusal = 0
    instrument.close()
    opened = []
    for name in ("inst1", "inst2"):
        try:
            manager.open_resource(f"{host}::{name}::INSTR")
            raise SystemExit(f"{name} is open")
        except Exception as error:
            opened.append(error)
            print(f"open {name}: {type(error).__name__}: {error}")
    server.shutdown()
assert all(what.startswith("no error") for what in seen[0].values())
assert seen[LOCKED]["read_stb"] == "VI_ERROR_RSRC_LOCKED" and seen[ABORT]["read_stb"] == "VI_ERROR_ABORT"
assert {seen[error][name] for error in (LOCKED, IO_ERROR, ABORT) for name in ("write", "read")} == {"VI_ERROR_IO"}
assert [(type(error), str(error)) for error in opened] == [(Exception, "error creating link: 9"), (Exception, "error creating link: 3")]
PYTHON
