"""Every fact survives the way into a record's body and back."""

import json
from dataclasses import MISSING, fields, replace
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain import facts

SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    int: st.integers(-(2**53) + 1, 2**53 - 1),
    bool: st.booleans(),
}


def instances(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in fields(kind)})


def values(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=3).map(tuple)
    return SCALARS[hint] if hint in SCALARS else instances(hint)


ANY_FACT = st.one_of([instances(kind) for kind in facts.KINDS.values()])


@given(ANY_FACT)
def test_body_through_json_gives_the_fact_back(fact: facts.Fact) -> None:
    content = json.loads(json.dumps(facts.body(fact)))
    assert facts.parse(type(fact).__name__, content) == fact


@given(ANY_FACT, st.text(min_size=1))
def test_a_field_of_tomorrow_is_ignored(fact: facts.Fact, name: str) -> None:
    content = {f"future {name}": 1} | facts.body(fact)
    assert facts.parse(type(fact).__name__, content) == fact


@given(ANY_FACT, st.data())
def test_a_missing_field_is_an_error_unless_older_records_lack_it(fact: facts.Fact, data: st.DataObject) -> None:
    content = facts.body(fact)
    name = data.draw(st.sampled_from(sorted(content)))
    del content[name]
    default = next(field.default for field in fields(fact) if field.name == name)
    if default is MISSING:
        with pytest.raises(KeyError):
            facts.parse(type(fact).__name__, content)
    else:
        assert facts.parse(type(fact).__name__, content) == replace(fact, **{name: default})


def test_a_payment_of_the_first_kiosks_is_read() -> None:
    paid = {"account": "num:44170934", "invoice": "", "amount_minor": 2000}
    content = {
        "payment_id": "p",
        "session_id": "s",
        "receipt_number": "RB-07-1-000001",
        "account": "num:44170934",
        "lines": [paid],
        "notes": [{"note_id": "n", "value_minor": 2000}],
        "total_minor": 2000,
        "currency": "USD",
        "reason": "stopped",
        "value_date": "2026-11-23",
        "live": False,
    }
    done = facts.parse("PaymentCompleted", content)
    assert isinstance(done, facts.PaymentCompleted)
    assert (done.cards, done.checks, done.change_minor, done.fee_minor) == ((), (), 0, 0)


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        facts.parse("FactOfTomorrow", {})
