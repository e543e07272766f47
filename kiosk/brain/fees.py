"""What a card costs the resident, and under which rule. Shown and agreed before the card is asked for."""

from datetime import date

from kiosk.brain.settings import Settings
from kiosk.domain.fees import FeeRule, fee_for


def card_rule(settings: Settings, day: str) -> FeeRule | None:
    """Return the rule for cards on `day` (YYYY-MM-DD), None if they cost nothing. Nobody knows the card's kind yet."""
    where = {"category": settings.card_category, "department": settings.card_department}
    rule = fee_for(settings.card_fees, date.fromisoformat(day), 1, tender="card", **where).rule
    return rule if rule is not None and rule.programme != "none" else None
