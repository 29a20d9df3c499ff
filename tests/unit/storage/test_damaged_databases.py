"""A damaged, forged or foreign database is refused in one sentence that names what and where, by every reader."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqtctl.analysis import fit_sweep
from mqtctl.errors import InputError, MqtctlError
from mqtctl.plan import ResolvedPlan
from mqtctl.storage import load_sweep, open_database, prepare_database
from tests.unit.storage.stored_sweeps import header, write


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, plan: ResolvedPlan) -> Path:
    """A database with a sweep of two points."""
    path = tmp_path_factory.mktemp("whole") / "data.db"
    prepare_database(path)
    with open_database(path) as opened:
        for point in range(2):
            write(opened, header(plan, point), (60, 40))
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "data.db"))


def change(path: Path, statement: str, *values: object) -> None:
    """Change a database behind everybody's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def npy(array: Any, **forged: Any) -> bytes:
    """A .npy blob whose header may lie."""
    stream = io.BytesIO()
    described = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape, **forged}
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue() + bytes(array.tobytes())


def pickled() -> bytes:
    """A blob of objects, which would be code."""
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}, None]), allow_pickle=True)
    return stream.getvalue()


NUMBERS = np.linspace(5e-3, 6e-3, 60)
FORGED = {
    "claims terabytes": npy(NUMBERS, shape=(10**12,)),
    "claims less than nothing": npy(NUMBERS, shape=(-60,)),
    "claims more than Python can count in": npy(NUMBERS, shape=(10**30,)),
    "is two-dimensional": npy(NUMBERS.reshape(6, 10)),
    "is of objects": pickled(),
    "is of text": npy(np.array(["a", "b"])),
    "is complex": npy(NUMBERS + 1j),
    "is of records": npy(np.zeros(3, dtype=[("a", "f8")])),
    "is cut off": npy(NUMBERS)[:-5],
    "has something behind it": npy(NUMBERS) + b"more",
    "is another length": npy(NUMBERS[:-1]),
    "is no array": b"not an array at all",
    "has a header of nonsense": b"\x93NUMPY\x01\x00\x10\x00((((((((((((((((",
    "has a header longer than numpy reads": b"\x93NUMPY\x01\x00\x00\x4e" + b"(" * 0x4E00,
    "has a header that runs on": b"\x93NUMPY\x03\x00\xff\xff\xff\x7f{",
    "is empty": b"",
    "is text": "text",
    "is a number": 7,
}


@pytest.mark.parametrize("blob", FORGED.values(), ids=FORGED)
def test_a_block_that_is_no_list_of_numbers_is_refused(copy: Path, blob: object) -> None:
    change(
        copy,
        "UPDATE 'results-1-1' SET interval = ? WHERE id = (SELECT min(id) FROM 'results-1-1' WHERE interval NOT NULL)",
        blob,
    )
    with pytest.raises(InputError, match=r"data\.db: run 1.*is damaged") as caught:
        load_sweep(copy)
    assert "pickle" not in str(caught.value)  # numpy advises to trust the file


def test_a_block_written_by_an_older_qcodes_is_read(copy: Path, whole: Path) -> None:
    before = load_sweep(whole).points[0].histogram.intervals
    change(
        copy,
        "UPDATE 'results-1-1' SET interval = ? WHERE id = (SELECT min(id) FROM 'results-1-1' WHERE interval NOT NULL)",
        npy(before[:60]),
    )
    np.testing.assert_array_equal(load_sweep(copy).points[0].histogram.intervals, before)


DEEP = "[" * 100_000
HEADERS: dict[str, object] = {
    "is no JSON": "{",
    "is nested without end": DEEP,
    "is a list": "[1, 2]",
    "is null": "null",
    "is a number": 5,
    "is bytes": b"\xff\xfe{",
    "is empty": "{}",
    "has a number of 5000 digits": '{"point": ' + "9" * 5000 + "}",
}
CHANGES: dict[str, tuple[list[str], object]] = {
    "sweep as a list": (["sweep_id"], [1]),
    "point as text": (["point"], "first"),
    "point without end": (["point"], 10**400),
    "point before the first": (["point"], -1),
    "ramp as a list": (["ramp"], [0, 1]),
    "no rate": (["ramp", "rate"], 0.0),
    "a rate without end": (["ramp", "rate"], float("inf")),
    "a ramp that goes the other way": (["ramp", "stop_current"], -1e-6),
    "an unknown key of the ramp": (["ramp", "colour"], "red"),
    "a document that is text": (["document"], "plan"),
    "no sample": (["document", "sample"], None),
    "a junction without a capacitance": (["document", "sample", "junction"], {"critical_current": "9 uA"}),
    "a title that is a number": (["document", "plan", "title"], 3),
    "a calibration of something else": (["document", "calibration"], {"digest": 1}),
    "facts as a list": (["facts"], []),
    "a polarity of two": (["variant"], {"polarity": 2}),
    "a variant as text": (["variant"], "first"),
    "a purpose as a list": (["variant"], {"purpose": []}),
}


