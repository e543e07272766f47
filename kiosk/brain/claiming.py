"""What a person can do at the claim page. It stands above the stage that was there, and changes nothing of it."""

from collections.abc import Callable
from dataclasses import replace

from kiosk.brain.claims import for_resident, print_slip, threatened
from kiosk.brain.closing import leave
from kiosk.brain.commands import PrintSlip
from kiosk.brain.limits import takes_claims
from kiosk.brain.state import ClaimDraft
from kiosk.brain.turn import Turn
from kiosk.domain.claim import WHATS, WHENS

CLAIMS_A_SESSION = 3
NOTES_MAX = 40
AMOUNT_DIGITS = 7


def open_page(turn: Turn, value: str) -> None:
    """Begin a claim, wherever a resident is. No account and no working device is needed, only the journal."""
    del value
    if turn.scene.claim is not None or not takes_claims(turn.state):
        return
    if turn.books.session_claims >= CLAIMS_A_SESSION:
        turn.show(notice="claim_limit", notice_minor=0)
        return
    # Its timer would take the page away; the idle question is asked in its place.
    turn.stop("done")
    turn.show(claim=_draft(turn))


def _draft(turn: Turn) -> ClaimDraft:
    account, session_id = turn.scene.account, turn.books.session_id
    payments = [turn.books.payment, turn.books.completed]
    ours = [payment.payment_id for payment in payments if payment and session_id and payment.session_id == session_id]
    return ClaimDraft(
        session_id=session_id,
        payment_id=ours[0] if ours else "",
        account=account.ref if account else "",
        last4=account.last4 if account else "",
        threatened=threatened(account, account.ref) if account else False,
    )


def choose_what(turn: Turn, value: str) -> None:
    if value in WHATS:
        _change(turn, what=value, step="when")


def choose_when(turn: Turn, value: str) -> None:
    if value in WHENS:
        _change(turn, when=value, step="notes")


def pick_note(turn: Turn, value: str) -> None:
    picked = _claim(turn).notes_minor
    if value == "clear":
        _change(turn, notes_minor=())
    elif value in map(str, turn.settings.denominations_minor) and len(picked) < NOTES_MAX:
        _change(turn, notes_minor=(*picked, int(value)))


def type_amount(turn: Turn, value: str) -> None:
    del value
    _change(turn, step="amount", entry="", notes_minor=())


def key(turn: Turn, value: str) -> None:
    entry = _claim(turn).entry
    if value == "back":
        _change(turn, entry=entry[:-1])
    elif value == "clear":
        _change(turn, entry="")
    elif len(value) == 1 and value.isascii() and value.isdigit() and len(entry) < AMOUNT_DIGITS:
        _change(turn, entry=entry + value)


def send(turn: Turn, value: str) -> None:
    """Open the claim and print its slip. Who does not know the sum sends none."""
    del value
    draft = _claim(turn)
    amount_minor = int(draft.entry or "0") if draft.step == "amount" else sum(draft.notes_minor)
    opened = for_resident(turn, draft, amount_minor)
    _change(turn, step="slip", opened=opened)
    print_slip(turn, opened)


def print_again(turn: Turn, value: str) -> None:
    del value
    opened = _claim(turn).opened
    if opened is not None and _claim(turn).printed != "printing" and turn.devices.printer.state == "ready":
        number = opened.claim_number
        turn.hear(printing=turn.devices.printing | {number})
        turn.order(PrintSlip(f"{number}/again", opened))
        _change(turn, printed="printing")


def back(turn: Turn, value: str) -> None:
    del value
    before = {"when": "what", "notes": "when", "amount": "notes"}.get(_claim(turn).step)
    if before:
        _change(turn, step=before)
    else:
        close_page(turn, "")


def close_page(turn: Turn, value: str) -> None:
    """Back to where the person was."""
    del value
    turn.show(claim=None)
    if turn.scene.stage == "done":
        turn.start("done", turn.settings.timeouts.done)


def start_over(turn: Turn, value: str) -> None:
    """A payment is never left from here: its own page asks first."""
    close_page(turn, value)
    if turn.scene.stage == "attract":
        leave(turn, "cancelled")


def _claim(turn: Turn) -> ClaimDraft:
    if turn.scene.claim is None:
        raise AssertionError("no claim page is open")
    return turn.scene.claim


def _change(turn: Turn, **changes: object) -> None:
    turn.show(claim=replace(_claim(turn), **changes))  # type: ignore[arg-type]


Act = Callable[[Turn, str], None]

ACTS: dict[str, dict[str, Act]] = {
    "what": {"claim_what": choose_what, "back": back, "start_over": start_over},
    "when": {"claim_when": choose_when, "back": back, "start_over": start_over},
    "notes": {
        "claim_note": pick_note,
        "claim_type": type_amount,
        "submit": send,
        "back": back,
        "start_over": start_over,
    },
    "amount": {"key": key, "submit": send, "back": back, "start_over": start_over},
    "slip": {"done": close_page, "reprint": print_again, "start_over": start_over},
}
