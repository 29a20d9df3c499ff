"""The example in docs/add-an-instrument.md does what the text says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from pyvisa_mqt.instruments import MODELS, register
from pyvisa_mqt.instruments.base import Instrument

PAGE = Path(__file__).parents[2] / "docs" / "add-an-instrument.md"


def test_the_example_runs_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```(python|yaml|toml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", "yaml", "python", "toml"]
    (tmp_path / "mylab_source.py").write_text(blocks[0][1], encoding="utf-8")
    (tmp_path / "mybench.yaml").write_text(blocks[1][1], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        exec(compile(blocks[2][1], str(PAGE), "exec"), {})
    finally:
        MODELS.pop("acme-1200", None)
        sys.modules.pop("mylab_source", None)


def test_a_model_name_is_given_only_once() -> None:
    class Other(Instrument):
        """Nothing in particular."""

    with pytest.raises(ValueError, match=r"keithley-6221.*taken by Keithley6221"):
        register("keithley-6221")(Other)
    assert register("keithley-6221")(MODELS["keithley-6221"]) is MODELS["keithley-6221"]
