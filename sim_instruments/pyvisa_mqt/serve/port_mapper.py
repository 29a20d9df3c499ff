"""Tells VXI-11 clients the bench's port: a port mapper of its own at port 111, or an entry in the one that runs there.

Version 2 of the protocol (RFC 1833, section 3), over TCP and UDP.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping

from pyvisa_mqt.serve.connections import Connection
from pyvisa_mqt.serve.rpc import (
    Accepted,
    Arguments,
    Call,
    PoorCallError,
    Records,
    RpcConnection,
    call,
    packed,
    read_call,
    refusal,
    reply,
)

__all__ = ["PORT", "PortMapper"]

#: Where clients look for it.
PORT = 111
_PROGRAM, _VERSION = 100_000, 2
_SET, _UNSET, _GET_PORT, _DUMP = 1, 2, 3, 4
_TCP, _UDP = 6, 17
_LONGEST = 1024
_MOST_CHANNELS = 64
#: Wall time in s that another port mapper has for an answer.
_PATIENCE = 1.0


class PortMapper:
    """What is at the port of the port mapper, as far as the bench's programs go.

    Parameters
    ----------
    host
        Address at which to listen.
    port
        Where; 0 for a port that the system chooses.
    ports
        TCP ports by program, each of version 1.

    Attributes
    ----------
    listener
        Takes connections; None if the port was not to be had.
    channels
        Connections, and the socket for datagrams.
    trouble
        Why clients do not find the bench there, "" if they do.
    found_by_all
        Whether any client finds the bench, since it is told of where all of them look.
    """

    def __init__(self, host: str, port: int, ports: Mapping[int, int]) -> None:
        self.channels: list[_Caller | _Datagrams] = []
        self.listener: socket.socket | None = None
        self.trouble = ""
        self._ports = ports
        self._entries: dict[tuple[int, int, int], int] = {}
        self._elsewhere: tuple[tuple[str, int], list[tuple[int, int, int, int]]] | None = None
        try:
            self.listener = socket.create_server((host, port))
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.channels.append(_Datagrams(datagrams, self))
            datagrams.bind(self.listener.getsockname())
        except OSError as exc:
            self.close()
            self.listener = None
            self.channels.clear()
            if not self._register(("127.0.0.1", port)):
                reason = (exc.strerror or str(exc)).partition(" (")[0]
                self.trouble = (
                    f"VXI-11's addresses say its port, which pyvisa-py understands and other VISAs may not, since port "
                    f"{port} of {host} cannot be had ({reason}) and no port mapper there takes it in"
                )
        if self.listener is not None:
            self.listener.setblocking(False)
            own = self.listener.getsockname()[1]
            self._entries = {(_PROGRAM, _VERSION, protocol): own for protocol in (_TCP, _UDP)}
            self._entries |= {(program, 1, _TCP): port for program, port in ports.items()}
        self.found_by_all = port == PORT and not self.trouble

    def accept(self, connection: socket.socket) -> Connection | None:
        """Return what answers a new connection; None if there are too many."""
        if len(self.channels) >= _MOST_CHANNELS:
            connection.close()
            return None
        caller = _Caller(connection, self)
        self.channels.append(caller)
        return caller

    def result(self, call: Call) -> bytes | Accepted:
        """Return the result of a call, or why there is none."""
        if call.procedure == _GET_PORT:
            try:
                program, version, protocol = (call.arguments.number() for _ in range(3))
            except PoorCallError:
                return Accepted.GARBAGE_ARGUMENTS
            return packed(self._entries.get((program, version, protocol), 0))
        if call.procedure == _DUMP:
            return b"".join([*(packed(1, *what, port) for what, port in self._entries.items()), packed(0)])
        # it tells of the bench and of nothing else
        return packed(0) if call.procedure in (_SET, _UNSET) else Accepted.PROCEDURE_UNAVAILABLE

    def _register(self, where: tuple[str, int]) -> bool:
        """Ask the port mapper that runs there to tell of the bench; return whether it does."""
        mine: list[tuple[int, int, int, int]] = []
        try:
            for program, port in self._ports.items():
                entry = program, 1, _TCP, port
                _forget_the_dead(where, entry)
                if not _ask(where, _SET, entry):
                    break
                mine.append(entry)
        except (OSError, ValueError):
            return False
        self._elsewhere = where, mine
        if len(mine) < len(self._ports):
            self._leave()
            return False
        return True

    def _leave(self) -> None:
        """Take back what another port mapper tells of the bench."""
        if self._elsewhere is not None:
            where, mine = self._elsewhere
            for entry in mine:
                with contextlib.suppress(OSError, ValueError):  # it may have ended, and its entries with it
                    _ask(where, _UNSET, entry)
            self._elsewhere = None

    def close(self) -> None:
        """Close what is open, and leave the other port mapper."""
        self._leave()
        if self.listener is not None:
            self.listener.close()
        for channel in self.channels:
            channel.close()


def _forget_the_dead(where: tuple[str, int], entry: tuple[int, int, int, int]) -> None:
    """Let another port mapper forget a port at which nobody listens any more: a bench was killed."""
    program, version, protocol, _ = entry
    port = _ask(where, _GET_PORT, entry)
    if not port:
        return
    try:
        socket.create_connection((where[0], port), timeout=_PATIENCE).close()
    except ConnectionRefusedError:
        _ask(where, _UNSET, (program, version, protocol, port))


def _ask(where: tuple[str, int], procedure: int, entry: tuple[int, int, int, int]) -> int:
    """Call a procedure of another port mapper and return its result."""
    records = Records(_LONGEST)
    with socket.create_connection(where, timeout=_PATIENCE) as connection:
        connection.sendall(call(_PROGRAM, _VERSION, procedure, packed(*entry)))
        answers: list[bytes] = []
        while not answers:
            data = connection.recv(_LONGEST)
            if not data:
                raise ConnectionError("the port mapper has closed the connection")
            answers = records.feed(data)
    fields = Arguments(answers[0])
    number, kind, denied, _ = (fields.number() for _ in range(4))
    if (number, kind, denied) != (1, 1, 0):
        raise PoorCallError("no reply")
    fields.opaque()
    return fields.number() if fields.number() == Accepted.SUCCESS else 0


class _Caller(RpcConnection):
    """A client that asks over TCP."""

    def __init__(self, connection: socket.socket, mapper: PortMapper) -> None:
        super().__init__(connection, {_PROGRAM: _VERSION}, _LONGEST)
        self._mapper = mapper

    def execute(self) -> bool:
        """Answer what was asked."""
        while (asked := self._next_call()) is not None:
            self._answer(asked, self._mapper.result(asked))
        return False


class _Datagrams(Connection):
    """Whoever asks over UDP: one datagram is one call, and its answer another."""

    def __init__(self, datagrams: socket.socket, mapper: PortMapper) -> None:
        super().__init__(datagrams)
        self._mapper = mapper

    @property
    def wants_to_read(self) -> bool:
        """Whether there is room for more: there always is."""
        return True

    def receive(self) -> None:
        """Answer one datagram at once; what is no call has no answer."""
        try:
            record, sender = self._socket.recvfrom(_LONGEST)
            asked = read_call(record)
            self._socket.sendto(asked if isinstance(asked, bytes) else self._reply(asked), sender)
        except (OSError, PoorCallError):
            return

    def _reply(self, asked: Call) -> bytes:
        refused = refusal(asked, {_PROGRAM: _VERSION})
        if refused is not None:
            return refused
        return reply(asked, self._mapper.result(asked))

    def execute(self) -> bool:
        """Do nothing: what was asked has its answer."""
        return False
