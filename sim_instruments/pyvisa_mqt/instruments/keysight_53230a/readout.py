"""The memory and the read-out of the 53230A: blocks, counts, thresholds, and the settings as *LRN? tells them."""

from __future__ import annotations

import abc
import re

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.number_text import scientific_list
from pyvisa_mqt.grammar.scpi_instrument import Hold
from pyvisa_mqt.instruments.counters.readings_memory import ReadingsMemory
from pyvisa_mqt.instruments.keysight_53230a.functions import FUNCTIONS
from pyvisa_mqt.instruments.keysight_53230a.inputs import InputSection
from pyvisa_mqt.instruments.keysight_53230a.statistics import NOT_A_READING

__all__ = ["MEMORY", "ReadoutSection"]

MEMORY = 1_000_000
THRESHOLD_REACHED = 1 << 12


class ReadoutSection(InputSection):
    """The part of the counter behind the measurement."""

    memory: ReadingsMemory

    @property
    def measured(self) -> str:
        """What is measured, as FUNCtion calls it."""
        return str(self.settings["function"])

    @property
    @abc.abstractmethod
    def operation_pending(self) -> bool:
        """Whether a measurement is under way."""

    @abc.abstractmethod
    def initiate(self) -> None:
        """Start measuring."""

    def function(self) -> str:
        """Return what FUNCtion? answers."""
        return f'"{self.measured}"'

    def check_threshold(self) -> None:
        """Note whether as many readings are there as a client asked to be told of."""
        reached = len(self.memory) >= self.settings["threshold"]
        self.registers["operation"].set(THRESHOLD_REACHED, reached)

    def clear_memory(self) -> None:
        """Forget all readings."""
        self.memory.clear()
        self.registers["operation"].set(THRESHOLD_REACHED, False)

    def _encode(self, values: NDArray[np.float64], definite: bool) -> bytes:
        """Write readings in the present format, as a definite block or ended by END only."""
        if self.settings["format"] == "ASC":
            body: bytes | memoryview = scientific_list(values)
            if not definite:
                return bytes(body)
        else:
            body = values.astype(">f8" if self.settings["byte_order"] == "NORM" else "<f8").view(np.uint8).data
            if not definite:
                return b"".join((b"#0", body))
        length = str(len(body))
        return b"".join((f"#{len(length)}{length}".encode(), body))  # one copy: a block can be 8 MB

    def fetch(self) -> Hold:
        """Do what FETCh? does: wait for the end, return all, erase nothing."""
        return Hold(lambda: not self.operation_pending, self._reply_all)

    def _reply_all(self) -> bytes:
        if not len(self.memory):
            raise ScpiError(-230)
        return self._encode(self.memory.all(), definite=False)

    def read(self) -> Hold:
        """Do what READ? does."""
        self.initiate()
        return self.fetch()

    def read_and_erase(self, count: float = MEMORY) -> bytes:
        """Do what R? does: the oldest readings, as many as there are."""
        if not len(self.memory) and not self.operation_pending:
            raise ScpiError(-230)
        values = self.memory.take(int(count))
        self.check_threshold()
        return self._encode(values, definite=True)

    def remove(self, count: float, wait: str = "") -> bytes | Hold:
        """Do what DATA:REMove? does: exactly so many of the oldest readings."""
        wanted = int(count)
        if wait and self.operation_pending:
            return Hold(
                lambda: len(self.memory) >= wanted or not self.operation_pending, lambda: self._remove_now(wanted)
            )
        return self._remove_now(wanted)

    def _remove_now(self, count: int) -> bytes:
        if len(self.memory) < count:
            raise ScpiError(-230)
        return self.read_and_erase(count)

    def last_reading(self) -> str:
        """Do what DATA:LAST? does: value and unit."""
        value = self.memory.last()
        number = self.format_number(NOT_A_READING if value is None else value)
        return f"{number} {FUNCTIONS[self.measured].unit}".rstrip()

    def learned(self) -> str:
        """Do what *LRN? does: return commands that bring back the present settings."""
        parts = [f":FUNC {self.function()}"]
        for pattern, command in self._tree.settings.items():
            if command.query is None or command.execute is None:
                continue
            for key in command.setting_keys():
                suffixes = key[1:] if isinstance(key, tuple) else ()
                parts.append(f"{short_header(pattern, suffixes)} {command.query(self, *suffixes)}")
        return ";".join(parts)

    def set_threshold(self, count: float) -> None:
        """Set the number of readings at which the threshold event comes."""
        self.settings["threshold"] = int(count)
        self.check_threshold()


def short_header(pattern: str, suffixes: tuple[int, ...]) -> str:
    """Return the shortest header of a command pattern, with these numeric suffixes."""
    needed = re.sub(r"\[[^\]]*\]", "", pattern)
    numbers = iter(suffixes)
    numbered = re.sub(r"\{\d+-\d+\}", lambda _: str(next(numbers)), needed)
    return ":" + re.sub(r"[a-z]", "", numbered).strip(":")
