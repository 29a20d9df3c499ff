"""The served page: only for those who may look, only what it shows, only reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from mqtctl.errors import InputError
from mqtctl.status_page import CONTENT_POLICY
from mqtctl.status_server.guard import Visitors, is_loopback
from mqtctl.status_server.server import listening_socket, page_app, serve
from mqtctl.status_server.shared_reader import SharedReader
from tests.unit.status_page.a_run import settling, write_log, write_status
from tests.unit.status_server.asgi_client import Client


def client(run: Path, visitors: Visitors | None = None) -> Client:
    return Client(page_app(SharedReader(run), visitors or Visitors()))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    write_status(folder)
    (folder / "data.db").unlink()
    (folder / "data.db").mkdir()  # no database is looked at here
    (folder / "result.json").write_text(f'{{"database": "{folder / "d.db"}", "sweep_id": "x"}}', encoding="utf-8")
    write_log(folder, settling(0.0, 0.04), settling(9.0, 0.05))
    return folder


def test_the_page_is_there_with_headers_that_keep_everything_else_out(run: Path) -> None:
    browser = client(run)
    answer = browser.get("/")
    headers_alone = browser.ask("HEAD", "/")
    assert answer.status == headers_alone.status == 200
    assert "Complete: source and heater are off" in answer.text
    headers = answer.headers
    assert headers["content-security-policy"] == f"{CONTENT_POLICY}; frame-ancestors 'none'"
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert (headers["cache-control"], headers["x-frame-options"]) == ("no-store", "DENY")
    assert "set-cookie" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/events", "/report", "/nothing"])
def test_nothing_but_reading_is_allowed(method: str, path: str, run: Path) -> None:
    browser = client(run)
    answer = browser.ask(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:9000", "[::1]:8765", "LOCALHOST"])
def test_this_computers_own_names_are_served_through_any_tunnel(host: str, run: Path) -> None:
    browser = client(run)
    assert browser.get("/", host=host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "localhost@evil", "192.168.1.9", "[::1"]
)
def test_another_name_that_resolves_to_here_is_not_served(host: str, run: Path) -> None:
    browser = client(run)
    for path in ("/", "/events", "/report"):
        answer = browser.get(path, host=host)
        assert answer.status == 421
        assert "nosniff" in answer.headers["x-content-type-options"]


def test_what_others_can_reach_needs_the_token_once_and_then_the_cookie(run: Path) -> None:
    visitors = Visitors("0.0.0.0", "s3cret-token", "mqtctl-watch-1")
    browser = client(run, visitors)
    browser.host = "192.168.1.9:8765"
    for path in ("/", "/report", "/?token=", "/?token=s3cret-toke", "/?token=%ff", "/nothing"):
        assert browser.get(path).status == 403
    assert browser.get("/", cookie="mqtctl-watch-1=wrong").status == 403
    assert browser.get("/", cookie="==;;\x01").status == 403
    first = browser.get("/?token=s3cret-token")
    assert first.status == 200
    assert first.headers["set-cookie"] == "mqtctl-watch-1=s3cret-token; HttpOnly; SameSite=Strict; Path=/"
    assert browser.get("/").status == 200  # by the cookie
    assert browser.get("/", host="evil.example").status == 421
    assert "s3cret" not in first.text


def test_no_other_file_can_be_reached(run: Path) -> None:
    (run.parent / "secret.txt").write_text("secret", encoding="utf-8")
    (run / "secret.txt").write_text("secret", encoding="utf-8")
    escapes = ("/../secret.txt", "/%2e%2e/secret.txt", "/report/../secret.txt", "/report%2f..%2fsecret.txt")
    inside = ("/secret.txt", "/data.db", "/status.json", "/status.jsonl", "/run.json", "/report.html", "//etc/passwd")
    browser = client(run)
    for path in (*escapes, *inside):
        answer = browser.get(path)
        assert answer.status == 404, path
        assert "secret" not in answer.text


def test_the_report_is_served_when_it_is_there_and_may_do_nothing(run: Path) -> None:
    browser = client(run)
    assert browser.get("/report").status == 404
    (run / "report.html").write_text("<h1>Report</h1>", encoding="utf-8")
    answer = browser.get("/report")
    assert (answer.status, answer.text) == (200, "<h1>Report</h1>")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    (run / "report.html").unlink()
    (run / "report.html").symlink_to("/etc/hostname")
    assert browser.get("/report").status == 404


def test_only_the_headers_of_the_stream_are_told_to_who_asks_for_them(run: Path) -> None:
    browser = client(run)
    answer = browser.ask("HEAD", "/events")
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_a_token_is_asked_for_exactly_where_others_can_reach_the_page() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.9", "lab.example", "localhost.evil"))


def test_a_port_in_use_is_told_in_a_sentence() -> None:
    with listening_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"cannot be served at 127.0.0.1, port {port} \(Address already in use\)"):
            listening_socket("127.0.0.1", port)


def test_an_address_that_is_not_this_computers_is_told_in_a_sentence() -> None:
    for host in ("192.0.2.1", "a..b", "x" * 70):
        with pytest.raises(InputError, match="the page cannot be served at"):
            listening_socket(host, 0)


def test_a_run_that_is_not_there_is_told_before_anything_listens(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        serve(tmp_path / "nowhere", "127.0.0.1", 0, lambda _: None)
