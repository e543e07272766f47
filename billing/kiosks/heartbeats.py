"""What a kiosk says of itself, and what staff want of it."""

import json
from datetime import datetime
from typing import Any

from billing.kiosks.models import Chain, Kiosk


def record(kiosk: Kiosk, boot_id: str, counter: int, health: dict[str, Any], now: datetime) -> None:
    """Keep the newest heartbeat; one that comes late or twice within a boot changes nothing."""
    if boot_id == kiosk.boot_id and counter <= kiosk.counter:
        return
    Kiosk.objects.filter(pk=kiosk.pk).update(seen_at=now, boot_id=boot_id, counter=counter, health=json.dumps(health))


def commands(chain: Chain) -> list[str]:
    """Return what the kiosk is asked to do: "freeze" means no new money until it is enrolled anew.

    Of two with one key this cannot tell which asks. The one that lost was told with its own records; the other goes on.
    """
    return ["freeze"] if chain.frozen not in ("", "journal-fork") else []
