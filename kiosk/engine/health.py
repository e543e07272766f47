"""What became of a device, told to the brain and written into the log in the same words."""

import structlog

from kiosk.brain import events
from kiosk.domain.snapshot import DeviceHealth
from kiosk.engine.inbox import Inbox

log = structlog.get_logger()


def tell_health(inbox: Inbox, health: DeviceHealth) -> None:
    """Tell a change of health. Who tells it again and again fills the log: compare first."""
    note_health(health)
    inbox.tell(events.HealthChanged, health=health)


def note_health(health: DeviceHealth) -> None:
    """Write it into the log; what is not ready as a warning."""
    say = log.info if health.state == "ready" else log.warning
    say("device", name=health.name, state=health.state, reason=health.reason, detail=health.detail)
