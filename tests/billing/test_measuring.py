"""The parts of the benchmark of posting, with few records: what it measures is booked, and booked twice alike."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks import billed_city, journal_post, residents
from benchmarks.city_server import City
from benchmarks.raw_posting import RawPosting
from billing import clock
from billing.journal.models import Record, SuspenseItem
from billing.kiosks import enrolment
from billing.ledger import balances
from kiosk.journal.record import to_wire
from kiosk.journal.store import Journal
from kiosk.posting.client import CentralServer, enrol
from kiosk.posting.outcomes import Enrolled
from tests.billing.conftest import STATE
from tests.billing.kiosk import new_kiosk

COUNT = 2 * 100 + 7  # the last batch ends within a session


@pytest.fixture(scope="module")
def bills(database: Path) -> Any:
    """Open bills, given out as they are needed."""
    return iter(billed_city.fill(3 * (COUNT // residents.SESSION_RECORDS + 1)))


@pytest.fixture
def queue(server: str, bills: Any, tmp_path: Path) -> Any:
    """A kiosk with its records unsent: its city, its enrolment and its journal."""
    city = City(STATE, key=Ed25519PrivateKey.generate())
    outcome = enrol(server, enrolment.new_code(new_kiosk(), clock.now()), city.key)
    assert isinstance(outcome, Enrolled)
    own = list(itertools.islice(bills, COUNT // residents.SESSION_RECORDS + 1))
    journal = residents.queued(tmp_path / "journal.db", outcome.enrolment, city.key, own, COUNT)
    yield city, outcome.enrolment, journal
    journal.close()


def require_booked(kiosk_id: str, journal: Journal) -> None:
    held = Record.objects.filter(chain__kiosk=kiosk_id).order_by("seq").values_list("hash", flat=True)
    assert list(held) == [record.hash for record in journal.all_records()]
    subject = f"{kiosk_id}/1"
    assert balances.by_subject("cash", [subject], "USD") == {subject: residents.cash_minor(COUNT)}
    assert not SuspenseItem.objects.filter(chain__kiosk=kiosk_id).exists()


def test_what_was_posted_is_written_again_by_plain_sql(queue: Any, server: str) -> None:
    city, own, journal = queue
    city.copy("raw")
    posted, raw = journal_post.in_turns(city, server, own, journal)
    assert len(posted) == len(raw) == 3
    require_booked(own.kiosk_id, journal)


def test_plain_sql_verifies(queue: Any) -> None:
    city, own, journal = queue
    city.copy("raw")
    stranger = RawPosting(city, own.kiosk_id, Ed25519PrivateKey.generate().public_key())
    wire = to_wire(journal.records()[0])
    with pytest.raises(InvalidSignature):
        stranger.write([wire], {})
    with pytest.raises(ValueError, match="hash"):
        stranger.write([wire | {"hash": "0" * 64}], {})
    stranger.close()


def test_a_queue_is_drained_by_the_poster(queue: Any, server: str) -> None:
    city, own, journal = queue
    journal_post.drain(journal, CentralServer(server, own, city.key))
    assert journal.acked_seq == COUNT
    require_booked(own.kiosk_id, journal)
