"""Asks an ASGI application without a network, byte for byte as told: no path is tidied up on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

import anyio
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message

__all__ = ["Answer", "Client"]


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: MutableHeaders = field(default_factory=MutableHeaders)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Client:
    """A browser of one page; keeps the cookie that it is given."""

    app: ASGIApp
    host: str = "127.0.0.1:8765"
    cookie: str = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, **headers: str) -> Answer:
        """Ask, and wait for the whole answer."""
        sent = {"host": self.host, **({"cookie": self.cookie} if self.cookie else {}), **headers}
        answer = Answer()
        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8765),
        }

        async def talk() -> None:
            async def receive() -> Message:
                if asked:
                    await anyio.sleep_forever()  # the browser stays
                asked.append(True)
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    answer.status = message["status"]
                    answer.headers = MutableHeaders(raw=list(message["headers"]))
                else:
                    answer.body += message.get("body", b"")

            asked: list[bool] = []
            await self.app(scope, receive, send)

        anyio.run(talk)
        self.cookie = answer.headers.get("set-cookie", self.cookie).partition(";")[0]
        return answer
