"""Goal: no two cassette tickets of a kiosk have one number. Method: tickets of one period in two epochs, as text."""

from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.config.load import load
from kiosk.domain.facts import CassettePeriodClosed, NoteInPayment, PaymentCompleted
from kiosk.domain.invoice import Account, LinePaid
from kiosk.engine.papers import Papers

SAMPLE = Path(__file__).parents[2] / "docs" / "kiosk.toml"


def test_what_is_printed_on_a_check() -> None:
    papers = Papers(load(SAMPLE), "cityhall-1", 1, "America/Chicago")
    lines = papers.endorsement("1045", "2026-11-23T13:42:00-06:00")
    assert lines[0] == "FOR DEPOSIT ONLY"
    assert lines[2] == "cityhall-1 2026-11-23 check 1045"
    assert all(len(line) <= 42 for line in lines)


def test_the_tickets_count_the_checks_of_the_pocket() -> None:
    papers = Papers(load(SAMPLE), "cityhall-1", 1, "America/Chicago")
    closed = CassettePeriodClosed(7, (), 0, 0, "4", "swapped", checks=2, check_minor=12345)
    bag, _, copy = str(papers.ticket(closed, 1, 9, "2026-11-23T19:42:07.123Z", "4")).partition("Cut()")
    assert "Checks in the pocket" in bag
    assert "123.45" not in bag
    assert "123.45" in copy


@pytest.mark.parametrize(("epoch", "number"), [(1, "cityhall-1-P0007"), (2, "cityhall-1-E2-P0007")])
def test_the_number_of_a_ticket_names_its_epoch(epoch: int, number: str) -> None:
    """As the ledger's cash account does: each epoch counts its periods from 1."""
    papers = Papers(load(SAMPLE), "cityhall-1", epoch, "America/Chicago")
    closed = CassettePeriodClosed(7, (), 0, 0, "4", "swapped")
    assert number in str(papers.ticket(closed, 1, 9, "2026-11-23T19:42:07.123Z", "4"))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (("shut_off", "shut_off"), "shut-off notice is paid first"),
        (("shut_off", "oldest"), "in the order in which they were chosen"),
        (("", ""), "in the order in which they were chosen"),
        (("oldest",), "The oldest bill is paid first."),
        (("",), ""),
    ],
)
def test_a_receipt_says_in_which_order_the_bills_were_paid(rules: tuple[str, ...], said: str) -> None:
    papers = Papers(load(SAMPLE), "cityhall-1", 1, "America/Chicago")
    accounts = tuple(replace(Account(f"tok{at}", f"{at:04}"), applied=rule) for at, rule in enumerate(rules))
    lines = (LinePaid("tok0", "A1", 5000),)
    done = PaymentCompleted(
        "p", "s", "RB-1", "tok0", lines, (NoteInPayment("n", 5000),), 5000, "USD", "stopped", "2026-11-23", True
    )
    paper = str(papers.receipt(done, accounts, "2026-11-23T19:42:07.123Z", True, "en", "receipt"))
    assert said in paper
    assert bool(said) == ("paid first" in paper or "were chosen" in paper)
