"""Lake Shore controllers as far as their adapters see them: settings by command and index, replies with CR LF."""

from __future__ import annotations

from collections.abc import Mapping

from tests.unit.drivers.scripted_visa import SILENCE


class Controller:
    """A flat grammar: `HEAD? index` answers with what `HEAD index,values` has set.

    Parameters
    ----------
    settings
        Values by "HEAD index" at the beginning.
    answers
        Message -> reply text, bytes, `SILENCE`, or a function of no arguments that returns one of these.
    bare
        Commands that have no index.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        answers: Mapping[str, object] | None = None,
        bare: frozenset[str] = frozenset(),
    ) -> None:
        self.answers: dict[str, object] = {"*ESR?": "0"} | dict(answers or {})
        self.settings = dict(settings)
        self.seen: list[str] = []
        self._bare = bare

    def receive(self, message: str) -> bytes:
        text = message.rstrip("\r")
        self.seen.append(text)
        if text in self.answers:
            answer = self.answers[text]
            answer = answer() if callable(answer) else answer
            if answer is SILENCE:
                return b""
            return answer if isinstance(answer, bytes) else f"{answer}\r\n".encode()
        replies = [self._part(part) for part in text.split(";")]
        found = [reply for reply in replies if reply is not None]
        return (";".join(found) + "\r\n").encode() if found else b""

    def _part(self, part: str) -> str | None:
        header, _, arguments = part.partition(" ")
        if header.endswith("?"):
            return self.settings.get(f"{header[:-1]} {arguments}".strip(), "0")
        if header in self._bare:
            self.settings[header] = arguments
            return None
        index, _, values = arguments.partition(",")
        self.settings[f"{header} {index}"] = values.strip()
        return None

    def clear(self) -> None:
        self.seen.append("<clear>")
