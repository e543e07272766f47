"""What can come back from the central server. Outcomes are data: nothing here is raised."""

from dataclasses import dataclass

from kiosk.domain.invoice import Account
from kiosk.journal.acknowledgement import Acknowledgement
from kiosk.journal.keys import Enrolment
from kiosk.journal.record import Record


@dataclass(frozen=True)
class Unavailable:
    """No answer of the server's: nothing came, or what came is not from it. A money post may have been booked."""

    reason: str
    retry_after_s: float = 0.0


@dataclass(frozen=True)
class Refused:
    """The server says no in a way that has no outcome of its own. For a money post this is never final.

    `problem` is the suffix of the problem's type, as "quota-spent".
    """

    status: int
    problem: str
    detail: str = ""


@dataclass(frozen=True)
class Suspended:
    """The kiosk is suspended or out of its scope (403): no new money, keep trying slowly."""

    problem: str
    detail: str = ""


# Answers to POST /v1/journal


@dataclass(frozen=True)
class RecordResult:
    """`outcome`: created or exists; `disposition`: posted, suspense, memo or kept."""

    seq: int
    outcome: str
    disposition: str
    reason: str = ""


@dataclass(frozen=True)
class Stopped:
    """Why the server took only the first part of a batch; the next post says it in full."""

    problem: str
    expected_seq: int = 0


@dataclass(frozen=True)
class Posted:
    ack: Acknowledgement
    results: tuple[RecordResult, ...]
    stopped: Stopped | None = None


@dataclass(frozen=True)
class Gap:
    expected_seq: int


@dataclass(frozen=True)
class Fork:
    """The server holds another record at `expected_seq`: this storage was restored or cloned.

    It keeps our branch beside its own, so far up to `kept_seq`; 0 when it does not say so.
    """

    expected_seq: int
    kept_seq: int = 0


@dataclass(frozen=True)
class Malformed:
    """The server has quarantined a record of ours. `seq` 0 when it does not say which."""

    seq: int
    detail: str = ""


@dataclass(frozen=True)
class TooLarge:
    """The batch was over a limit on the way: send fewer records."""


PostOutcome = Posted | Gap | Fork | Malformed | TooLarge | Suspended | Refused | Unavailable


# Answers to look-ups


@dataclass(frozen=True)
class Found:
    account: Account


@dataclass(frozen=True)
class NotFound:
    """Wrong or unknown: the server uses the same words for both."""


@dataclass(frozen=True)
class Away:
    """No live answer; the resident may pay what the bill says."""

    reason: str


LookUpOutcome = Found | NotFound | Away


# Other answers. `server_time` is RFC 3339 UTC.


@dataclass(frozen=True)
class HeadSeen:
    """How far the server holds this kiosk's chain; `head_seq` 0 with the nonce before the first record.

    `frozen` is "" or what befell this epoch; `seen_at` when the server last heard from this kiosk (docs/wire.md).
    """

    epoch: int
    head_seq: int
    head_hash: str
    server_time: str
    frozen: str = ""
    seen_at: str = ""


@dataclass(frozen=True)
class Tail:
    """Records of our own that the server holds; `next_after` None at the end. Signatures are not checked yet."""

    records: tuple[Record, ...]
    next_after: int | None


@dataclass(frozen=True)
class HeartbeatTaken:
    """`head_seq` and `head_hash` are how far the server holds our chain; None from one that does not say."""

    server_time: str
    commands: tuple[str, ...]
    head_seq: int | None = None
    head_hash: str = ""


@dataclass(frozen=True)
class QuoteLine:
    code: str
    label: str
    amount_minor: int


@dataclass(frozen=True)
class Quoted:
    quote_id: str
    lines: tuple[QuoteLine, ...]
    fee_minor: int
    total_minor: int
    fee_schedule_version: str
    expires_at: str
    offline_ok: bool


@dataclass(frozen=True)
class Enrolled:
    enrolment: Enrolment
    server_time: str


Failure = Suspended | Refused | Unavailable
