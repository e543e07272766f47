"""What became of a device, told to the brain and written into the log in the same words."""

import structlog

from kiosk.brain import events
from kiosk.domain.snapshot import DeviceHealth
from kiosk.engine.inbox import Inbox

log = structlog.get_logger()

# What drivers say when a port is lost, and the short code that staff see; the first that fits counts.
_CODES = (
    ("held by another process", "held_by_another"),
    ("not there", "port_not_there"),
    ("No such file", "port_not_there"),
    ("does not speak", "other_device"),
    ("is no printer", "other_device"),
    ("does not fall silent", "other_device"),
    ("its own echo", "echo"),
    ("not ready after", "never_ready"),
    ("no reply", "no_answer"),
    ("no answer", "no_answer"),
)


def lost_code(reason: str) -> str:
    """Return the short code for the words of a driver; the words themselves are for the log."""
    return next((code for words, code in _CODES if words in reason), "line_lost")


def tell_health(inbox: Inbox, health: DeviceHealth) -> None:
    """Tell a change of health. Who tells it again and again fills the log: compare first."""
    note_health(health)
    inbox.tell(events.HealthChanged, health=health)


def note_health(health: DeviceHealth) -> None:
    """Write it into the log; what is not ready as a warning."""
    say = log.info if health.state == "ready" else log.warning
    say("device", name=health.name, state=health.state, reason=health.reason, detail=health.detail)
