"""Cuts what a client sends into the messages of the instrument, so that what several send never gets mixed."""

from __future__ import annotations

from pyvisa_mqt.bench.stock_devices import StockInstrument
from pyvisa_mqt.grammar.instrument import InputBuffer, Instrument

__all__ = ["Framing"]

#: Bytes without a message end that are kept.
_MOST_BYTES = 1 << 20


class Framing:
    """The bytes from one client, up to a message's end.

    The instruments of this bench end messages with a line feed, which may stand inside a binary block; a stock device
    ends them as its definition says.

    Parameters
    ----------
    instrument
        Whose messages they are.
    """

    def __init__(self, instrument: Instrument) -> None:
        self._lines = InputBuffer(_MOST_BYTES, keep_ends=True)
        self._end = instrument.message_end if isinstance(instrument, StockInstrument) else None
        self._bytes = bytearray()

    def feed(self, data: bytes, end: bool = False) -> list[bytes]:
        """Add bytes and return the messages that they complete, each with its end.

        Parameters
        ----------
        data
            What has come.
        end
            Whether END came with the last byte, where the line knows it; a stock device does not heed it.
        """
        if self._end is None:
            if end and not self._lines.unfinished:
                return [data]
            messages, _ = self._lines.feed(data, end=end)
            return [message.encode("latin-1") for message in messages]
        if not self._end:  # every piece is a message
            return [data]
        *complete, rest = (bytes(self._bytes) + data).split(self._end)
        self._bytes = bytearray(rest if len(rest) <= _MOST_BYTES else b"")
        return [message + self._end for message in complete]

    def clear(self) -> None:
        """Drop an unfinished message."""
        self._lines.clear()
        self._bytes.clear()

    @property
    def rest(self) -> bytes:
        """What has come since the last message's end."""
        return self._lines.rest if self._end is None else bytes(self._bytes)
