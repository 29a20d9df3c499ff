"""AC coupling, filter and hysteresis on the real signals of the bench: what is read does not depend on who looks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.protocol.counters.chain import Array, Chain, Stop, sawtooth

Open = Callable[..., Chain]
FREQUENCY, NUMBER = 400.0, 400


def polled(chain: Open, settings: str, pause: float, noise: str = "2 uV") -> Array:
    """Return the intervals read in blocks with pauses (s) between."""
    options = "model: keysight-53230a\n    options: {hysteresis: 20 mV}"
    opened = chain("keysight-33512b", changes={"model: keysight-53230a": options, "noise: 2 uV": f"noise: {noise}"})
    opened.source.load(sawtooth(10.5e-6), FREQUENCY, NUMBER)
    opened.counter.arm(NUMBER, Stop(1.0), 0.1)
    opened.counter.visa.write(f"INP2:{settings};:INIT")
    opened.source.start()
    pieces: list[Array] = []
    while sum(len(piece) for piece in pieces) < NUMBER:
        opened.bench.clock.sleep(pause)
        pieces.append(opened.counter.visa.query_binary_values("R?", datatype="d", container=np.array))
    return np.concatenate(pieces)


@pytest.mark.shown(1)
@pytest.mark.parametrize("settings", ["COUP AC", "FILT 1", "COUP AC;FILT 1", "NREJ 1"])
def test_readings_do_not_depend_on_how_often_they_are_fetched(chain: Open, settings: str) -> None:
    rarely, often = polled(chain, settings, 1.5), polled(chain, settings, 0.013)
    assert rarely == pytest.approx(often, abs=1e-9)  # the levels of the signal are found to a millivolt
    assert np.all(rarely < 1 / FREQUENCY)


def test_ac_coupling_moves_the_stop_up_the_step_and_the_filter_delays_it(chain: Open) -> None:
    plain = polled(chain, "COUP DC", 0.1)
    coupled, filtered = polled(chain, "COUP AC", 0.1), polled(chain, "FILT 1", 0.1)
    # A tenth of the time at 2.7 V: the threshold lies 0.2 V higher on the amplifier's rise of 0.23 us.
    assert 10e-9 < (coupled - plain)[100:].mean() < 100e-9
    assert (filtered - plain).mean() == pytest.approx(1.59e-6 * np.log(2.7 / 1.7), rel=0.15)


def test_hysteresis_beyond_the_noise_does_not_move_the_stop(chain: Open) -> None:
    assert polled(chain, "NREJ 0", 0.1) == pytest.approx(polled(chain, "NREJ 1", 0.1), abs=0.2e-9)
