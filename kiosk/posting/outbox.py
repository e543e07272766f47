"""The records on their way: which to send next, and which to ask the engine for. Pure."""

from collections.abc import Sequence

from kiosk.journal.record import Record

BATCH = 100
BUFFER = 1000  # records kept in memory; the journal has the rest


class Outbox:
    """A window on the journal's unposted end, always without holes and starting right after `posted_seq`."""

    def __init__(self, posted_seq: int) -> None:
        self.posted_seq = posted_seq
        self._waiting: list[Record] = []
        self._known_seq = posted_seq + 1  # a backlog may be there until the engine says otherwise
        self._asked: int | None = None
        self._batch = BATCH

    def offer(self, records: Sequence[Record]) -> None:
        """Take freshly committed records; those that do not follow on are asked for later."""
        if not records:
            return
        self._known_seq = max(self._known_seq, records[-1].seq)
        if self._asked is None:
            self._extend(records)

    def supply(self, after_seq: int, records: Sequence[Record]) -> None:
        """Take the engine's answer to `wants`; one to a question that no longer stands is dropped."""
        if self._asked != after_seq:
            return
        self._asked = None
        # The engine answers with a part of the journal: only an empty answer says that there is no more.
        self._known_seq = max(self._known_seq, records[-1].seq + 1) if records else self.posted_seq
        self._extend(records)

    def wants(self) -> int | None:
        """Return the place after which records are needed, once for each need."""
        if self._waiting or self._asked is not None or self._known_seq <= self.posted_seq:
            return None
        self._asked = self.posted_seq
        return self._asked

    def next_batch(self) -> list[Record]:
        return self._waiting[: self._batch]

    def taken(self, last_seq: int) -> None:
        """The server holds everything up to `last_seq`."""
        self.posted_seq = last_seq
        self._waiting = [record for record in self._waiting if record.seq > last_seq]
        self._batch = BATCH

    def rewind(self, expected_seq: int) -> None:
        """The server misses records from `expected_seq` on: begin again there."""
        self._known_seq = max(self._known_seq, self.posted_seq, expected_seq)
        self.posted_seq = expected_seq - 1
        self._waiting, self._asked = [], None

    def refill(self, head_seq: int) -> None:
        """The server's chain ends at `head_seq`: if it promised more before, it was restored and needs it again."""
        if head_seq < self.posted_seq:
            self.rewind(head_seq + 1)

    def skip(self, seq: int) -> bool:
        """The server holds everything up to `seq`, from whomever: go on behind it, never back. True if it moved."""
        if seq <= self.posted_seq:
            return False
        self.taken(seq)
        self._known_seq = max(self._known_seq, seq + 1)
        self._asked = None
        return True

    def send_fewer(self) -> bool:
        """Halve the next batch; False if it was a single record already."""
        smaller = len(self.next_batch()) // 2
        self._batch = max(1, smaller)
        return smaller > 0

    def _extend(self, records: Sequence[Record]) -> None:
        last = self._waiting[-1].seq if self._waiting else self.posted_seq
        for record in records:
            if record.seq == last + 1 and len(self._waiting) < BUFFER:
                self._waiting.append(record)
                last = record.seq
