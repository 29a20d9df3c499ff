"""Stands before the page: who may ask, for what, and what a browser may make of the answer."""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mqtctl.status_page import CONTENT_POLICY

__all__ = ["Guard", "Visitors", "is_loopback"]

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": f"{CONTENT_POLICY}; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/@\s]+)(?::\d{1,5})?")


def is_loopback(host: str) -> bool:
    """Return whether only this computer can reach what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Visitors:
    """Who may look.

    Attributes
    ----------
    host
        Where the page listens.
    token
        What a visitor must have; "" for nothing, on loopback only.
    cookie
        Under which name a browser keeps it.
    """

    host: str = "127.0.0.1"
    token: str = ""
    cookie: str = "mqtctl-watch"

    def meant(self, host: str) -> bool:
        """Return whether a Host header means this page: a foreign name that resolves to here (DNS rebinding) does not.

        The port may be any: behind a tunnel it is another one.
        """
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].strip("[]").lower()
        if is_loopback(self.host):
            return name in {"localhost", "127.0.0.1", "::1", self.host.lower()}
        if name in {"localhost", self.host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def knows(self, given: str) -> bool:
        """Return whether this is the token, in a time that tells nothing of it."""
        return hmac.compare_digest(given.encode(errors="replace"), self.token.encode())


class Guard:
    """An ASGI application before another one, which lets nothing through but what `visitors` allows."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        self._app, self._visitors = app, visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        answer, fresh = self._refusal(scope, headers)

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*_sealed(message.get("headers", ())), *_cookie(self._visitors, fresh)]
            await send(message)

        await (answer or self._app)(scope, receive, sealed)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[PlainTextResponse | None, bool]:
        """Return the answer to who may not look, None for others; and whether the token came with the address."""
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("This page can only be read.\n", 405, {"allow": "GET, HEAD"}), False
        if not self._visitors.meant(headers.get("host", "")):
            return PlainTextResponse("This page is not served under that name.\n", 421), False
        if not self._visitors.token:
            return None, False
        if any(
            self._visitors.knows(given) for given in parse_qs(scope["query_string"].decode("latin-1")).get("token", ())
        ):
            return None, True
        kept = _kept(headers.get("cookie", ""), self._visitors.cookie)
        if kept is not None and self._visitors.knows(kept):
            return None, False
        return PlainTextResponse("This page needs the address with the token that mqtctl watch printed.\n", 403), False


def _sealed(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer with those that every answer has; what it says itself stands."""
    own = list(headers)
    said = {name.lower() for name, _ in own}
    return own + [(name.encode(), value.encode()) for name, value in _HEADERS.items() if name.encode() not in said]


def _cookie(visitors: Visitors, fresh: bool) -> list[tuple[bytes, bytes]]:
    """Return the header that lets a browser keep the token, where it came with the address."""
    if not fresh:
        return []
    return [(b"set-cookie", f"{visitors.cookie}={visitors.token}; HttpOnly; SameSite=Strict; Path=/".encode())]


def _kept(text: str, name: str) -> str | None:
    """Return what a browser kept under a name."""
    cookies = SimpleCookie()
    try:
        cookies.load(text)
    except CookieError:
        return None
    return cookies[name].value if name in cookies else None
