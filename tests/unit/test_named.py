"""A class named in text: what is made of it, and what is said where nothing can be."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mqtctl.analysis import read_switching_data
from mqtctl.errors import InputError
from mqtctl.physics import CrossoverFormula, Escape, Kramers
from mqtctl.physics.models.names import escape_model


@pytest.mark.parametrize("text", ["kramers(barrier='cubic')", "mqtctl.physics:Kramers(barrier='cubic')"])
def test_a_model_is_made_with_its_parameters(text: str) -> None:
    assert escape_model(text) == Kramers(barrier="cubic")


def test_a_model_without_a_short_name_is_named_by_its_place() -> None:
    assert escape_model("mqtctl.physics:CrossoverFormula") == CrossoverFormula()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("magic", "there is no escape model 'magic'"),
        ("no_such_lab.models:Sharp", "no_such_lab.models cannot be imported"),
        ("mqtctl.physics:Sharp", "there is no 'Sharp' in mqtctl.physics"),
        ("mqtctl.physics:Junction", "not a class with a method log_rate"),
        ("subprocess:Popen(args='false')", "not a class with a method log_rate"),
        ("os:getcwd", "not a class with a method log_rate"),
        ("mqtctl.physics:EscapeModel", "cannot be made with no parameters"),
        ("kramers(width=2)", "cannot be made with width=2"),
        ("kramers(barrier='round')", "barrier is 'round'"),
        ("kramers('cubic')", "cannot be read"),
        ("kramers(barrier=print('x'))", "cannot be read"),
        ("kramers(**{'barrier': 'cubic'})", "cannot be read"),
        ("kramers(barrier='cubic')(1)", "cannot be read"),
        ("kramers(barrier='cubic'", "cannot be read"),
        ("mqtctl physics:Kramers", "names nothing"),
        ("", "there is no escape model ''"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(text: str, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        escape_model(text)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


@pytest.fixture
def package_of_a_laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install what a wheel would: a module, and the entry points that its metadata name."""
    (tmp_path / "lab_of_a_test.py").write_text(
        "import numpy as np\nfrom mqtctl.analysis import SwitchingData\nfrom mqtctl.physics import Kramers\n"
        "class Sharp(Kramers):\n    pass\n"
        "def read(path):\n    return SwitchingData(np.frombuffer(path.read_bytes(), '<f8'), 'current')\n"
    )
    metadata = tmp_path / "lab_of_a_test-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-of-a-test\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[mqtctl.escape_models]\nsharp = lab_of_a_test:Sharp\n[mqtctl.importers]\nlab = lab_of_a_test:read\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lab_of_a_test", raising=False)
    return tmp_path


@pytest.mark.parametrize("text", ["sharp(barrier='cubic')", "lab_of_a_test:Sharp(barrier='cubic')"])
def test_a_file_may_name_a_model_of_a_package_that_registers_one(package_of_a_laboratory: Path, text: str) -> None:
    model = escape_model(text, in_a_file=True)
    assert type(model).__name__ == "Sharp"
    assert isinstance(model, Kramers)
    assert model.barrier == "cubic"


def test_a_file_of_a_registered_suffix_is_read_by_its_importer(package_of_a_laboratory: Path) -> None:
    currents = np.linspace(9.1e-6, 9.4e-6, 50)
    file = package_of_a_laboratory / "night.lab"
    file.write_bytes(currents.astype("<f8").tobytes())
    assert read_switching_data(file).values == pytest.approx(currents, rel=1e-15)


def test_a_file_imports_no_package_that_has_not_registered(package_of_a_laboratory: Path) -> None:
    (package_of_a_laboratory / "stranger_of_a_test.py").write_text("from mqtctl.physics import Kramers\n")
    stranger = "stranger_of_a_test:Kramers"
    with pytest.raises(InputError, match="may not be named in a file"):
        escape_model(stranger, in_a_file=True)
    assert "stranger_of_a_test" not in sys.modules
    assert escape_model(stranger) == Kramers()  # a person who types it has decided


@pytest.mark.parametrize("text", ["escape without depletion", "escape_without_depletion", "escape(depletion=False)"])
def test_a_well_that_stays_full_has_a_name(text: str) -> None:
    model = escape_model(text, in_a_file=True)
    assert model == Escape(depletion=False)
    assert not Escape(depletion=False).contains_depletion
    assert Escape().contains_depletion
