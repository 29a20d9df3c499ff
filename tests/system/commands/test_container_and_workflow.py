"""The container's files and the workflow for other repositories are sound, and the workflow does what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from mqtctl.cli.app import app

ROOT = Path(__file__).parents[3]
WORKFLOW = ROOT / ".github" / "workflows" / "rehearse.yml"
#: What names a place from which something is fetched.
ADDRESS = re.compile(r"https?://|ghcr|docker\.io|quay|index.url|registry", re.IGNORECASE)


def workflow() -> dict[str, Any]:
    content = YAML(typ="safe", pure=True).load(WORKFLOW.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def instructions() -> list[tuple[str, str]]:
    """Return what the Dockerfile says, a pair of keyword and rest for each instruction."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(keyword, rest) for keyword, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_is_slim_runs_as_nobody_special_and_serves_the_showroom() -> None:
    found = dict(instructions())  # of each kind the last, which is what counts
    assert found["FROM"].endswith("-slim")
    assert int(found["USER"].partition(":")[0]) > 0  # a number: root is known to be somebody else
    entry, default = (YAML(typ="safe").load(found[key]) for key in ("ENTRYPOINT", "CMD"))
    assert [*entry, *default[:3]] == ["mqtctl", "bench", "serve", "showroom"]
    outcome = CliRunner().invoke(app, [*default, "--virtual", "--speed", "2"])  # refused: the options are known
    assert outcome.exit_code == 2
    assert "--speed has no meaning in virtual time" in outcome.stderr


def test_what_the_image_is_built_from_is_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[0] == "!"}
    assert {"LICENSE", "README.md", "constraints.txt", "drivers", "mqtctl", "pyproject.toml", "sim_instruments"} <= sent
    assert all((ROOT / name).exists() for name in sent)


def test_neither_container_nor_workflow_names_an_address() -> None:
    for path in (ROOT / "Dockerfile", ROOT / ".dockerignore", WORKFLOW):
        assert not ADDRESS.search(path.read_text(encoding="utf-8")), path


def test_the_workflow_is_for_others_to_call_and_may_only_read() -> None:
    content = workflow()
    called = content["on"]["workflow_call"]
    assert all({"description", "type", "default"} <= set(one) for one in called["inputs"].values())
    assert content["permissions"] == {"contents": "read"}
    used = set(re.findall(r"inputs\.(\w+)", WORKFLOW.read_text(encoding="utf-8")))
    assert used == set(called["inputs"])


@pytest.mark.slow
def test_the_steps_of_the_workflow_in_order_show_duration_precision_and_findings(
    laboratory: Any, tmp_path: Path
) -> None:
    try:
        version("mqtctl")
    except PackageNotFoundError:
        pytest.skip("mqtctl is not installed here")
    laboratory.change("plan.yaml", "[100 mK]", "[300 mK, 100 mK]")
    laboratory.change("plan.yaml", "stop_current: 9.8 uA", "stop_current: 9.25 uA")  # too low for the second
    laboratory.change("plan.yaml", "switches: 1000", "switches: 300")
    summary = tmp_path / "summary.md"
    inputs = {name: one["default"] for name, one in workflow()["on"]["workflow_call"]["inputs"].items()}
    (job,) = workflow()["jobs"].values()
    ended = []
    for step in (step for step in job["steps"] if "run" in step):
        given = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: str(inputs[found[1]]), text)
            for name, text in step["env"].items()
        }
        environment = {
            **os.environ, **given,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PIP_NO_INDEX": "1",  # it is installed, and nothing is fetched
            "GITHUB_STEP_SUMMARY": str(summary),
        }  # fmt: skip
        shell = [*shlex.split("bash --noprofile --norc -eo pipefail -c"), step["run"]]
        done = subprocess.run(
            shell, cwd=laboratory.folder, env=environment, capture_output=True, text=True, check=False
        )
        ended.append((step["name"], done.returncode))
    assert ended == [("Install", 0), ("Rehearse", 10)]  # 10: a sweep would be stopped by empty ramps
    lines = summary.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "### Rehearsal of plan.yaml"
    head, rule, *rows = (line for line in lines if line.startswith("|"))
    assert "settling<br>(s)" in head
    assert "T_esc,<br>alone<br>(mK)" in head
    assert re.search(r"\| \d{3}\(\d+\) \|$", rows[0])
    assert set(rule) <= set("|-: ")
    assert rows[0].startswith("| 300 |")
    assert any(re.match(r"- whole: ", line) for line in lines)
    assert any(line.startswith("| fault | ramp.stop_current | the ramp is too short") for line in lines)
