"""The chart of accounts, and what the subject of an entry is in each."""

CASH = "cash"  # kiosk/period, from the second epoch on kiosk/epoch/period: see cash_of
CARD = "card-receivable"  # kiosk/reference of the attempt
CHECKS = "checks"  # as cash
CLEARING = "clearing"  # payment id
COUNTER = "counter-receipts"  # day
RECEIVABLE = "receivable"  # invoice number
CREDIT = "account-credit"  # account number
SUSPENSE = "suspense"  # payment or note id
FORK_SUSPENSE = "fork-suspense"  # kiosk/epoch
CASH_SHORT = "cash-short"  # kiosk
FEES = "card-fees"  # kind of fee


def cash_of(kiosk_id: str, epoch: int, period: str) -> str:
    """Return the subject of a period's cash or checks. Each epoch counts its periods from 1: none shares an account."""
    return f"{kiosk_id}/{period}" if epoch == 1 else f"{kiosk_id}/{epoch}/{period}"


def card_of(kiosk_id: str, reference: str) -> str:
    """Return the subject of what the acquirer owes for one attempt."""
    return f"{kiosk_id}/{reference}"


# code, title, kind
CHART = (
    (CASH, "Cash in kiosks", "asset"),
    (CARD, "Card sales owed by the acquirer", "asset"),
    (CHECKS, "Checks in kiosks", "asset"),
    (COUNTER, "Receipts at the counter and by mail", "asset"),
    (RECEIVABLE, "Invoices receivable", "asset"),
    (CLEARING, "Kiosk payments under way", "liability"),
    (CREDIT, "Credit on accounts", "liability"),
    (SUSPENSE, "Receipts to be placed", "liability"),
    (FORK_SUSPENSE, "Cash recorded on a losing journal branch", "liability"),
    (CASH_SHORT, "Cash short", "expense"),
    (FEES, "Fees paid with cards", "revenue"),
    ("revenue-water", "Water", "revenue"),
    ("revenue-sewer", "Sewer", "revenue"),
    ("revenue-refuse", "Refuse", "revenue"),
    ("revenue-licence", "Business licences", "revenue"),
    ("revenue-penalty", "Late fees and penalties", "revenue"),
    ("revenue-other", "Other charges", "revenue"),
)

# Invoice line code to revenue account; other codes go to OTHER_REVENUE.
OTHER_REVENUE = "revenue-other"
REVENUE = {
    "water": "revenue-water",
    "sewer": "revenue-sewer",
    "refuse": "revenue-refuse",
    "recycling": "revenue-refuse",
    "licence": "revenue-licence",
    "late_fee": "revenue-penalty",
    "penalty": "revenue-penalty",
}
