"""Arrays in containers: the same switches from each, and one sentence for what is damaged, forged or another thing."""

from __future__ import annotations

import io
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import netcdf_file, savemat

from mqtctl.analysis import read
from mqtctl.analysis.importers import arrays
from mqtctl.errors import InputError

SWITCHES = np.random.default_rng(7).normal(2.1e-6, 2e-8, 50)  # A
INDEX = np.arange(50)


def npz(path: Path) -> None:
    np.savez(path, i_sw=SWITCHES, T=0.3, ramp=2e-4, note="by hand", when=np.array(["now"] * 50))


def npz_squeezed(path: Path) -> None:
    np.savez_compressed(path, i_sw=SWITCHES.reshape(1, -1), index=INDEX)


def npy_table(path: Path) -> None:
    np.save(path, np.column_stack([INDEX, SWITCHES]))


def mat(path: Path) -> None:
    savemat(path, {"ic_data": SWITCHES * 1e5, "R": 1e5, "comments": "300 mK, voltage across the bias resistor"})


def mat_4(path: Path) -> None:
    savemat(path, {"ic_data": SWITCHES}, format="4")


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("run7/raw")
        group["i_sw"] = SWITCHES * 1e6
        group["i_sw"].attrs["units"] = "uA"
        group["index"] = INDEX
        group["name"] = "B7"


def hdf5_compound(path: Path) -> None:
    with h5py.File(path, "w") as file:
        log = np.zeros(50, dtype=[("index", "i4"), ("I_sw_A", "f8")])
        log["index"], log["I_sw_A"] = INDEX, SWITCHES
        file["log"] = log


def labber(path: Path) -> None:
    with h5py.File(path, "w") as file:
        names = np.array([("Counter - Index", ""), ("Counter - Interval", "")], dtype="S30,S10")
        file["Data/Channel names"] = names
        file["Data/Data"] = np.stack([INDEX, SWITCHES / 2e-4], axis=1)[:, :, None]
        file["Channels"] = np.array([("Counter - Interval", "s")], dtype=[("name", "S30"), ("unitPhys", "S5")])


def netcdf_3(path: Path) -> None:
    with netcdf_file(path, "w") as file:
        file.createDimension("ramp", 50)
        interval: Any = file.createVariable("interval", "d", ("ramp",))
        interval[:] = SWITCHES / 2e-4
        interval.units = "seconds"
        file.createVariable("ramp", "i", ("ramp",))[:] = INDEX


def parquet(path: Path) -> None:
    pyarrow, writer = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    writer.write_table(pyarrow.table({"remark": ["x"] * 50, "I_sw (uA)": SWITCHES * 1e6, "nr": INDEX}), path)


def tdms(path: Path) -> None:
    nptdms = pytest.importorskip("nptdms")
    with nptdms.TdmsWriter(path) as writer:
        channel = nptdms.ChannelObject("run", "I_sw", SWITCHES * 1e6, properties={"unit_string": "uA"})
        writer.write_segment([channel, nptdms.ChannelObject("run", "index", INDEX)])


def excel(path: Path) -> None:
    workbook = pytest.importorskip("openpyxl").Workbook()
    workbook.active.append(["night of the 3rd", None, None])
    workbook.active.append([])
    workbook.active.append(["nr", "I_sw (uA)", "remark"])
    for number, current in zip(INDEX.tolist(), (SWITCHES * 1e6).tolist(), strict=True):
        workbook.active.append([number, current, "late" if number == 7 else None])
    workbook.create_sheet("empty")
    workbook.save(path)


def excel_sheets(path: Path) -> None:
    workbook = pytest.importorskip("openpyxl").Workbook()
    workbook.active.title = "cold"
    warm = workbook.create_sheet("warm")
    for number, current in enumerate((SWITCHES * 1e6).tolist()):
        workbook.active.cell(number + 3, 2, current)
        warm.cell(number + 1, 1, 2.0 * current)
    workbook.save(path)


