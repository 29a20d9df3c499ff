from __future__ import annotations

from pathlib import Path

import pytest

from mqtctl.errors import InputError
from mqtctl.plan import EXAMPLES, load_plan, write_examples


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_examples(tmp_path)
    return tmp_path


def change(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_the_examples_load(folder: Path) -> None:
    plan = load_plan(folder / "plan.yaml")
    assert len(plan.plan.temperatures) == 14
    assert min(plan.plan.temperatures) == 0.015
    assert max(plan.plan.temperatures) == 0.8
    assert plan.station == (folder / "station.yaml").resolve()


def test_examples_are_never_overwritten(folder: Path) -> None:
    (folder / "plan.yaml").unlink()
    change(folder / "sample.yaml", "12 uA", "11 uA")
    with pytest.raises(InputError, match="exists already"):
        write_examples(folder)
    assert not (folder / "plan.yaml").exists()
    assert "11 uA" in (folder / "sample.yaml").read_text(encoding="utf-8")
    assert set(EXAMPLES) == {"plan.yaml", "station.yaml", "sample.yaml"}


def test_the_digest_follows_what_is_asked_for_and_not_how_it_is_written(folder: Path) -> None:
    before = load_plan(folder / "plan.yaml").digest
    change(folder / "plan.yaml", "1 mA/s", "1000 uA/s")
    assert load_plan(folder / "plan.yaml").digest == before
    change(folder / "plan.yaml", "1000 uA/s", "1001 uA/s")
    assert load_plan(folder / "plan.yaml").digest != before


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("rate: 1 mA/s", "rate: 0.001", "plan.yaml:17: ramp.rate: 0.001 has no unit"),
        ("rate: 1 mA/s", "rate: 1 MA/s", "case matters"),
        ("rate: 1 mA/s", "rate: 1 mA", "another kind"),
        ("rate: 1 mA/s", "rate: -1 mA/s", "greater than 0"),
        ("rate: 1 mA/s", "rate: nan mA/s", "not a finite number"),
        ("rate: 1 mA/s", "rat: 1 mA/s", "unknown key 'ramp.rat'; did you mean 'rate'"),
        ("rate: 1 mA/s", "rate: 1 mA/s\n  rate: 2 mA/s", "duplicate key"),
        ("stop_current: 9.8 uA", "stop_current: 13 uA", "plan.yaml:16: ramp.stop_current is 13 uA, but the sample"),
        ("start_current: 0 uA", "start_current: -13 uA", "may see at most 12 uA"),
        ("stop_current: 9.8 uA", "stop_current: -1 uA", "must be above"),
        ("repetition: 80 Hz", "repetition: 100 Hz", "lower the repetition"),
        ("15 mK, 17 mK", "15 mK, 15 mK", "stands twice"),
        ("15 mK, 17 mK", "0 mK, 17 mK", "plan.yaml:8: temperatures, entry 1: must be greater than 0"),
        ("15 mK, 17 mK", "-15 mK, 17 mK", "greater than 0"),
        ("800 mK]", "1.1 K]", "plan.yaml:9: temperatures asks for 1.1 K, but"),
        ("switches: 10000", "switches: 10.5", "plan.yaml:11: switches: must be a whole number, not 10.5"),
        ("switches: 10000", "switches: 0", "greater than or equal to 10"),
        ("title: Switching", "title: !!python/object/apply:os.getcwd [] #", "not allowed"),
        ("sample: sample.yaml", "sample: nowhere.yaml", "no such file"),
        ("sample: sample.yaml", "sample: station.yaml", "station.yaml: this looks like a station file"),
        ("dwell: 2 min", "dwell: 2 minutes", "the unknown unit 'minutes' (known: ps, ns, us, ms, s, min, h, d)"),
        ("stop_current: 9.8 uA", "stop_current: 9,8 uA", "'9,8 uA' has a comma; write a decimal point"),
        ("switches: 10000", "polarity: 5\nswitches: 10000", "must be 'positive', 'negative' or 'both', not 5"),
    ],
)
def test_a_faulty_plan_is_refused_in_one_sentence_that_names_file_and_key(
    folder: Path, old: str, new: str, fault: str
) -> None:
    with pytest.raises(InputError) as caught:
        load_plan(change(folder / "plan.yaml", old, new))
    message = str(caught.value)
    assert fault in message
    assert ".yaml" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("just words", "must hold keys"),
        ("- a\n- b\n", "must hold keys"),
        ("a: [1, 2", "not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ("a: !!python/name:os.system x", "not allowed"),
        ("\x00", "not"),
        ("when: 2001-99-99T00:00:00", "not valid YAML"),
    ],
)
def test_what_is_no_plan_at_all_is_refused_in_one_sentence(tmp_path: Path, content: str, fault: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=fault) as caught:
        load_plan(path)
    assert "\n" not in str(caught.value)


def test_a_folder_and_binary_rubbish_are_no_plans(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        load_plan(tmp_path)
    (tmp_path / "plan.yaml").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="cannot be read"):
        load_plan(tmp_path / "plan.yaml")
