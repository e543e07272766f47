"""Goal: of two devices with one journal, one goes on and the other's whole branch is kept, its cash booked once.

Method: real HTTP; both branches come in batches of every size, in every order, again and again.
"""

import pytest

from billing.journal.models import ForkRecord, Record, SuspenseItem
from billing.kiosks.models import Chain
from billing.ledger import balances
from billing.ledger.chart import CASH, FORK_SUSPENSE
from tests.billing.kiosk import Client, Journal, note, uid


def cash(kiosk: Client) -> int:
    return balances.by_subject(CASH, [f"{kiosk.kiosk_id}/1"], "USD").get(f"{kiosk.kiosk_id}/1", 0)


def fork_suspense(kiosk: Client) -> int:
    subject = f"{kiosk.kiosk_id}/{kiosk.epoch}"
    return -balances.by_subject(FORK_SUSPENSE, [subject], "USD").get(subject, 0)


def branch(start: Journal, count: int, value_minor: int) -> Journal:
    copy = start.copy()
    for _ in range(count):
        copy.add("NoteStacked", note(uid(), value_minor))
    return copy


def test_a_losing_branch_longer_than_the_winning_one_is_kept_whole(kiosk: Client) -> None:
    """The original was offline for a day while its copy posted a little: what it drains then is no gap."""
    kiosk.journal.add("KioskStarted", {"version": "1", "reason": "boot"})
    kiosk.post_all()
    original, shared = branch(kiosk.journal, 250, 100), len(kiosk.journal.records)
    kiosk.journal.add("NoteStacked", note(uid(), 2000))
    kiosk.post_all()
    for _ in range(2):
        seen = []
        for start in range(shared, len(original.records), 100):
            answer = kiosk.post_journal(original.records[start : start + 100])
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/journal-fork")
            seen.append(answer.json()["kept_seq"])
        assert seen == [101, 201, 251]
    assert ForkRecord.objects.filter(chain__kiosk=kiosk.kiosk_id).count() == 250
    assert (cash(kiosk), fork_suspense(kiosk)) == (27_000, 25_000)
    kiosk.journal.add("NoteStacked", note(uid(), 500))
    kiosk.post_all()
    assert (cash(kiosk), fork_suspense(kiosk)) == (27_500, 25_000)


def test_a_real_gap_behind_a_fork_is_still_a_gap(kiosk: Client) -> None:
    kiosk.journal.add("KioskStarted", {"version": "1", "reason": "boot"})
    kiosk.post_all()
    lost = branch(kiosk.journal, 5, 100)
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    kiosk.post_all()
    assert kiosk.post_journal(lost.records[1:2]).json()["kept_seq"] == 2
    answer = kiosk.post_journal(lost.records[3:])
    assert (answer.status_code, answer.json()["expected_seq"]) == (409, 3)
    assert answer.json()["type"] == "/problems/journal-gap"
    assert kiosk.post_journal(lost.records[2:]).json()["kept_seq"] == 6
    assert cash(kiosk) == 500


def test_the_other_device_goes_on_and_staff_see_that_there_were_two(kiosk: Client) -> None:
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    lost = branch(kiosk.journal, 1, 1000)
    kiosk.journal.add("SessionOpened", {"session_id": "t"})
    kiosk.post_all()
    assert kiosk.post_journal(lost.records[1:]).status_code == 409
    assert Chain.objects.get(kiosk=kiosk.kiosk_id).frozen == "journal-fork"
    beat = kiosk.post(f"/v1/kiosks/{kiosk.kiosk_id}/heartbeats", {"boot_id": "b", "counter": 1}).json()
    assert (beat["commands"], beat["head_seq"], beat["head_hash"]) == ([], 2, kiosk.journal.head)
    assert kiosk.get(f"/v1/kiosks/{kiosk.kiosk_id}/head").json()["seen_at"] != ""


@pytest.mark.parametrize(("kind", "memos"), [("NoteInDoubt", 1), ("SessionOpened", 0)])
def test_a_doubt_on_the_losing_branch_is_a_doubt(kiosk: Client, kind: str, memos: int) -> None:
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    lost = kiosk.journal.copy()
    kiosk.journal.add("SessionOpened", {"session_id": "t"})
    kiosk.post_all()
    lost.add(kind, {**note(uid(), 1000), "session_id": "u", "reason": "no_report"})
    for _ in range(2):
        assert kiosk.post_journal(lost.records[1:]).status_code == 409
    assert SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id, memo=True).count() == memos
    assert cash(kiosk) == 0


def test_which_branch_comes_first_decides_and_no_note_is_booked_twice(kiosk: Client) -> None:
    """A note that both branches know was open when the storage was copied."""
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    shared = note(uid(), 2000)
    one, two = kiosk.journal.copy(), kiosk.journal.copy()
    one.add("NoteStacked", shared)
    two.add("KioskStarted", {"version": "1", "reason": "restart"})
    two.add("NoteStacked", shared)
    assert kiosk.post_journal(two.records).status_code == 200
    assert kiosk.post_journal(one.records).json()["stopped"]["expected_seq"] == 2
    assert (cash(kiosk), fork_suspense(kiosk)) == (2000, 0)
    assert Record.objects.filter(chain__kiosk=kiosk.kiosk_id).count() == 3


@pytest.mark.parametrize("doubt_on", ["winner", "loser"])
def test_a_note_that_a_losing_branch_gave_back_stops_nothing(kiosk: Client, doubt_on: str) -> None:
    """It closed the memo against the database's rules, and the branch was never taken."""
    doubt = {**note(uid(), 500), "reason": "no_report"}
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    lost = kiosk.journal.copy()
    kiosk.journal.add("SessionOpened", {"session_id": "t"})
    (kiosk.journal if doubt_on == "winner" else lost).add("NoteInDoubt", doubt)
    kiosk.post_all()
    lost.add("NoteReturned", {"note_id": doubt["note_id"], "payment_id": doubt["payment_id"], "reason": "x"})
    lost.add("NoteStacked", note(uid(), 700))
    assert kiosk.post_journal(lost.records[1:]).status_code == 409
    assert fork_suspense(kiosk) == 700
    assert SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id, reason="note-in-doubt", resolved_at=None).exists()
