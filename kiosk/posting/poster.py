"""Copies the journal to the central server: one sender, in order, one batch in flight, for ever the same bytes.

The thread knows no SQLite: the engine offers it what it commits and supplies what it asks for. Look-ups run each on
a thread of their own, so that a resident never waits behind a post.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from kiosk.journal.record import Record
from kiosk.posting import events, outcomes
from kiosk.posting.events import PostingEvent
from kiosk.posting.outbox import Outbox
from kiosk.posting.schedule import LONGEST_S, Retry


class Server(Protocol):
    """What the poster needs of CentralServer."""

    def post_journal(self, records: Sequence[Record]) -> outcomes.PostOutcome: ...

    def heartbeat(
        self, boot_id: str, counter: int, health: Mapping[str, Any]
    ) -> outcomes.HeartbeatTaken | outcomes.Failure: ...

    def resolve(self, *, scan: str = "", number: str = "", check: str = "") -> outcomes.LookUpOutcome: ...

    def head(self) -> outcomes.HeadSeen | outcomes.Failure: ...


def on_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="question", daemon=True).start()


class Poster:
    """Posts from `acked_seq` on. `step` does what is due and can be called without the thread.

    `on_event` is called from the poster's threads and must not block. `clock` gives monotonic seconds, `fraction` a
    random number in [0, 1), `health` what the heartbeat says of the kiosk (called on the poster's thread). `aside` runs
    what may wait for the server without the sender waiting for it.
    """

    def __init__(
        self,
        server: Server,
        on_event: Callable[[PostingEvent], None],
        *,
        acked_seq: int,
        boot_id: str,
        health: Callable[[], Mapping[str, Any]],
        fraction: Callable[[], float],
        heartbeat_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        aside: Callable[[Callable[[], None]], None] = on_a_thread,
    ) -> None:
        self._server = server
        self._on_event = on_event
        self._boot_id = boot_id
        self._health = health
        self._fraction = fraction
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._aside = aside
        self._mail: deque[Callable[[], None]] = deque()
        self._woken = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="poster", daemon=True)
        # From here on only the poster's thread touches these.
        self._outbox = Outbox(acked_seq)
        self._retry = Retry()
        self._not_before = self._heartbeat_due = self._post_not_before = clock()
        self._beats = 0
        self._online: bool | None = None
        self._halted = self._forked = False
        self._rewound = False
        self._complaint = ""

    # Called from any thread.

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> bool:
        """Let the request in flight end, at most for `timeout_s`; return True if the thread is done."""
        self._stopping = True
        self._woken.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def offer(self, records: Sequence[Record]) -> None:
        """Records were just committed."""
        self._tell(lambda: self._outbox.offer(records))

    def supply(self, after_seq: int, records: Sequence[Record]) -> None:
        """The journal's records after `after_seq`, as RecordsWanted asked; empty when there are none."""
        self._tell(lambda: self._outbox.supply(after_seq, records))

    def held(self, seq: int) -> None:
        """The server holds our very chain up to `seq`: what it got from elsewhere need not be sent."""
        self._tell(lambda: self._skip(seq))

    def missing(self, after_seq: int, first_seq: int) -> None:
        """The journal begins at `first_seq` and no more has what was asked for: somebody must send an export."""
        self._tell(lambda: self._lacks(after_seq, first_seq))

    @property
    def woken(self) -> bool:
        """True if something was told since the last step, which then should not wait for its time."""
        return self._woken.is_set()

    def wake(self) -> None:
        """Something says that the network is back: try at once."""
        self._tell(self._try_now)

    def look_up(self, request: str, *, scan: str = "", number: str = "", check: str = "") -> None:
        """Look an account up; LookedUp follows with the same `request`."""

        def ask() -> None:
            outcome = self._server.resolve(scan=scan, number=number, check=check)
            self._on_event(events.LookedUp(request, outcome))
            if not isinstance(outcome, outcomes.Away):
                self.wake()

        self._aside(ask)

    def check_head(self, request: str) -> None:
        """Ask how far the server holds our chain; HeadAnswered follows with the same `request`."""

        def ask() -> None:
            seen = self._server.head()
            if isinstance(seen, outcomes.HeadSeen):
                self._tell(lambda: self._refill(seen.head_seq))
                self._on_event(events.HeadAnswered(request, seen))
            else:
                self._on_event(events.HeadAnswered(request, outcomes.Away(events.reason_of(seen))))

        self._aside(ask)

    # The poster's thread.

    def step(self) -> float:
        """Do at most one exchange and return when to be called again, in `clock` seconds."""
        self._woken.clear()
        while self._mail:
            self._mail.popleft()()
        self._ask_for_records()
        now = self._clock()
        if now < self._not_before:
            return self._not_before
        batch = [] if self._halted or now < self._post_not_before else self._outbox.next_batch()
        if batch:
            self._post(batch)
        elif now >= self._heartbeat_due or self._online is False:
            self._beat()
        self._ask_for_records()
        return max(self._not_before, self._next_due())

    def _next_due(self) -> float:
        if self._online is False:
            return self._not_before  # whatever is sent next is also the question whether the server is back
        if self._outbox.next_batch() and not self._halted:
            return min(self._post_not_before, self._heartbeat_due)
        return self._heartbeat_due

    def _run(self) -> None:
        while not self._stopping:
            due = self.step()
            self._woken.wait(max(0.0, due - self._clock()))

    def _tell(self, message: Callable[[], None]) -> None:
        self._mail.append(message)
        self._woken.set()

    def _try_now(self) -> None:
        self._not_before = self._clock()

    def _ask_for_records(self) -> None:
        after_seq = None if self._halted else self._outbox.wants()
        if after_seq is not None:
            self._on_event(events.RecordsWanted(after_seq))

    def _post(self, batch: list[Record]) -> None:
        outcome = self._server.post_journal(batch)
        match outcome:
            case outcomes.Posted():
                self._reached()
                self._rewound, self._complaint = False, ""
                self._outbox.taken(outcome.results[-1].seq)
                self._on_event(events.Acknowledged(outcome.ack, outcome.results))
            case outcomes.Gap(expected_seq):
                self._gap(expected_seq, batch[0].seq)
            case outcomes.Fork(expected_seq, kept_seq):
                self._fork(expected_seq, kept_seq, batch)
            case outcomes.Malformed(seq, detail):
                self._halt()
                self._on_event(events.Refused("malformed", f"record {seq}: {detail}", final=True))
            case outcomes.TooLarge():
                self._reached()
                if not self._outbox.send_fewer():
                    self._complain("too-large", f"record {batch[0].seq} alone is too large on the way")
            case outcomes.Unavailable():
                self._failed(outcome)
            case outcomes.Suspended(problem, detail) | outcomes.Refused(_, problem, detail):
                self._complain(problem, detail)

    def _gap(self, expected_seq: int, first_seq: int) -> None:
        """Go back to what the server misses. One that asks twice in a row, or for what was just sent, has to wait."""
        self._reached()
        if expected_seq < first_seq:
            self._outbox.rewind(expected_seq)
            self._on_event(events.GapAt(expected_seq))
        if self._rewound or expected_seq >= first_seq:
            self._complain("journal-gap", f"record {expected_seq} is asked for, {first_seq} was sent")
        self._rewound = True

    def _fork(self, expected_seq: int, kept_seq: int, batch: list[Record]) -> None:
        """Our branch has lost, but the notes in it exist: go on sending it, for as long as the server keeps it."""
        told, self._forked = self._forked, True
        if batch[0].seq <= kept_seq <= batch[-1].seq:
            self._reached()
            self._outbox.taken(kept_seq)
        else:
            self._halt()
        if not told:
            self._on_event(events.Forked(expected_seq))

    def _refill(self, head_seq: int) -> None:
        """The server's head was heard: begin again there if it lost something. A lost branch is not in it."""
        if not self._forked:
            self._outbox.refill(head_seq)

    def _skip(self, seq: int) -> None:
        if self._outbox.skip(seq):
            self._post_not_before, self._complaint = self._clock(), ""

    def _lacks(self, after_seq: int, first_seq: int) -> None:
        self._outbox.supply(after_seq, [])
        self._complain("journal-pruned", f"the server misses records {after_seq + 1} to {first_seq - 1}")

    def _beat(self) -> None:
        self._beats += 1
        self._heartbeat_due = self._clock() + self._heartbeat_s
        outcome = self._server.heartbeat(self._boot_id, self._beats, self._health())
        if isinstance(outcome, outcomes.Unavailable):
            self._failed(outcome)
            return
        self._reached()
        if isinstance(outcome, outcomes.HeartbeatTaken):
            if outcome.head_seq is not None:
                self._refill(outcome.head_seq)
            told = (outcome.server_time, outcome.commands, outcome.head_seq, outcome.head_hash)
            self._on_event(events.HeartbeatAnswered(*told))

    def _reached(self) -> None:
        self._retry = Retry()
        self._not_before = self._clock()
        if self._online is not True:
            self._online = True
            self._on_event(events.CameOnline())

    def _failed(self, failure: outcomes.Unavailable) -> None:
        self._retry = self._retry.failed()
        self._not_before = self._clock() + self._retry.delay_s(self._fraction(), failure.retry_after_s)
        if self._online is not False:
            self._online = False
            self._on_event(events.WentOffline(failure.reason))

    def _complain(self, problem: str, detail: str) -> None:
        """Money is never dropped: say it once and go on trying, slowly."""
        self._reached()
        self._post_not_before = self._clock() + LONGEST_S
        if self._complaint != problem:
            self._complaint = problem
            self._on_event(events.Refused(problem, detail, final=False))

    def _halt(self) -> None:
        """No record may follow one that is in dispute; heartbeats and look-ups go on."""
        self._reached()
        self._halted = True
