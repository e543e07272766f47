"""Fees: the rules, the table of the demo city, and everything that is wrong with a bad one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.config.fees import load_fees
from kiosk.config.wrong import ConfigWrong
from kiosk.domain.fees import CARD_KINDS, NO_FEE, Fee, FeeRule, contradictions, fee_for, problems

DEMO = Path(__file__).parents[2] / "assets" / "fees" / "demo.toml"
DAY = date(2026, 11, 23)

SERVICE = FeeRule("Card service fee", "service", date(2026, 1, 1), per_mille=28, least_minor=150)
SURCHARGE = FeeRule(
    "Credit card surcharge",
    "surcharge",
    date(2026, 1, 1),
    card_kinds=frozenset({"credit"}),
    per_mille=30,
    cap_per_mille=20,
)
FREE = FeeRule("No fee", "none", date(2026, 1, 1))


# The sums


@pytest.mark.parametrize(
    ("base_minor", "fee_minor"), [(0, 0), (-100, 0), (1, 150), (5318, 150), (5357, 150), (5376, 151), (100_000, 2800)]
)
def test_a_share_with_a_least(base_minor: int, fee_minor: int) -> None:
    assert SERVICE.of(base_minor) == fee_minor


@pytest.mark.parametrize(("rounding", "fee_minor"), [("half_up", 28), ("up", 28), ("down", 27)])
@pytest.mark.parametrize("base_minor", [983, 999])
def test_rounding(rounding: str, fee_minor: int, base_minor: int) -> None:
    assert FeeRule("a", "service", DAY, per_mille=28, rounding=rounding).of(base_minor) == fee_minor


def test_a_half_cent() -> None:
    fees = {way: FeeRule("a", "service", DAY, per_mille=5, rounding=way).of(100) for way in ("half_up", "up", "down")}
    assert fees == {"half_up": 1, "up": 1, "down": 0}


def test_fixed_least_most_and_the_cap_that_is_above_them() -> None:
    rule = FeeRule("a", "convenience", DAY, fixed_minor=100, per_mille=10, least_minor=200, most_minor=500)
    assert [rule.of(base) for base in (100, 10_000, 20_000, 100_000)] == [200, 200, 300, 500]
    assert replace(rule, cap_per_mille=20).of(1_000) == 20  # the least does not break the cap


# Which rule


def test_nothing_applies() -> None:
    assert fee_for([], DAY, 5318) == NO_FEE
    assert fee_for([SERVICE], DAY, 5318, tender="cash") == NO_FEE
    assert fee_for([SERVICE], date(2025, 12, 31), 5318) == NO_FEE


def test_the_first_and_the_last_day_count() -> None:
    rule = replace(SERVICE, valid_until=DAY)
    days = (date(2025, 12, 31), date(2026, 1, 1), DAY, DAY + timedelta(days=1))
    assert [fee_for([rule], day, 5318).rule is rule for day in days] == [False, True, True, False]


@pytest.mark.parametrize("kind", ["debit", "prepaid", ""])
def test_a_surcharge_is_for_credit_alone_and_never_for_a_card_not_read_yet(kind: str) -> None:
    assert fee_for([SURCHARGE], DAY, 10_000, card_kind=kind) == NO_FEE
    assert fee_for([SURCHARGE, FREE], DAY, 10_000, card_kind=kind) == Fee(0, FREE)
    assert fee_for([FREE, SURCHARGE], DAY, 10_000, card_kind="credit") == Fee(200, SURCHARGE)


def test_the_narrowest_rule_applies_in_any_order() -> None:
    utility = replace(FREE, name="Utility", categories=frozenset({"4900"}))
    water = replace(SERVICE, name="Water", categories=frozenset({"4900"}), departments=frozenset({"water"}))
    for rules in ([SERVICE, utility, water], [water, utility, SERVICE], [utility, water, SERVICE]):
        assert fee_for(rules, DAY, 5318, department="water", category="4900").rule is water
        assert fee_for(rules, DAY, 5318, department="power", category="4900").rule is utility
        assert fee_for(rules, DAY, 5318, department="water", category="9311").rule is SERVICE
        assert not contradictions(rules)


# Properties

figures = st.integers(0, 5_000)
shares = st.integers(0, 1_000)
rules = st.builds(
    FeeRule,
    st.just("a"),
    st.sampled_from(["service", "convenience", "surcharge", "none"]),
    st.just(date(2020, 1, 1)),
    card_kinds=st.sets(st.sampled_from(CARD_KINDS), min_size=1).map(frozenset),
    fixed_minor=figures,
    per_mille=shares,
    least_minor=figures,
    most_minor=st.none() | figures,
    cap_per_mille=st.none() | shares,
    rounding=st.sampled_from(["half_up", "up", "down"]),
)
bases = st.integers(0, 10_000_000)


@given(rules, bases, bases)
def test_never_above_the_cap_never_below_nothing_and_never_less_for_more(rule: FeeRule, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= rule.of(low) <= rule.of(high)
    if rule.cap_per_mille is not None:
        assert rule.of(high) * 1_000 <= high * rule.cap_per_mille
    if rule.most_minor is not None:
        assert rule.of(high) <= rule.most_minor


@given(rules, bases, st.sampled_from(["", *CARD_KINDS]))
def test_of_rules_without_a_problem_no_surcharge_falls_on_debit_or_prepaid(rule: FeeRule, base: int, kind: str) -> None:
    if rule.programme == "surcharge" and not problems(rule):
        assert fee_for([rule], DAY, base, card_kind=kind).rule in ((rule,) if kind == "credit" else (None,))
        assert rule.of(base) * 25 <= base


spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), min_size=1, max_size=5)


@given(spans)
def test_every_gap_and_every_overlap_between_dated_rules_is_said(found: list[tuple[int, int]]) -> None:
    """Compared with a look at every single day."""
    start = date(2026, 1, 1)
    dated = [
        replace(SERVICE, valid_from=start + timedelta(days=first), valid_until=start + timedelta(days=first + length))
        for first, length in found
    ]
    days = range(min(first for first, _ in found), max(first + length for first, length in found) + 1)
    held = [sum(rule.holds(start + timedelta(days=day)) for rule in dated) for day in days]
    said = contradictions(dated)
    assert any("both apply" in what for what in said) == (max(held) > 1)
    if max(held) == 1:
        assert any("no rule from" in what for what in said) == (min(held) == 0)
        assert len(said) == sum(now == 0 and before > 0 for before, now in pairwise(held))


# What is wrong


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"name": " "}, "no name"),
        ({"programme": "tax"}, "programme is one of"),
        ({"rounding": "even"}, "rounding is one of"),
        ({"tenders": frozenset[str]()}, "tenders are of"),
        ({"tenders": frozenset({"gold"})}, "tenders are of"),
        ({"card_kinds": frozenset({"gift"})}, "card_kinds are of"),
        ({"valid_until": date(2025, 1, 1)}, "ends before it begins"),
        ({"per_mille": -1}, "below 0"),
        ({"per_mille": 1001}, "above 1000"),
        ({"most_minor": 100}, "least is more than its most"),
        ({"per_mille": 0, "least_minor": 0}, "neither"),
        ({"programme": "none"}, "has figures"),
        ({"programme": "surcharge", "cap_per_mille": 20}, "credit cards alone"),
        ({"programme": "surcharge", "card_kinds": frozenset({"credit"})}, "cap_per_mille of 40"),
        ({"programme": "surcharge", "card_kinds": frozenset({"credit"}), "cap_per_mille": 41}, "cap_per_mille of 40"),
    ],
)
def test_problems(change: dict[str, object], what: str) -> None:
    assert not problems(SERVICE)
    assert not problems(SURCHARGE)
    assert not problems(FREE)
    found = problems(replace(SERVICE, **change))  # type: ignore[arg-type]
    assert [wrong for wrong in found if what in wrong]


def test_rules_that_would_both_apply() -> None:
    by_department = replace(SERVICE, name="Water", departments=frozenset({"water"}))
    by_category = replace(FREE, name="Utility", categories=frozenset({"4900"}))
    assert contradictions([by_department, by_category]) == ['"Water" and "Utility" both apply from 2026-01-01']
    cash = replace(FREE, tenders=frozenset({"cash"}))
    assert not contradictions([SERVICE, cash])
    assert not contradictions([SERVICE, replace(SERVICE, valid_from=date(2027, 1, 1))][:1])
    assert contradictions([SERVICE, replace(SERVICE, valid_from=date(2027, 1, 1))])  # the first has no end


def test_a_surcharge_beside_a_service_fee_is_refused() -> None:
    said = '"Card service fee" and "Credit card surcharge": service and surcharge on the same bills from 2026-01-01'
    assert contradictions([SERVICE, SURCHARGE]) == [said]
    elsewhere = replace(SURCHARGE, categories=frozenset({"8220"}))
    assert not contradictions([replace(SERVICE, categories=frozenset({"9311"})), elsewhere])
    assert not contradictions([FREE, SURCHARGE])


# The file


def test_the_demo_citys_fees() -> None:
    rules = load_fees(DEMO)
    assert fee_for(rules, DAY, 5318, category="4900").amount_minor == 0
    assert fee_for(rules, DAY, 5318, category="9311").amount_minor == 150
    assert fee_for(rules, DAY, 100_000_00, category="9311").amount_minor == 5000
    assert fee_for(rules, date(2025, 10, 17), 100_000_00, category="9311").amount_minor == 280_000
    assert fee_for(rules, DAY, 5318, category="9311", tender="cash") == NO_FEE


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "fees.toml"
    path.write_text(text)
    return path


def test_no_rules_are_no_fees(tmp_path: Path) -> None:
    assert load_fees(written(tmp_path, "")) == ()


def test_all_errors_are_listed_at_once(tmp_path: Path) -> None:
    text = """
