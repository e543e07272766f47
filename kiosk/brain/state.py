"""The brain's state: Books (the fold of the journal), Scene (what the person is doing) and Devices (their health).

Only Books holds money, and only `apply` changes it. Scene and Devices are forgotten at a restart.
"""

from dataclasses import dataclass, field, replace

from kiosk.brain.settings import Settings
from kiosk.domain.card_payment import CardPayment, PaidCard
from kiosk.domain.claim import Aftermath
from kiosk.domain.facts import ClaimOpened, LinePaid, NoteCount, NoteInPayment, PaymentCompleted
from kiosk.domain.fees import FeeRule
from kiosk.domain.invoice import Account, CartLine, InvoiceReference
from kiosk.domain.refunds import CardRefunded, RefundStarted
from kiosk.domain.snapshot import DeviceHealth, ReceiptView, RepeatView
from kiosk.domain.tenders import BatchClosed, CardSaleApproved, CheckInPayment, FeeAgreed

# Stages in which somebody stands before an open payment.
PAYING = ("tender", "fee", "cash", "card", "partial", "card_unknown", "check", "review", "closing")


@dataclass(frozen=True)
class OpenNote:
    """A note whose STACK was announced and whose fate is not known yet."""

    note_id: str
    payment_id: str
    channel: int
    value_minor: int
    cassette_period: int
    disturbed: bool = False  # a fault or a gap in the watch since: a blank report proves nothing
    powered_up: bool = False  # the device has started since: what it holds then may be another note
    mistakable: bool = False  # a note was in escrow since that may be another one: what comes back may be either


@dataclass(frozen=True)
class OtherAccount:
    """One more account whose bills are in a payment."""

    account: str
    last4: str


@dataclass(frozen=True)
class OpenPayment:
    """A payment that can still take or hold money.

    `invoices` are what was open when it began, oldest first, then those of `others` as they were added. `cards` are
    approved and stand: one whose void is under way is not among them.
    """

    payment_id: str
    session_id: str
    account: str
    last4: str
    invoices: tuple[LinePaid, ...]
    balance_minor: int
    live: bool
    language: str
    agreed_minor: int = 0
    credit_up_to_minor: int = 0
    notes: tuple[NoteInPayment, ...] = ()
    others: tuple[OtherAccount, ...] = ()
    cards: tuple[CardSaleApproved, ...] = ()
    checks: tuple[CheckInPayment, ...] = ()
    change_minor: int = 0
    change_tried: bool = False  # a payout was ordered: never a second one
    fee: FeeAgreed | None = None  # for the newest card

    @property
    def in_minor(self) -> int:
        """What was put in for bills; fees are apart."""
        notes = sum(note.value_minor for note in self.notes)
        checks = sum(check.amount_minor for check in self.checks)
        return notes + self.by_card_minor + checks - self.change_minor

    @property
    def by_card_minor(self) -> int:
        return sum(card.amount_minor for card in self.cards if card.leg == "bill")

    @property
    def fee_minor(self) -> int:
        """What was taken as fees, as transactions of their own."""
        return sum(card.amount_minor for card in self.cards if card.leg == "fee")

    @property
    def holds_money(self) -> bool:
        return bool(self.notes or self.cards or self.checks)

    @property
    def left_minor(self) -> int:
        return max(0, self.agreed_minor - self.in_minor)


@dataclass(frozen=True)
class Attempt:
    """A card transaction that was announced.

    `state`: open (its command went out), unknown (who was asked could not tell), given_up (staff ended the search for
    it), ended (no money moved, by all that was said). The last two are kept for a while, should more be told after
    all. `sale` is what a void is about, `refund` how a refund was announced. `rest` is what its payment still owed when
    it ended without this: an approval found later completes that.
    """

    reference: str
    operation: str  # "sale" | "void" | "refund"
    payment_id: str
    leg: str
    amount_minor: int
    state: str = "open"
    reason: str = ""
    after: str = ""  # what the terminal called the transaction before this one; "" if that is not known
    terminal: str = ""  # the name of the one that was asked, "" if it told none
    sale: CardSaleApproved | None = None
    rest: OpenPayment | None = None
    refund: RefundStarted | None = None

    @property
    def of(self) -> str:
        """The sale that a void or a refund is about."""
        if self.sale is not None:
            return self.sale.reference
        return self.refund.of if self.refund is not None else ""


@dataclass(frozen=True)
class Refunded:
    """What of the sale `of` was given back by the refund `reference`, or may have been."""

    reference: str
    of: str
    amount_minor: int


@dataclass(frozen=True)
class OpenPayout:
    """Change that the recycler was told to give.

    Of `notes` those in `left` are not counted as given. `held` is what lay in the store before.
    """

    payout_id: str
    payment_id: str
    amount_minor: int
    notes: tuple[NoteCount, ...]
    left: tuple[NoteCount, ...]
    held: tuple[NoteCount, ...] = ()
    told_minor: int = 0  # of a note that the device told of, to a kiosk that cannot know whether it has counted it

    @property
    def paid_minor(self) -> int:
        return self.amount_minor - sum(note.value_minor * note.count for note in self.left)


