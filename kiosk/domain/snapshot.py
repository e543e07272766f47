"""The immutable picture of state that pages are made from. It crosses a socket as one JSON line."""

from dataclasses import asdict, dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from kiosk.domain.claim import Aftermath
from kiosk.domain.invoice import Account

# Every value of Snapshot.screen.
SCREENS = (
    "starting",
    "attract",
    "type_account",
    "finding",
    "invoice",
    "other_amount",
    "repeat",
    "tender",
    "fee",
    "cash",
    "card",
    "partial",
    "card_unknown",
    "check",
    "review",
    "closing",
    "done",
    "out_of_service",
    "staff_sign_in",
    "staff_health",
    "staff_swap",
    "staff_cards",
    "staff_refund",
    "staff_refunding",
    "staff_search",
)

# Every value of Snapshot.notice; pages give each its words.
NOTICES = (
    "",
    "scan_unknown",
    "scan_short",
    "scan_check",
    "scan_postal",
    "scan_ambiguous",
    "account_unknown",
    "account_closed",
    "account_twice",
    "account_offline",
    "nothing_owed",
    "server_slow",
    "server_away",
    "printed_amount",
    "amount_invalid",
    "amount_too_low",
    "amount_too_high",
    "note_accepted",
    "note_returned",
    "note_rejected",
    "note_too_large",
    "note_in_doubt",
    "change_in_doubt",
    "take_second_note",
    "cash_lost",
    "cash_back",
    "cash_jammed",
    "cash_full",
    "cash_unavailable",
    "cash_unsafe",
    "cash_slow",
    "card_unavailable",
    "card_declined",
    "card_counter",
    "card_cancelled",
    "card_failed",
    "card_not_charged",
    "card_undone",
    "card_stands",
    "card_unknown",
    "check_unavailable",
    "check_unreadable",
    "check_counter",
    "check_twice",
    "check_differs",
    "check_too_high",
    "check_taken",
    "tender_unsafe",
    "tender_slow",
    "printer_out",
    "receipt_failed",
    "claim_limit",
    "pin_wrong",
    "pin_locked",
    "period_closed",
    "batch_closed",
    "batch_not_closed",
    "search_ended",
    "refund_absent",
    "refund_changed",
    "refund_too_high",
    "refund_blocked",
    "refund_same_person",
)


@dataclass(frozen=True)
class DeviceHealth:
    """`state` is one of lost, connecting, interrogating, ready, faulted; `reason` a short code for staff."""

    name: str
    state: str
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class PaymentView:
    """Sums in cents. `left_minor` never below 0; `credit_minor` is what would go to the account as credit now, and
    `change_minor` what is to come back in notes."""

    owe_minor: int
    in_minor: int
    left_minor: int
    credit_minor: int = 0
    allowed_minor: tuple[int, ...] = ()
    denominations_minor: tuple[int, ...] = ()
    last_note_minor: int = 0
    credit_agreed: bool = False
    by_card_minor: int = 0
    by_check_minor: int = 0
    change_minor: int = 0


@dataclass(frozen=True)
class CartView:
    """One of several accounts in a payment, and how much of it is to be paid."""

    last4: str
    amount_minor: int


@dataclass(frozen=True)
class FeeView:
    """What a card would cost: `fee_minor` on top of `base_minor`. `kind`: service, convenience or surcharge."""

    kind: str
    base_minor: int
    fee_minor: int


@dataclass(frozen=True)
class CardView:
    """The card that is being taken. `phase`: preparing, asking, cancelling, checking or undoing; "" when none is.

    `prompt` is what the terminal asks of the person, a code of the contract. `leg` fee: the second transaction.
    `operation`: sale or void.
    """

    phase: str
    leg: str = "bill"
    prompt: str = ""
    amount_minor: int = 0
    reference: str = ""
    phone: str = ""
    operation: str = "sale"


@dataclass(frozen=True)
class CheckView:
    """The check that is being taken. `phase`: read, amount, again, frank or slot. It may be `most_minor`."""

    phase: str
    number: str = ""
    account_last4: str = ""
    amount_minor: int = 0
    most_minor: int = 0


@dataclass(frozen=True)
class RepeatView:
    """The same sum was put on a bill of this account `at` (local time as ISO 8601 with offset)."""

    amount_minor: int
    at: str
    last4: str = ""


@dataclass(frozen=True)
class ReceiptView:
    number: str
    paid_minor: int
    credit_minor: int
    left_minor: int
    posted: str  # "posted" | "queued"
    printed: str  # "printing" | "printed" | "failed" | "unavailable"
    at: str  # local time as ISO 8601 with offset
    last4: str = ""
    shut_off_cleared: bool = False
    card_minor: int = 0
    fee_minor: int = 0
    check_minor: int = 0
    change_minor: int = 0


@dataclass(frozen=True)
class ClaimView:
    """A claim in the making, above the screen that was there. `step`: what, when, notes, amount or slip.

    `phone` and `place` are where a claim goes, `denominations_minor` the notes that can be picked. The fields from
    `number` on belong to the slip: `answer_by` is a date, `printed` as in ReceiptView.
    """

    step: str
    what: str = ""
    when: str = "now"
    amount_minor: int = 0
    entry: str = ""
    last4: str = ""
    denominations_minor: tuple[int, ...] = ()
    phone: str = ""
    place: str = ""
    number: str = ""
    answer_by: str = ""
    printed: str = ""


