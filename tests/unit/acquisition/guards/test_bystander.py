from __future__ import annotations

import logging

import pytest

from mqtctl.acquisition import Bystander


@pytest.mark.parametrize(
    "failure", [BrokenPipeError(), OSError(5, "Input/output error"), ZeroDivisionError("a bug"), SystemExit(1)]
)
def test_the_first_failure_is_remembered_told_once_and_the_listener_dropped(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[object] = []

    def listen(event: object) -> None:
        heard.append(event)
        if event == 2:
            raise failure

    bystander = Bystander(listen)
    with caplog.at_level(logging.WARNING):
        for event in range(5):
            bystander(event)
    assert heard == [0, 1, 2]
    assert bystander.failure is failure
    assert len(caplog.records) == 1
