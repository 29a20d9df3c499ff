"""Makes things go wrong on the bench: as the bench file says, or as asked at run time.

    library.bench.faults.inject("late-reply", instrument="counter", message=3, delay="5 s")

The kinds are in `mqtctl.bench_description`. What is random comes from the bench's seed and the fault's number, so that
the same bench with the same clients goes wrong in the same way each time.
"""

from __future__ import annotations

import math

from mqtctl.bench_description import KINDS, FaultPlan, fault_plan
from pyvisa_mqt.bench.fault_effects import EFFECTS, Effect
from pyvisa_mqt.bench.works import Works
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.messages.reply_faults import garbled, reading_units, spoiled, truncated
from pyvisa_mqt.time_and_signals.random_streams import generator

__all__ = ["Fault", "Faults"]

_NOT_A_NUMBER, _OVERFLOW = (9.91e37, b"+9.91000000000000E+037"), (9.9e37, b"+9.90000000000000E+037")


class Fault:
    """One planned fault and its fate.

    Parameters
    ----------
    plan
        What is to happen.
    bench
        Where.
    number
        Its number on this bench, from 0.

    Attributes
    ----------
    strikes
        How often it has struck.
    lasting
        Whether its effect lasts at present.
    """

    def __init__(self, plan: FaultPlan, bench: Works, number: int) -> None:
        self.plan = plan
        self.strikes = 0
        self.lasting = False
        self._bench = bench
        self._rng = generator(bench.file.seed, f"fault {number}")
        self._over = False
        self._messages = 0
        self._struck_reply = False
        self._since = max(plan.at or 0.0, bench.time)
        self._begun, self._end = math.inf, math.inf
        self._recent: dict[bytes, bytes] = {}
        self._line = bench.line(plan.instrument) if plan.instrument is not None else None
        self._where = KINDS[plan.kind].where
        self._passing = KINDS[plan.kind].passing
        self._effect: Effect | None = None
        if self._where != "reply":
            self._effect = EFFECTS[plan.kind](bench, plan, self._rng, f"fault {number}")
        asked = plan.message is not None or plan.probability is not None or bool(plan.match)
        self.waits_for_message = asked or self._passing
        if self._line is not None and (self._where == "reply" or self.waits_for_message):
            self._line.disturb(self)
        self.follow(bench.time)

    # In time.

    def follow(self, now: float) -> None:
        """Begin or end what is due at bench time `now` (s), and let what lasts go on."""
        if self._effect is None or self._over:
            return
        if self.lasting:
            if now < self._end:
                self._effect.go_on(now)
                return
            self._finish(now)
        elif not self.waits_for_message and now >= self._since:
            self._strike(now)

    def _strike(self, now: float) -> None:
        """Let it happen."""
        self.strikes += 1
        self._begun = now
        self._note("strikes")
        if self._effect is None:
            return
        self._effect.begin(now)
        self.lasting = True
        self._end = now + (math.inf if self.plan.duration is None else self.plan.duration)
        if self._passing or (self._effect.momentary and self.plan.duration is None):
            self._end = now
        if self._end <= now:
            self._finish(now)

    def _finish(self, now: float) -> None:
        if now > self._begun:
            self._note("ends")
        self.lasting = False
        if self._effect is not None:
            self._effect.end(now)
        self._over = self.strikes >= self.plan.strikes

    def clear(self) -> None:
        """Put it right again, and let it happen no more."""
        if self.lasting:
            self._finish(self._bench.time)
        self._over = True
        if self._line is not None:
            self._line.leave(self)

    def _note(self, what: str) -> None:
        transcript = self._bench.transcript
        if transcript is not None:
            transcript.note(
                self._bench.time, "fault", fault=self.plan.kind, instrument=self.plan.instrument, state=what
            )

    # On the line.

    def on_message(self, line: Line, data: bytes) -> bool:
        """Look at a message before the instrument gets it; True swallows it."""
        self._struck_reply = False
        if self.plan.match and self.plan.match.encode("latin-1", "replace").upper() not in data.upper():
            return False
        self._messages += 1
        if self._over or self.lasting or not self._due(line.now):
            return False
        if self._where == "reply":
            self._struck_reply = True
            return False
        self._strike(line.now)
        if self._effect is not None:
            return self._effect.swallows
        return False

    def _due(self, now: float) -> bool:
        """Return whether it strikes at the present message."""
        plan = self.plan
        if self.strikes >= plan.strikes or now < self._since or self._messages < (plan.message or 1):
            return False
        if self._passing and plan.duration is not None and now >= self._since + plan.duration:
            return False
        return plan.probability is None or bool(self._rng.random() < plan.probability)

    def on_reply(self, line: Line, reply: bytes) -> bytes | None:
        """Return the reply as it leaves the instrument; None if it does not leave, or not now."""
        if self.plan.kind == "stale-reading":
            return self._stale(line, reply)
        if not self._struck_reply:
            return reply
        self._struck_reply = False
        changed = self._changed(line, reply)
        if changed != reply or self.plan.kind == "duplicated-reply":
            self._strike(line.now)
        return changed

    def _stale(self, line: Line, reply: bytes) -> bytes:
        """Return the reply that the same question got before it went stale."""
        if not reading_units(line.message.decode("latin-1")):
            return reply
        if not self._struck_reply or line.message not in self._recent:
            self._recent[line.message] = reply
            return reply
        self._strike(line.now)
        return self._recent[line.message]

    def _changed(self, line: Line, reply: bytes) -> bytes | None:
        """Return what becomes of a reply that is struck."""
        plan, share = self.plan, 1.0 if self.plan.share is None else self.plan.share
        match plan.kind:
            case "truncated-reply":
                return truncated(reply, share)
            case "garbled-reply":
                return garbled(reply, share, self._rng)
            case "nan-reading" | "overflow-reading":
                number, text = _NOT_A_NUMBER if plan.kind == "nan-reading" else _OVERFLOW
                if plan.kind == "nan-reading" and not line.speaks_scpi:
                    text = b"NaN"
                return spoiled(line.message, reply, number, text, share, self._rng)
            case "duplicated-reply":
                line.hold_up(reply, 0.0)
                return reply
            case "delayed-reply" | "late-reply":
                line.hold_up(reply, plan.delay or 0.0)
        return None


class Faults:
    """All faults of one bench.

    Parameters
    ----------
    bench
        Where they happen.
    """

    def __init__(self, bench: Works) -> None:
        self._bench = bench
        self._faults: list[Fault] = []

    @property
    def planned(self) -> tuple[Fault, ...]:
        """All faults, whether they have struck or not."""
        return tuple(self._faults)

    def inject(self, kind: str, **parameters: object) -> Fault:
        """Plan a fault from now on, and return it; its `clear` puts it right.

        Parameters
        ----------
        kind
            A key of `mqtctl.bench_description.KINDS`.
        **parameters
            Fields of `FaultPlan`: numbers in SI units or texts such as "5 s".

        Raises
        ------
        ValueError
            For an unknown kind, parameter, instrument or port.
        """
        return self.add(fault_plan(kind, **parameters))

    def add(self, plan: FaultPlan) -> Fault:
        """Plan a fault from now on; see `inject`."""
        with self._bench.clock.lock:
            fault = Fault(plan, self._bench, len(self._faults))
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Put everything right again."""
        with self._bench.clock.lock:
            for fault in self._faults:
                fault.clear()

    def follow(self, now: float) -> None:
        """Begin, end and go on with what is due at bench time `now` (s)."""
        for fault in self._faults:
            fault.follow(now)
