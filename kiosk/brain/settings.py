"""What the brain is told about its kiosk: fixed while it runs."""

from dataclasses import dataclass

from kiosk.domain.fees import FeeRule


@dataclass(frozen=True)
class Timeouts:
    """Milliseconds. Sources: accessibility T1-T6, EBDS sheet section 10, architecture rule 13."""

    idle: int = 120_000
    idle_answer: int = 45_000
    done: int = 30_000
    look_up: int = 10_000
    head: int = 2_000
    posting: int = 2_500
    closing: int = 5_000
    closing_lost: int = 20_000
    note_open: int = 30_000
    stop: int = 15_000
    payout: int = 200_000  # since the last note: one may wait two minutes to be taken
    payout_lost: int = 60_000
    staff_idle: int = 120_000
    pin_lock: int = 60_000
    card: int = 180_000  # longer than any terminal waits for a card
    card_look: int = 30_000  # between two questions what became of a card transaction
    card_stop: int = 200_000
    batch: int = 300_000
    declines: int = 600_000  # since the last one: then a bill's declined cards are forgotten


@dataclass(frozen=True)
class Settings:
    """`channels` gives each of the acceptor's channels its value in cents; sums in cents."""

    city: str
    kiosk: str
    receipt_prefix: str
    epoch: int
    version: str
    channels: tuple[tuple[int, int], ...]
    currency: str = "USD"
    language: str = "en"
    minimum_minor: int = 100
    maximum_minor: int = 1_000_000
    credit_limit_minor: int = 20_000
    offline_minor: int = 0  # of each tender in a payment on a bill that the server could not show; 0: no limit
    pin_tries: int = 5
    timeouts: Timeouts = Timeouts()
    claim_phone: str = ""
    claim_place: str = ""
    cash_report_minor: int = 1_000_000
    cards: bool = False  # a terminal is configured
    card_minimum_minor: int = 100
    card_maximum_minor: int = 1_000_000
    card_fees: tuple[FeeRule, ...] = ()
    card_category: str = ""  # whose bills the terminal's contract is for, as fee rules name them
    card_department: str = ""
    checks: bool = False  # a check reader is configured
    check_maximum_minor: int = 500_000
    batch_at: str = ""  # time of day (HH:MM) at which the terminal's batch is closed; "" if its host does so itself
    franks: bool = False  # the printer prints on checks
    refund_days: int = 30  # how old a payment by card may be for staff to refund it here; 0: never
    refund_two_people: bool = True

    def value_of(self, channel: int) -> int:
        """Return what a note of `channel` is worth in cents, 0 when the channel is not configured."""
        return dict(self.channels).get(channel, 0)

    @property
    def denominations_minor(self) -> tuple[int, ...]:
        return tuple(sorted(value for _, value in self.channels))
