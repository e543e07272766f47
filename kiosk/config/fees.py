"""Read a table of fees; every error is found at once, and named by its rule."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Strict, StrictInt, StrictStr, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from kiosk.config.wrong import ConfigWrong
from kiosk.domain.fees import CARD_KINDS, FeeRule, contradictions, problems

Day = Annotated[date, Strict()]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class _Rule:
    """As written: who writes a share or a day as text made a mistake."""

    name: StrictStr
    programme: StrictStr
    valid_from: Day
    valid_until: Day | None = None
    departments: list[StrictStr] | None = None
    categories: list[StrictStr] | None = None
    tenders: list[StrictStr] | None = None
    card_kinds: list[StrictStr] | None = None
    fixed_minor: StrictInt = 0
    per_mille: StrictInt = 0
    least_minor: StrictInt = 0
    most_minor: StrictInt | None = None
    cap_per_mille: StrictInt | None = None
    rounding: StrictStr | None = None


def load_fees(path: Path) -> tuple[FeeRule, ...]:
    """Return the rules in `path`. Raises ConfigWrong with all that is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigWrong([f"{path}: {error}"]) from error
    rules, errors = _read(content)
    errors += [f"fees: {what}" for what in contradictions(rules)]
    if errors:
        raise ConfigWrong(errors)
    return tuple(rules)


def _read(content: Mapping[str, Any]) -> tuple[list[FeeRule], list[str]]:
    rules: list[FeeRule] = []
    errors = [f"{key}: is not a known key" for key in content if key != "rule"]
    tables = content.get("rule", [])
    if not isinstance(tables, list):
        return rules, [*errors, "rule: is a list of tables, [[rule]]"]
    for number, table in enumerate(tables, 1):
        try:
            read = TypeAdapter(_Rule).validate_python(table)
        except ValidationError as error:
            errors += [f"rule {number}{_in_words(item)}" for item in error.errors()]
            continue
        rule = _rule(read)
        wrong = [f"rule {number} ({rule.name}): {what}" for what in _unsaid(read) + problems(rule) + _idle(rule)]
        errors += wrong
        if not wrong:
            rules.append(rule)
    return rules, errors


def _rule(read: _Rule) -> FeeRule:
    """Return the rule; what was left out is as the rule's own default."""
    given = {item.name: getattr(read, item.name) for item in fields(FeeRule)}
    lists = {name: frozenset(value) for name, value in given.items() if isinstance(value, list)}
    return FeeRule(**{name: value for name, value in (given | lists).items() if value is not None})


def _unsaid(read: _Rule) -> list[str]:
    return ["a share needs its rounding said"] if read.per_mille and read.rounding is None else []


def _idle(rule: FeeRule) -> list[str]:
    """Return why the kiosk would never apply a rule. The fee is said before a card is read, and of cards alone."""
    found: list[str] = []
    if rule.programme != "none" and rule.tenders != {"card"}:
        found.append("never applies to cash or checks: this kiosk takes fees of cards alone")
    if rule.card_kinds != set(CARD_KINDS):
        found.append("never applies to some kinds of cards alone: the fee is said before a card is read")
    return found


def _in_words(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])
    words = {"missing": "is missing", "unexpected_keyword_argument": "is not a known key"}
    return f": {where} {words.get(item['type'], item['msg'])}" if where else f": {item['msg']}"
