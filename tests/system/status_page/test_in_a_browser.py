"""The page of a real run in a real browser: at a desk, on a telephone, without JavaScript, as a file."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mqtctl.storage import sole_writer
from tests.system.status_page.browser import CHROMIUM, Browser, open_browser

MQTCTL = [sys.executable, "-m", "mqtctl"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="commands are not supervised there"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, build_laboratory: Callable[[Path], Any]) -> Path:
    """A run that has ended."""
    laboratory = build_laboratory(tmp_path_factory.mktemp("watched"))
    laboratory.change("plan.yaml", "temperatures: [100 mK]", "temperatures: [50 mK, 100 mK]")
    command = [*MQTCTL, "sweep", "plan.yaml", "-o", "run", "--seed", "1"]
    subprocess.run(command, cwd=laboratory.folder, check=True, capture_output=True)
    folder: Path = laboratory.folder / "run"
    return folder


@pytest.fixture
def run(measured: Path, tmp_path: Path) -> Path:
    """A copy of that run, about which other things may be said."""
    return Path(shutil.copytree(measured, tmp_path / "run"))


def say(run: Path, **facts: Any) -> None:
    """Change what the status says."""
    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    status |= {"updated": datetime.now(UTC).isoformat(), **facts}
    (run / "status.new").write_text(json.dumps(status), encoding="utf-8")
    (run / "status.new").replace(run / "status.json")


@pytest.fixture
def address(run: Path) -> Iterator[str]:
    process = subprocess.Popen([*MQTCTL, "watch", str(run), "--port", "0"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://\S+", process.stderr.readline())
    assert found is not None
    yield found[0]
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with open_browser(tmp_path / "browser") as found:
        yield found


HEADLINE = "document.querySelector('h1').textContent"
FITS = "document.documentElement.scrollWidth <= window.innerWidth"


def test_the_page_follows_the_run_at_every_width_until_it_dies(run: Path, address: str, browser: Browser) -> None:
    with sole_writer(run / "data.db"):
        say(run, state="running", phase="ramps", outputs="in use", point=0)
        for width in (1400, 390):
            browser.show(address, width)
            browser.wait_for(f"{HEADLINE} === 'All is well: measuring, point 1 of 2'")
            assert browser.value(FITS)
            assert browser.value("document.querySelectorAll('svg').length") == 4
            assert browser.value("document.querySelector('h1').getBoundingClientRect().top") < 40
            assert browser.value("document.title").startswith("All is well")
        say(run, state="running", alarm="heater high")
        browser.wait_for(f"{HEADLINE} === 'ALARM, point 1 of 2: heater high'")
        say(run, state="running", alarm="")
    browser.wait_for(f"{HEADLINE}.startsWith('Dead, point 1 of 2')")
    assert browser.complaints == []


def test_without_javascript_the_page_is_there_and_loads_itself_again(run: Path, address: str, browser: Browser) -> None:
    browser.show(address, 390, scripts=False)
    assert browser.value(HEADLINE) == "Complete: source and heater are off"
    assert browser.value("document.querySelector('noscript meta').content") == "10"
    assert browser.value(FITS)


def test_a_page_that_is_cut_off_says_that_it_is_old(run: Path, browser: Browser) -> None:
    process = subprocess.Popen([*MQTCTL, "watch", str(run), "--port", "0"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://\S+", process.stderr.readline())
    assert found is not None
    browser.show(found[0], 390)
    assert browser.value("document.getElementById('cut').hidden")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    browser.wait_for("!document.getElementById('cut').hidden && document.title.startsWith('No connection')")


def test_the_file_in_the_folder_is_the_same_page(run: Path, browser: Browser) -> None:
    browser.show((run / "status.html").as_uri(), 390)
    assert browser.value(HEADLINE) == "Complete: source and heater are off"
    assert browser.value("document.querySelectorAll('svg').length") == 4
    browser.wait_for("document.querySelector('footer [data-since]').textContent.endsWith(' ago')")
    assert browser.value(FITS)
    assert browser.complaints == []


def test_with_the_token_a_browser_follows_the_run_from_elsewhere_and_keeps_the_token_out_of_sight(
    run: Path, browser: Browser
) -> None:
    command = [*MQTCTL, "watch", str(run), "--port", "0", "--host", "0.0.0.0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://[^/]*:(\d+)/(\?token=\S+)", process.stderr.readline())
    assert found is not None
    try:
        browser.show(f"http://127.0.0.1:{found[1]}/{found[2]}", 390)
        browser.wait_for("location.search === ''")
        say(run, state="failed", exit_code=12)
        browser.wait_for(f"{HEADLINE}.startsWith('Failed, point 2 of 2: cryostat unsafe')")
        assert browser.value("document.cookie") == ""
        assert browser.complaints == []
    finally:
        process.kill()
        process.communicate()
