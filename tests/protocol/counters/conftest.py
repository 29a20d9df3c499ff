"""Benches with a source and a counter of one's choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

import pytest

from tests.protocol.counters.chain import ADDRESSES, COUNTERS, SOURCES, Chain

Open = Callable[..., Chain]


@pytest.fixture
def chain(tmp_path: Path) -> Open:
    """Return a function that builds a bench of its own: the built-in one with other instruments and texts."""

    def opened(
        source: str = "keithley-6221",
        counter: str = "keysight-53230a",
        changes: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> Chain:
        text = (files("pyvisa_mqt") / "benches" / "builtin.yaml").read_text(encoding="utf-8")
        edits = {
            f"address: {ADDRESSES['keithley-6221']}": f"address: {ADDRESSES[source]}",
            f"address: {ADDRESSES['keysight-53230a']}": f"address: {ADDRESSES[counter]}",
            "model: keithley-6221": f"model: {source}",
            "model: keysight-53230a": f"model: {counter}",
            "seed: 0": f"seed: {seed}",
        }
        for old, new in (
            *edits.items(),
            *SOURCES[source].items(),
            *COUNTERS[counter].items(),
            *(changes or {}).items(),
        ):
            assert old in text, old
            text = text.replace(old, new)
        file = tmp_path / f"bench-{len(list(tmp_path.iterdir()))}.yaml"
        file.write_text(text, encoding="utf-8")
        return Chain(file, source, counter)

    return opened
