"""What a tender costs the resident beside the bill: dated rules, of which one at most applies to a payment.

Card networks and states change their rules and have them begin on a day: the figures are data, with the days on which
they hold. A fee that depends on the kind of a card needs to know it: what applies to credit alone never applies to a
card of which nothing is known yet.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise

PROGRAMMES = ("service", "convenience", "surcharge", "none")  # none: said in so many words, with its dates
TENDERS = ("cash", "check", "card")
CARD_KINDS = ("credit", "debit", "prepaid")
ROUNDINGS = ("half_up", "up", "down")
ANY: frozenset[str] = frozenset()
SURCHARGE_PER_MILLE_MAX = 40  # no card network allows more; a state's or a network's own cap is in the rule


@dataclass(frozen=True)
class FeeRule:
    """`name` is what the resident reads. It holds from `valid_from` to `valid_until`, both included; None: for good.
    `departments` and `categories` (merchant category codes) are those that it is for; none at all: every one.

    The fee is `fixed_minor` and `per_mille` of the bill, rounded as `rounding` says; at least `least_minor`, at most
    `most_minor`, and never above `cap_per_mille` of the bill, whatever the rest says.
    """

    name: str
    programme: str
    valid_from: date
    valid_until: date | None = None
    departments: frozenset[str] = ANY
    categories: frozenset[str] = ANY
    tenders: frozenset[str] = frozenset({"card"})
    card_kinds: frozenset[str] = frozenset(CARD_KINDS)
    fixed_minor: int = 0
    per_mille: int = 0
    least_minor: int = 0
    most_minor: int | None = None
    cap_per_mille: int | None = None
    rounding: str = "half_up"

    def holds(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def applies(self, tender: str, card_kind: str, department: str, category: str) -> bool:
        """Return whether it is for this payment; `card_kind` "" is a card that was not read yet."""
        kinds = {card_kind} if card_kind else set(CARD_KINDS)
        return (
            tender in self.tenders
            and (tender != "card" or kinds <= self.card_kinds)
            and (not self.departments or department in self.departments)
            and (not self.categories or category in self.categories)
        )

    def of(self, base_minor: int) -> int:
        """Return the fee on a bill of `base_minor`."""
        if base_minor <= 0 or self.programme == "none":
            return 0
        fee_minor = max(self.fixed_minor + _share(base_minor, self.per_mille, self.rounding), self.least_minor)
        if self.most_minor is not None:
            fee_minor = min(fee_minor, self.most_minor)
        if self.cap_per_mille is not None:
            fee_minor = min(fee_minor, _share(base_minor, self.cap_per_mille, "down"))
        return fee_minor


@dataclass(frozen=True)
class Fee:
    """`rule` is None where none applies."""

    amount_minor: int
    rule: FeeRule | None


NO_FEE = Fee(0, None)


def fee_for(
    rules: Iterable[FeeRule],
    day: date,
    base_minor: int,
    *,
    tender: str = "card",
    card_kind: str = "",
    department: str = "",
    category: str = "",
) -> Fee:
    """Return what paying `base_minor` on `day` costs. Of several rules the narrowest applies."""
    fitting = [rule for rule in rules if rule.holds(day) and rule.applies(tender, card_kind, department, category)]
    if not fitting:
        return NO_FEE
    rule = next(rule for rule in fitting if not any(_narrower(other, rule) for other in fitting))
    return Fee(rule.of(base_minor), rule)


# What is wrong with rules


def problems(rule: FeeRule) -> list[str]:
    """Return what is wrong with a rule in itself."""
    return [what for what, wrong in _problems(rule) if wrong]


def _problems(rule: FeeRule) -> Iterator[tuple[str, bool]]:
    figures = (rule.fixed_minor, rule.per_mille, rule.least_minor, rule.most_minor or 0, rule.cap_per_mille or 0)
    until, most = rule.valid_until, rule.most_minor
    yield "has no name", not rule.name.strip()
    yield f"programme is one of {', '.join(PROGRAMMES)}", rule.programme not in PROGRAMMES
    yield f"rounding is one of {', '.join(ROUNDINGS)}", rule.rounding not in ROUNDINGS
    yield f"tenders are of {', '.join(TENDERS)}", not rule.tenders or not rule.tenders <= set(TENDERS)
    yield f"card_kinds are of {', '.join(CARD_KINDS)}", not rule.card_kinds or not rule.card_kinds <= set(CARD_KINDS)
    yield "ends before it begins", until is not None and until < rule.valid_from
    yield "no figure may be below 0, and no share above 1000", min(figures) < 0 or rule.per_mille > 1000
    yield "its least is more than its most", most is not None and rule.least_minor > most
    if rule.programme == "none":
        yield "is no fee and has figures", any(figures)
    else:
        yield "has neither a fixed part, a share nor a least", not any(figures[:3])
    if rule.programme == "surcharge":
        yield "a surcharge is for credit cards alone", rule.tenders != {"card"} or rule.card_kinds != {"credit"}
        capped = rule.cap_per_mille is not None and rule.cap_per_mille <= SURCHARGE_PER_MILLE_MAX
        yield f"a surcharge has a cap_per_mille of {SURCHARGE_PER_MILLE_MAX} or less", not capped


def contradictions(rules: Sequence[FeeRule]) -> list[str]:
    """Return where rules leave a gap between their days, or where two of them would apply to one payment."""
    found = [what for one, other in combinations(rules, 2) for what in _clash(one, other)]
    scopes = {_scope(rule): [other for other in rules if _scope(other) == _scope(rule)] for rule in rules}
    return found + [gap for same in scopes.values() for gap in _gaps(same)]


def _clash(one: FeeRule, other: FeeRule) -> Iterator[str]:
    """Two rules for one payment, or two programmes for one kind of bill: networks allow one of them."""
    if not _overlap(one, other) or not one.tenders & other.tenders or not _same_bills(one, other):
        return
    pair = f'"{one.name}" and "{other.name}"'
    first, programmes = max(one.valid_from, other.valid_from), (one.programme, other.programme)
    meet = one.tenders & other.tenders != {"card"} or one.card_kinds & other.card_kinds
    if meet and not _narrower(one, other) and not _narrower(other, one):
        yield f"{pair} both apply from {first}"
    elif "card" in one.tenders & other.tenders and one.programme != other.programme and "none" not in programmes:
        yield f"{pair}: {one.programme} and {other.programme} on the same bills from {first}"


def _gaps(same: list[FeeRule]) -> Iterator[str]:
    ordered = sorted(same, key=lambda rule: rule.valid_from)
    for before, after in pairwise(ordered):
        if before.valid_until is None:
            continue  # an overlap, and said to be one
        missing = before.valid_until + timedelta(days=1)
        if missing < after.valid_from:
            last = after.valid_from - timedelta(days=1)
            yield f'no rule from {missing} to {last}, between "{before.name}" and "{after.name}"'


def _overlap(one: FeeRule, other: FeeRule) -> bool:
    latest = date.max
    return one.valid_from <= (other.valid_until or latest) and other.valid_from <= (one.valid_until or latest)


def _same_bills(one: FeeRule, other: FeeRule) -> bool:
    return (not one.departments or not other.departments or bool(one.departments & other.departments)) and (
        not one.categories or not other.categories or bool(one.categories & other.categories)
    )


def _narrower(one: FeeRule, other: FeeRule) -> bool:
    """Return whether `one` is for a part of what `other` is for."""
    inside = (
        one.tenders <= other.tenders
        and one.card_kinds <= other.card_kinds
        and (not other.departments or (bool(one.departments) and one.departments <= other.departments))
        and (not other.categories or (bool(one.categories) and one.categories <= other.categories))
    )
    return inside and _scope(one) != _scope(other)


def _scope(rule: FeeRule) -> tuple[frozenset[str], ...]:
    return rule.tenders, rule.card_kinds, rule.departments, rule.categories


def _share(base_minor: int, per_mille: int, rounding: str) -> int:
    added = {"half_up": 500, "up": 999, "down": 0}[rounding]
    return (base_minor * per_mille + added) // 1000
