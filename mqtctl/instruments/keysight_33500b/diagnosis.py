"""What a 33500B can tell about itself, and its Sync output without a ramp."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mqtctl_drivers.errors import ErrorQueueError
from mqtctl_drivers.scpi import drain_error_queue

from mqtctl.errors import HardwareError
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.talk.error_sentences import named
from mqtctl.instruments.talk.foreign_driver import Conversation
from mqtctl.instruments.talk.inspection import examine

if TYPE_CHECKING:
    from collections.abc import Collection

    from qcodes.instrument import VisaInstrument

__all__ = ["inspect_generator", "synchronising"]

#: The self-test takes up to so long (s).
_SELF_TEST_TIME = 30.0


def inspect_generator(
    generator: VisaInstrument, talk: Conversation, models: Collection[str], outputs: Collection[str]
) -> list[Finding]:
    """Return identity, error queue and, with all outputs off, self-test of a generator.

    Parameters
    ----------
    outputs
        Nodes of all output channels, such as OUTP1.
    """

    def self_test() -> int:
        usual = generator.timeout.get()
        generator.timeout.set(_SELF_TEST_TIME)
        try:
            return int(float(talk.ask("*TST?")))
        finally:
            generator.timeout.set(usual)

    with talk.about("asking whether the outputs are on"):
        on = any(int(talk.ask(f"{output}?")) for output in outputs)
    return examine(
        generator,
        models,
        errors=lambda: drain_error_queue(talk.ask, generator.name),
        self_test=None if on else self_test,
    )


@contextmanager
def synchronising(generator: VisaInstrument, talk: Conversation, channel: int, period: float) -> Iterator[None]:
    """Put out Sync each `period` s within the block, with the output off; all that is changed is put back.

    Raises
    ------
    HardwareError
        The output is on, or something is not as it was afterwards.
    """
    source, output = f"SOUR{channel}", f"OUTP{channel}"
    with talk.about("preparing the Sync output alone"):
        if int(talk.ask(f"{output}?")):
            raise HardwareError(
                f"{named(generator)}: its output is on, so its Sync output cannot be tried without changing what the "
                "sample sees; run `mqtctl safe` first if nobody needs it"
            )
        outer = {node: talk.ask(f"{node}?") for node in (f"{source}:FUNC", f"{source}:BURS:STAT", "OUTP:SYNC")}
        outer |= {node: talk.ask(f"{node}?") for node in ("OUTP:SYNC:SOUR", f"{output}:SYNC:MODE")}
        talk.write(f"{source}:BURS:STAT 0")
        talk.write(f"{source}:FUNC SIN")
        inner = {f"{source}:FREQ": talk.ask(f"{source}:FREQ?")}  # that of the sine: an arbitrary wave has its own
    try:
        with talk.about("starting the Sync output"):
            for node, value in (
                (f"{source}:FREQ", f"{1.0 / period:.9G}"),
                ("OUTP:SYNC:SOUR", f"CH{channel}"),
                (f"{output}:SYNC:MODE", "CARR"),
                ("OUTP:SYNC", "1"),
            ):
                talk.write(f"{node} {value}")
            _check_errors(generator, talk)
        yield
    finally:
        with talk.about("putting its settings back"):
            for node, value in (*inner.items(), *outer.items()):
                talk.write(f"{node} {value}")
            _check_errors(generator, talk)
            talk.compare(
                {node: (found := talk.ask(f"{node}?"), value, found == value) for node, value in outer.items()}
            )
            if int(talk.ask(f"{output}?")):
                raise HardwareError(f"{named(generator)}: the output is on after Sync was tried; run `mqtctl safe`")


def _check_errors(generator: VisaInstrument, talk: Conversation) -> None:
    """Raise if the error queue holds anything."""
    found = drain_error_queue(talk.ask, generator.name)
    if found:
        raise ErrorQueueError(generator.name, found)