@dataclass(frozen=True)
class PaidBill:
    """What a payment put on a bill, to ask before the same is paid again."""

    account: str
    invoice: str
    amount_minor: int
    at: str


@dataclass(frozen=True)
class Books:
    """What the journal says. Equal to the fold of all facts at every moment."""

    session_id: str = ""
    payment: OpenPayment | None = None
    note: OpenNote | None = None
    period: int = 1
    period_notes: tuple[NoteCount, ...] = ()
    period_checks: int = 0
    period_check_minor: int = 0
    carried: tuple[NoteCount, ...] = ()  # what lay in the recycler when the period before was closed
    doubtful_minor: int = 0
    swap_announced: bool = False
    receipts: int = 0
    completed: PaymentCompleted | None = None  # the newest
    unprinted: tuple[PaymentCompleted, ...] = ()
    claims: int = 0
    session_claims: int = 0  # by residents, since the last session opened
    slips: tuple[ClaimOpened, ...] = ()  # claims whose slip is not printed
    aftermath: tuple[Aftermath, ...] = ()  # of money since the last session opened, for who comes back after a cut
    last_stacked_minor: int = 0  # of the last note that was asked for; 0 while its fate is open, or if it is not in
    staff: str = ""
    frozen: str = ""
    lost_records: int = 0  # fetched back from the city, because the medium had lost them
    cash_minor: int = 0  # all that was ever booked as cash, less change
    card_minor: int = 0  # all that was ever approved, less voids and refunds
    check_minor: int = 0
    references: int = 0  # of card attempts, ever
    attempts: tuple[Attempt, ...] = ()  # at most one of them is open or unknown
    approvals: tuple[CardSaleApproved, ...] = ()  # the newest, for receipts and to know a report that comes again
    refunds: tuple[Refunded, ...] = ()  # the newest: the journal has them all
    late: OpenPayment | None = None  # holds a card that was found after its payment had ended
    declines: int = 0  # in a row, in this session
    terminal_ref: str = ""  # of the terminal's newest transaction, "" if that is not known
    terminal: str = ""  # that made the newest sale
    payout: OpenPayout | None = None
    paid: tuple[PaidBill, ...] = ()  # the newest
    in_batch: int = 0  # card transactions that moved money since the terminal's batch was closed
    batch: BatchClosed | None = None  # the newest, also one that failed
    batch_failures: int = 0  # in a row, for one day
    batch_day: str = ""  # the newest that the kiosk closed by itself
    payouts: int = 0  # ever
    payout_unknown: str = ""  # nobody could tell what came out of it: no cash until staff have looked

    @property
    def attempt(self) -> Attempt | None:
        """The card transaction whose end is not known."""
        return next((attempt for attempt in self.attempts if attempt.state in ("open", "unknown")), None)

    @property
    def card_under_way(self) -> bool:
        """True while a card transaction was announced and nobody has given up waiting for its end."""
        return self.attempt is not None and self.attempt.state == "open"

    @property
    def under_way(self) -> bool:
        """True while money is moving, or may be: nobody new begins, and no payment that it belongs to ends."""
        return self.note is not None or self.card_under_way or self.payout is not None


@dataclass(frozen=True)
class CheckDraft:
    """A check that is being taken. `phase`: read, amount, again, frank or slot. One `fingerprint` is one check."""

    phase: str = "read"
    check_id: str = ""
    routing: str = ""
    number: str = ""
    account_last4: str = ""
    fingerprint: str = ""
    amount_minor: int = 0
    franked: bool = False


@dataclass(frozen=True)
class ClaimDraft:
    """A claim in the making, above whatever stage there is. What is known of the person is taken when it opens."""

    session_id: str = ""
    payment_id: str = ""
    account: str = ""
    last4: str = ""
    threatened: bool = False
    step: str = "what"
    what: str = ""
    when: str = "now"
    notes_minor: tuple[int, ...] = ()  # as picked by the person
    entry: str = ""
    opened: ClaimOpened | None = None
    printed: str = ""

    @property
    def pinned(self) -> bool:
        """Without a slip the number on the screen is all there is: it stays until somebody confirms it."""
        return self.opened is not None and self.printed in ("failed", "unavailable")


@dataclass(frozen=True)
class RefundDraft:
    """A refund that staff are making. `step`: find, number, card, amount, why, sign or done.

    `payments` are the newest by card, `wanted` the receipt that is looked up. `as_of` says what was known of cards when
    that began. `reference` is the attempt's, `result` how it ended: refunded, unknown, or as in RefundEnded.
    """

    step: str = "find"
    wanted: str = ""
    payments: tuple[CardPayment, ...] = ()
    found: CardPayment | None = None
    as_of: tuple[int, int] = (0, 0)
    of: str = ""
    amount_minor: int = 0
    why: str = ""
    second: str = ""
    reference: str = ""
    result: str = ""
    done: CardRefunded | None = None
    printed: str = ""  # as in ReceiptView

    @property
    def card(self) -> PaidCard | None:
        return self.found.card(self.of) if self.found is not None else None

    @property
    def receipt_number(self) -> str:
        return self.found.receipt_number if self.found is not None else self.wanted


