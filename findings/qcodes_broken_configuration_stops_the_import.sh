#!/usr/bin/env bash
# QCoDeS 0.58.0: a qcodesrc.json in the working folder that is not whole makes 'import qcodes' raise.
# Half a file (an editor, a full disk, a synchronised folder) next to the script that is to switch a source off keeps even its driver from
# being imported; no option and no variable leaves the file out.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qcodes==0.58.0
venv/bin/python - <<'PYTHON'
import subprocess
import sys
from pathlib import Path

Path("qcodesrc.json").write_text('{"core": {', encoding="utf-8")
found = subprocess.run([sys.executable, "-c", "import qcodes"], capture_output=True, text=True, check=False)
print(found.stderr.strip().splitlines()[-1])
assert found.returncode == 1
assert "JSONDecodeError" in found.stderr
Path("qcodesrc.json").unlink()
assert subprocess.run([sys.executable, "-c", "import qcodes"], capture_output=True, check=False).returncode == 0
PYTHON
