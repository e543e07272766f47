"""What the PAX twin is made of: its settings, what the next customer does, and what survives a power cut.

What the protocol sheet marks as uncertain or differing between sources is a field of `Settings`.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

RESULTS = {
    # What the terminal says of a sale in the end: code, message, host code, and whether the money has moved.
    "approve": ("000000", "OK", "00", True),
    "partial": ("000002", "PARTIALLY APPROVED", "10", True),
    "leak": ("000000", "OK", "00", True),  # a terminal that tells more than it may
    "decline": ("000100", "DECLINE", "05", False),
    "cancel": ("100002", "ABORTED", "", False),
    "walk_away": ("100001", "TIMEOUT", "", False),
    "offline": ("100007", "CONNECT ERROR", "", False),
    "receive_error": ("100009", "RECEIVE ERROR", "", False),
    "receive_error_paid": ("100009", "RECEIVE ERROR", "", True),
    "stored": ("000001", "OFFLINE APPROVED", "", False),  # store and forward: no money yet
}
WITHOUT_CARD = ("cancel", "walk_away")
MOMENTS = ("card", "host", "booked")
BUSY = ("silent", "eot", "answers")
CANCELS = ("eot", "a15", "silent")
VOIDS = ("beside", "replaces")
DUPLICATES = ("reference", "card", "off")

TEST_CARD = "4111111111111111"


@dataclass(frozen=True)
class Settings:
    """Times in milliseconds. The lower block holds what the sheet marks as uncertain or differing."""

    serial: str = "53236566"
    version: str = "1.35"
    card_ms: int = 3_000  # until the customer has a card ready
    card_wait_ms: int = 60_000
    host_ms: int = 2_000
    void_ms: int = 1_500
    start_ms: int = 4_000
    gap_ms: int = 20  # between two writes
    repeat_ms: int = 3_000  # an answer that is not acknowledged comes again
    repeats: int = 4
    default: str = "approve"  # what a customer does of whom nothing was said; "nobody" comes
    returns: str = "approve"  # what the host says of a refund
    store_and_forward: bool = False
    busy: str = "silent"  # what another command gets while one runs; "answers": questions are answered all the same
    cancel: str = "eot"  # how A14 is answered
    cancels_host: bool = False  # A14 still works while the host is asked
    void_record: str = "beside"  # a void is a record of its own, or changes that of the sale
    duplicates: str = "reference"  # what 100011 looks at; "card": the same card and amount in this batch
    echoes: bool = True  # old versions do not repeat our reference in a decline
    says_eot: bool = True
    hangs_up: bool = False  # the connection is closed after each exchange

    def __post_init__(self) -> None:
        known = (
            self.default in (*RESULTS, "nobody"),
            self.returns in RESULTS,
            self.busy in BUSY,
            self.cancel in CANCELS,
            self.void_record in VOIDS,
            self.duplicates in DUPLICATES,
        )
        if not all(known):
            raise ValueError(f"no such setting: {self}")


@dataclass(frozen=True)
class Plan:
    """What a customer does. `part_minor` is what a partial approval covers; times None are those of the settings."""

    result: str = "approve"
    part_minor: int = 0
    card_ms: int | None = None
    host_ms: int | None = None


@dataclass
class Record:
    """A line of the batch."""

    number: int
    reference: str
    kind: str
    amount_minor: int
    original: str = ""
    voided: bool = False
    trace: int = 0
    approval: str = ""
    stamp: str = ""


@dataclass
class Memory:
    """What survives a power cut. `settled` are the records of closed batches."""

    records: list[Record] = field(default_factory=list)
    settled: list[Record] = field(default_factory=list)
    number: int = 0
    batch: int = 1
    made: int = 0  # sales that a host ever approved
    wiped: int = 0  # batches closed

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(content: dict[str, Any]) -> "Memory":
        lists = {name: [Record(**record) for record in content[name]] for name in ("records", "settled")}
        return Memory(**(content | lists))

    def standing(self) -> list[Record]:
        """Return the sales whose money was taken and not given back by a void."""
        return [record for record in self.settled + self.records if record.kind == "01" and not record.voided]

    def refunds(self) -> list[Record]:
        return [record for record in self.settled + self.records if record.kind == "02"]
