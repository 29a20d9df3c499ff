"""What every instrument is asked in a check: who it is, what its error queue holds, what its self-test says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from mqtctl.errors import MqtctlError
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.talk.error_sentences import speaking
from mqtctl.instruments.talk.identity import identify

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["error_finding", "examine", "look", "self_test_finding"]

#: Entries of an error queue that are shown.
_SHOWN = 3


def look(subject: str, observe: Callable[[], Finding]) -> Finding:
    """Return what is observed, or the fault that kept it from being observed."""
    try:
        return observe()
    except MqtctlError as exc:
        return Finding(subject, "fault", str(exc), cause="file" if exc.exit_code == 2 else "hardware")


def examine(
    instrument: VisaInstrument,
    models: Collection[str],
    *,
    errors: Callable[[], Sequence[tuple[int, str]]],
    self_test: Callable[[], int] | None,
) -> list[Finding]:
    """Return identity, error queue and self-test of an instrument.

    Parameters
    ----------
    instrument
        The driver.
    models
        Texts of which one stands in its identity.
    errors
        Empties its error queue.
    self_test
        Runs its self-test and returns 0 if it passed; None where that would disturb something.
    """

    def queue() -> Finding:
        with speaking(instrument, "reading its errors"):
            return error_finding(errors())

    def test() -> Finding:
        if self_test is None:
            return Finding("self-test", "not checked", "not run while the output is on, for it might disturb it")
        with speaking(instrument, "running its self-test"):
            return self_test_finding(self_test())

    who = look("identity", lambda: Finding("identity", "good", identify(instrument, models)))
    if who.verdict == "fault":
        return [who]  # whatever it would answer now means nothing
    return [who, look("error queue", queue), look("self-test", test)]


def error_finding(errors: Sequence[tuple[int, str]]) -> Finding:
    """Say what an error queue held; reading it has emptied it."""
    if not errors:
        return Finding("error queue", "good", "empty")
    listed = ", ".join(f'{code} "{text}"' for code, text in errors[:_SHOWN])
    more = f" and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
    return Finding(
        "error queue",
        "warning",
        f"it held {listed}{more} from before; it is empty now",
        "look whether somebody else, or the front panel, is using the instrument",
    )


def self_test_finding(code: int) -> Finding:
    """Say what a self-test found."""
    if code == 0:
        return Finding("self-test", "good", "passed")
    return Finding("self-test", "fault", f"failed with code {code}", "look the code up in the manual; do not measure")
