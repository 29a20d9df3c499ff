"""A QCoDeS station that speaks to no instrument by itself; loads QCoDeS, so it is imported where it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qcodes.instrument import InstrumentBase
from qcodes.parameters import ParameterBase
from qcodes.station import Station

__all__ = ["QuietStation"]


class QuietStation(Station):
    """A station whose snapshots say what is known already.

    Since 0.62 QCoDeS asks at the beginning of each run for every parameter that was not read yet: hundreds of messages
    to instruments that are about to measure, and seconds of the bench's time.
    """

    def snapshot_base(self, update: Any = False, params_to_skip_update: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the snapshot without a question to an instrument, whatever was asked for."""
        return super().snapshot_base(update=False, params_to_skip_update=params_to_skip_update)

    def load_instrument(self, *arguments: Any, **keywords: Any) -> Any:
        """Load an instrument; its snapshot is made anew only when one of its parameters was set or read since."""
        instrument = super().load_instrument(*arguments, **keywords)
        vars(instrument)["snapshot_base"] = _Remembered(instrument)
        return instrument


class _Remembered:
    """An instrument's snapshot without a question to it, kept as long as no parameter has another time stamp.

    A controller has hundreds of parameters that nobody uses, and QCoDeS takes 12 us for each in each run.
    """

    def __init__(self, instrument: InstrumentBase) -> None:
        self._take: Callable[..., dict[Any, Any]] = instrument.snapshot_base
        self._parameters = list(_parameters_of(instrument))
        self._stamps: list[object] = []
        self._known: dict[Any, Any] = {}

    def __call__(
        self, update: bool | None = False, params_to_skip_update: Sequence[str] | None = None
    ) -> dict[Any, Any]:
        """Return the snapshot, to which metadata can be added."""
        if update is not False:
            return self._take(update, params_to_skip_update)
        if not self._known or self._stamps != self._present_stamps():
            self._known = self._take(False)
            self._stamps = self._present_stamps()  # with that of the session's time-out, which QCoDeS has just read
        return dict(self._known)

    def _present_stamps(self) -> list[object]:
        return [parameter.cache.timestamp for parameter in self._parameters]


def _parameters_of(part: InstrumentBase) -> list[ParameterBase]:
    """Return the parameters of an instrument or channel and of all below it."""
    below = [parameter for module in part.instrument_modules.values() for parameter in _parameters_of(module)]
    return [*part.parameters.values(), *below]