@pytest.mark.parametrize("text", HEADERS.values(), ids=HEADERS)
def test_a_header_that_is_none_is_refused(copy: Path, text: object) -> None:
    change(copy, "UPDATE runs SET mqtctl_header = ? WHERE run_id = 2", text)
    with pytest.raises(InputError, match=r"data\.db.*damaged"):
        load_sweep(copy)


@pytest.mark.parametrize(("place", "value"), CHANGES.values(), ids=CHANGES)
def test_a_header_with_something_wrong_in_it_names_the_key(copy: Path, place: list[str], value: object) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        (text,) = connection.execute("SELECT mqtctl_header FROM runs WHERE run_id = 2").fetchone()
    content = inner = json.loads(text)
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    change(copy, "UPDATE runs SET mqtctl_header = ? WHERE run_id = 2", json.dumps(content))
    with pytest.raises(InputError, match=rf"the header of run 2: is damaged \(.*{place[0]}"):
        load_sweep(copy)


@pytest.mark.parametrize(
    "text", ["[]", "5", '{"temperature": "cold"}', '{"complete": "yes"}', '{"duration": {}}', b"\x00"]
)
def test_closing_facts_with_something_wrong_in_them_are_refused(copy: Path, text: object) -> None:
    change(copy, "UPDATE runs SET mqtctl_result = ? WHERE run_id = 1", text)
    with pytest.raises(InputError, match=r"damaged"):
        load_sweep(copy)


STATEMENTS = (
    "UPDATE runs SET result_table_name = NULL",
    "UPDATE runs SET result_table_name = 'no such table'",
    """UPDATE runs SET result_table_name = 'x" UNION SELECT 1 --'""",
    "UPDATE runs SET result_table_name = 7",
    "UPDATE runs SET result_table_name = 'experiments'",
    "DROP TABLE 'results-1-1'",
    "ALTER TABLE 'results-1-1' DROP COLUMN interval",
    "ALTER TABLE runs DROP COLUMN result_table_name",
    "UPDATE 'results-1-1' SET block_censored_ramps = 'many' WHERE block NOT NULL",
    "UPDATE 'results-1-1' SET block_censored_ramps = 1e300 WHERE block NOT NULL",
    "UPDATE 'results-1-1' SET block_censored_ramps = -3 WHERE block NOT NULL",
    "UPDATE 'results-1-1' SET bath_temperature = x'00ff' WHERE block NOT NULL",
    "UPDATE 'results-1-1' SET switching_current = NULL",
)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_tables_with_something_wrong_in_them_are_refused(copy: Path, statement: str) -> None:
    change(copy, statement)
    with pytest.raises(InputError, match=r"data\.db.*damaged"):
        load_sweep(copy)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("PRAGMA user_version = 99", "has version 99"),
        ("DROP TABLE layouts", "was not made by QCoDeS"),
        ("ALTER TABLE runs DROP COLUMN guid", "has no column 'guid'"),
    ],
)
def test_a_database_that_cannot_take_another_run_is_refused_before_anything_is_measured(
    copy: Path, statement: str, fault: str
) -> None:
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("DROP INDEX IF EXISTS IX_runs_guid")
        connection.execute(statement)
    before = copy.read_bytes()
    with pytest.raises(InputError, match=fault):
        prepare_database(copy)
    assert copy.read_bytes() == before


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """The file cut off, with a page of noise, with two pages exchanged, or with single bytes changed."""
    found, pages = bytearray(content), len(content) // 4096
    one, two = (4096 * int(page) for page in rng.integers(pages, size=2))
    match int(rng.integers(5)):
        case 0:
            return content[: int(rng.integers(1, len(content)))]
        case 1:
            found[one : one + 4096] = rng.bytes(4096)
        case 2:
            found[one : one + 4096], found[two : two + 4096] = content[two : two + 4096], content[one : one + 4096]
        case _:
            for place in rng.integers(len(content), size=40):
                found[place] = int(rng.integers(256))
    return bytes(found)


@pytest.mark.shown(1, slow=6)
@pytest.mark.parametrize("seed", range(30))
def test_no_damage_to_the_file_ends_in_anything_but_a_sentence(
    whole: Path, tmp_path: Path, plan: ResolvedPlan, seed: int
) -> None:
    path, rng = tmp_path / "damaged.db", np.random.default_rng(seed)
    refused = 0
    for _ in range(30):
        path.write_bytes(damaged(whole.read_bytes(), rng))
        try:
            fit_sweep(load_sweep(path).sweep)
        except InputError:
            refused += 1
        try:
            prepare_database(path)
            with open_database(path) as opened:
                write(opened, header(plan, 0, "another"), (5,))
        except MqtctlError:
            refused += 1
    assert refused > 15
