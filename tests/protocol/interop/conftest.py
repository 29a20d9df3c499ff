"""PyMeasure's adapters, closed when a test is over: their finalisers would speak to a bench that is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest


@pytest.fixture
def connect_pymeasure() -> Iterator[Callable[..., Any]]:
    """Open PyMeasure adapters by address, VISA library and options; skips where PyMeasure is missing."""
    adapters = pytest.importorskip("pymeasure.adapters")
    with ExitStack() as stack:

        def connect(address: str, library: str, **options: Any) -> Any:
            adapter = adapters.VISAAdapter(address, visa_library=library, **options)
            stack.callback(adapter.close)
            return adapter

        yield connect
