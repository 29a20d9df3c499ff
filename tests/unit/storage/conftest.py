"""An empty database, and a plan whose histograms may go into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mqtctl.plan import ResolvedPlan, example_path, load_plan
from mqtctl.storage import Database, open_database, prepare_database


@pytest.fixture(scope="session")
def plan() -> ResolvedPlan:
    return load_plan(example_path("plan.yaml"))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "data.db"
    prepare_database(path)
    return path


@pytest.fixture
def opened(database: Path) -> Iterator[Database]:
    with open_database(database) as found:
        yield found
