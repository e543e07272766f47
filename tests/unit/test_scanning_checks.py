"""Check digit rules against the published worked examples (barcode sheet 2, 3, 5, 6, 10)."""

from datetime import date

import pytest

from kiosk.domain.invoice import InvoiceReference
from kiosk.scanning import dates, typed
from kiosk.scanning.checks import RULES, Weighted, code39_check, finnish_reference
from kiosk.scanning.outcome import Refused


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        ("esr", "210000000003139471430009017"),
        ("esr", "1878583".zfill(27)),
        ("iso11649", "RF18539007547034"),
        ("iso11649", "RF185390075470Y"),
        ("ogm_vcs", "010806817183"),
        ("routing", "111000025"),
        ("ean", "7709998013711"),
        ("luhn", "79927398713"),
        ("verhoeff", "2363"),
        ("damm", "5724"),
        ("mod_97_10", "9999123456789012141490"),
    ],
)
def test_published_numbers_hold_and_their_neighbours_do_not(rule: str, number: str) -> None:
    assert RULES[rule](number)
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    assert not RULES[rule](wrong)


def test_creditron_sums_digits_of_products() -> None:
    family = Weighted((2, 1))
    assert family.digit("00345678901110296000000000010000000001000") == "8"


def test_south_carolina_powers_of_two() -> None:
    family = Weighted((2, 4, 8, 16, 32, 64), products="whole", result="remainder")
    assert family.digit("283436") == "4"


def test_letters_count_as_digits() -> None:
    family = Weighted((7, 5, 3, 2))
    assert family.digit("MUNO0V203X030000055615") == family.digit("4456052037030000055615")
    assert family.digit("MUNO0V203X030000055615") != family.digit("4457052037030000055615")


def test_routing_by_weights_agrees_with_the_named_rule() -> None:
    family = Weighted((3, 7, 1), products="whole")
    assert family.digit("11100002") == "5"
    assert family.digit("03130001") == "2"


def test_mod_11_prints_ten_as_told_and_otherwise_issues_none() -> None:
    numbers = [f"{value:05d}" for value in range(2000)]
    never = Weighted((2, 3, 4, 5, 6, 7), 11, "right", "whole")
    as_x = Weighted((2, 3, 4, 5, 6, 7), 11, "right", "whole", printed={10: "X"})
    tens = [number for number in numbers if not never.digit(number)]
    assert 100 < len(tens) < 260
    assert all(as_x.digit(number) == "X" for number in tens)


def test_code_39_mod_43() -> None:
    # 1 + 5 + 9 + 10 + 35 = 60, remainder 17; 36 + 37 + 42 = 115, remainder 29.
    assert code39_check("159AZ") == "H"
    assert code39_check("-.%") == "T"
    with pytest.raises(ValueError, match="substring"):
        code39_check("a")


def test_finnish_reference() -> None:
    assert finnish_reference("559582243294671")
    assert not finnish_reference("559582243294617")
    assert not finnish_reference("5")


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("110296", "MMDDYY", "1996-11-02"),
        ("261201", "YYMMDD", "2026-12-01"),
        ("20111207", "YYYYMMDD", "2011-12-07"),
        ("26366", "YYDDD", None),
        ("26365", "YYDDD", "2026-12-31"),
        ("24366", "YYDDD", "2024-12-31"),
        ("261232", "YYMMDD", None),
        ("000000", "YYMMDD", ""),
        ("760101", "YYMMDD", "2076-01-01"),
        ("770101", "YYMMDD", "1977-01-01"),
    ],
)
def test_dates(text: str, form: str, expected: str | None) -> None:
    today = date(2026, 11, 23)
    if expected is None:
        with pytest.raises(ValueError):  # noqa: PT011 - its words are the library's
            dates.parse(text, form, today)
    else:
        assert dates.parse(text, form, today) == expected


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("10004414", InvoiceReference("10004414")),
        ("1000 4414", InvoiceReference("10004414")),
        ("1000-4414", InvoiceReference("10004414")),
        ("1000441", Refused("short", "7 digits of 8")),
        ("100044140", Refused("short", "9 digits of 8")),
        ("", Refused("unknown", "an account number has digits only")),
        ("10004A14", Refused("unknown", "an account number has digits only")),
        ("10004415", Refused("check", "luhn of the account number")),
        ("10004441", Refused("check", "luhn of the account number")),
    ],
)
def test_typed_account(text: str, outcome: InvoiceReference | Refused) -> None:
    assert typed.account(text) == outcome
