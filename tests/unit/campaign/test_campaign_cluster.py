"""Campaigns on a Dask cluster over loopback: the same bytes, a killed worker, and who is refused."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mqtctl.campaign import CampaignOptions, cluster, load_design, run_campaign
from mqtctl.campaign.cluster import circumstances_here, difference
from mqtctl.campaign.results import read_table
from mqtctl.campaign.run import Progress
from mqtctl.cli.app import app
from mqtctl.errors import InputError, MqtctlError
from tests.unit.campaign.test_campaign_design import design_file
from tests.unit.campaign.test_campaign_runs import SMALL

distributed = pytest.importorskip("distributed")


@contextmanager
def dask_cluster(folder: Path, *workers: list[str]) -> Iterator[str]:
    """Hold a scheduler and workers, each in a process of its own; yields the scheduler's address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    commands = [
        ["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
        *(["worker", address, "--no-dashboard", "--local-directory", str(folder), *more] for more in workers),
    ]
    with ExitStack() as stack:
        for command in commands:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command], env=environment, stderr=subprocess.DEVNULL, cwd=folder
            )
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
        yield address


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_cluster_of_which_one_worker_is_killed_writes_the_bytes_of_one_local_process(tmp_path: Path) -> None:
    campaign = load_design(design_file(tmp_path, SMALL, draws=2))
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        if progress.latest is not None and not killed:
            killed.append(progress.latest.worker)
            os.kill(progress.latest.worker, signal.SIGKILL)

    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    (tmp_path / "scratch").mkdir()
    run_campaign(campaign, CampaignOptions(here, workers=1))
    with dask_cluster(tmp_path / "scratch", ["--nthreads", "1"], ["--nthreads", "1"]) as address:
        done = run_campaign(campaign, CampaignOptions(there, scheduler=address, notify=kill_one))
    assert killed
    assert done.computed == 4
    assert there.read_bytes() == here.read_bytes()
    assert {row["exit_code"] for row in read_table(there)} == {"0"}


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_workers_with_threads_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = design_file(tmp_path, SMALL)
    (tmp_path / "scratch").mkdir()
    with dask_cluster(tmp_path / "scratch", ["--nthreads", "2"]) as address:
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
        arguments = ["campaign", str(path), "--scheduler", address, "--output", str(tmp_path / "results.csv")]
        result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "has 2 threads, but each experiment needs a process; start it with --nthreads 1" in result.stderr
    assert not list(tmp_path.glob("results*"))


def test_a_scheduler_that_nobody_answers_at_is_one_sentence_with_the_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "ANSWER_LIMIT", 0.3)
    path = design_file(tmp_path, SMALL, draws=1)
    with socket.socket() as silent:  # bound, and nobody listens
        silent.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        arguments = ["campaign", str(path), "--scheduler", address, "--output", str(tmp_path / "results.csv")]
        result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert f"no Dask scheduler answers at {address} within 0.3 s" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.glob("results*"))


def test_a_scheduler_that_goes_away_is_one_sentence() -> None:
    with (
        pytest.raises(MqtctlError, match=r"the scheduler at tcp://here:1 is gone .*; what is whole is kept"),
        cluster._answering(cluster.Cluster(None, "tcp://here:1")),
    ):
        raise ConnectionResetError


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'mqtctl\[campaign\]'"), cluster.connected("tcp://127.0.0.1:1"):
        pass


@pytest.mark.parametrize(
    ("there", "threads", "said"),
    [
        ({}, 1, None),
        ({"mqtctl": "0.0.9"}, 1, "has mqtctl 0.0.9, but here it is"),
        ({"mqtctl": "not installed"}, 4, "has mqtctl not installed"),
        ({"numpy": "1.0"}, 1, "has numpy 1.0"),
        ({}, 4, "start it with --nthreads 1"),
        ({"algebra in one thread": "False"}, 1, "start it with OMP_NUM_THREADS=1, "),
    ],
)
def test_a_worker_that_would_not_write_the_same_bytes_is_told_apart(
    there: dict[str, str], threads: int, said: str | None
) -> None:
    here = circumstances_here()
    what = difference(here, {**here, **there}, threads)
    assert what == said if said is None else said in str(what)
