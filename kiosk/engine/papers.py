"""From what the journal says to what goes on paper: receipts and collection tickets."""

from dataclasses import fields
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from hardware.printer import document
from kiosk.brain.commands import PrintIncident
from kiosk.config.model import Config
from kiosk.domain import facts, paper
from kiosk.domain.invoice import Account, rule_of
from kiosk.domain.receipt import (
    POSTED,
    QUEUED,
    CassetteTicket,
    CassetteTicketCopy,
    ClaimSlip,
    IncidentSlip,
    Office,
    Receipt,
    ReceiptLine,
    RefundSlip,
    verification_code,
)
from kiosk.domain.refunds import CardRefunded
from kiosk.domain.tenders import CardInPayment, CardSaleApproved, CardSlip
from kiosk.pages.language import translator
from kiosk.pages.receipt import (
    incident_items,
    receipt_items,
    refund_items,
    slip_items,
    ticket_copy_items,
    ticket_items,
)


class Papers:
    """Makes documents for one kiosk. `kiosk_id`, `epoch` and the city's time `zone` as enrolled."""

    def __init__(self, config: Config, kiosk_id: str, epoch: int, zone: str) -> None:
        office = config.office
        self._office = Office(office.name, office.address, office.phone, office.claim_phone, office.claim_address)
        self._verify_url = office.verify_url
        self._kiosk_id = kiosk_id
        self._ticket = f"{kiosk_id}-P" if epoch == 1 else f"{kiosk_id}-E{epoch}-P"  # each epoch counts its periods
        self._place = config.kiosk.place
        self._large = config.printer.large_print
        self._zone = ZoneInfo(zone)

    def receipt(
        self,
        done: facts.PaymentCompleted,
        accounts: tuple[Account, ...],
        at: str,
        posted: bool,
        language: str,
        kind: str,
        last4: str = "",
        approvals: tuple[CardSaleApproved, ...] = (),
    ) -> document.Document:
        """Return the receipt of `done`. `accounts`, as far as known, give labels and balances; `last4` is of the first.

        `approvals` are those still known; a card of an older one is named by what the payment says of it.
        """
        known = {account.ref: account for account in accounts}
        receipt = Receipt(
            office=self._office,
            kiosk_id=self._kiosk_id,
            place=self._place,
            number=done.receipt_number,
            at=datetime.fromisoformat(at).astimezone(self._zone),
            lines=tuple(
                _line(line, known.get(line.account), last4 if line.account == done.account else "")
                for line in done.lines
            ),
            notes=count(done.notes),
            posting=POSTED if posted else QUEUED,
            value_date=date.fromisoformat(done.value_date),
            code=verification_code(done.receipt_number, done.payment_id, done.total_minor),
            language=language,
            fee_minor=done.fee_minor,
            cards=tuple(_card(card, done, approvals) for card in done.cards),
            checks=done.checks,
            change_minor=done.change_minor,
            applied=rule_of(accounts) if done.account in known else "",
            verify_url=self._verify_url,
            reprint=kind == "reprint",
            recovered=kind == "recovered",
        )
        return to_document(receipt_items(receipt, translator(language), self._large))

    def slip(self, claim: facts.ClaimOpened) -> document.Document:
        """Return the numbered slip of `claim`, in the language in which it was made."""
        slip = ClaimSlip(
            office=self._office,
            kiosk_id=self._kiosk_id,
            place=self._place,
            number=claim.claim_number,
            at=datetime.fromisoformat(claim.happened_at).astimezone(self._zone),
            what=claim.what,
            amount_minor=claim.amount_minor,
            answer_by=date.fromisoformat(claim.answer_by),
            last4=claim.last4,
        )
        return to_document(slip_items(slip, translator(claim.language), self._large))

    def incident(self, command: PrintIncident, at: str) -> document.Document:
        """Return the slip of a card transaction whose end nobody knows."""
        slip = IncidentSlip(
            office=self._office,
            kiosk_id=self._kiosk_id,
            place=self._place,
            reference=command.reference,
            at=datetime.fromisoformat(at).astimezone(self._zone),
            amount_minor=command.amount_minor,
            last4=command.last4,
            operation=command.operation,
            leg=command.leg,
        )
        return to_document(incident_items(slip, translator(command.language), self._large))

    def refund(
        self, refund: CardRefunded, receipt_number: str, at: str, language: str, copy: bool
    ) -> document.Document:
        """Return the slip of what went back to a card."""
        slip = RefundSlip(
            office=self._office,
            kiosk_id=self._kiosk_id,
            place=self._place,
            receipt_number=receipt_number,
            at=datetime.fromisoformat(at).astimezone(self._zone),
            refund=refund,
            copy=copy,
        )
        return to_document(refund_items(slip, translator(language), self._large))

    def local(self, utc: str) -> str:
        """Return a time of a record (RFC 3339 UTC) as the city's, ISO 8601 with offset."""
        return datetime.fromisoformat(utc).astimezone(self._zone).isoformat(timespec="seconds")

    def endorsement(self, number: str, at: str) -> tuple[str, ...]:
        """Return what goes on the back of a check, for its bank: in English, short enough for its width."""
        return ("FOR DEPOSIT ONLY", self._office.name[:32], f"{self._kiosk_id} {at[:10]} check {number}")

    def ticket(
        self, closed: facts.CassettePeriodClosed, opened_record: int, closed_record: int, at: str, who: str
    ) -> document.Document:
        """Return the blind ticket for the bag and the copy with figures for staff, one after the other."""
        recycles = bool(closed.cassette or closed.recycler)
        notes = closed.cassette if recycles else closed.notes
        ticket = CassetteTicket(
            office=self._office,
            kiosk_id=self._kiosk_id,
            place=self._place,
            number=f"{self._ticket}{closed.period:04d}",
            period=closed.period,
            opened_record=opened_record,
            closed_record=closed_record,
            at=datetime.fromisoformat(at).astimezone(self._zone),
            who=(who,) if who else (),
            note_count=sum(note.count for note in notes),
            checks=closed.checks,
            store_count=sum(note.count for note in closed.recycler) if recycles else None,
        )
        booked_minor = closed.total_minor if recycles else None
        copy = CassetteTicketCopy(
            ticket, notes, closed.doubtful_minor, closed.check_minor, closed.recycler, booked_minor
        )
        translate = translator("en")
        return to_document(ticket_items(ticket, translate)) + to_document(ticket_copy_items(copy, translate))


