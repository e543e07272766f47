"""Any prefix, in any chunks, with any repeats and lost answers: one ledger."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.journal.models import Record, SuspenseItem
from billing.kiosks.models import Chain
from billing.ledger.models import Transaction
from tests.billing.kiosk import Client, bills_of, completed, enrolled, line, new_account, note

NOTES = (100, 500, 1000, 2000)


def journal(kiosk: Client, plan: list[list[int]], finished: int) -> tuple[str, str]:
    """Write payments of `plan`'s notes, the first `finished` of them complete; return account and bill."""
    account = new_account(2500)
    bill = bills_of(account)[0]
    for number, values in enumerate(plan):
        payment_id = f"{kiosk.kiosk_id}-{number}"
        for position, value in enumerate(values):
            kiosk.journal.add("NoteStackRequested", {"payment_id": payment_id})
            kiosk.journal.add("NoteStacked", note(payment_id, value, note_id=f"{payment_id}-{position}"))
        if number < finished and values:
            kiosk.journal.add("PaymentCompleted", completed(payment_id, line(account, bill, sum(values))))
        kiosk.journal.add("NoteInDoubt", note(payment_id, 100, note_id=f"{payment_id}-doubt"))
    return str(account.number), str(bill.number)


def books(kiosk: Client, account: str, bill: str) -> list[Any]:
    """Everything the server holds of this kiosk, with the names that differ from world to world taken out."""

    def plain(value: Any) -> Any:
        text = str(value)
        for name, word in ((kiosk.kiosk_id, "KIOSK"), (account, "ACCOUNT"), (bill, "BILL")):
            text = text.replace(name, word)
        return text

    of_kiosk = {"chain__kiosk": kiosk.kiosk_id}
    lines = Transaction.objects.filter(record__chain__kiosk=kiosk.kiosk_id).order_by("record__seq")
    records = Record.objects.filter(**of_kiosk).order_by("seq").values_list("seq", "kind", "disposition", "reason")
    items = (
        SuspenseItem.objects.filter(**of_kiosk).order_by("seq").values_list("seq", "reason", "subject", "amount_minor")
    )
    return [
        [plain(transaction.lines) for transaction in lines],
        [plain(row) for row in records],
        [plain(row) for row in items],
    ]


def deliver(kiosk: Client, chunks: list[tuple[int, int, bool]]) -> None:
    """Send what `chunks` say, forgetting some answers, as a kiosk would: from its cursor, or from further back."""
    records, cursor = kiosk.journal.records, 0
    for back, length, lost in chunks:
        start = max(0, cursor - back)
        batch = records[start : start + length]
        if not batch:
            continue
        response = kiosk.post_journal(batch)
        assert response.status_code == 200
        assert len(response.json()["results"]) == len(batch)
        if not lost:
            cursor = max(cursor, start + len(batch))
    while cursor < len(records):
        assert kiosk.post_journal(records[cursor : cursor + 100]).status_code == 200
        cursor += 100


plans = st.lists(st.lists(st.sampled_from(NOTES), max_size=4), min_size=1, max_size=5)
chunkings = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 12), st.booleans()), max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=plans, finished=st.integers(0, 5), chunks=chunkings)
def test_one_ledger_whatever_the_network_does(
    server: str, plan: list[list[int]], finished: int, chunks: list[tuple[int, int, bool]]
) -> None:
    calm, stormy = enrolled(server), enrolled(server)
    calm_names, stormy_names = journal(calm, plan, finished), journal(stormy, plan, finished)
    calm.post_all()
    deliver(stormy, chunks)
    assert books(stormy, *stormy_names) == books(calm, *calm_names)
    assert Chain.objects.get(kiosk=stormy.kiosk_id).head_hash == stormy.journal.head


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), plan=plans)
def test_a_prefix_gives_the_ledger_of_that_prefix(server: str, data: st.DataObject, plan: list[list[int]]) -> None:
    whole, part = enrolled(server), enrolled(server)
    whole_names, part_names = journal(whole, plan, 5), journal(part, plan, 5)
    whole.post_all()
    length = data.draw(st.integers(1, len(part.journal.records)))
    del part.journal.records[length:]
    part.post_all()
    transactions, records, items = books(whole, *whole_names)
    ours = books(part, *part_names)
    assert ours == [transactions[: len(ours[0])], records[:length], items[: len(ours[2])]]


@pytest.mark.parametrize("sends", [2, 3])
def test_the_same_answer_comes_again_but_for_the_time(kiosk: Client, sends: int) -> None:
    """The answer was lost after the commit: what comes later says the same of every record."""
    journal(kiosk, [[2000, 500], [100]], 1)
    answers = [kiosk.post_journal(kiosk.journal.records).json() for _ in range(sends)]
    said = [[(r["seq"], r["disposition"], r["reason"]) for r in answer["results"]] for answer in answers]
    assert all(one == said[0] for one in said)
    assert {r["outcome"] for r in answers[-1]["results"]} == {"exists"}
    heads = {answer["acknowledgement"]["text"].split('"server_time"')[0] for answer in answers}
    assert len(heads) == 1
