"""Figures are left blank where a command runs in the process of its test; one that runs as a newcomer does draws."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def figures_are_blank() -> Iterator[None]:
    """Draw nothing: the claims of whole commands are about numbers, and drawing takes as long as a short sweep."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mqtctl.report.writer.render", lambda _draw, **_size: b"\x89PNG")
        yield
