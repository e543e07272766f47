"""Goal: the kiosk's client and the city's server mean the same by every door of docs/wire.md.

Method: the real server process, the real client, and a chain of records made here.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.demo.processes import Processes
from kiosk.domain import facts
from kiosk.journal.ids import uuid7
from kiosk.journal.keys import Enrolment
from kiosk.journal.record import Envelope, Moment, Record, seal
from kiosk.posting import outcomes
from kiosk.posting.client import CentralServer, enrol

pytestmark = pytest.mark.xdist_group("wire")


@dataclass
class City:
    """A running server and how to get a kiosk of its own from it."""

    url: str
    state: str
    processes: Processes
    count: int = 0

    def kiosk(self) -> "Side":
        self.count += 1
        name = f"k-{self.count}"
        code = self.processes.run("billing", "enrol-code", "--state", self.state, "--kiosk", name).split()[-1]
        key = Ed25519PrivateKey.generate()
        enrolled = enrol(self.url, code, key)
        assert isinstance(enrolled, outcomes.Enrolled), enrolled
        again = enrol(self.url, code, key)
        assert isinstance(again, outcomes.Enrolled)
        assert again.enrolment == enrolled.enrolment, "an answer that was lost can be asked for again"
        return Side(CentralServer(self.url, enrolled.enrolment, key), enrolled.enrolment, key)


@dataclass
class Side:
    """The kiosk's side: client, identity, and the chain so far."""

    server: CentralServer
    enrolment: Enrolment
    key: Ed25519PrivateKey
    seq: int = 0
    last_hash: str = ""

    def record(self, fact: facts.Fact) -> Record:
        """Make the next record of the chain."""
        self.seq += 1
        moment = Moment(
            uuid7(1_790_000_000_000, self.seq.to_bytes(10, "big")), "2026-11-23T19:42:07.123Z", "trusted", "a" * 32, 1
        )
        made = seal(
            Envelope(
                self.enrolment.kiosk_id,
                self.enrolment.epoch,
                self.seq,
                type(fact).__name__,
                moment,
                facts.body(fact),
                self.last_hash or self.enrolment.nonce,
            ),
            self.key,
        )
        self.last_hash = made.hash
        return made

    def branch(self) -> "Side":
        """The same storage, copied."""
        return Side(self.server, self.enrolment, self.key, self.seq, self.last_hash)


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    with tempfile.TemporaryDirectory(prefix="city-") as folder:
        processes = Processes(Path(folder) / "logs", {})
        state = str(Path(folder) / "state")
        processes.python("server", "billing", "serve", "--port", "0", "--state", state, "--demo")
        log = Path(folder) / "logs" / "server.log"
        processes.wait_for("server", lambda: b'"listening"' in log.read_bytes(), 120)
        url = next(json.loads(line)["listening"] for line in log.read_text().splitlines() if "listening" in line)
        try:
            yield City(url, state, processes)
        finally:
            processes.stop_all()


def started() -> facts.KioskStarted:
    return facts.KioskStarted("test", "boot")


def test_look_ups(city: City) -> None:
    side = city.kiosk()
    found = side.server.resolve(number="44170934", check="142")
    assert isinstance(found, outcomes.Found)
    assert (found.account.balance_minor, found.account.past_due_minor, found.account.last4) == (5318, 2000, "0934")
    assert len(found.account.invoices) == 3
    assert isinstance(side.server.resolve(number="44170934", check="143"), outcomes.NotFound)
    closed = side.server.resolve(number="66345299", check="903")
    assert isinstance(closed, outcomes.Found)
    assert closed.account.status == "closed"
    quote = side.server.quote(found.account.ref, 5318)
    assert isinstance(quote, outcomes.Quoted)
    assert (quote.total_minor, quote.fee_minor) == (5318, 0)


def test_heartbeat_head_and_tail(city: City) -> None:
    side = city.kiosk()
    assert isinstance(side.server.heartbeat("a" * 32, 1, {"screen": "attract"}), outcomes.HeartbeatTaken)
    head = side.server.head()
    assert isinstance(head, outcomes.HeadSeen)
    assert (head.head_seq, head.head_hash, head.frozen) == (0, side.enrolment.nonce, "")
    records = [side.record(started()) for _ in range(3)]
    posted = side.server.post_journal(records)
    assert isinstance(posted, outcomes.Posted)
    assert [result.outcome for result in posted.results] == ["created"] * 3
    again = side.server.post_journal(records)
    assert isinstance(again, outcomes.Posted)
    assert [result.outcome for result in again.results] == ["exists"] * 3
    tail = side.server.records_tail(1)
    assert isinstance(tail, outcomes.Tail)
    assert tail.records == tuple(records[1:])


def test_a_gap_is_told_and_filled(city: City) -> None:
    side = city.kiosk()
    records = [side.record(started()) for _ in range(3)]
    assert side.server.post_journal(records[1:]) == outcomes.Gap(1)
    assert isinstance(side.server.post_journal(records), outcomes.Posted)


def test_a_copied_storage_is_a_fork_told_to_the_one_that_lost(city: City) -> None:
    side = city.kiosk()
    first = side.record(started())
    assert isinstance(side.server.post_journal([first]), outcomes.Posted)
    copy = side.branch()
    assert isinstance(side.server.post_journal([side.record(started())]), outcomes.Posted)
    assert copy.server.post_journal([copy.record(facts.SessionOpened("s"))]) == outcomes.Fork(2, kept_seq=2)
    head = side.server.head()
    assert isinstance(head, outcomes.HeadSeen)
    assert head.frozen == "journal-fork"
    beat = side.server.heartbeat("a" * 32, 1, {})
    assert isinstance(beat, outcomes.HeartbeatTaken)
    assert (beat.commands, beat.head_seq, beat.head_hash) == ((), 2, side.last_hash)


def test_a_forged_record_is_quarantined(city: City) -> None:
    side = city.kiosk()
    good = side.record(started())
    forged = replace(good, sig=bytes(64))
    assert isinstance(side.server.post_journal([forged]), outcomes.Malformed)


def test_money_for_a_closed_account_is_taken(city: City) -> None:
    side = city.kiosk()
    note = facts.NoteStacked("n-1", "p-1", 2000, "USD", 1, False)
    line = facts.LinePaid("num:66345299", "", 2000)
    notes = (facts.NoteInPayment("n-1", 2000),)
    done = facts.PaymentCompleted(
        "p-1", "s", "K-1-000001", "num:66345299", (line,), notes, 2000, "USD", "met", "2026-11-23", False
    )
    posted = side.server.post_journal([side.record(note), side.record(done)])
    assert isinstance(posted, outcomes.Posted)
    assert [result.disposition for result in posted.results] == ["posted", "suspense"]
