"""Drivers that a test opens are closed at its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def opened() -> Iterator[list[Any]]:
    instruments: list[Any] = []
    yield instruments
    for instrument in instruments:
        instrument.close()
