"""What the poster tells the engine. It calls back from its own threads; the engine puts these into its inbox."""

from dataclasses import dataclass

from kiosk.journal.acknowledgement import Acknowledgement
from kiosk.posting.outcomes import Away, Failure, HeadSeen, LookUpOutcome, RecordResult


@dataclass(frozen=True)
class RecordsWanted:
    """Read the journal after `after_seq` and answer with `Poster.supply`, also when there is nothing."""

    after_seq: int


@dataclass(frozen=True)
class Acknowledged:
    """The server holds the chain up to `ack.head_seq`; give `ack` to `Journal.acknowledge`."""

    ack: Acknowledgement
    results: tuple[RecordResult, ...]


@dataclass(frozen=True)
class CameOnline:
    pass


@dataclass(frozen=True)
class WentOffline:
    reason: str


@dataclass(frozen=True)
class GapAt:
    """The server misses records from `expected_seq` on (it was restored); they are being sent again."""

    expected_seq: int


@dataclass(frozen=True)
class Forked:
    """The server holds another record at `expected_seq`: no new money. Told once; our branch is still being sent."""

    expected_seq: int


@dataclass(frozen=True)
class Refused:
    """`final`: the record is quarantined and posting has stopped: no new money. Else it is tried again slowly.

    `problem` "kiosk-suspended" asks for no new money, too. Told once until a post succeeds again.
    """

    problem: str
    detail: str
    final: bool


@dataclass(frozen=True)
class HeartbeatAnswered:
    """`head_seq` and `head_hash`: how far the server holds our chain, None from one that does not say."""

    server_time: str
    commands: tuple[str, ...]
    head_seq: int | None = None
    head_hash: str = ""


@dataclass(frozen=True)
class LookedUp:
    request: str
    outcome: LookUpOutcome


@dataclass(frozen=True)
class HeadAnswered:
    """The answer to `check_head`; compare it with `Journal.standing`."""

    request: str
    outcome: HeadSeen | Away


PostingEvent = (
    RecordsWanted
    | Acknowledged
    | CameOnline
    | WentOffline
    | GapAt
    | Forked
    | Refused
    | HeartbeatAnswered
    | LookedUp
    | HeadAnswered
)


def reason_of(failure: Failure) -> str:
    """Return a short reason for staff."""
    return getattr(failure, "problem", "") or getattr(failure, "reason", "")
