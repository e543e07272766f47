"""Numbers in words, in English and Spanish."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.pages.words import amount_words, digit_words, english, spanish


@pytest.mark.parametrize(
    ("minor", "en", "es"),
    [
        (0, "zero dollars", "cero dólares"),
        (1, "one cent", "un centavo"),
        (100, "one dollar", "un dólar"),
        (5318, "fifty-three dollars and eighteen cents", "cincuenta y tres dólares con dieciocho centavos"),
        (2101, "twenty-one dollars and one cent", "veintiún dólares con un centavo"),
        (10000, "one hundred dollars", "cien dólares"),
        (10131, "one hundred one dollars and thirty-one cents", "ciento un dólares con treinta y un centavos"),
        (2_100_000, "twenty-one thousand dollars", "veintiún mil dólares"),
        (100_000_000, "one million dollars", "un millón de dólares"),
        (-500, "minus five dollars", "menos cinco dólares"),
    ],
)
def test_amounts(minor: int, en: str, es: str) -> None:
    assert amount_words(minor, "en") == en
    assert amount_words(minor, "es") == es


def test_digits_one_by_one_in_threes() -> None:
    assert digit_words("1002004417", "en") == "one zero zero, two zero zero, four four one, seven"
    assert digit_words("441", "es") == "cuatro cuatro uno"
    assert digit_words("RB-07", "en") == "R B, zero seven"


def test_a_number_with_signs_in_it_is_heard_in_its_own_groups() -> None:
    assert digit_words("(555) 010-0199", "en") == "five five five, zero one zero, zero one nine, nine"
    assert digit_words("RB-07-C1-000003", "es") == "R B, cero siete, C uno, cero cero cero, cero cero tres"
    assert digit_words("", "en") == ""


@given(st.integers(0, 999_999_999), st.integers(0, 999_999_999))
def test_two_numbers_never_sound_alike(first: int, second: int) -> None:
    for words in (english, spanish):
        assert (words(first) == words(second)) == (first == second)
