"""A class named in text: what is made of it, and what is said where nothing can be."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mqtctl.analysis import fit_histogram, read_switching_data
from mqtctl.errors import InputError
from mqtctl.physics import (
    CrossoverFormula,
    Escape,
    Junction,
    Kramers,
    NoiseTemperature,
    Retrapping,
    SwitchingDistribution,
    WeakDampingTunneling,
)
from mqtctl.physics.models.names import escape_model
from mqtctl.physics.well.names import potential
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp


@pytest.mark.parametrize("text", ["kramers(barrier='cubic')", "mqtctl.physics:Kramers(barrier='cubic')"])
def test_a_model_is_made_with_its_parameters(text: str) -> None:
    assert escape_model(text) == Kramers(barrier="cubic")


def test_a_model_without_a_short_name_is_named_by_its_place() -> None:
    assert escape_model("mqtctl.physics:CrossoverFormula") == CrossoverFormula()


@pytest.mark.parametrize(
    ("text", "model"),
    [
        (
            "noise-temperature(model=kramers(barrier='cubic'), excess=2e-2)",
            NoiseTemperature(Kramers(barrier="cubic"), 0.02),
        ),
        (
            "noise_temperature( excess=0, model = mqtctl.physics:CrossoverFormula, )",
            NoiseTemperature(CrossoverFormula(), 0),
        ),
        (
            "retrapping(model=noise-temperature(model=weak-damping-tunneling, excess=0.01), detection_time=1e-6)",
            Retrapping(NoiseTemperature(WeakDampingTunneling(), 0.01), 1e-6),
        ),
    ],
)
def test_a_model_that_wraps_another_takes_its_name(text: str, model: object) -> None:
    assert escape_model(text) == model


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
        ("kramers(barrier='cubic', barrier='exact')", "cannot be read"),
        ("kramers(barrier=cubic)", "there is no escape model 'cubic'"),
        ("kramers(barrier=cubic)", "a text stands in quotes"),
        ("noise-temperature(model='escape', excess=0.1)", "give an object with a method log_rate"),
        ("noise-temperature(excess=0.1)", "cannot be made with excess=0.1"),
        ("noise-temperature(model=escape, excess=-1)", "excess temperature is -1"),
        ("a(model=" * 30 + "escape" + ")" * 30, "cannot be read"),
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
        "from dataclasses import dataclass\n"
        "from mqtctl.physics.well.potential import cubic_barrier_shape, cubic_frequency_shape\n"
        "@dataclass(frozen=True)\n"
        "class Steep:\n"
        "    cubic_coefficient: float = 2.0\n"
        "    running_path = 8.0\n"
        "    def barrier(self, x):\n        return cubic_barrier_shape(x, self.cubic_coefficient)\n"
        "    def frequencies(self, x):\n        return (cubic_frequency_shape(x, self.cubic_coefficient),) * 2\n"
        "def read(path):\n    return SwitchingData(np.frombuffer(path.read_bytes(), '<f8'), 'current')\n"
    )
    metadata = tmp_path / "lab_of_a_test-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-of-a-test\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[mqtctl.escape_models]\nsharp = lab_of_a_test:Sharp\n[mqtctl.importers]\nlab = lab_of_a_test:read\n"
        "[mqtctl.potentials]\nsteep = lab_of_a_test:Steep\n"
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
    with pytest.raises(InputError, match="may not be named in a file"):
        escape_model(f"noise-temperature(model={stranger}, excess=0.1)", in_a_file=True)
    with pytest.raises(InputError, match="registers no potential"):
        potential(stranger, in_a_file=True)
    assert "stranger_of_a_test" not in sys.modules
    assert escape_model(stranger) == Kramers()  # a person who types it has decided


def test_the_potential_of_another_package_is_drawn_from_and_fitted(package_of_a_laboratory: Path) -> None:
    name = "steep(cubic_coefficient=2.5)"
    junction = Junction(2e-6, 1e-12, 200.0, potential=potential(name, in_a_file=True))
    law = SwitchingDistribution(junction, 0.3, 1e-3, Kramers())
    currents = law.sample(3000, np.random.default_rng(5))
    histogram = Histogram(currents, currents / 1e-3, MeasuredRamp(0.0, 2.2e-6, 1e-3, 3e-3, 0.0), 0, 0.3)

    def pulls(known: str) -> tuple[float, float]:
        fit = fit_histogram(histogram, JunctionEstimate(1e-6, 1e-12, 200.0, potential=known), Kramers())
        of_current = (fit.critical_current - 2e-6) / fit.critical_current_stderr
        return of_current, (fit.escape_temperature - 0.3) / fit.escape_temperature_stderr

    assert max(abs(pull) for pull in pulls(name)) < 3.0
    assert pulls("washboard")[1] > 10.0  # its barrier is too high by the root of 2.5, and so is the temperature


@pytest.mark.parametrize("text", ["escape without depletion", "escape_without_depletion", "escape(depletion=False)"])
def test_a_well_that_stays_full_has_a_name(text: str) -> None:
    model = escape_model(text, in_a_file=True)
    assert model == Escape(depletion=False)
    assert not Escape(depletion=False).contains_depletion
    assert Escape().contains_depletion
