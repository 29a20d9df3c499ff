"""Sequences of the 33500B: defined as public programs do, refused where they are wrong, played up to each wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource
from pyvisa_mqt.time_and_signals.signals import Waveform

UP = np.linspace(0.0, 1.0, 100)


class Generator:
    """The generator of the showroom, and what it has put out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.manager = pyvisa.ResourceManager("showroom@mqt")
        library: Any = self.manager.visalib
        self.clock = library.clock
        opened = self.manager.open_resource("USB0::0x0957::0x2C07::MY52400001::INSTR")
        assert isinstance(opened, MessageBasedResource)
        self.visa = opened
        self.put_out: list[Waveform] = []
        monkeypatch.setattr(library.bench, "drive", lambda output, waveform, marker: self.put_out.append(waveform))
        self.visa.write("*RST;*CLS")
        self.load("up", UP)
        self.load("rest", np.zeros(50))

    def load(self, name: str, points: np.ndarray[Any, Any]) -> None:
        self.visa.write(f"DATA:ARB {name},{','.join(f'{point:.6f}' for point in points)}")

    def define(self, body: str) -> None:
        length = str(len(body))
        self.visa.write(f"DATA:SEQ #{len(length)}{length}{body}")

    def play(self, name: str, source: str = "BUS") -> None:
        self.visa.write(
            f"TRIG:SOUR {source};:FUNC:ARB:SRAT 1E4;FILT OFF;:FUNC:ARB {name};:FUNC ARB;:VOLT 1;:VOLT:OFFS 0;:OUTP ON"
        )

    def error(self) -> str:
        return self.visa.query("SYST:ERR?").strip()


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Generator]:
    made = Generator(monkeypatch)
    yield made
    made.manager.close()


def test_a_sequence_is_stored_listed_and_read_back(generator: Generator) -> None:
    body = '"a","up",1,once,maintain,4,"rest",3,repeat,lowAtStart,10'
    generator.define(body)
    assert generator.error() == '+0,"No error"'
    assert generator.visa.query("DATA:SEQ? a").strip() == f"#256{body}"
    assert generator.visa.query("DATA:VOL:CAT?").strip().endswith('"UP","REST","a"')
    assert int(generator.visa.query("DATA:ATTR:POIN? a")) == 100 + 3 * 50


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('"a","nothing",1,once,maintain,4', 785),
        ('"up","rest",1,once,maintain,4', 786),
        ('"a2345678901234","up",1,once,maintain,4', 783),
        ('"a","up",1,twice,maintain,4', -224),
        ('"a","up",1,once,maintain', -161),
        ('"a"', -161),
        ("", -161),
        (",\"'#,", -161),
        ('"a","up",x,once,maintain,4', -161),
        ('"a","up",-1,once,maintain,4', -222),
        ('"a","up",1000000,repeat,maintain,4', 781),
    ],
)
def test_a_wrong_sequence_is_refused_with_its_error_and_leaves_nothing(
    generator: Generator, body: str, error: int
) -> None:
    generator.define(body)
    assert int(generator.error().split(",")[0]) == error
    assert generator.visa.query("DATA:VOL:CAT?").strip().endswith('"UP","REST"')


def test_a_sequence_that_never_waits_is_played_over_and_over(generator: Generator) -> None:
    generator.define('"a","up",1,once,maintain,4,"rest",2,repeat,maintain,4')
    generator.play("a")
    wave = generator.put_out[-1]
    assert [wave.period, wave.cycles] == pytest.approx([0.02, np.inf])
    assert wave.values == pytest.approx(np.concatenate([UP, np.zeros(100)]), abs=1e-3)


def test_an_up_ramp_that_waits_for_its_trigger_runs_once_for_each(generator: Generator) -> None:
    generator.define('"a","rest",1,once,maintain,4,"up",1,onceWaitTrig,highAtStart,4')
    generator.play("a")
    first = generator.put_out[-1]
    assert [first.period, first.cycles, first.idle] == pytest.approx([0.015, 1.0, 1.0], abs=1e-3)
    assert first.marker_phase == 0.0
    generator.visa.write("*TRG")  # it still runs
    assert generator.error().startswith("-211")
    generator.clock.sleep(1.0)
    generator.visa.write("*TRG")
    assert generator.error() == '+0,"No error"'
    second = generator.put_out[-1]
    assert second.start > first.start + 1.0
    assert np.array_equal(second.values, first.values)


def test_each_trigger_plays_the_steps_up_to_the_next_wait(generator: Generator) -> None:
    generator.define('"a","up",1,onceWaitTrig,maintain,4,"rest",1,repeatTilTrig,maintain,4')
    generator.play("a")
    lengths = [len(generator.put_out[-1].values)]
    for _ in range(2):
        generator.clock.sleep(1.0)
        generator.visa.write("*TRG")
        lengths.append(len(generator.put_out[-1].values))
    assert lengths == [100, 50, 100]
    assert generator.error() == '+0,"No error"'


def test_a_repetition_without_end_behind_other_steps_is_refused_when_it_is_chosen(generator: Generator) -> None:
    generator.define('"a","up",1,once,maintain,4,"rest",1,repeatInf,maintain,4')
    assert generator.error() == '+0,"No error"'
    generator.visa.write("FUNC:ARB a")
    assert generator.error().startswith("-221")
