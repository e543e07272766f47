"""Numbers as people say them, in English and Spanish: amounts in words, digits one by one in threes (A8)."""

from collections.abc import Callable

_EN_SMALL = (  # noqa: SIM905
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
).split()
_EN_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_EN_SCALES = ((1_000_000, "million"), (1_000, "thousand"))

_ES_SMALL = (  # noqa: SIM905
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete"
    " dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete"
    " veintiocho veintinueve"
).split()
_ES_TENS = "_ _ _ treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()  # noqa: SIM905
_ES_HUNDREDS = (  # noqa: SIM905
    "_ ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
).split()


def english(number: int) -> str:
    """Return a whole number from 0 to 999,999,999 in English words: "one hundred five"."""
    if number < 20:
        return _EN_SMALL[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        return _EN_TENS[tens] + (f"-{_EN_SMALL[rest]}" if rest else "")
    if number < 1_000:
        hundreds, rest = divmod(number, 100)
        return f"{_EN_SMALL[hundreds]} hundred" + (f" {english(rest)}" if rest else "")
    size, name = next((size, name) for size, name in _EN_SCALES if number >= size)
    count, rest = divmod(number, size)
    return f"{english(count)} {name}" + (f" {english(rest)}" if rest else "")


def spanish(number: int) -> str:
    """Return a whole number from 0 to 999,999,999 in Spanish words: "ciento cinco"."""
    if number < 30:
        return _ES_SMALL[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        return _ES_TENS[tens] + (f" y {_ES_SMALL[rest]}" if rest else "")
    if number < 1_000:
        hundreds, rest = divmod(number, 100)
        head = "cien" if number == 100 else _ES_HUNDREDS[hundreds]
        return head + (f" {spanish(rest)}" if rest else "")
    if number < 1_000_000:
        thousands, rest = divmod(number, 1_000)
        head = "mil" if thousands == 1 else f"{_before_noun(spanish(thousands))} mil"
        return head + (f" {spanish(rest)}" if rest else "")
    millions, rest = divmod(number, 1_000_000)
    head = "un millón" if millions == 1 else f"{_before_noun(spanish(millions))} millones"
    return head + (f" {spanish(rest)}" if rest else "")


def _before_noun(words: str) -> str:
    """Shorten "uno" as Spanish does before a masculine noun: un dólar, veintiún dólares, treinta y un mil."""
    if words.endswith("veintiuno"):
        return words.removesuffix("veintiuno") + "veintiún"
    return words.removesuffix("o") if words == "uno" or words.endswith(" uno") else words


def _english_amount(dollars: int, cents: int) -> str:
    parts = []
    if dollars or not cents:
        parts.append(f"{english(dollars)} {'dollar' if dollars == 1 else 'dollars'}")
    if cents:
        parts.append(f"{english(cents)} {'cent' if cents == 1 else 'cents'}")
    return " and ".join(parts)


def _spanish_amount(dollars: int, cents: int) -> str:
    parts = []
    if dollars or not cents:
        of = " de" if dollars and dollars % 1_000_000 == 0 else ""
        parts.append(f"{_before_noun(spanish(dollars))}{of} {'dólar' if dollars == 1 else 'dólares'}")
    if cents:
        parts.append(f"{_before_noun(spanish(cents))} {'centavo' if cents == 1 else 'centavos'}")
    return " con ".join(parts)


_AMOUNTS: dict[str, Callable[[int, int], str]] = {"en": _english_amount, "es": _spanish_amount}
_NUMBERS: dict[str, Callable[[int], str]] = {"en": english, "es": spanish}
_MINUS = {"en": "minus", "es": "menos"}


def amount_words(amount_minor: int, language: str) -> str:
    """Return cents as spoken money: "fifty-three dollars and eighteen cents". English for an unknown language."""
    dollars, cents = divmod(abs(amount_minor), 100)
    words = _AMOUNTS.get(language, _english_amount)(dollars, cents)
    return f"{_MINUS.get(language, 'minus')} {words}" if amount_minor < 0 else words


def digit_words(text: str, language: str) -> str:
    """Return digits one by one with a pause after each third, and where another sign stands, which is not said itself.

    "four four one, seven"; "R B, zero seven".
    """
    number = _NUMBERS.get(language, english)
    marked = "".join(sign if sign.isalnum() else "-" for sign in text if not sign.isspace())
    groups = [run[start : start + 3] for run in marked.split("-") for start in range(0, len(run), 3)]
    return ", ".join(
        " ".join(number(int(sign)) if sign.isascii() and sign.isdigit() else sign for sign in group) for group in groups
    )