@dataclass(frozen=True)
class BatchView:
    """The terminal's batch: `count` transactions since its last day end, which was of `day` and had `result`.

    `hindrance` is why it cannot be closed now; `waits` False: there is nothing to close.
    """

    count: int
    day: str = ""
    result: str = ""
    hindrance: str = ""
    waits: bool = False


@dataclass(frozen=True)
class RefundCardView:
    """A card's sale in a payment; `most_minor` of it can be given back."""

    reference: str
    leg: str
    brand: str
    last4: str
    approved_minor: int
    refunded_minor: int
    most_minor: int


@dataclass(frozen=True)
class RefundPaymentView:
    """A payment by card. `at` is local time as ISO 8601 with offset."""

    receipt_number: str
    at: str
    cards: tuple[RefundCardView, ...]


@dataclass(frozen=True)
class RefundView:
    """A refund in the making. `step`: find, number, card, amount, why, sign or done. `phase` as in CardView.

    `prefix` is what all receipt numbers here begin with. `two`: a second person signs it. `slip`: one can be printed
    again. `printed` as in ReceiptView.
    """

    step: str
    prefix: str = ""
    days: int = 0
    waiting: bool = False
    payments: tuple[RefundPaymentView, ...] = ()
    found: RefundPaymentView | None = None
    card: RefundCardView | None = None
    amount_minor: int = 0
    why: str = ""
    two: bool = True
    phase: str = ""
    prompt: str = ""
    reference: str = ""
    result: str = ""
    slip: bool = False
    printed: str = ""


@dataclass(frozen=True)
class SearchView:
    """A card transaction whose end nobody knows. `operation`: sale, void or refund; `terminal` "" if it has no name."""

    operation: str
    reference: str
    amount_minor: int
    terminal: str = ""


@dataclass(frozen=True)
class StaffView:
    who: str = ""
    period: int = 0
    notes: int = 0
    total_minor: int = 0
    devices: tuple[DeviceHealth, ...] = ()
    unposted: int = 0
    journal_records: int = 0
    version: str = ""
    unvalued: int = 0  # of `notes`, those of which nobody knows the value
    checks: int = 0  # in the pocket
    batch: BatchView | None = None  # only where the kiosk closes it
    cards: bool = False  # a card terminal is configured
    refunds: str = "refunds_off"  # why staff can refund nothing here now
    refund: RefundView | None = None
    search: SearchView | None = None


@dataclass(frozen=True)
class Snapshot:
    """Everything a page needs, nothing it may not know.

    `entry` is what was typed so far (a PIN as bullets); `field` names what is being typed:
    account, house, amount, check_amount, receipt, refund_amount or pin.
    """

    revision: int
    screen: str
    city: str
    kiosk: str
    language: str = "en"
    theme: str = "light"
    text_size: int = 0
    sound: bool = False
    online: bool = True
    cash: bool = True
    cash_reason: str = ""
    cash_limit: str = ""  # why this sum cannot be paid in cash: cash_report or cash_too_high
    change_minor: int = 0  # up to this, change is given in notes
    printer: bool = True
    scanner: bool = True
    storage: str = ""  # what is wrong, or soon will be, with the journal's medium
    after_hours: bool = False
    session_open: bool = False
    help_open: bool = False
    idle_left_s: int = 0  # above 0: the idle warning is on
    notice: str = ""
    notice_minor: int = 0
    field: str = ""
    entry: str = ""
    reasons: tuple[str, ...] = ()
    account: Account | None = None
    agreed_minor: int = 0
    cart: tuple[CartView, ...] = ()  # only when there are several accounts
    may_add: bool = False
    repeat: RepeatView | None = None
    card: bool = False
    card_reason: str = ""  # why this sum cannot be paid by card
    fee: FeeView | None = None  # on what is left to pay
    card_view: CardView | None = None
    check: bool = False
    check_reason: str = "no_check_reader"  # why none can be taken
    check_view: CheckView | None = None
    batch: str = ""  # why the terminal's last day end did not work: batch_not_closed or batch_unknown
    payment: PaymentView | None = None
    receipt: ReceiptView | None = None
    aftermath: tuple[Aftermath, ...] = ()  # oldest first
    claims: bool = False  # a claim can be made here
    claim: ClaimView | None = None
    staff: StaffView | None = None


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    return asdict(snapshot)


def from_json(content: dict[str, Any]) -> Snapshot:
    """Return the snapshot that `to_json` described; unknown fields are ignored."""
    return _build(Snapshot, content)  # type: ignore[no-any-return]


def _build(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return None if value is None else _build(next(a for a in get_args(hint) if a is not type(None)), value)
    if origin is tuple:
        return tuple(_build(get_args(hint)[0], item) for item in value)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return hint(**{f.name: _build(hints[f.name], value[f.name]) for f in fields(hint) if f.name in value})
    return value
