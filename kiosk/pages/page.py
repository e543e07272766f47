"""A Page is data: everything that is said and everything that can be chosen, already translated.

What cannot be spoken cannot be drawn: every part carries `spoken`, which defaults to the words it shows.
"""

from dataclasses import dataclass

from kiosk.domain.intents import Intent


@dataclass(frozen=True)
class Line:
    """One line of text; `amount` stands at the right edge. `tone`: body, strong, muted or rule."""

    text: str
    amount: str = ""
    tone: str = "body"
    spoken: str = ""


@dataclass(frozen=True)
class Choice:
    """Something that can be pressed. `kind`: primary, card, plain, chip, key, bar (bottom band) or band (top band).

    `selected` marks the one of several chips that is in force; it is drawn with a check mark. `beside`: of few
    words, it shares a row with the next one that says so too.
    """

    intent: Intent
    label: str
    hint: str = ""
    icon: str = ""
    kind: str = "card"
    enabled: bool = True
    spoken: str = ""
    selected: bool = False
    beside: bool = False


@dataclass(frozen=True)
class Chip:
    """A small fact shown in a row, as the notes that fit now; struck through when `enabled` is False."""

    label: str
    enabled: bool = True
    spoken: str = ""


@dataclass(frozen=True)
class MoneyStrip:
    """You owe, you put in, left to pay: label and figure each, and how much of the bar is filled (0 to 1000)."""

    owe: tuple[str, str]
    put_in: tuple[str, str]
    left: tuple[str, str]
    filled_permille: int
    spoken: str = ""


@dataclass(frozen=True)
class Notice:
    """`tone`: info, success, caution or error. Always drawn with the icon of its tone."""

    text: str
    tone: str = "info"
    spoken: str = ""


@dataclass(frozen=True)
class Entry:
    """What is being typed: `value` as shown (a PIN as bullets)."""

    label: str
    value: str
    placeholder: str = ""
    spoken: str = ""


@dataclass(frozen=True)
class Badge:
    text: str
    tone: str = "success"  # success, caution or error; drawn with a dot and the word
    spoken: str = ""


@dataclass(frozen=True)
class Page:
    """One screen. `picture` names a drawing of kiosk.ui (drawings.py) or is ""."""

    name: str
    language: str
    theme: str
    text_size: int
    city: str
    title: str
    badge: Badge | None = None
    lines: tuple[Line, ...] = ()
    picture: str = ""
    entry: Entry | None = None
    chips: tuple[Chip, ...] = ()
    big: tuple[str, str] | None = None  # a label and a figure large enough to photograph
    notice: Notice | None = None
    choices: tuple[Choice, ...] = ()
    money: MoneyStrip | None = None
    bar: tuple[Choice, ...] = ()
    help: tuple[Line, ...] = ()
    staff: bool = False
    who: str = ""
    more: tuple[str, str] = ("More", "Back to the top")  # turn to the next part, or to the first again
    title_spoken: str = ""
    big_spoken: str = ""
    overlay: bool = False  # drawn above the page that was there: help and the idle warning