@dataclass(frozen=True)
class Scene:
    """`stage` is one of snapshot.SCREENS but out_of_service, which is derived."""

    stage: str = "starting"
    language: str = "en"
    theme: str = "light"
    text_size: int = 0
    sound: bool = False
    help_open: bool = False
    notice: str = ""
    notice_minor: int = 0
    field: str = ""
    entry: str = ""
    typed_number: str = ""
    request: str = ""  # the look-up, head check or PIN check we wait for
    reference: InvoiceReference | None = None
    account: Account | None = None
    agreed_minor: int = 0  # of `account` alone
    cart: tuple[CartLine, ...] = ()  # accounts that were chosen before it, for the same payment
    last_note_minor: int = 0
    idle_left_s: int = 0
    closing_reason: str = ""
    stop_wanted: bool = False  # asked for while a note was moving
    card_wanted: bool = False  # likewise
    card_phase: str = ""  # preparing, asking, cancelling, checking or undoing
    card_prompt: str = ""  # what the terminal asks of the person
    fee_rule: FeeRule | None = None  # for cards, of the day on which the amount was chosen: what is shown is charged
    repeat: RepeatView | None = None  # the same was paid just before: asked about
    fee_minor: int = 0  # agreed for the card that is being taken, and not taken yet
    orphan: str = ""  # reference of a fee's sale whose bill's leg the terminal undid: it is undone next
    check: CheckDraft | None = None
    incident: str = ""  # reference on the page that says a card's end is not known
    receipt: ReceiptView | None = None
    receipt_of: str = ""  # receipt number on the page
    print_job: str = ""
    declined: tuple[str, ...] = ()  # accounts whose cards were declined lately, once for each, whoever held them
    pin_failures: int = 0
    pin_locked: bool = False
    stopping: bool = False
    claim: ClaimDraft | None = None
    refund: RefundDraft | None = None

    @property
    def total_minor(self) -> int:
        """What is to be paid for all accounts."""
        return self.agreed_minor + sum(line.amount_minor for line in self.cart)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """All accounts of the payment, in the order in which they were chosen."""
        newest = () if self.account is None else (self.account,)
        return (*(line.account for line in self.cart), *newest)


@dataclass(frozen=True)
class ClosingBatch:
    """A day end that the terminal was told to make, for which day, and who wanted it: "" is the kiosk itself."""

    reference: str
    day: str
    by: str


@dataclass(frozen=True)
class Devices:
    """Health as last heard. `faults` are the acceptor's standing faults."""

    acceptor: DeviceHealth = DeviceHealth("acceptor", "connecting")
    faults: frozenset[str] = frozenset()
    idle: bool = False  # the acceptor said that no note is in its path, after the last Enable or Disable
    enabled: frozenset[int] = frozenset()
    levels: tuple[tuple[int, int], ...] = ()  # of a recycler, (channel, count), as last told
    levels_told: bool = False  # since it was connected
    payout: int = 0  # number of the payout that this run ordered last
    printer: DeviceHealth = DeviceHealth("printer", "connecting")
    printing: frozenset[str] = frozenset()  # numbers of receipts that the printer has and has not finished
    scanner: DeviceHealth = DeviceHealth("scanner", "connecting")
    screen: DeviceHealth = DeviceHealth("screen", "connecting")
    voice: DeviceHealth = DeviceHealth("voice", "connecting")
    storage: DeviceHealth = DeviceHealth("storage", "ready")  # the journal's medium: it was written to at the start
    terminal: DeviceHealth = DeviceHealth("terminal", "connecting")
    terminal_faults: frozenset[str] = frozenset()
    terminal_name: str = ""
    terminal_central: bool = False  # its service knows what became of a transaction, whichever reader had it
    check_reader: DeviceHealth = DeviceHealth("check_reader", "connecting")
    checks_taken: tuple[str, ...] = ()  # fingerprints, since the start
    batch: ClosingBatch | None = None  # under way
    batch_seen: str = ""  # the newest day whose end came with nothing to close
    frames_due: frozenset[str] = frozenset()  # notes whose frames are asked for: they are kept before the process ends
    online: bool = False
    unposted: int = 0
    records: int = 0


@dataclass(frozen=True)
class State:
    settings: Settings
    books: Books = field(default_factory=Books)
    scene: Scene = field(default_factory=Scene)
    devices: Devices = field(default_factory=Devices)


def fresh_scene(state: State, stage: str, claim: ClaimDraft | None = None) -> Scene:
    """Return the scene for the next person: nothing of the last one is left (accessibility T5), `claim` aside."""
    old = state.scene
    return replace(
        Scene(stage=stage, language=state.settings.language),
        stopping=old.stopping,
        declined=old.declined,
        pin_failures=old.pin_failures,
        pin_locked=old.pin_locked,
        claim=claim,
    )
