"""Another process looks at the database while the sweep writes to it: what plottr-inspectr does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from mqtctl.acquisition import BlockStored
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

#: As plottr does it: QCoDeS's own connection, the runs of the database, the data of the newest.
READER = """
import json, sys
import numpy as np
from qcodes.dataset import experiments, initialise_or_create_database_at, load_by_id
initialise_or_create_database_at(sys.argv[1])
runs = [run for experiment in experiments() for run in experiment.data_sets()]
data = load_by_id(runs[-1].run_id)
currents = data.get_parameter_data("switching_current")["switching_current"]["switching_current"]
blocks = data.get_parameter_data("block_readings")["block_readings"]["block_readings"]
mode = data.conn.execute("PRAGMA journal_mode").fetchone()[0]
flat = np.concatenate([np.asarray(c, dtype=float).ravel() for c in currents])
print(json.dumps({"runs": len(runs), "completed": bool(data.completed), "switches": int(flat.size),
                  "mean": float(flat.mean()), "blocks": [int(b) for b in np.ravel(blocks)], "mode": mode}))
data.conn.close()
"""


def test_a_second_process_reads_every_stored_block_with_qcodes_while_the_sweep_goes_on(laboratory: Any) -> None:
    folder = laboratory.folder / "run"
    seen: list[tuple[BlockStored, dict[str, Any]]] = []
    stored: list[int] = []

    def look(event: object) -> None:
        if not isinstance(event, BlockStored):
            return
        stored.append(event.switches)
        if len(stored) == 3:
            command = [sys.executable, "-W", "ignore", "-c", READER, str(folder / "data.db")]
            output = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
            seen.append((event, json.loads(output.splitlines()[-1])))

    laboratory.change("plan.yaml", "block: 500", "block: 100")
    acquire(laboratory.folder / "plan.yaml", Options(output=folder, seed=1), notify=look)
    ((event, found),) = seen
    assert found["mode"] == "wal"
    assert found["runs"] == 1
    assert not found["completed"]
    assert found["switches"] == event.switches == 300
    assert found["blocks"] == [100, 100, 100]
    assert abs(found["mean"] / event.mean - 1) < 1e-9
    # the reader did the writer no harm: all of it is there, and the file is one file again
    (point,) = load_sweep(folder / "data.db").points
    assert point.complete
    assert point.histogram.switching_currents.size == 1000
    assert sorted(path.name for path in folder.glob("data.db*")) == ["data.db"]
