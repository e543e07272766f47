"""Walking a chain: which records fit behind its head, in order, and what stops the walk. Pure."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from billing.journal.records import Record


@dataclass(frozen=True)
class Stop:
    """The first record that does not fit. `type`: journal-gap, journal-fork or malformed."""

    type: str
    expected_seq: int
    why: str = ""


@dataclass(frozen=True)
class Walk:
    """`placed` fit, those held already among them; `head` is (sequence, hash) behind the last of them."""

    placed: Sequence[Record]
    head: tuple[int, str]
    stop: Stop | None


def walk(
    head: tuple[int, str], records: Sequence[Record], held: Mapping[int, str], lost: Set[str] = frozenset()
) -> Walk:
    """Place `records` behind `head`. `held` gives the hashes of those at or before it, by sequence.

    `lost` are hashes of a losing branch that is known: what follows it is no gap but more of that branch.
    """
    seq, digest = head
    new: dict[int, str] = {}
    for position, record in enumerate(records):
        stop = None
        if record.seq <= seq:
            if (new.get(record.seq) or held[record.seq]) != record.hash:
                stop = Stop("journal-fork", record.seq)
        elif record.seq > seq + 1:
            of_branch = record.hash in lost or record.prev_hash in lost
            stop = Stop("journal-fork", max(1, seq)) if of_branch else Stop("journal-gap", seq + 1)
        elif record.prev_hash != digest:
            # It follows a record that is not here: the first difference lies at the head or before it.
            stop = Stop("journal-fork", max(1, seq))
        else:
            seq, digest = record.seq, record.hash
            new[seq] = digest
        if stop:
            return Walk(records[:position], (seq, digest), stop)
    return Walk(records, (seq, digest), None)
