"""Looking for what became of a transaction: which questions, in which order, and when an answer is believed (sheet 8).

A sale is looked for by our reference; one that is found counts only if nobody voided it since. A void is looked for by
its own reference, and then by what the sale's record says. "Not found" is believed when it was said twice, the second
time after every sale that may have been under way on the terminal has ended.
"""

from dataclasses import dataclass, field

from hardware.cards.contract import ABSENT, APPROVED, CANCELLED, UNKNOWN, Query
from hardware.cards.pax import requests, responses
from hardware.cards.pax.frames import Response
from hardware.cards.pax.responses import Transaction, Verdict

ASK_AGAIN_MS = 5_000

_NOTHING = Transaction("", None, "", "", "")


@dataclass(frozen=True)
class Finding:
    verdict: Verdict
    told: Transaction = field(default_factory=lambda: _NOTHING)


class Lookup:
    """One Query. `wait_ms` is when its next question may be asked."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._stage = "own"  # whose record is asked for: its own, that of the sale ("of"), or a void of the sale found
        self._sale = _NOTHING
        self._absences = 0
        self.wait_ms = 0

    def question(self, version: str) -> bytes:
        """Return the frame to send."""
        if self._stage == "voided":
            return requests.void_of(version, self._sale.number)
        return requests.by_reference(version, self._sought())

    def _sought(self) -> str:
        return self._query.of if self._stage == "of" else self._query.reference

    def take(self, response: Response, now_ms: int, settled: bool) -> Finding | None:
        """Take the answer; return what it decides, or None if there is another question.

        `settled`: no sale or void that began before can be under way on the terminal any more.
        """
        told, good = responses.record(response), response.code == responses.GOOD
        if self._stage == "voided":
            voided = good and responses.is_void(told) and told.number == self._sale.number
            return self._decide(voided, now_ms, settled)
        if good and told.reference == self._sought():
            return self._found(told, now_ms, settled)
        if not responses.not_found(response):
            return Finding(Verdict(UNKNOWN, reason="another transaction" if good else response.code))
        if self._stage == "of":  # neither the void nor the sale is there: the batch is another one by now
            return Finding(Verdict(UNKNOWN, reason="the sale is not there"))
        if self._query.operation == "void" and self._query.of:
            self._stage = "of"
            return None
        return self._absent(now_ms, settled)

    def late(self, response: Response) -> Finding | None:
        """Take an answer to the operation itself that came after it was given up."""
        query, told = self._query, responses.transaction(response)
        if response.command != "T01" or told.reference != query.reference or not query.amount_minor:
            return None
        verdict = responses.judge(response, query.operation, query.reference, query.amount_minor)
        return Finding(verdict, told) if verdict.result != UNKNOWN else None

    def _found(self, told: Transaction, now_ms: int, settled: bool) -> Finding | None:
        self._sale = told
        if self._stage == "own":
            verdict = responses.judge_record(told, self._query.operation, self._query.amount_minor)
            if self._query.operation != "sale" or verdict.result != APPROVED:
                return Finding(verdict, told)
        elif responses.is_void(told):
            return self._decide(True, now_ms, settled)
        if told.number:
            self._stage = "voided"
            return None
        return self._decide(False, now_ms, settled)

    def _decide(self, voided: bool, now_ms: int, settled: bool) -> Finding | None:
        """The sale is found, and whether somebody voided it is known."""
        query, sale = self._query, self._sale
        if query.operation == "sale":
            found = responses.judge_record(sale, "sale", query.amount_minor)
            return Finding(Verdict(CANCELLED, reason="voided") if voided else found, sale)
        if voided:
            return Finding(Verdict(APPROVED, query.amount_minor or sale.amount_minor or 0, "voided"), sale)
        self._stage = "own"
        return self._absent(now_ms, settled)

    def _absent(self, now_ms: int, settled: bool) -> Finding | None:
        self._absences += 1
        if self._absences >= 2 and settled:
            return Finding(Verdict(ABSENT, reason=responses.NOT_FOUND))
        self.wait_ms = now_ms + ASK_AGAIN_MS
        return None
