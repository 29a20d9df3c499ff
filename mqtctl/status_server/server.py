"""Serves the page of a run until Ctrl-C."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import anyio
import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from mqtctl.errors import InputError
from mqtctl.status_page.follow import REPORT_NAME
from mqtctl.status_server.guard import Guard, Visitors, is_loopback
from mqtctl.status_server.shared_reader import EVENTS, EVERY, REPORT, SharedReader

__all__ = ["changes", "listening_socket", "page_app", "serve"]

#: A stream says at least so often (s) that it is alive.
_BEAT = 10.0
#: What a report may do: it was made by mqtctl, and is a file that others may have changed since.
_REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


def page_app(reader: SharedReader, visitors: Visitors) -> ASGIApp:
    """Return the page as an ASGI application: `/`, its changes, and the report; nothing else is there."""

    async def page(_: Request) -> Response:
        return HTMLResponse(await to_thread.run_sync(reader.page))

    async def events(request: Request) -> Response:
        stream = changes(reader, anyio.sleep) if request.method == "GET" else _nothing()
        return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    async def report(_: Request) -> Response:
        path = reader.run / REPORT_NAME
        if path.is_symlink() or not path.is_file():
            return PlainTextResponse("No report was written yet.\n", 404)
        return FileResponse(path, media_type="text/html", headers={"content-security-policy": _REPORT_POLICY})

    routes = [Route("/", page), Route(EVENTS, events), Route(REPORT, report)]
    return Guard(Starlette(routes=routes), visitors)


async def changes(
    reader: SharedReader, pause: Callable[[float], Awaitable[None]], every: float = EVERY
) -> AsyncIterator[str]:
    """Give the page's fragment as a server-sent event now and whenever it has changed, for as long as asked.

    Parameters
    ----------
    reader
        The one that all share.
    pause
        Waits so many seconds.
    every
        How often in s it is looked whether there is something new.
    """
    sent, silent = "", 0.0
    while True:
        fragment = await to_thread.run_sync(reader.fragment)
        if fragment != sent or silent >= _BEAT:
            told = {"now": datetime.now(UTC).isoformat(), "fragment": "" if fragment == sent else fragment}
            sent, silent = fragment, 0.0
            yield f"data: {json.dumps(told)}\n\n"
        await pause(every)
        silent += every


async def _nothing() -> AsyncIterator[str]:
    """Give nothing: the answer to who asks for the headers alone."""
    return
    yield


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    InputError
        The port is in use or not allowed, or this computer has no such address.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family)
    except (OSError, OverflowError, UnicodeError) as exc:
        why = str(getattr(exc, "strerror", None) or exc).partition(" (")[0]
        raise InputError(
            f"the page cannot be served at {host}, port {port} ({why}); choose another with --port"
        ) from exc


def serve(run: Path, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve the page of a run until somebody presses Ctrl-C.

    Parameters
    ----------
    run
        Folder of the run.
    host, port
        Where to listen; port 0 is any that is free. What others can reach asks for a token.
    tell
        Told the page's address.

    Raises
    ------
    InputError
        No such run, one without a status, or nothing can listen there.
    """
    reader = SharedReader(run)
    with listening_socket(host, port) as listening:
        number = listening.getsockname()[1]
        token = "" if is_loopback(host) else secrets.token_urlsafe(24)
        app = page_app(reader, Visitors(host, token, f"mqtctl-watch-{number}"))
        tell(_address(host, number, token))
        config = uvicorn.Config(
            app, lifespan="off", ws="none", log_level="critical", access_log=False, server_header=False,
            proxy_headers=False, limit_concurrency=200, timeout_graceful_shutdown=1,
        )  # fmt: skip
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def _address(host: str, port: int, token: str) -> str:
    """Return the address to open; one that listens everywhere is told by this computer's name."""
    name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")
