#!/usr/bin/env bash
# PyVISA 1.16.2: query_binary_values returns an empty list for an IEEE 488.2 block of indefinite length (#0...), without an error.
# Counters answer so: FETC? of a 53230A with FORM REAL. The values are read and thrown away; and if one of their bytes happens to be a
# line feed (one reading in 32 or so), the rest of the block stays behind and is the answer to the next question.
# A block of definite length (R?) is read right, line feeds included. Seen with pyvisa-py 0.8.1 over a socket.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyvisa==1.16.2 pyvisa-py==0.8.1
venv/bin/python - <<'PYTHON'
import socket
import struct
import threading

import pyvisa

READINGS = (1.5e-3, struct.unpack(">d", bytes.fromhex("3f5893740a6a7efa"))[0], 2.5e-3)
ANSWERS = {
    b"FETC?": b"#0" + struct.pack(">3d", *READINGS) + b"\n",
    b"R?": b"#224" + struct.pack(">3d", *READINGS) + b"\n",
    b"*IDN?": b"MAKER,COUNTER,0,0\n",
}


def counter(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as lines:
        for line in lines:
            connection.sendall(ANSWERS[line.strip()])


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=counter, args=(listener,), daemon=True).start()
session = pyvisa.ResourceManager("@py").open_resource(
    f"TCPIP::127.0.0.1::{listener.getsockname()[1]}::SOCKET", read_termination="\n", write_termination="\n", timeout=2000, encoding="latin-1"
)
ask = {"datatype": "d", "is_big_endian": True}
definite = session.query_binary_values("R?", **ask)
indefinite = session.query_binary_values("FETC?", **ask)
after = session.query("*IDN?", delay=0.1).encode("latin-1", "replace")
print("definite length:", definite)
print("indefinite length:", indefinite)
print("answer to the next question:", after)
assert definite == list(READINGS)
assert indefinite == []
assert b"MAKER" not in after
PYTHON
