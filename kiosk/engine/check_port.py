"""The check reader of the configuration: codec, line, driver and thread. The account's full number ends here (rule 14).

Nothing of its line is ever kept, and the brain hears four digits, and a fingerprint that is good until the next start.
"""

import hmac
import secrets
import threading
from typing import Any

from hardware.checks import contract
from hardware.checks.magtek import MagtekCodec
from hardware.transport.driver import Driver
from hardware.transport.serial_line import SerialLine
from kiosk.brain import commands, events
from kiosk.config.model import CheckReader
from kiosk.domain.snapshot import DeviceHealth
from kiosk.engine.card import clean
from kiosk.engine.health import lost_code, note_health
from kiosk.engine.inbox import Inbox

LAST = 4

Words = tuple[type[events.Event], dict[str, Any]]


class CheckPort:
    """Owns the reader's thread."""

    def __init__(self, reader: CheckReader, inbox: Inbox) -> None:
        self._inbox = inbox
        self._secret = secrets.token_bytes(32)
        line = SerialLine(reader.port, reader.baud, 8, "N")
        self._driver: Driver[contract.Command] = Driver(MagtekCodec(), line, on_event=self._heard)
        self.thread = threading.Thread(target=self._driver.run, name="check reader")

    def submit(self, command: contract.Command) -> None:
        self._driver.submit(command)

    def stop(self) -> None:
        self._driver.stop()

    def _heard(self, event: contract.Event) -> None:
        health = _health_in(event)
        if health is not None:
            note_health(health)
        kind, values = translate(event, self._secret)
        self._inbox.tell(kind, **values)


def translate(event: contract.Event, secret: bytes) -> Words:
    """Return the brain's event for a reader's, masked."""
    match event:
        case contract.CheckRead(check):
            return events.CheckRead, {
                "routing": check.routing,
                "number": check.number,
                "account_last4": check.account[-LAST:],
                "fingerprint": _fingerprint(check, secret),
            }
        case contract.CheckRefused(code):
            return events.CheckUnread, {"code": code}
        case contract.Connected(identity):
            return events.CheckReaderConnected, {"detail": _names(identity)}
        case contract.Lost(reason):
            return events.CheckReaderLost, {"reason": lost_code(reason)}
    raise AssertionError(f"no words for {type(event).__name__}")


def order(command: commands.Command) -> contract.Command | None:
    """Return the driver's command for the brain's, None if it is not for the check reader."""
    match command:
        case commands.ListenForCheck():
            return contract.Listen()
        case commands.RestCheckReader():
            return contract.Rest()
    return None


def _fingerprint(check: contract.Check, secret: bytes) -> str:
    """With a secret of this start: without it, nobody finds the number by trying them all."""
    line = f"{check.routing}/{check.account}/{check.number}"
    return hmac.new(secret, line.encode(), "sha256").hexdigest()[:32]


def _names(identity: contract.Identity) -> str:
    return clean(f"{identity.protocol} {identity.firmware}".strip(), 200)


def _health_in(event: contract.Event) -> DeviceHealth | None:
    match event:
        case contract.Connected(identity):
            return DeviceHealth("check_reader", "ready", "", _names(identity))
        case contract.Lost(reason):
            return DeviceHealth("check_reader", "lost", lost_code(reason), clean(reason, 200))
    return None
