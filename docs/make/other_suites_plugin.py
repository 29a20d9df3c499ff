"""A pytest plugin that leads other people's driver tests to the simulated bench, without a change to their files.

QCoDeS's tests name a pyvisa-sim file: the driver gets the bench's VISA library instead, with the same address, a
fresh bench for each test; where a test class answers queries itself (`MockVisaInstrument`), the queries go to the
bench. PyMeasure's tests with a device skip themselves and open an address in the authors' laboratory: the skip is
passed over, and the default VISA library is a bench with a generator at this address.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

CLIENT = os.environ["MQT_SUITE"]
#: What stands for the simulation files of QCoDeS.
MODELS = {
    "Yokogawa_GS200.yaml": "yokogawa-gs200",
    "Keysight_33xxx.yaml": "keysight-33522b",
    "lakeshore_model336.yaml": "lakeshore-336",
    "lakeshore_model372.yaml": "lakeshore-372",
}
PYMEASURE_ADDRESS = "TCPIP0::192.168.225.208::inst0::INSTR"
_folder = Path(tempfile.mkdtemp(prefix="mqt-suites-"))
_seeds = itertools.count(1)


def _bench(model: str, address: str) -> str:
    """Return the VISA library of a fresh bench with one instrument."""
    path = _folder / f"{model}-{next(_seeds)}.yaml"
    path.write_text(f'instruments: {{device: {{model: {model}, address: "{address}"}}}}\n')
    return f"{path}@mqt"


def _lead_qcodes() -> None:
    from qcodes.instrument import VisaInstrument

    begin = VisaInstrument.__init__

    def on_the_bench(self: Any, name: str, address: str, **options: Any) -> None:
        simulated = options.pop("pyvisa_sim_file", None)
        if simulated is not None:
            canonical = address.replace("GPIB::", "GPIB0::")
            options["visalib"] = _bench(MODELS[simulated], canonical)
            address = canonical
        begin(self, name, address, **options)

    VisaInstrument.__init__ = on_the_bench  # type: ignore[assignment, method-assign]


def _lead_pymeasure() -> None:
    os.environ["PYVISA_LIBRARY"] = _bench("keysight-33522b", PYMEASURE_ADDRESS)
    skip = pytest.skip

    def skip_unless_for_want_of_a_device(reason: str = "", *, allow_module_level: bool = False) -> None:
        if not (allow_module_level and "connected hardware" in reason):
            skip(reason, allow_module_level=allow_module_level)

    pytest.skip = skip_unless_for_want_of_a_device  # type: ignore[assignment]


def pytest_configure() -> None:
    {"qcodes": _lead_qcodes, "pymeasure": _lead_pymeasure}[CLIENT]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let queries through to the bench that a test class would answer itself."""
    for module in {item.getparent(pytest.Module) for item in session.items}:
        mock = getattr(getattr(module, "obj", None), "MockVisaInstrument", None)
        for name in ("write_raw", "ask_raw"):
            if mock is not None and name in vars(mock):
                delattr(mock, name)
