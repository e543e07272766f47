"""Claims: the kiosk opens one by itself where it cannot say what became of a note, a resident opens the others.

A claim is a memo with a number. It moves no money, and it needs neither the acceptor nor the server nor a printer.
"""

from dataclasses import replace

from kiosk.brain.commands import PrintSlip
from kiosk.brain.state import ClaimDraft, OpenNote, OpenPayout
from kiosk.brain.turn import Turn
from kiosk.domain.claim import answer_by
from kiosk.domain.facts import ClaimOpened, ClaimSlipEnded, NoteCount, NoteInPayment
from kiosk.domain.invoice import Account

SLIPS_WAIT_MS = 600_000


def for_doubt(turn: Turn, note: OpenNote) -> None:
    """Open a claim for whom the doubtful note belongs to, in the decision that puts it in doubt."""
    notes = (NoteInPayment(note.note_id, note.value_minor),)
    _for_payer(turn, "note_in_doubt", note.payment_id, note.value_minor, notes)


def for_change(turn: Turn, payout: OpenPayout) -> None:
    """Open a claim for the change that may or may not have come out. It is credited meanwhile."""
    _for_payer(turn, "change_in_doubt", payout.payment_id, payout.amount_minor - payout.paid_minor, ())


def _for_payer(turn: Turn, what: str, payment_id: str, amount_minor: int, notes: tuple[NoteInPayment, ...]) -> None:
    payment = turn.books.payment
    ours = payment is not None and payment.payment_id == payment_id
    draft = ClaimDraft(what=what, payment_id=payment_id)
    if payment is not None and ours:
        draft = replace(
            draft,
            session_id=payment.session_id,
            account=payment.account,
            last4=payment.last4,
            threatened=threatened(turn.scene.account, payment.account),
        )
    language = payment.language if payment is not None and ours else turn.scene.language
    opened = _record(turn, draft, amount_minor, notes, language)
    print_slip(turn, opened)


def for_unexpected(turn: Turn, note_id: str, value_minor: int) -> None:
    """Open a claim for a note nobody asked for. Whose it is nobody knows: not the account of who stands here."""
    draft = ClaimDraft(what="note_unexpected", session_id=turn.books.session_id)
    opened = _record(turn, draft, value_minor, (NoteInPayment(note_id, value_minor),), turn.scene.language)
    print_slip(turn, opened)


def awaits(turn: Turn, value_minor: int) -> bool:
    """Is a note of this value in doubt, with a claim of its own? Then a stray one is taken to be it.

    One without a value may be any.
    """
    lost = [item.amount_minor for item in turn.books.aftermath if item.what == "lost"]
    return value_minor in lost if value_minor else bool(lost)


def for_resident(turn: Turn, draft: ClaimDraft, amount_minor: int) -> ClaimOpened:
    """Open the claim that a person made."""
    note = turn.books.note
    notes = (NoteInPayment(note.note_id, note.value_minor),) if note else ()
    return _record(turn, draft, amount_minor, notes, turn.scene.language, "resident")


def threatened(account: Account | None, ref: str) -> bool:
    """Is service on this account about to be shut off, as far as this session knows?"""
    return account is not None and account.ref == ref and any(invoice.shut_off for invoice in account.invoices)


def _record(
    turn: Turn,
    draft: ClaimDraft,
    amount_minor: int,
    notes: tuple[NoteInPayment, ...],
    language: str,
    opened_by: str = "",
) -> ClaimOpened:
    settings = turn.settings
    opened = ClaimOpened(
        claim_number=f"{settings.receipt_prefix}-C{settings.epoch}-{turn.books.claims + 1:06d}",
        opened_by=opened_by or ("recovery" if turn.scene.stage == "starting" else "kiosk"),
        session_id=draft.session_id,
        payment_id=draft.payment_id,
        account=draft.account,
        last4=draft.last4,
        what=draft.what,
        amount_minor=amount_minor,
        currency=settings.currency,
        notes=notes,
        notes_said=_counted(draft.notes_minor),
        when=draft.when,
        happened_at=turn.moment.utc,
        threatened=draft.threatened,
        answer_by=answer_by(turn.moment.local, draft.threatened),
        language=language,
    )
    turn.record(opened)
    return opened


def _counted(notes_minor: tuple[int, ...]) -> tuple[NoteCount, ...]:
    return tuple(NoteCount(value, notes_minor.count(value)) for value in sorted(set(notes_minor)))


# The slip


def print_slip(turn: Turn, claim: ClaimOpened) -> None:
    """Print the slip; while the printer is away that of a resident is given up, any other waits for it."""
    printer, number = turn.devices.printer, claim.claim_number
    if printer.state == "ready":
        turn.hear(printing=turn.devices.printing | {number})
        turn.order(PrintSlip(f"{number}/claim", claim))
        _tell(turn, number, "printing")
    elif claim.opened_by == "resident":
        turn.record(ClaimSlipEnded(number, "failed", printer.reason or "no_printer"))
        _tell(turn, number, "unavailable")
    else:
        turn.start("catch_up", SLIPS_WAIT_MS)


def slip_ended(turn: Turn, number: str, outcome: str, reason: str) -> None:
    """The printer is done with a slip. One that was printed again has no record of its own."""
    if any(claim.claim_number == number for claim in turn.books.slips):
        turn.record(ClaimSlipEnded(number, outcome, reason))
    _tell(turn, number, "failed" if outcome == "failed" else "printed")


def catch_up_slips(turn: Turn) -> None:
    """Print the slips that wait, those of residents too if a cut came between claim and paper."""
    for claim in turn.books.slips:
        if claim.claim_number not in turn.devices.printing:
            print_slip(turn, claim)


def give_up_slips(turn: Turn) -> None:
    for claim in turn.books.slips:
        if claim.claim_number not in turn.devices.printing:
            turn.record(ClaimSlipEnded(claim.claim_number, "failed", "printer_away"))


def _tell(turn: Turn, number: str, how: str) -> None:
    """Tell the person at the claim page, if it is still their claim."""
    draft = turn.scene.claim
    if draft is not None and draft.opened is not None and draft.opened.claim_number == number:
        turn.show(claim=replace(draft, printed=how))


def carried(turn: Turn, reason: str) -> ClaimDraft | None:
    """Return the claim page that outlives a session: a number not yet confirmed, or a claim still being made."""
    draft = turn.scene.claim
    if draft is None:
        return None
    if draft.pinned and draft.opened is not None:
        # Who comes next may see a number, and nothing that tells whose it is (accessibility T5).
        return replace(draft, account="", last4="", opened=replace(draft.opened, account="", last4=""))
    return draft if reason in ("restart", "cancelled") else None