def _line(line: facts.LinePaid, account: Account | None, last4: str) -> ReceiptLine:
    """An account that is not known any more is named by its last four digits, as far as they are."""
    if account is None or account.ref != line.account:
        printed = line.account[-4:] if line.account.startswith("num:") else last4
        return ReceiptLine("", printed, line.invoice, line.amount_minor)
    invoice = next((invoice for invoice in account.invoices if invoice.id == line.invoice), None)
    if invoice is None:
        return ReceiptLine("", account.last4, line.invoice, line.amount_minor)
    after = invoice.balance_minor - line.amount_minor if account.live else None
    return ReceiptLine(invoice.label, account.last4, line.invoice, line.amount_minor, after)


def _card(
    card: CardInPayment, done: facts.PaymentCompleted, approvals: tuple[CardSaleApproved, ...]
) -> CardSaleApproved:
    known = next((approval for approval in approvals if approval.reference == card.reference), None)
    slip = CardSlip(brand=card.brand, last4=card.last4)
    sums = (card.amount_minor, card.amount_minor, done.currency)
    return known or CardSaleApproved(done.payment_id, card.reference, card.leg, *sums, "", slip, False)


def count(notes: tuple[facts.NoteInPayment, ...]) -> tuple[facts.NoteCount, ...]:
    """Return how many notes of each value, largest first."""
    values = sorted((note.value_minor for note in notes), reverse=True)
    return tuple(facts.NoteCount(value, len(list(same))) for value, same in groupby(values))


def to_document(items: paper.Paper) -> document.Document:
    """Map each item to the printer's of the same name and fields."""
    return tuple(_mapped(item) for item in items)


def _mapped(item: paper.Item) -> document.Item:
    twin = getattr(document, type(item).__name__)
    return twin(**{f.name: getattr(item, f.name) for f in fields(item)})  # type: ignore[no-any-return]
