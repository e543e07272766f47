"""The terminal's day end: in its time, never beside a sale, tried again when it failed, and ordered by staff."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from kiosk.brain import events
from kiosk.brain.apply import fold
from kiosk.brain.batch import AGAIN_MS, TRIES_MAX, business_date
from kiosk.brain.commands import AcknowledgeCard, CloseCardBatch, FindCard, SellByCard, SetTimer
from kiosk.brain.events import Moment
from kiosk.brain.state import State
from kiosk.domain.snapshot import DeviceHealth
from kiosk.domain.tenders import BatchClosed
from tests.unit.brain_world import account
from tests.unit.card_world import CardWorld, card_settings

AT = "23:30"


@dataclass
class Evening(CardWorld):
    """`local` is set by hand."""

    state: State = field(default_factory=lambda: State(replace(card_settings(), batch_at=AT)))
    local: str = "2026-11-23T19:42:00-06:00"

    def moment(self) -> Moment:
        return replace(super().moment(), local=self.local)

    def boot(self) -> "Evening":
        super().boot()
        return self

    def restart(self) -> list[Any]:
        orders = super().restart()
        for name in ("printer", "scanner", "screen"):
            self.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
        self.connect()
        self.meet()
        return orders

    def at(self, time: str, day: str = "2026-11-23") -> list[Any]:
        """The minute strikes."""
        self.local = f"{day}T{time}:00-06:00"
        return self.fire("batch")

    def paid(self) -> "Evening":
        self.to_card()
        self.end("approved")
        self.tell(events.AcceptorIdle)
        self.touch("done")
        return self

    def closes(self) -> list[str]:
        return [order.reference for order in self.ordered(CloseCardBatch)]

    def batch(self, result: str = "approved", reference: str = "", **more: Any) -> list[Any]:
        self.report += 1
        values = {"count": 1, "total_minor": 5318, "reason": "", "report": self.report} | more
        return self.tell(events.BatchEnded, reference=reference or self.closes()[-1], result=result, **values)

    def sign_in(self) -> None:
        self.touch("staff")
        self.touch("key", "1")
        self.touch("submit")
        self.tell(events.PinChecked, request=self.state.scene.request, who="Dana")
        self.touch("staff_cards")


def test_the_batch_is_closed_in_its_time_and_once() -> None:
    kiosk = Evening().boot().paid()
    assert kiosk.at("23:29") == [SetTimer("batch", 60_000)]
    assert [type(order) for order in kiosk.at("23:30")] == [SetTimer, CloseCardBatch, SetTimer]
    assert kiosk.at("23:31") == [SetTimer("batch", 60_000)], "it is under way"
    assert AcknowledgeCard(kiosk.report + 1) in kiosk.batch()
    (fact,) = kiosk.of(BatchClosed)
    assert (fact.business_date, fact.by, fact.total_minor) == ("2026-11-23", "", 5318)
    kiosk.paid()
    kiosk.at("23:50")
    kiosk.at("06:00", "2026-11-24")
    assert len(kiosk.closes()) == 1
    kiosk.at("23:30", "2026-11-24")
    assert len(kiosk.closes()) == 2


def test_nothing_is_closed_where_nothing_was_taken_or_the_host_does_it() -> None:
    kiosk = Evening().boot()
    kiosk.at("23:30")
    kiosk.scan(account())
    kiosk.touch("start_over")
    kiosk.at("23:31")
    alone = Evening(State(card_settings())).boot().paid()
    assert alone.fire("batch") == []
    assert kiosk.closes() + alone.closes() == []


@pytest.mark.parametrize(
    ("local", "day"),
    [
        ("2026-11-23T23:30:00-06:00", "2026-11-23"),
        ("2026-11-23T23:29:59-06:00", "2026-11-22"),
        ("2026-11-24T00:10:00-06:00", "2026-11-23"),
        ("2026-03-01T05:00:00-06:00", "2026-02-28"),
    ],
)
def test_the_day_is_that_whose_end_has_come(local: str, day: str) -> None:
    assert business_date(local, AT) == day


@pytest.mark.parametrize("stage", ["invoice", "tender", "card", "staff", "claim"])
def test_nobody_who_is_here_is_disturbed(stage: str) -> None:
    kiosk = Evening().boot().paid()
    if stage == "invoice":
        kiosk.scan()
    elif stage == "tender":
        kiosk.to_tender()
    elif stage == "card":
        kiosk.to_card()
    elif stage == "staff":
        kiosk.sign_in()
    else:
        kiosk.touch("claim")
    kiosk.at("23:30")
    assert kiosk.closes() == []


def test_a_day_without_cards_does_not_make_the_next_one_end_early() -> None:
    kiosk = Evening().boot()
    kiosk.at("23:30")
    kiosk.at("10:00", "2026-11-24")
    kiosk.paid()
    kiosk.at("10:05", "2026-11-24")
    assert kiosk.closes() == []
    kiosk.at("23:30", "2026-11-24")
    assert len(kiosk.closes()) == 1


def test_what_was_missed_is_made_up_for_after_midnight_for_its_day() -> None:
    kiosk = Evening().boot().paid()
    kiosk.scan()
    kiosk.at("23:30")
    kiosk.touch("start_over")
    kiosk.at("00:05", "2026-11-24")
    kiosk.batch()
    assert kiosk.of(BatchClosed)[0].business_date == "2026-11-23"


def test_a_lost_sale_is_looked_up_first() -> None:
    """A terminal whose batch is closed has no such sale any more."""
    kiosk = Evening().boot().paid()
    kiosk.to_card()
    taken = kiosk.decide_at_terminal("approved")
    kiosk.fire("card")
    kiosk.fire("card_look")
    kiosk.touch("done")
    kiosk.tell(events.AcceptorIdle)
    assert kiosk.stage == "attract"
    kiosk.at("23:30")
    kiosk.sign_in()
    kiosk.touch("close_batch")
    view = kiosk.picture.staff
    assert view is not None
    assert view.batch is not None
    assert (kiosk.closes(), view.batch.hindrance) == ([], "card_unknown")
    kiosk.report_card(taken, found=True)
    kiosk.touch("sign_out")
    kiosk.at("23:40")
    assert len(kiosk.closes()) == 1
    assert kiosk.ordered(FindCard)


def test_no_card_is_taken_while_the_terminal_is_at_it() -> None:
    kiosk = Evening().boot().paid()
    kiosk.at("23:30")
    kiosk.to_tender()
    assert (kiosk.picture.card, kiosk.picture.card_reason) == (False, "card_batch")
    kiosk.touch("pay_card")
    assert len(kiosk.ordered(SellByCard)) == 1
    kiosk.batch()
    assert kiosk.picture.card
    kiosk.touch("pay_card")
    assert len(kiosk.ordered(SellByCard)) == 2


@pytest.mark.parametrize("result", ["declined", "not_started", "unknown"])
def test_one_that_failed_is_seen_and_asked_for_again(result: str) -> None:
    kiosk = Evening().boot().paid()
    kiosk.at("23:30")
    assert SetTimer("batch", AGAIN_MS) in kiosk.batch(result, reason="100006")
    assert kiosk.picture.batch == ("batch_unknown" if result == "unknown" else "batch_not_closed")
    assert kiosk.picture.card, "cards are taken all the same"
    kiosk.at("23:40")
    kiosk.batch()
    assert (kiosk.picture.batch, len(kiosk.closes())) == ("", 2)


def test_one_that_goes_on_failing_waits_for_staff() -> None:
    kiosk = Evening().boot().paid()
    for minute in range(30, 30 + TRIES_MAX + 3):
        kiosk.at(f"23:{minute}")
        if len(kiosk.closes()) > len(kiosk.of(BatchClosed)):
            kiosk.batch("declined")
    assert len(kiosk.closes()) == TRIES_MAX
    kiosk.at("23:30", "2026-11-24")
    assert len(kiosk.closes()) == TRIES_MAX + 1, "the next day it is tried again"


@pytest.mark.parametrize("how", ["silence", "line"])
def test_one_without_an_answer_is_unknown_and_a_late_answer_counts(how: str) -> None:
    kiosk = Evening().boot().paid()
    kiosk.at("23:30")
    kiosk.tell(events.TerminalLost, reason="line_lost")
    if how == "line":
        kiosk.meet()
    else:
        kiosk.fire("batch_wait")
    (fact,) = kiosk.of(BatchClosed)
    assert (fact.result, fact.business_date) == ("unknown", "2026-11-23")
    kiosk.batch(report=0)
    assert kiosk.of(BatchClosed)[1].business_date == "2026-11-23"
    assert kiosk.state.books.in_batch == 0


def test_after_a_power_cut_it_is_asked_for_again() -> None:
    kiosk = Evening().boot().paid()
    kiosk.at("23:30")
    kiosk.restart()
    kiosk.at("23:35")
    assert len(kiosk.closes()) == 2
    kiosk.batch()
    kiosk.restart()
    kiosk.paid()
    kiosk.at("23:45")
    assert len(kiosk.closes()) == 2, "the day is closed, and a restart does not forget it"


def test_staff_close_it_at_any_time_and_see_it() -> None:
    kiosk = Evening().boot()
    kiosk.sign_in()
    kiosk.touch("close_batch")
    assert kiosk.closes() == [], "nothing is in it"
    kiosk.touch("sign_out")
    kiosk.paid()
    kiosk.sign_in()
    kiosk.touch("close_batch")
    kiosk.touch("close_batch")
    assert len(kiosk.closes()) == 1
    kiosk.batch()
    assert kiosk.picture.notice == "batch_closed"
    (fact,) = kiosk.of(BatchClosed)
    assert (fact.by, fact.business_date) == ("Dana", "2026-11-23")
    kiosk.touch("sign_out")
    kiosk.paid()
    kiosk.at("23:30")
    assert len(kiosk.closes()) == 2, "what came after staff closed it is closed in its time"


def test_a_close_that_nobody_asked_for_goes_on_record() -> None:
    kiosk = Evening().boot().paid()
    kiosk.batch(reference="X1")
    assert kiosk.of(BatchClosed) == [BatchClosed("X1", "approved", 1, 5318, "")]


def test_a_transaction_after_the_day_end_is_not_told_by_the_one_before() -> None:
    kiosk = Evening().boot().paid()
    assert kiosk.state.books.terminal_ref
    kiosk.at("23:30")
    kiosk.batch()
    assert kiosk.state.books.terminal_ref == ""
    assert fold(kiosk.facts) == kiosk.state.books


class Stopped(Evening):
    """Its clock stands where it stood before the power went."""

    def moment(self) -> Moment:
        return replace(super().moment(), utc="2026-11-24T05:30:00.000Z")


def test_two_closes_of_one_second_have_two_names() -> None:
    kiosk = Stopped().boot().paid()
    kiosk.at("23:30")
    kiosk.batch("declined")
    kiosk.fire("batch")
    assert len(kiosk.closes()) == len(set(kiosk.closes())) == 2
