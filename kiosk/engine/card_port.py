"""The card terminal of the configuration: its codec or machine, its line, its driver and its thread."""

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from hardware.cards import contract
from hardware.transport.driver import Driver
from hardware.transport.http_line import HttpLine
from hardware.transport.serial_line import SerialLine
from hardware.transport.tcp_line import TcpLine
from kiosk.brain import events
from kiosk.config.model import Card
from kiosk.engine.card import clean, teller
from kiosk.engine.card_patience import Begun, Patience
from kiosk.engine.inbox import Inbox

OnEvent = Callable[[Any], None]
OnRefused = Callable[[Any, contract.Refused], None]


class CardDriver(Protocol):
    def submit(self, command: contract.Command) -> None: ...

    def stop(self) -> None: ...

    def run(self) -> None: ...


class CardPort:
    """Owns the terminal's thread. What goes over its line is never kept, for no purpose (rule 14)."""

    def __init__(self, card: Card, currency: str, state_dir: Path, inbox: Inbox) -> None:
        self._inbox = inbox
        self._tell = teller(inbox)
        self._patience = Patience(self._give, self._never_began)
        self._driver = MAKERS[card.protocol](card, currency, state_dir, self._heard, self._patience.refused)
        self.thread = threading.Thread(target=self._driver.run, name="terminal")

    def submit(self, command: contract.Command) -> None:
        self._patience.ordered(command)
        self._give(command)

    def stop(self) -> None:
        self._driver.stop()

    def _give(self, command: contract.Command) -> None:
        self._driver.submit(command)

    def _heard(self, event: contract.Event) -> None:
        if isinstance(event, contract.Lost):
            self._patience.lost()
        self._tell(event)

    def _never_began(self, command: Begun, reason: str) -> None:
        if isinstance(command, contract.CloseBatch):
            self._batch_never_began(command, reason)
            return
        self._inbox.tell(
            events.CardEnded,
            report=0,
            operation=type(command).__name__.lower(),
            reference=command.reference,
            result=contract.NOT_STARTED,
            reason=clean(reason),
        )

    def _batch_never_began(self, command: contract.CloseBatch, reason: str) -> None:
        self._inbox.tell(
            events.BatchEnded,
            report=0,
            reference=command.reference,
            result=contract.NOT_STARTED,
            count=0,
            total_minor=0,
            reason=clean(reason),
        )


def line_of(address: str, baud: int, stop_bits: int = 1) -> SerialLine | TcpLine:
    """Return the line for a port's name, or for host:port."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit() and "/" not in host:
        return TcpLine(host, int(port))
    return SerialLine(address, baud, 8, "N", stop_bits)


def secret(path: Path | None, otherwise: str = "") -> str:
    """Return what stands in a file of the configuration store, never in the configuration itself."""
    return path.read_text(encoding="ascii").strip() if path is not None else otherwise


def _zvt(card: Card, currency: str, state_dir: Path, on_event: OnEvent, on_refused: OnRefused) -> CardDriver:
    from hardware.cards.zvt.codec import ZvtCodec
    from hardware.cards.zvt.memory import MemoryFile
    from hardware.cards.zvt.profile import Profile

    line = line_of(card.address, card.baud or 9600, stop_bits=2)
    profile = Profile(
        serial=isinstance(line, SerialLine),
        password=secret(card.secret_file, "000000"),
        terminal_id=card.terminal,
        currency=currency,
    )
    memory = MemoryFile(state_dir / "terminal.json")
    codec = ZvtCodec(profile, memory.read())
    keeper = memory.keeper(lambda: codec.attempt)
    return Driver(codec, line, on_event=on_event, before_write=keeper, on_refused=on_refused)


def _pax(card: Card, currency: str, state_dir: Path, on_event: OnEvent, on_refused: OnRefused) -> CardDriver:
    from hardware.cards.pax.codec import PaxCodec
    from hardware.cards.pax.line import PORT, PaxTcpLine
    from hardware.cards.pax.settings import Settings

    del currency, state_dir
    line: SerialLine | PaxTcpLine | HttpLine
    link: Literal["serial", "tcp", "http"]
    if card.address.startswith("http://"):
        there = urlsplit(card.address)
        line, link = HttpLine(there.hostname or "", there.port or PORT), "http"
    elif isinstance(wire := line_of(card.address, card.baud or 9600), SerialLine):
        line, link = wire, "serial"
    else:
        host, _, port = card.address.rpartition(":")
        line, link = PaxTcpLine(host, int(port)), "tcp"
    settings = Settings(link=link, serial=card.serial or card.terminal, timestamp=lambda: time.strftime("%Y%m%d%H%M%S"))
    return Driver(PaxCodec(settings), line, on_event=on_event, on_refused=on_refused)


def _stripe(card: Card, currency: str, state_dir: Path, on_event: OnEvent, on_refused: OnRefused) -> CardDriver:
    from hardware.cards.stripe.driver import API, StripeDriver
    from hardware.cards.stripe.machine import StripeMachine
    from hardware.cards.stripe.operations import Settings

    del currency, state_dir
    if card.secret_file is None:
        raise AssertionError("the configuration lets no Stripe through without a key")
    machine = StripeMachine(Settings(card.terminal, card.serial, live=not card.test_mode))
    make = partial(StripeDriver, machine, card.secret_file, card.address or API)
    return make(on_event=on_event, trust=card.ca_file, on_refused=on_refused)


MAKERS: dict[str, Callable[[Card, str, Path, OnEvent, OnRefused], CardDriver]] = {
    "pax": _pax,
    "zvt": _zvt,
    "stripe": _stripe,
}
