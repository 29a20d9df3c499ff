"""Keeps an instrument's answers in step with the questions.

After a time-out the late answer could be taken for the answer to the next question, a temperature
for a current. So whoever speaks to an instrument reports each failed exchange here; the device is
cleared and asked for its identity, and whatever comes before that is discarded. Until it comes, no
further command goes out.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError
from qcodes.instrument import VisaInstrument

from .errors import ReplyError

__all__ = ["Synchroniser"]

log = logging.getLogger(__name__)

#: Late answers that may precede the identity after a time-out before we give up.
_STALE_REPLIES = 8
#: Silence in ms after which no late answer is expected any more.
_QUIET_MS = 500.0


class Synchroniser:
    """Remembers whether an instrument is in step, and gets it back.

    Parameters
    ----------
    instrument
        Any QCoDeS VISA instrument that answers `*IDN?`.
    models
        Texts of which one stands in its identity.
    """

    def __init__(self, instrument: VisaInstrument, models: Collection[str]) -> None:
        self._instrument = instrument
        self._models = tuple(model.encode("ascii") for model in models)
        self._in_step = True
        self._identities_sent = 0

    def ensure(self) -> None:
        """Return if the instrument is in step; otherwise get it back first, or raise."""
        if not self._in_step:
            self.resynchronise()

    def lost(self, command: str = "") -> None:
        """Note that an exchange failed; resynchronise now if that works, else before the next one.

        Parameters
        ----------
        command
            What had been sent, if known: a late identity must not be taken for the one asked for now.
        """
        self._in_step = False
        self._identities_sent = int(command == "*IDN?")
        try:
            self.resynchronise()
        except (VisaIOError, ReplyError) as exc:
            log.warning("%s is out of step: %s", self._instrument.name, exc)

    def resynchronise(self) -> None:
        """Clear the device and discard late answers until it answers with its identity.

        Raises
        ------
        ReplyError
            It answers, but never with its identity.
        pyvisa.errors.VisaIOError
            It does not answer.
        """
        self._in_step = False
        handle = self._instrument.visa_handle
        try:
            self._instrument.device_clear()
        except VisaIOError as exc:  # a bare socket has no device clear; the identity below must do
            if exc.error_code != StatusCode.error_nonsupported_operation:
                raise
        handle.write("*IDN?")
        self._identities_sent += 1
        for _ in range(_STALE_REPLIES):
            raw = handle.read_raw()
            if raw.count(b",") >= 3 and any(model in raw for model in self._models):
                if self._identities_sent > 1:
                    self._drain()  # an earlier identity may still be on its way
                self._in_step = True
                self._identities_sent = 0
                return
        raise ReplyError(
            f"{self._instrument.name}: no identity among {_STALE_REPLIES} replies after a device clear", raw
        )

    def _drain(self) -> None:
        """Read and discard whatever still comes, until nothing has come for a while."""
        handle = self._instrument.visa_handle
        usual = handle.timeout
        handle.timeout = _QUIET_MS
        try:
            for _ in range(_STALE_REPLIES):
                handle.read_raw()
        except VisaIOError as exc:
            if exc.error_code != StatusCode.error_timeout:
                raise
        finally:
            handle.timeout = usual
