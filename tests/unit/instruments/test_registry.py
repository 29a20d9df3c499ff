"""Who plays which role with which driver."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from mqtctl.errors import InputError
from mqtctl.instruments import registry


class LabRampSource:
    role = "ramp_source"


@pytest.mark.parametrize("role", ["ramp_source", "timing_counter", "temperature_controller", "offset_source"])
def test_every_known_driver_has_an_adapter_of_its_role(role: str) -> None:
    known = registry.known_drivers(role)
    assert known
    for driver in known:
        adapter = registry.adapter_for(role, driver)
        assert adapter.role == role
        assert adapter.options_model.model_config["extra"] == "forbid"


@pytest.mark.parametrize(
    ("role", "driver", "words"),
    [
        ("ramp_source", "mqtctl_drivers.keithley_6221.Keithley6220", "did you mean"),
        ("ramp_source", "a.b", "known are"),
        ("timing_counter", "mqtctl_drivers.keithley_6221.Keithley6221", "cannot play"),
        ("conductor", "a.b", "no role"),
        ("ramp_source", "qcodes.instrument_drivers.yokogawa.YokogawaGS200", "no edge .* offset_source"),
    ],
)
def test_an_unknown_pair_is_refused_with_what_is_known(role: str, driver: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        registry.adapter_for(role, driver)


def test_a_lab_registers_its_own_adapter_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("lab_drivers.awg.Awg", f"{__name__}:LabRampSource", registry.ENTRY_POINT_GROUP)
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, sys.modules[LabRampSource.__module__]))
    monkeypatch.setattr(registry, "_entry_points", lambda: (point,))
    assert registry.adapter_for("ramp_source", "lab_drivers.awg.Awg") is LabRampSource
    assert "lab_drivers.awg.Awg" in registry.known_drivers("ramp_source")
    with pytest.raises(InputError):
        registry.adapter_for("timing_counter", "lab_drivers.awg.Awg")


def test_importing_the_registry_loads_no_instrument_code() -> None:
    code = (
        "import sys, mqtctl.instruments.registry; print([m for m in ('qcodes', 'pyvisa', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
