"""Any sequence of commands that the sources understand leaves them alive and their outputs within their limits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number, Text
from pyvisa_mqt.grammar.scpi import Command

COMMANDS = 500
#: Largest output in A or V; the generator's into an open circuit.
LARGEST = {"keithley-6221": 0.105, "keysight-33512b": 10.0, "yokogawa-gs200": 32.0}
_OPTIONAL = re.compile(r"\[(:?)([^\[\]]*?)(:?)\]")
#: What is sent for parameters that are no plain number, word or switch, by the name of their kind.
SAMPLES = {
    "_Level": ["MIN", "MAX", "0.5", "-0.1", "1e-3", "0"],
    "_Range": ["MIN", "MAX", "UP", "DOWN", "1", "0.01"],
    "Amplitude": ["MIN", "MAX", "1", "2 VPP", "0.5 VRMS", "3 DBM"],
    "_Name": ["one", "'two'"],
    "_Points": [",".join(["-1", "0", "1", "0.5"] * 3), "#232" + "\0" * 32],
}


def header(rng: np.random.Generator, pattern: str) -> str:
    """Return a command's header with all its optional nodes and random suffixes."""
    while _OPTIONAL.search(pattern):
        pattern = _OPTIONAL.sub(r"\1\2\3", pattern)
    first_spellings = re.sub(r"\|[A-Za-z]+", "", pattern)
    return re.sub(r"\{(\d+)-(\d+)\}", lambda m: str(rng.integers(int(m[1]), int(m[2]) + 1)), first_spellings)


def data(rng: np.random.Generator, parameter: Any) -> str:
    """Return something that a parameter takes."""
    if isinstance(parameter, Choice):
        return str(rng.choice(list(parameter._forms)))
    if isinstance(parameter, Boolean):
        return str(rng.choice(["0", "1"]))
    if isinstance(parameter, Text):
        return "'text'"
    if type(parameter).__name__ in SAMPLES:
        return str(rng.choice(SAMPLES[type(parameter).__name__]))
    if not isinstance(parameter, Number):
        return "DEF"
    if rng.random() < 0.2:
        return str(rng.choice(["MIN", "MAX", "DEF", "INF"]))
    low, high = parameter.minimum, parameter.maximum
    value = math.exp(rng.uniform(math.log(low), math.log(high))) if low > 0 else rng.uniform(low, high)
    return f"{round(value) if parameter.integer else value:.8g}"


def message(rng: np.random.Generator, command: Command) -> str:
    """Return the command with random data, or its query."""
    if command.execute is None or (command.query is not None and rng.random() < 0.2):
        return f"{header(rng, command.pattern)}?"
    return f"{header(rng, command.pattern)} {','.join(data(rng, parameter) for parameter in command.parameters)}"


@pytest.mark.parametrize("model", sorted(LARGEST))
@pytest.mark.parametrize("seed", range(2))
def test_no_sequence_of_settings_breaks_a_source(talk_to: Callable[..., Any], model: str, seed: int) -> None:
    talk = talk_to(model, **({"monitor": True} if model == "yokogawa-gs200" else {}))
    instrument, rng = talk.instrument, np.random.default_rng(seed)
    for _ in range(COMMANDS):
        talk.write(message(rng, rng.choice(np.array(instrument.commands, dtype=object))))
        talk.read_bytes()
        if instrument.busy:
            instrument.clear()
        if rng.random() < 0.3:
            talk.wait(float(rng.choice([1e-3, 0.1, 3.0])))
        if rng.random() < 0.01:
            instrument.power_cycle()
        if rng.random() < 0.02:
            instrument.trigger()
        assert instrument.next_event() >= 0.0
    for port, wave, _ in talk.wires.driven:
        assert np.abs(wave.values).max() <= LARGEST[model] * (1 + 1e-4), port
        assert wave.period > 0
        assert wave.cycles >= 0
    talk.write("*RST")
    assert all(not talk.put_out(port).values.any() for port in {port for port, _, _ in talk.wires.driven})
    assert talk.query("*IDN?")
