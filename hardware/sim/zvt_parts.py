"""What the ZVT twin is made of: its settings, and the memory that survives a power cut.

What the protocol sheet marks as uncertain or differing between terminals is a field of `Settings`.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

# What becomes of the next sale, in the order in which they are ordered; without one it is approved.
PLANS = (
    "approve",
    "decline",
    "partial",
    "customer_cancels",
    "walks_away",
    "offline",
    "dies_before",
    "dies_after",
    "too_much",
    "stays_silent",
)
RETURNS = ("approve", "decline", "customer_cancels", "walks_away", "stays_silent")


@dataclass(frozen=True)
class Settings:
    """Times in milliseconds. The lower block holds what the sheet marks as uncertain or differing."""

    serial: bool = False
    password: str = "000000"  # noqa: S105
    currency: str = "0840"
    terminal_id: str = "65000028"
    version: str = "2.14.15"
    present_ms: int = 800  # until the person holds the card to it
    card_wait_ms: int = 60_000
    host_ms: int = 1_200
    work_ms: int = 100  # for everything else
    answer_ms: int = 5_000  # how long it waits for 80 or 84
    pause_ms: int = 2_000  # after "please wait"
    vending: bool = True  # goods handshake
    goods_s: int = 30  # unless field 01 says otherwise
    waits: int | None = None  # ... field 02
    not_issued_reverses: bool = True  # outside vending mode
    aborts: bool = True  # lets the kiosk end a sale
    busy_code: int = 0x9C  # or A0
    nothing_stored: int = 0xFB
    reversals_stored: bool = False  # a payment it reversed by itself is the last transaction then
    last_only: bool = True  # reverses the last transaction alone
    close_forgets: bool = False  # after an end of day there is no last transaction
    progress: bool = True
    minutes: bool = True  # a minutes byte before the texts of 04 FF
    says_amount: bool = True
    ends_declined: bool = True  # sends 06 1E after a declined 04 0F; some send nothing
    leaks: bool = False  # sends the whole card number, tracks and expiry
    prints: int = 0  # lines of receipt that it sends all the same
    returns: str = "approve"  # what becomes of a refund, of RETURNS

    def __post_init__(self) -> None:
        if self.returns not in RETURNS:
            raise ValueError(f"no such plan for a refund: {self.returns}")


@dataclass
class Entry:
    """One transaction of the batch. `kind`: sale, void or refund. `original` is the trace of what a void undid.

    `state`: pending (authorised, and our answer has not come), stored, voided, or reversed by the terminal.
    """

    kind: str
    receipt: int
    trace: int
    amount_minor: int
    moment: str  # MMDDHHMMSS
    state: str = "pending"
    original: int = 0
    open: bool = True  # not yet in an end of day


@dataclass
class Memory:
    """What survives a power cut. `last` is the trace of the transaction stored last, 0 for none."""

    entries: list[Entry] = field(default_factory=list)
    receipts: int = 42
    traces: int = 470
    last: int = 0
    clock_ms: int = 0
    closed: int = 0  # ends of day

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(content: dict[str, Any]) -> "Memory":
        return Memory(**(content | {"entries": [Entry(**entry) for entry in content["entries"]]}))

    def by_trace(self, trace: int) -> Entry | None:
        return next((entry for entry in self.entries if entry.trace == trace), None)

    def standing(self, kind: str = "sale") -> list[Entry]:
        """Return the transactions of `kind` that moved money and still do."""
        return [entry for entry in self.entries if entry.kind == kind and entry.state == "stored"]
