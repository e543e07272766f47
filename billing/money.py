"""Sums for people: cents in, text out."""


def format_minor(amount_minor: int) -> str:
    """Return cents as "$1,204.50"."""
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}${abs(amount_minor) // 100:,}.{abs(amount_minor) % 100:02d}"
