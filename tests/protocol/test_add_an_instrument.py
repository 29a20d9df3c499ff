"""The example in docs/add-an-instrument.md does what the text says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.instruments import MODELS, register

PAGE = Path(__file__).parents[2] / "docs" / "add-an-instrument.md"


def test_the_example_runs_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```(python|yaml|toml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert [kind for kind, _ in blocks] == [*("python", "yaml", "python") * 2, "toml"]
    files = {"mylab_source.py": 0, "mybench.yaml": 1, "mylab_thermometer.py": 3, "mycryostat.yaml": 4}
    for name, number in files.items():
        (tmp_path / name).write_text(blocks[number][1], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        for number in (2, 5):
            exec(compile(blocks[number][1], str(PAGE), "exec"), {})
    finally:
        for model in ("acme-1200", "acme-thermometer"):
            MODELS.pop(model, None)
        for module in ("mylab_source", "mylab_thermometer"):
            sys.modules.pop(module, None)


def test_a_model_name_is_given_only_once() -> None:
    class Other(Instrument):
        """Nothing in particular."""

    with pytest.raises(ValueError, match=r"keithley-6221.*taken by Keithley6221"):
        register("keithley-6221")(Other)
    assert register("keithley-6221")(MODELS["keithley-6221"]) is MODELS["keithley-6221"]
