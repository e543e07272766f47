"""Profiles as data: those shipped load, and every mistake in one is named."""

import pytest

from kiosk.scanning.library import BUILT_IN, DEFAULT, ProfileError, load, names, parse

GOOD = """
title = "A bill"
symbologies = ["code128"]
lengths = [9]
[reference]
number = "account"
[[field]]
name = "account"
start = 0
length = 8
check = "luhn"
[[field]]
name = "end"
start = 8
length = 1
constant = "9"
"""


def test_shipped_profiles_load_under_their_names() -> None:
    assert tuple(profile.name for profile in load()) == names()
    assert set(DEFAULT) <= set(names())
    assert len(names()) == len(list(BUILT_IN.glob("*.toml"))) >= 17


def test_every_reference_names_a_field_of_its_profile() -> None:
    for profile in load():
        known = {field.name for field in profile.fields}
        chosen = profile.reference
        if not profile.format and not profile.pattern:
            assert {chosen.number, chosen.invoice, chosen.amount, chosen.due} <= known | {""}


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("title =", "titel =", "unknown key 'titel'"),
        ('["code128"]', '"code128"', "symbologies must be a list"),
        ('["code128"]', '["code129"]', "no symbology 'code129'"),
        ("lengths = [9]", "lengths = [10]", "fields cover 9 characters, lengths say [10]"),
        ("start = 8", "start = 7", "field end: starts at 7, not at 8"),
        ('constant = "9"', 'constant = "99"', "field end: the constant has another length"),
        ('check = "luhn"', 'check = "lun"', "field account: no rule 'lun'"),
        ('check = "luhn"', 'kind = "sum"', "field account: no kind 'sum'"),
        ('check = "luhn"', 'kind = "cents"', "field account: a sum, and nothing else"),
        ('check = "luhn"', 'form = "YMD"', "field account: no date form 'YMD'"),
        ("number =", "numer =", "reference has no 'numer'"),
        ("lengths = [9]", 'format = "morse"', "no format 'morse'"),
        ("lengths = [9]", "", "exactly one of lengths, pattern and format"),
        ("lengths = [9]", "pattern = '('", "pattern: "),
        ("lengths = [9]", "pattern = '(?P<account>.)'", "field end: no such group"),
        ('title = "A bill"', 'title = "A', "line 2"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, mistake: str) -> None:
    assert parse("good", GOOD).name == "good"
    with pytest.raises(ProfileError) as caught:
        parse("bad", GOOD.replace(old, new))
    assert any(error.startswith("bad: ") and mistake in error for error in caught.value.errors), caught.value.errors


def test_checks_are_validated_and_all_mistakes_come_at_once() -> None:
    text = GOOD + '[[check]]\nrule = "weighted"\nover = ["nothing"]\nwight = 1\n[[check]]\nrule = "guess"\nover = []\n'
    with pytest.raises(ProfileError) as caught:
        parse("bad", text)
    assert caught.value.errors == (
        "bad: check weighted: unknown key 'wight'",
        "bad: check weighted: weights are missing",
        "bad: check weighted: digit is missing",
        "bad: check weighted: no field 'nothing'",
        "bad: check guess: no such rule",
    )


def test_a_missing_profile_is_named() -> None:
    with pytest.raises(ProfileError, match="atlantis: no such profile"):
        load(["riverbend", "atlantis"])
