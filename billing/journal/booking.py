"""From records to bookings. Pure: what the books say is given, what they should say next is returned.

Money is never refused (architecture, rule 7). The note is in the box whatever its record says, so every branch
below ends in a booking, in suspense or in a memo that staff will see.
"""

from collections.abc import Callable
from datetime import date

from billing.claims.reading import filed
from billing.journal import facts
from billing.journal.records import Record
from billing.journal.tenders import Tenders
from billing.journal.terms import KEPT, MEMO, POSTED, SUSPENDED, Booking, Books, Completion, Desk, Open
from billing.ledger.chart import CASH, CLEARING, CREDIT, FEES, FORK_SUSPENSE, RECEIVABLE, SUSPENSE, cash_of
from billing.ledger.posting import Line

GIVEN = (RECEIVABLE, CREDIT, FEES)  # what a payment pays: all else waits for staff


class Booker(Desk):
    """Books the records of one chain, in order."""

    def __init__(self, kiosk_id: str, epoch: int, books: Books) -> None:
        super().__init__(kiosk_id, epoch, books)
        self._tenders = Tenders(kiosk_id, epoch, books)
        self._kinds: dict[str, Callable[[Record, date], Booking]] = {
            "NoteStacked": self._note_stacked,
            "NoteUnexpected": self._note_unexpected,
            "NoteInDoubt": self._note_in_doubt,
            "NoteReturned": self._note_returned,
            "PaymentCompleted": self._payment_completed,
            "ClaimOpened": self._claim_opened,
        }

    def book(self, record: Record, day: date) -> Booking:
        """Return what `record` comes to; `day` is its value date unless its body gives a better one."""
        book = self._kinds.get(record.kind)
        return book(record, day) if book else self._tenders.book(record, day, fork=False)

    def book_fork(self, record: Record, day: date) -> Booking:
        """Return the booking of a record on a losing branch: its tenders, doubts and claims exist, no more.

        That it gave a note back closes no memo: the other branch may have the note.
        """
        if record.kind in ("NoteInDoubt", "ClaimOpened"):
            return self._kinds[record.kind](record, day)
        if record.kind not in ("NoteStacked", "NoteUnexpected"):
            return self._tenders.book(record, day, fork=True)
        fork = f"{self._kiosk_id}/{self._epoch}"
        return self._unvalued(record) or self._cash(record, day, FORK_SUSPENSE, fork, "journal-fork")

    def _note_stacked(self, record: Record, day: date) -> Booking:
        try:
            payment_id = facts.identifier(record.body, "payment_id")
        except facts.Unreadable as error:
            return self._cash(record, day, SUSPENSE, "", f"unreadable:{error.field}")
        return self._cash(record, day, CLEARING, payment_id, "")

    def _note_unexpected(self, record: Record, day: date) -> Booking:
        return self._unvalued(record) or self._cash(record, day, SUSPENSE, "", "note-unexpected")

    def _unvalued(self, record: Record) -> Booking | None:
        """Return a memo if it is a note of which the kiosk knows no value: it lies in the box, and no sum holds it."""
        try:
            note_id, currency = facts.identifier(record.body, "note_id"), facts.currency(record.body)
            if record.kind != "NoteUnexpected" or facts.amount(record.body, "value_minor", least=0):
                return None
        except facts.Unreadable:
            return None
        return Booking(MEMO, "note-unvalued", opened=(Open("note-unvalued", note_id, 0, currency, memo=True),))

    def _cash(self, record: Record, day: date, credit: str, subject: str, reason: str) -> Booking:
        """Debit the cash of the note's period, credit `credit`; suspense is opened under `reason`."""
        body = record.body
        try:
            note_id, value = facts.identifier(body, "note_id"), facts.amount(body, "value_minor")
            currency = facts.currency(body)
        except facts.Unreadable as error:
            return self._unreadable(record, error)
        subject = subject or note_id
        if note_id in self._books.notes:
            opened = Open("note-repeated", note_id, value, currency, memo=True)
            return Booking(MEMO, "note-repeated", opened=(opened,))
        self._books.notes.add(note_id)
        if credit == CLEARING:
            self._clear(subject, currency, value)
        cash = Line(CASH, cash_of(self._kiosk_id, self._epoch, facts.period(body)), value)
        draft = self._draft(record, day, currency, (cash, Line(credit, subject, -value)))
        if credit == CLEARING:
            return Booking(POSTED, draft=draft, note_id=note_id, settled_note=note_id)
        opened = Open(reason, subject, value, currency)
        return Booking(SUSPENDED, reason, draft, (opened,), note_id=note_id, settled_note=note_id)

    def _note_in_doubt(self, record: Record, day: date) -> Booking:
        try:
            note_id, value = facts.identifier(record.body, "note_id"), facts.amount(record.body, "value_minor", least=0)
            opened = Open("note-in-doubt", note_id, value, facts.currency(record.body), memo=True)
        except facts.Unreadable as error:
            return self._unreadable(record, error)
        return Booking(MEMO, "note-in-doubt", opened=(opened,))

    def _note_returned(self, record: Record, day: date) -> Booking:
        try:
            return Booking(KEPT, settled_note=facts.identifier(record.body, "note_id"))
        except facts.Unreadable:
            return Booking(KEPT)

    def _claim_opened(self, record: Record, day: date) -> Booking:
        """A claim books nothing. Somebody holds its slip, so it is taken down as far as it can be read."""
        reference = record.body.get("account") if isinstance(record.body, dict) else ""
        account = self._books.accounts.get(reference) if isinstance(reference, str) else None
        try:
            claim = filed(record.body, account.id if account else None, self._books.currency)
        except facts.Unreadable as error:
            return self._unreadable(record, error)
        return Booking(KEPT, claim=claim)

    def _payment_completed(self, record: Record, day: date) -> Booking:
        try:
            payment_id, currency = facts.identifier(record.body, "payment_id"), facts.currency(record.body)
        except facts.Unreadable as error:
            return self._unreadable(record, error)
        # A sale whose void is under way is in no payment: it stays in clearing until the void has ended.
        aside = sum(self._books.voiding.get(payment_id, {}).values())
        held = max(0, self._books.clearing.get((payment_id, currency), 0) - aside)
        try:
            payment = facts.completed(record.body)
        except facts.Unreadable as error:
            return self._unplaceable(record, day, payment_id, currency, held, f"unreadable:{error.field}")
        if payment.receipt_number in self._books.receipts or (payment_id in self._books.completed and not held):
            return self._repeated(payment, payment_id, currency)
        return self._complete(record, day, payment_id, currency, held, payment)

    def _unplaceable(
        self, record: Record, day: date, payment_id: str, currency: str, held: int, reason: str
    ) -> Booking:
        opened = Open(reason, payment_id, held, currency, memo=not held)
        if not held:
            return Booking(MEMO, reason, opened=(opened,))
        self._clear(payment_id, currency, -held)
        lines = (Line(CLEARING, payment_id, held), Line(SUSPENSE, payment_id, -held))
        return Booking(SUSPENDED, reason, self._draft(record, day, currency, lines), (opened,))

    def _repeated(self, payment: facts.Completed, payment_id: str, currency: str) -> Booking:
        """A receipt occurs once. A further one for the same payment needs cash of its own (docs/wire.md)."""
        if self._books.receipts.get(payment.receipt_number) == (payment_id, payment.total_minor):
            return Booking(KEPT, "payment-repeated")
        opened = Open("payment-differs", payment_id, payment.total_minor, currency, memo=True)
        return Booking(MEMO, "payment-differs", opened=(opened,))

    def _complete(
        self, record: Record, day: date, payment_id: str, currency: str, held: int, payment: facts.Completed
    ) -> Booking:
        """Empty clearing into the payment's lines and fee; what they and the tenders do not agree on is suspense."""
        if payment.value_date and record.clock_state == "trusted":
            day = min(day, payment.value_date)
        placed, opened = self._place_all(payment, payment_id, currency)
        if payment.fee_minor:
            placed.append(Line(FEES, payment.fee_kind, -payment.fee_minor))
        difference = held - payment.fee_minor - sum(line.amount_minor for line in payment.lines)
        if difference:
            opened.append(Open("lines-differ-from-cash", payment_id, difference, currency))
        if payment.total_minor != sum(line.amount_minor for line in payment.lines):
            opened.append(Open("total-differs-from-lines", payment_id, payment.total_minor, currency, memo=True))
        if difference:
            placed.append(Line(SUSPENSE, payment_id, -difference))
        if held:
            placed.insert(0, Line(CLEARING, payment_id, held))
        self._clear(payment_id, currency, -held)
        self._give(payment_id, currency, placed)
        self._books.receipts[payment.receipt_number] = (payment_id, payment.total_minor)
        self._books.completed.add(payment_id)
        account = self._books.accounts.get(payment.account)
        completion = Completion(
            payment_id,
            payment.receipt_number,
            account.id if account else None,
            payment.total_minor,
            currency,
            day,
            cash_minor=payment.total_minor - payment.card_minor - payment.check_minor,
            card_minor=payment.card_minor,
            check_minor=payment.check_minor,
            change_minor=payment.change_minor,
            fee_minor=payment.fee_minor,
        )
        merged = _merged(placed)
        draft = self._draft(record, day, currency, merged) if merged else None
        disposition = SUSPENDED if opened else POSTED if draft else KEPT
        reason = opened[0].reason if opened else ""
        return Booking(disposition, reason, draft, tuple(opened), completion=completion)

    def _give(self, payment_id: str, currency: str, placed: list[Line]) -> None:
        """Note what the payment placed: a refund takes it back from there."""
        given = self._books.given.setdefault((payment_id, currency), {})
        for account, subject, amount in placed:
            if account in GIVEN:
                given[account, subject] = given.get((account, subject), 0) - amount

    def _place_all(self, payment: facts.Completed, payment_id: str, currency: str) -> tuple[list[Line], list[Open]]:
        placed: list[Line] = []
        opened: list[Open] = []
        for line in payment.lines:
            account, subject, most, reason = self._place(line, currency)
            fits = min(line.amount_minor, most)
            if fits:
                placed.append(Line(account, subject, -fits))
            if account == RECEIVABLE:
                self._books.invoices[subject].owed_minor -= fits
            if fits < line.amount_minor:
                rest = line.amount_minor - fits
                placed.append(Line(SUSPENSE, payment_id, -rest))
                opened.append(Open(reason, payment_id, rest, currency))
        return placed, opened

    def _place(self, line: facts.LinePaid, currency: str) -> tuple[str, str, int, str]:
        """Return the ledger account, its subject, the most that fits there, and why the rest does not."""
        account = self._books.accounts.get(line.account)
        if currency != self._books.currency:
            return SUSPENSE, "", 0, "other-currency"
        if account is None:
            return SUSPENSE, "", 0, "account-unknown"
        if account.closed:
            return SUSPENSE, "", 0, "account-closed"
        if not line.invoice:
            return CREDIT, account.number, line.amount_minor, ""
        invoice = self._books.invoices.get(line.invoice)
        if invoice is None or invoice.account_id != account.id:
            return SUSPENSE, "", 0, "invoice-unknown"
        return RECEIVABLE, line.invoice, max(0, invoice.owed_minor), "invoice-overpaid"


def _merged(lines: list[Line]) -> tuple[Line, ...]:
    """Return `lines` with those of one account and subject added up, and without those that cancel out."""
    sums: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line.account, line.subject)
        sums[key] = sums.get(key, 0) + line.amount_minor
    return tuple(Line(account, subject, total) for (account, subject), total in sums.items() if total)