title = "x"
[[rule]]
programme = "service"
valid_from = "2026-01-01"
per_mile = 3
[[rule]]
name = "A"
programme = "service"
valid_from = 2026-01-01
valid_until = 2026-05-31
per_mille = 28
[[rule]]
name = "B"
programme = "service"
valid_from = 2026-01-01
valid_until = 2026-05-31
fixed_minor = 100
[[rule]]
name = "C"
programme = "service"
valid_from = 2026-07-01
fixed_minor = 3.5
[[rule]]
name = "D"
programme = "service"
valid_from = 2026-07-01
fixed_minor = 200
"""
    with pytest.raises(ConfigWrong) as wrong:
        load_fees(written(tmp_path, text))
    errors = wrong.value.errors
    for start in (
        "title: is not a known key",
        "rule 1: name is missing",
        "rule 1: valid_from Input should be a valid date",
        "rule 1: per_mile is not a known key",
        "rule 2 (A): a share needs its rounding said",
        "rule 4: fixed_minor Input should be a valid integer",
        'fees: no rule from 2026-06-01 to 2026-06-30, between "B" and "D"',
    ):
        assert [error for error in errors if error.startswith(start)], (start, errors)
    assert len(errors) == 7


@pytest.mark.parametrize(
    "text",
    [
        "rule = 3",
        "rule = [3]",
        "[rule]\nname = 'A'",
        "[[rule]\n",
        "[[rule]]\nname='A'\nprogramme='none'\nvalid_from=2026-01-01T00:00:00",
        "[[rule]]\nname='A'\nprogramme='service'\nvalid_from=2026-01-01\nfixed_minor=true",
        "[[rule]]\nname='A'\nprogramme='service'\nvalid_from=2026-01-01\nfixed_minor='1'",
        "[[rule]]\nname='A'\nprogramme='none'\nvalid_from=2026-01-01\ncategories='4900'",
        "[[rule]]\nname='A'\nprogramme='none'\nvalid_from=2026-01-01\ncategories=[4900]",
    ],
)
def test_what_is_no_table_of_fees(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigWrong):
        load_fees(written(tmp_path, text))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("programme='surcharge'\ncap_per_mille=30\ncard_kinds=['credit']", "kinds of cards"),
        ("programme='service'\ncard_kinds=['debit','prepaid']", "kinds of cards"),
        ("programme='service'\ntenders=['cash','card']", "cash or checks"),
        ("programme='convenience'\ntenders=['check']", "cash or checks"),
    ],
)
def test_a_rule_that_the_kiosk_would_never_apply_is_said(tmp_path: Path, more: str, said: str) -> None:
    text = f"[[rule]]\nname='A'\nvalid_from=2026-01-01\nfixed_minor=100\n{more}\n"
    with pytest.raises(ConfigWrong) as wrong:
        load_fees(written(tmp_path, text))
    (error,) = wrong.value.errors
    assert "never applies" in error
    assert said in error


def test_no_fee_on_cash_and_checks_may_be_said_in_so_many_words(tmp_path: Path) -> None:
    text = "[[rule]]\nname='A'\nprogramme='none'\nvalid_from=2026-01-01\ntenders=['cash','check','card']\n"
    assert len(load_fees(written(tmp_path, text))) == 1


@pytest.mark.parametrize("make", [lambda path: path, lambda path: path / "nothing"])
def test_a_file_that_cannot_be_read(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(ConfigWrong):
        load_fees(make(tmp_path))
