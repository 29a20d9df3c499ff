"""Every parameter of every driver of the package is documented, has a unit and a strict validator."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import mqtctl_drivers
import pytest
from mqtctl_drivers.ieee488 import Ieee488Instrument
from qcodes.instrument import InstrumentBase, VisaInstrument
from qcodes.parameters import ManualParameter, ParameterBase
from qcodes.validators import Anything, Enum, Ints, MultiType, Numbers, Validator

from tests.unit.drivers.scripted_visa import Responder, resource_for
from tests.unit.drivers.sr620_device import Timer

VERBS = ("Control ", "Measure ", "Get ", "Set ")
BY_QCODES = {"IDN", "timeout"}
#: Sums of bits have no unit, nor do the numbers of trigger lines.
BITS = {
    "status_byte", "service_request_enable", "standard_event_status", "standard_event_enable",
    "condition", "event", "enable", "timer_status", "error_status", "timer_enable", "error_enable",
}  # fmt: skip


def driver_classes() -> list[type[VisaInstrument]]:
    found: dict[str, type[VisaInstrument]] = {}
    for module in pkgutil.walk_packages(mqtctl_drivers.__path__, "mqtctl_drivers."):
        for _, candidate in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            ours = candidate.__module__.startswith("mqtctl_drivers.")
            if ours and issubclass(candidate, Ieee488Instrument) and candidate.models:
                found[candidate.__qualname__] = candidate
    return list(found.values())


def parameters(part: InstrumentBase) -> Iterator[ParameterBase]:
    for parameter in part.parameters.values():
        if parameter.name not in BY_QCODES:
            yield parameter
    for submodule in part.instrument_modules.values():
        yield from parameters(submodule)


@pytest.fixture(params=driver_classes(), ids=lambda cls: cls.__name__)
def instrument(request: pytest.FixtureRequest) -> Iterator[VisaInstrument]:
    device = Timer() if request.param.models == ("SR620",) else Responder()
    opened = request.param("walked", resource=resource_for(device))
    yield opened
    opened.close()


def test_the_walk_finds_the_drivers_and_their_parameters(instrument: VisaInstrument) -> None:
    assert {"Keithley6221", "Keysight53230A", "SrsSR620"} <= {cls.__name__ for cls in driver_classes()}
    assert len(list(parameters(instrument))) > 30


def test_every_parameter_says_what_it_does_beginning_with_a_verb(instrument: VisaInstrument) -> None:
    for parameter in parameters(instrument):
        doc = parameter.__doc__ or ""
        assert doc.startswith(VERBS), f"{parameter.full_name}: {doc[:60]!r}"
        assert doc.split("\n")[0].rstrip()[-1] in ".:", f"{parameter.full_name} has no full sentence"


def test_the_verb_fits_what_can_be_done(instrument: VisaInstrument) -> None:
    for parameter in parameters(instrument):
        verb = (parameter.__doc__ or "").split()[0]
        if verb == "Control":
            assert parameter.gettable, parameter.full_name
            assert parameter.settable, parameter.full_name
        elif verb in {"Get", "Measure"}:
            assert parameter.gettable, parameter.full_name
            assert not parameter.settable, parameter.full_name


def numeric(validator: Validator[Any] | None) -> bool:
    if isinstance(validator, Enum):
        return all(isinstance(value, (int, float)) for value in validator.values)
    return validator is not None and validator.is_numeric


def test_every_number_has_a_unit(instrument: VisaInstrument) -> None:
    for parameter in parameters(instrument):
        has_table = getattr(parameter, "val_mapping", None) is not None
        names_something = parameter.name in BITS or parameter.name.endswith("_line")
        if has_table or names_something or not numeric(parameter.vals):
            continue
        assert getattr(parameter, "unit", ""), f"{parameter.full_name} has no unit"


def test_every_parameter_has_a_validator_that_refuses_something(instrument: VisaInstrument) -> None:
    for parameter in parameters(instrument):
        assert parameter.vals is not None, f"{parameter.full_name} has no validator"
        assert not isinstance(parameter.vals, Anything), f"{parameter.full_name} accepts anything"
        for nonsense in (float("nan"), "no such word", 1e300, None):
            with pytest.raises((TypeError, ValueError)):
                parameter.validate(nonsense)


def test_every_parameter_is_a_documented_attribute(instrument: VisaInstrument) -> None:
    for parameter in parameters(instrument):
        assert parameter.instrument is not None
        assert getattr(parameter.instrument, parameter.name) is parameter


def test_numbers_are_refused_outside_their_range_and_nothing_is_sent(instrument: VisaInstrument) -> None:
    device = instrument.visa_handle.visalib.device  # type: ignore[attr-defined]  # the scripted library
    for parameter in parameters(instrument):
        if not isinstance(parameter.vals, Numbers) or not parameter.settable:
            continue
        device.seen.clear()
        for outside in (parameter.vals.min_value - 1, parameter.vals.max_value + 1):
            with pytest.raises(ValueError, match="invalid"):
                parameter.set(outside)
        assert device.seen == []


def test_every_setting_is_sent_and_read_back_the_same(instrument: VisaInstrument) -> None:
    for parameter in parameters(instrument):
        if isinstance(parameter, ManualParameter) or not parameter.settable:
            continue
        for value in examples(parameter):
            parameter.set(value)
            expected = value if isinstance(value, str) else pytest.approx(value, rel=1e-9)  # ten digits are sent
            assert parameter.get() == expected, parameter.full_name


def examples(parameter: ParameterBase) -> list[object]:
    table = getattr(parameter, "val_mapping", None)
    if table is not None:
        return [True, False] if True in table else list(table)
    validator = parameter.vals
    if isinstance(validator, Enum):
        return list(validator.values)
    if isinstance(validator, MultiType):
        return [float("inf"), 1.5]
    assert isinstance(validator, (Numbers, Ints))
    return [validator.min_value, validator.max_value]
