#!/usr/bin/env bash
# pyvisa-py 0.8.1 (pyvisa 1.16.2): opening a raw socket where nobody listens succeeds; only the first write fails.
# The connection is made without waiting and asked for with select, and a refused one is ready to be written to, too. A program that takes
# 'opened' for 'the instrument is there' configures nothing and learns it at its first command.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyvisa==1.16.2 pyvisa-py==0.8.1
venv/bin/python - <<'PYTHON'
import socket

import pyvisa

with socket.create_server(("127.0.0.1", 0)) as listener:
    port = listener.getsockname()[1]
# the port is free again: nobody listens there
session = pyvisa.ResourceManager("@py").open_resource(
    f"TCPIP::127.0.0.1::{port}::SOCKET", open_timeout=2000, write_termination="\n"
)
print("opened:", session.resource_name)
try:
    session.write("*IDN?")
    raise SystemExit("the write succeeded")
except (pyvisa.errors.VisaIOError, OSError) as exc:
    print("the first write:", type(exc).__name__, exc)
PYTHON