CONTAINERS: list[tuple[str, Callable[[Path], None], dict[str, Any]]] = [
    ("a.npz", npz, {"unit": "A"}),
    ("a.npz", npz_squeezed, {"unit": "A", "column": "i_sw"}),
    ("a.npz", npz_squeezed, {"unit": "A"}),
    ("a.npy", npy_table, {"unit": "A", "column": "2"}),
    ("a.mat", mat, {"unit": "V", "bias_resistance": 1e5}),
    ("a.mat", mat_4, {"unit": "A"}),
    ("a.h5", hdf5, {}),
    ("a.h5", hdf5, {"column": "run7/raw/i_sw"}),
    ("a.h5", hdf5, {"column": "/run7/raw/i_sw"}),
    ("a.h5", hdf5_compound, {}),
    ("a.hdf5", labber, {}),
    ("a.hdf5", labber, {"column": "2"}),
    ("a.nc", netcdf_3, {}),
    ("a.parquet", parquet, {}),
    ("a.tdms", tdms, {}),
    ("a.xlsx", excel, {}),
    ("a.xlsx", excel_sheets, {"column": "cold/1", "unit": "uA"}),
]


@pytest.mark.parametrize(("name", "write", "options"), CONTAINERS)
def test_every_container_gives_the_same_switches(
    name: str, write: Callable[[Path], None], options: dict[str, Any], tmp_path: Path
) -> None:
    write(tmp_path / name)
    (record,) = read(tmp_path / name, **options)
    currents = record.data.values * (2e-4 if record.data.quantity == "time" else 1.0)
    np.testing.assert_allclose(currents, SWITCHES, rtol=1e-12)


@pytest.mark.parametrize(("name", "write", "options"), CONTAINERS)
def test_a_container_that_is_cut_is_refused_in_one_sentence(
    name: str, write: Callable[[Path], None], options: dict[str, Any], tmp_path: Path
) -> None:
    write(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    for share in (0.02, 0.3, 0.6, 0.97):
        path = tmp_path / f"cut{share}{Path(name).suffix}"
        path.write_bytes(content[: int(share * len(content))])
        assert str(path) in said(path, options)
        assert "\n" not in said(path, options)


def said(path: Path, options: dict[str, Any]) -> str:
    """Return why a file is refused; where what was cut off was not the switches, its name."""
    try:
        (found,) = read(path, **options)
    except InputError as error:
        return str(error)
    currents = found.data.values * (2e-4 if found.data.quantity == "time" else 1.0)
    np.testing.assert_allclose(currents, SWITCHES[: currents.size], rtol=1e-12)
    return str(path)


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return stream.getvalue()


def objects() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}] * 20, dtype=object), allow_pickle=True)
    return stream.getvalue()


def test_what_stands_beside_the_switches_is_told_where_it_may_answer_the_question(tmp_path: Path) -> None:
    mat(tmp_path / "a.mat")
    with pytest.raises(InputError, match=r"V with --bias-resistance.*R = 100000.*'300 mK, voltage across the bias"):
        read(tmp_path / "a.mat")
    npz(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"give --unit.*T = 0\.3, ramp = 0\.0002"):
        read(tmp_path / "a.npz")


def test_a_workbook_needs_a_package_which_the_refusal_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.xlsx").write_bytes(zipped(**{"xl/workbook_xml": b"<x/>"}))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "pip install 'mqtctl[reading]'" in said(tmp_path / "a.xlsx", {})


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pkl", pickle.dumps(SWITCHES), "a pickle, which is never read"),
        ("a.npy", objects(), "real numbers are expected"),
        ("a.npz", zipped(i_npy=objects()), "without a column of numbers"),
        ("a.xlsx", zipped(sheet_xml=b"<x/>"), "not one of numpy.savez"),
        ("a.npz", zipped(i_npy=b"\x93NUMPY\x01\x00\xff\xff{"), "header is damaged"),
        ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(600), "an old Excel or OriginLab file"),
        ("a.mat", b"MATLAB 5.0 MAT-file" + bytes(109) + b"\x00\x01IM" + bytes(40), "a MATLAB file"),
        ("a.nc", b"CDF\x01" + b"\xff" * 60, "a netCDF file, but damaged"),
        ("a.parquet", b"PAR1" + bytes(60), "a Parquet file"),
        ("a.tdms", b"TDSm" + bytes(60), "a TDMS file"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(60), "an HDF5 file, but damaged"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path, unit="A")
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "LARGEST_FILE", 100_000)
    np.savez_compressed(tmp_path / "bomb.npz", i_sw=np.zeros(100_000))
    with pytest.raises(InputError, match="unpacks to more than"):
        read(tmp_path / "bomb.npz", unit="A")


def test_an_array_that_is_announced_larger_than_memory_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("i_sw", (10**12,), dtype="f8", chunks=(1000,))
    with pytest.raises(InputError, match="has 1000000000000 values"):
        read(tmp_path / "a.h5", unit="A")
