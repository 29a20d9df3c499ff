from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from mqtctl.acquisition.guards.exclusive import exclusive, machine_wide
from mqtctl.acquisition.guards.instrument_names import names_of
from mqtctl.errors import BenchBusyError, InputError

ADDRESS = "GPIB7::12::INSTR"
BENCH = {"gpib 7 12": ADDRESS}

#: For every line on stdin: take it, say so, and hold it until the next line.
TAKE = """
import os, sys
from pathlib import Path
from mqtctl.acquisition.guards.exclusive import exclusive
from mqtctl.errors import MqtctlError
for _ in sys.stdin:
    try:
        with exclusive({"gpib 7 12": "GPIB7::12::INSTR"}, Path(sys.argv[1])):
            print("taken", flush=True)
            if sys.stdin.readline() == "die\\n":
                os._exit(1)
    except MqtctlError as exc:
        print(type(exc).__name__, flush=True)
        sys.stdin.readline()
    print("free", flush=True)
"""


class Other:
    """A process that takes the lock when it is told to."""

    def __init__(self, place: Path) -> None:
        command = [sys.executable, "-c", TAKE, str(place)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def only_file(place: Path) -> Path:
    (path,) = place.iterdir()
    return path


def test_two_processes_cannot_hold_one_instrument_and_death_lets_it_go(tmp_path: Path) -> None:
    other = Other(tmp_path)
    with other.process:
        other.tell("take")
        assert other.says() == "taken"
        named = f"{ADDRESS} is in use by .*, process {other.process.pid}; "
        both = {"gpib 7 30": "GPIB7::30::INSTR", **BENCH}
        with pytest.raises(BenchBusyError, match=named), exclusive(both, tmp_path):
            pass
        other.tell("die")
    with exclusive(BENCH, tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_instrument_is_free_again_after_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), exclusive(BENCH, tmp_path):
        raise ValueError("broken")
    with exclusive(BENCH, tmp_path):
        pass


def race(place: Path, both: threading.Barrier, outcomes: list[str]) -> None:
    both.wait()
    try:
        with exclusive(BENCH, place):
            both.wait()  # until the other has tried, too
            outcomes.append("taken")
    except BenchBusyError:
        outcomes.append("busy")
        both.wait()


def test_of_two_that_race_exactly_one_wins_each_time(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=60)
    for _ in range(100):
        outcomes: list[str] = []
        threads = [threading.Thread(target=race, args=(tmp_path, both, outcomes)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["busy", "taken"]


@pytest.mark.slow
def test_of_two_processes_that_race_exactly_one_wins_each_time(tmp_path: Path) -> None:
    racers = [Other(tmp_path), Other(tmp_path)]
    with racers[0].process, racers[1].process:
        for number in range(1000):
            for racer in racers if number % 2 else racers[::-1]:
                racer.tell("take")
            assert sorted(racer.says() for racer in racers) == ["BenchBusyError", "taken"]
            for racer in racers:
                racer.tell("give back")
            assert [racer.says() for racer in racers] == ["free", "free"]


def test_a_lock_that_its_owner_removes_meanwhile_keeps_others_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened before, locked after the owner has removed it: it would be a lock on a file that nobody else finds."""
    holder = exclusive(BENCH, tmp_path)
    holder.__enter__()
    path = only_file(tmp_path)
    opened: list[str] = []
    usual = os.open

    def slow(name: Path, flags: int, mode: int = 0o777) -> int:
        handle = usual(name, flags, mode)
        if Path(name) == path and not flags & os.O_CREAT and not opened:
            opened.append("before it was removed")
            holder.__exit__(None, None, None)
        return handle

    monkeypatch.setattr(os, "open", slow)
    with exclusive(BENCH, tmp_path):
        assert opened
        assert only_file(tmp_path) == path
        with pytest.raises(BenchBusyError), exclusive(BENCH, tmp_path):
            pass


def make_link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def make_second_name(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


def make_pipe(path: Path, _victim: Path) -> None:
    os.mkfifo(path)


def make_folder(path: Path, _victim: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("obstacle", [make_link, make_second_name, make_pipe, make_folder])
def test_what_is_no_lock_file_is_refused_in_a_sentence_and_left_as_it_is(obstacle: object, tmp_path: Path) -> None:
    place, victim = tmp_path / "lock", tmp_path / "thesis.txt"
    place.mkdir()
    victim.write_text("three years", encoding="utf-8")
    with exclusive(BENCH, place):
        path = only_file(place)
    assert callable(obstacle)
    obstacle(path, victim)
    with pytest.raises(InputError, match=f"{ADDRESS} cannot be locked with {path} ") as caught, exclusive(BENCH, place):
        pass
    assert "\n" not in str(caught.value)
    assert victim.read_text(encoding="utf-8") == "three years"


def test_a_file_of_another_user_that_can_only_be_read_is_a_lock_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with exclusive(BENCH, tmp_path):
        path = only_file(tmp_path)
    path.write_text(f"\0{os.getppid()}", encoding="ascii")
    usual = os.open

    def refusing(name: Path, flags: int, mode: int = 0o777) -> int:
        """Like a sticky folder with another user's file in it."""
        if Path(name) == path and flags & (os.O_CREAT | os.O_RDWR):
            raise PermissionError(13, "Permission denied")
        return usual(name, flags, mode)

    monkeypatch.setattr(os, "open", refusing)
    with exclusive(BENCH, tmp_path), pytest.raises(BenchBusyError), exclusive(BENCH, tmp_path):
        pass


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_room_for_locks_is_named(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "lock"
    if there:
        place.mkdir()

        def refusing(name: Path, flags: int, mode: int = 0o777) -> int:
            raise PermissionError(13, "Permission denied")  # root, who may run this, is refused nothing

        monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(InputError, match=f"{ADDRESS} cannot be locked with {place}"), exclusive(BENCH, place):
        pass


def test_everybody_may_see_that_it_is_locked_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with exclusive(BENCH, tmp_path):
            assert stat.S_IMODE(only_file(tmp_path).stat().st_mode) == 0o666
    finally:
        assert os.umask(before) == 0o077


def test_an_owner_without_a_name_is_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def getpwuid(_uid: int) -> None:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("psutil.pwd", SimpleNamespace(getpwuid=getpwuid))
    named = f"in use by {os.getuid()}, process"
    with exclusive(BENCH, tmp_path), pytest.raises(BenchBusyError, match=named), exclusive(BENCH, tmp_path):
        pass


def test_a_dead_owner_is_not_named(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not psutil.pid_exists(child.pid)
    with exclusive(BENCH, tmp_path):
        only_file(tmp_path).write_text(f"\0{child.pid}", encoding="ascii")
        with pytest.raises(BenchBusyError, match="in use by another process"), exclusive(BENCH, tmp_path):
            pass


def test_the_place_is_the_same_whatever_the_surroundings_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = machine_wide()
    for name in ("TMPDIR", "TEMP", "TMP", "XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert machine_wide() == before
    assert before.stat().st_mode & 0o1002 == 0o1002


def test_without_a_place_it_says_which_were_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys.modules[machine_wide.__module__], "_SHARED", (str(tmp_path), str(tmp_path / "none")))
    with pytest.raises(InputError, match=f"none of {tmp_path}, {tmp_path}/none"):
        machine_wide()


SPELLINGS = [
    ("GPIB0::12::INSTR", "GPIB::12::INSTR", "gpib0::12::instr", "GPIB::012", "GPIB::12::3::INSTR"),
    (
        "TCPIP0::10.0.0.5::inst0::INSTR",
        "TCPIP::10.0.0.5::INSTR",
        "tcpip::10.0.0.5::instr",
        "TCPIP0::10.0.0.5::5025::SOCKET",
        "TCPIP::10.0.0.5::hislip0,4880::INSTR",
        "TCPIP1::bridge.lab::INSTR",
        "TCPIP::BRIDGE.lab::7777::SOCKET",
        "VICP::10.0.0.5::INSTR",
    ),
    ("TCPIP::127.0.0.1::5025::SOCKET", "tcpip0::localhost::05025::socket", "TCPIP::127.0.0.2::5025::SOCKET"),
    ("USB0::0x0957::0x1807::MY1::0::INSTR", "USB::2391::6151::my1::INSTR", "usb0::0x957::0x1807::MY1::RAW"),
    ("ASRL1::INSTR", "asrl1", "ASRL1"),
    ("Bridge", "bridge "),
]


@pytest.fixture
def name_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network on which two names are known."""
    known = {"bridge.lab": ["10.0.0.5", "fe80::1%eth0"], "localhost": ["127.0.0.1", "::1"]}

    def getaddrinfo(host: str, _port: None, **_: object) -> list[tuple[object, ...]]:
        numeric = host if host[0].isdigit() else None
        places = known.get(host.lower()) or ([numeric] if numeric else None)
        if places is None:
            raise OSError(-2, "Name or service not known")
        return [(2, 1, 6, "", (place, 0)) for place in places]

    monkeypatch.setattr("mqtctl.acquisition.guards.instrument_names.socket.getaddrinfo", getaddrinfo)


@pytest.mark.usefixtures("name_service")
@pytest.mark.parametrize("library", ["", "@py", "/usr/lib/libvisa.so@ivi"])
def test_every_spelling_of_an_instrument_is_one_lock_and_no_other_instruments(library: str) -> None:
    for instrument in SPELLINGS:
        for first in instrument:
            for second in instrument:
                assert names_of(first, library) & names_of(second, library), (first, second)
    whole = [set.union(*(names_of(address, library) for address in instrument)) for instrument in SPELLINGS]
    assert len(set.union(*whole)) == sum(map(len, whole))


@pytest.mark.usefixtures("name_service")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GPIB0::12::INSTR", "GPIB1::12::INSTR"),
        ("TCPIP::127.0.0.1::5025::SOCKET", "TCPIP::127.0.0.1::5026::SOCKET"),
        ("TCPIP::unknown.lab::INSTR", "TCPIP::other.lab::INSTR"),
        ("ASRL1::INSTR", "ASRL2::INSTR"),
    ],
)
def test_different_instruments_are_different_locks(one: str, other: str) -> None:
    assert names_of(one)
    assert not names_of(one) & names_of(other)


def test_links_to_a_serial_device_are_that_device(tmp_path: Path) -> None:
    device, link = tmp_path / "ttyUSB0", tmp_path / "by-id"
    device.touch()
    link.symlink_to(device)
    assert names_of(f"ASRL{device}::INSTR") == names_of(f"asrl{link}::instr")


def test_a_served_bench_is_locked_and_one_inside_this_process_is_not() -> None:
    assert names_of("GPIB0::12::INSTR", "serve:35371@mqt") == names_of("gpib::12::INSTR", "serve:035371@mqt") != set()
    assert names_of("GPIB0::12::INSTR", "serve:35372@mqt") != names_of("GPIB0::12::INSTR", "serve:35371@mqt")
    for library in ("@mqt", "bench.yaml@mqt", "showroom?seed=1@mqt"):
        assert names_of("GPIB0::12::INSTR", library) == set()


def test_the_fault_has_the_contracts_exit_code() -> None:
    assert BenchBusyError.exit_code == 13
