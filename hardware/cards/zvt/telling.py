"""What the layer above is told and must have on disk, and the last attempt, which outlives us (`memory.py`)."""

from dataclasses import replace

from hardware.cards.contract import (
    APPROVED,
    DECLINED,
    UNKNOWN,
    BatchClosed,
    CloseBatch,
    Ended,
    Event,
    Query,
    Refund,
    Reversed,
    Sale,
    Void,
)
from hardware.cards.zvt.memory import Attempt
from hardware.cards.zvt.outcomes import Ending, How, Outcome, Stored, recall
from hardware.cards.zvt.status import Information

Payment = Sale | Void | Refund
Work = Payment | Query | CloseBatch


class Telling:
    """`held` is the report that keeps the next command waiting, 0 for none; `reversal` one that does not.

    `held_sale`: the held report is the approval of the last attempt, and the terminal may be waiting for our answer.
    """

    def __init__(self, attempt: Attempt | None) -> None:
        self.attempt = attempt
        self.held = 0
        self.held_sale = False
        self.reversal = 0
        self._reports = 0

    def begin(self, work: Payment) -> None:
        of = "" if isinstance(work, Sale) else work.terminal_ref
        self.attempt = Attempt(operation_of(work), work.reference, work.amount_minor, of=of)

    def sent(self, before: str | None, terminal: str) -> None:
        """The message of the last attempt is about to leave."""
        self._remember(sent=True, before=before, terminal=terminal)

    def acknowledge(self, report: int) -> bool:
        """Return whether it was the approval of a sale: the terminal may know now."""
        if report and report == self.reversal:
            self.reversal = 0
            self._remember(settled=True)
        if not report or report != self.held:
            return False
        known, self.held, self.held_sale = self.held_sale, 0, False
        if known:
            self._remember(known=True)
        return known

    def ended(self, work: Payment | Query, outcome: Outcome) -> list[Event]:
        """Tell the end of a sale, void or refund, or what a query found."""
        found = isinstance(work, Query)
        told = (outcome.result, outcome.amount_minor, outcome.mark, found, outcome.reason, outcome.slip)
        return [Ended(self._hold(), operation_of(work), work.reference, *told)]

    def approved(self, work: Sale, outcome: Outcome) -> list[Event]:
        """Tell of an approval that the terminal still wants answered."""
        self._remember(mark=outcome.mark, approved=True, approved_minor=outcome.amount_minor)
        events = self.ended(work, outcome)
        self.held_sale = True
        return events

    def marked(self, mark: str) -> None:
        """The terminal named the transaction that is under way."""
        self._remember(mark=mark)

    def settled(self) -> None:
        self._remember(settled=True)

    def undone(self, reason: str) -> list[Event]:
        """Tell that the terminal reversed the sale of which an approval was told."""
        assert self.attempt is not None
        self._remember(undone=True)
        self._reports += 1
        self.reversal = self._reports
        attempt = self.attempt
        return [Reversed(self.reversal, attempt.reference, attempt.approved_minor, attempt.mark, reason)]

    def recalled(self, stored: Stored, currency: str) -> list[Event]:
        """After the line or we were away: is the sale still there of which an approval was told?"""
        attempt = self.attempt
        if attempt is None or not attempt.approved or attempt.settled:
            return []
        result = "" if attempt.undone else recall(attempt, stored, currency).result
        if result in (APPROVED, UNKNOWN):
            self._remember(settled=result == APPROVED)
            return []
        return self.undone(result)

    def closed(self, work: CloseBatch, information: Information, ending: Ending) -> list[Event]:
        result, reason = DECLINED, f"{ending.code:02X}"
        if ending.how is How.SILENT:
            result, reason = UNKNOWN, ending.reason
        elif ending.how is How.COMPLETED and information.result is None:
            result, reason = UNKNOWN, "completed without a result"
        elif ending.how is How.COMPLETED:
            result, reason = (APPROVED, "") if information.good else (DECLINED, f"{information.result:02X}")
        sums = (information.count, information.amount_minor or 0) if result == APPROVED else (0, 0)
        return [BatchClosed(self._hold(), work.reference, result, *sums, reason)]

    def _hold(self) -> int:
        self._reports += 1
        self.held, self.held_sale = self._reports, False
        return self.held

    def _remember(self, **changes: object) -> None:
        if self.attempt:
            self.attempt = replace(self.attempt, **changes)  # type: ignore[arg-type]


def operation_of(work: Payment | Query) -> str:
    return work.operation if isinstance(work, Query) else type(work).__name__.lower()
