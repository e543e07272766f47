"""The same bill and sum twice within ten minutes: asked once, and the default is no."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from kiosk.brain import events
from kiosk.brain.events import Moment
from kiosk.brain.state import State
from kiosk.domain.facts import InvoiceAdded, InvoiceChosen, PaymentCompleted
from kiosk.domain.invoice import Account, Invoice, InvoiceReference, PaidLately
from kiosk.posting.answers import AccountAnswer
from tests.unit.brain_world import account
from tests.unit.card_world import CardWorld, card_settings

NOON = datetime(2026, 11, 23, 19, 42, tzinfo=UTC)


@dataclass
class Lobby(CardWorld):
    state: State = field(default_factory=lambda: State(card_settings()))
    minutes: float = 0

    def moment(self) -> Moment:
        now = NOON + timedelta(minutes=self.minutes)
        utc = now.strftime("%Y-%m-%dT%H:%M:%S.") + "000Z"
        return replace(super().moment(), utc=utc, local=(now - timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%S-06:00"))

    def pay(self, amount_minor: int = 2000) -> None:
        """Pay a part of the bill in cash, and go."""
        self.scan()
        self.choose(amount_minor)
        self.touch("pay_cash")
        self.insert(amount_minor)
        self.tell(events.AcceptorIdle)
        self.touch("done")
        assert self.stage == "attract"

    def choose(self, amount_minor: int) -> None:
        self.touch("pay_other")
        for digit in str(amount_minor):
            self.touch("key", digit)
        self.touch("submit")

    def scan_offline(self, invoice: str = "INV1", due_minor: int = 2000) -> None:
        reference = InvoiceReference("00004417", "riverbend", "scan", invoice, due_minor)
        self.tell(events.BillScanned, reference=reference)
        self.tell(events.LookUpFailed, request=self.state.scene.request, reason="away")


def test_the_same_sum_on_the_same_bill_is_asked_about() -> None:
    kiosk = Lobby()
    kiosk.boot()
    kiosk.pay(2000)
    kiosk.minutes = 4
    kiosk.scan()
    kiosk.choose(2000)
    assert kiosk.stage == "repeat"
    view = kiosk.picture.repeat
    assert view is not None
    assert (view.amount_minor, view.at, view.last4) == (2000, "2026-11-23T13:42:00-06:00", "4417")
    kiosk.touch("pay_card")
    kiosk.touch("pay_cash")
    assert len(kiosk.of(InvoiceChosen)) == 1, "no tender can be chosen before the answer"
    kiosk.touch("pay_again")
    assert (kiosk.stage, kiosk.picture.agreed_minor) == ("tender", 2000)
    kiosk.touch("pay_cash")
    kiosk.insert(2000)
    kiosk.tell(events.AcceptorIdle)
    assert len(kiosk.of(PaymentCompleted)) == 2


@pytest.mark.parametrize("how", ["leave_it", "start_over", "idle"])
def test_no_is_the_default(how: str) -> None:
    kiosk = Lobby()
    kiosk.boot()
    kiosk.pay()
    kiosk.scan()
    kiosk.choose(2000)
    if how == "idle":
        kiosk.fire("idle")
        for _ in range(kiosk.state.settings.timeouts.idle_answer // 1000):
            kiosk.fire("idle_tick")
    else:
        kiosk.touch(how)
    assert kiosk.stage == "attract"
    assert len(kiosk.of(InvoiceChosen)) == 1


def test_another_sum_another_bill_or_later_is_not_asked_about() -> None:
    kiosk = Lobby()
    kiosk.boot()
    kiosk.pay(2000)
    kiosk.scan()
    kiosk.choose(1000)
    assert kiosk.stage == "tender"
    kiosk.touch("start_over")
    other = Account("tok2", "0093", balance_minor=4000, invoices=(Invoice("INV2", "utility", "", "", 4000),))
    kiosk.scan(other)
    kiosk.choose(2000)
    assert kiosk.stage == "tender"
    kiosk.touch("start_over")
    kiosk.minutes = 10.1
    kiosk.scan()
    kiosk.choose(2000)
    assert kiosk.stage == "tender"


def test_going_back_and_choosing_another_sum_asks_no_more() -> None:
    kiosk = Lobby()
    kiosk.boot()
    kiosk.pay(2000)
    kiosk.scan()
    kiosk.choose(2000)
    kiosk.touch("back")
    assert kiosk.stage == "invoice"
    kiosk.touch("pay_full")
    assert (kiosk.stage, kiosk.picture.repeat) == ("tender", None)


def test_while_the_line_is_down_and_after_a_power_cut_its_own_journal_knows() -> None:
    """The account has another name then; the bill has not."""
    kiosk = Lobby()
    kiosk.boot()
    kiosk.pay(2000)
    kiosk.restart()
    kiosk.boot()
    kiosk.minutes = 9
    kiosk.scan_offline()
    kiosk.touch("pay_full")
    assert kiosk.stage == "repeat"
    kiosk.touch("leave_it")
    kiosk.scan_offline("INV7")
    kiosk.touch("pay_full")
    assert kiosk.stage == "tender"


def test_what_another_kiosk_took_is_known_from_the_city() -> None:
    kiosk = Lobby()
    kiosk.boot()
    paid = (PaidLately(2000, "2026-11-23T19:40:05Z"), PaidLately(700, "2026-11-23T19:41:00Z"))
    found = account()
    found = replace(found, invoices=(replace(found.invoices[0], paid_lately=paid),))
    kiosk.scan(found)
    kiosk.choose(2000)
    view = kiosk.picture.repeat
    assert view is not None
    assert view.at == "2026-11-23T13:40:05-06:00"


def test_no_to_one_of_several_bills_keeps_the_others() -> None:
    kiosk = Lobby()
    kiosk.boot()
    kiosk.pay(2000)
    other = Account("tok2", "0093", balance_minor=4000, invoices=(Invoice("INV2", "utility", "", "", 4000),))
    kiosk.scan(other)
    kiosk.touch("pay_full")
    kiosk.touch("add_bill")
    kiosk.scan()
    kiosk.choose(2000)
    assert kiosk.stage == "repeat"
    kiosk.touch("leave_it")
    assert (kiosk.stage, kiosk.picture.agreed_minor) == ("tender", 4000)
    kiosk.touch("pay_card")
    assert kiosk.of(InvoiceAdded) == []
    assert kiosk.of(InvoiceChosen)[-1].account == "tok2"


def answer(at: str) -> dict[str, object]:
    paid = [{"amount_minor": 2000, "at": at}]
    bill = {"id": "INV1", "kind": "utility", "label": "", "due_date": "2026-12-01", "balance_minor": 5318}
    return {"account": "t", "last4": "4417", "currency": "USD", "balance_minor": 5318} | {
        "invoices": (bill | {"paid_lately": tuple(paid)},)
    }


def test_the_citys_word_is_read() -> None:
    found = AccountAnswer.model_validate(answer("2026-11-23T19:40:05Z")).to_account()
    assert found.invoices[0].paid_lately == (PaidLately(2000, "2026-11-23T19:40:05Z"),)


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01T00:00:00Z", "2026-11-23T19:40:05", ""])
def test_a_time_that_is_none_is_no_answer(at: str) -> None:
    with pytest.raises(ValueError, match="at"):
        AccountAnswer.model_validate(answer(at))
