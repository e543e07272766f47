"""Machine and twin of Stripe on a line of bytes, for the bench of all terminals.

Each request and each answer is one line of JSON with its checksum: whole or nothing, as TLS has it.
"""

import json
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from hardware.cards.contract import Command, Connected, Event, Lost
from hardware.cards.stripe import Call, Reply, StripeMachine
from hardware.cards.stripe import Settings as HostSettings
from hardware.sim.lines import Weather
from hardware.sim.stripe_account import Account, Settings
from hardware.sim.stripe_wire import Door
from tests.protocol.terminal_bench import Bench, Twin

TAKES_MS = 1_000  # for a person to bring a card
OUTCOMES = {"approve": "approve", "decline": "generic_decline", "partial": "partial"}
REFUSALS = {"approve": "", "decline": "charge_disputed"}  # of refunds
MOMENTS = {"card": "reading", "host": "before_authorising", "booked": "after_authorising"}


class LineMachine:
    """The machine as a codec. A connection that breaks is noticed at the latest when there is another.

    The machine knows no line: on a new one, the first answer is what meets the terminal again.
    """

    def __init__(self, host: HostSettings) -> None:
        self._machine = StripeMachine(host)
        self._opened = False
        self._buffer = b""
        self._call: Call | None = None
        self._cut: Call | None = None  # of a connection that broke
        self._met: Connected | None = None
        self._unmet = False  # the line is new

    def line_opened(self, now_ms: int) -> None:
        self._buffer = b""
        if not self._opened:
            self._opened = True
            self._machine.opened(now_ms)
        self._cut = self._call
        self._unmet = True

    def feed(self, data: bytes, now_ms: int) -> list[Event]:
        events: list[Event] = []
        self._buffer += data
        whole, self._buffer = _whole_lines(self._buffer)
        for line in whole:
            for item in _unwrapped(line):
                reply = Reply(item["number"], item["status"], item["body"].encode(), item["replayed"])
                events += self._meeting(self._machine.answer(reply, now_ms))
        return events

    def _meeting(self, events: list[Event]) -> list[Event]:
        """Remember whom the machine has met, and say so once for a new line."""
        for event in events:
            if isinstance(event, Connected):
                self._met, self._unmet = event, False
            elif isinstance(event, Lost):
                self._met = None
        if self._met and self._unmet:
            self._unmet = False
            return [self._met, *events]
        return events

    def tick(self, now_ms: int) -> tuple[bytes, list[Event]]:
        events: list[Event] = []
        if self._cut:
            events += self._machine.answer(Reply(self._cut.number), now_ms)
            self._cut = self._call = None
        calls, more = self._machine.tick(now_ms)
        for call in calls:
            self._call = call
        if any(isinstance(event, Lost) for event in more + events):
            self._met = None
        return b"".join(_wrapped(_said(call)) for call in calls), events + more

    def due_ms(self) -> int:
        return self._machine.due_ms()

    def command(self, command: Command) -> None:
        self._machine.command(command)


class StripeLineTwin(Twin):
    """A lobby in which power is lost as a whole: the reader's and that of the way to the processor."""

    def __init__(self, settings: Settings) -> None:
        self.account = Account(settings)
        self.door = Door(self.account)
        self._on = False
        self._buffer = b""
        self._written: list[bytes] = []
        self._plan: tuple[str, int] = ("approve", 0)
        self._waiting_ms = 0

    def power_on(self) -> None:
        self._on = True
        self.account.power_on()

    def power_cut(self) -> None:
        self._on = False
        self.account.power_cut()

    def power_cut_at(self, when: str) -> None:
        self.account.die_at = MOMENTS[when]

    def customer(self, does: str, **more: Any) -> None:
        self._plan = (does, more.get("part_minor", 0))
        self.account.slow_ms = more.get("host_ms", 0)

    def returns(self, does: str, host_ms: int = 300) -> None:
        del host_ms
        self.account.refused_refund = REFUSALS[does]

    def customer_waits(self) -> bool:
        return self.account.phase == "waiting"

    def busy(self) -> bool:
        return self.account.phase != ""

    def standing(self) -> list[int]:
        return standing(self.account)

    def refunded(self) -> list[tuple[str, int]]:
        return refunded(self.account)

    def made(self) -> int:
        return sum(item["status"] == "succeeded" for item in self.account.store.intents)

    def batches_closed(self) -> int:
        return 0

    def step(self, dt_ms: int) -> None:
        self.account.step(dt_ms)
        if not self.customer_waits():
            if self._waiting_ms:
                self._plan = ("approve", 0)  # the next person is another one
            self._waiting_ms = 0
            return
        self._waiting_ms += max(1, dt_ms)
        does, part_minor = self._plan
        if self._waiting_ms >= TAKES_MS and does != "walk_away":
            self.account.leave() if does == "cancel" else self.account.present(OUTCOMES[does], amount_minor=part_minor)

    def feed(self, data: bytes) -> None:
        self._buffer += data
        whole, self._buffer = _whole_lines(self._buffer)
        for line in whole:
            for item in _unwrapped(line) if self._on else ():
                headers = {"authorization": "Bearer rk_live_twin", "idempotency-key": item["key"]}
                answer = self.door.handle(item["method"], item["path"], headers, item["form"].encode())
                replayed = ("Idempotent-Replayed", "true") in answer.headers
                back = {"number": item["number"], "status": answer.status, "replayed": replayed}
                self._written.append(_wrapped(back | {"body": answer.body.decode()}))

    def take(self) -> list[bytes]:
        written, self._written = self._written, []
        return written

    def connected(self) -> None:
        self._buffer, self._written = b"", []

    def disconnected(self) -> None:
        self.connected()


def standing(account: Account) -> list[int]:
    """Return the cents of all sales that were paid and not voided."""
    voided = {refund["payment_intent"] for refund in _given_back(account) if refund["twin_whole"]}
    paid = [intent for intent in account.store.intents if intent["status"] == "succeeded"]
    return [intent["amount_received"] for intent in paid if intent["id"] not in voided]


def refunded(account: Account) -> list[tuple[str, int]]:
    """Return reference and cents of what was given back by a refund. A pending one will reach the card."""
    refunds = [refund for refund in _given_back(account) if not refund["twin_whole"]]
    return [(refund["metadata"]["reference"], refund["amount"]) for refund in refunds]


def _given_back(account: Account) -> list[dict[str, Any]]:
    return [refund for refund in account.store.refunds if refund["status"] in ("succeeded", "pending")]


def stripe_bench(settings: Settings, weather: Weather | None = None, seed: int = 0) -> Bench:
    """Return a bench whose reader is off. Bytes that a line damages are lost to TLS with all that is around them."""
    if weather and weather.flip:
        weather = Weather(max(weather.loss, 0.1), 0.0, weather.delay_ms, weather.jitter_ms, weather.byte_by_byte)
    host = HostSettings(settings.reader)
    return Bench(lambda: LineMachine(host), StripeLineTwin(settings), weather, seed)


def _said(call: Call) -> dict[str, Any]:
    request = call.request
    return {
        "number": call.number,
        "method": request.method,
        "path": request.path,
        "form": urlencode(request.form),
        "key": request.key,
    }


def _wrapped(item: dict[str, Any]) -> bytes:
    text = json.dumps(item).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _unwrapped(line: bytes) -> Iterator[dict[str, Any]]:
    """Yield what the line holds, nothing if it was damaged."""
    checksum, _, text = line.partition(b" ")
    if checksum == b"%08x" % zlib.crc32(text):
        yield json.loads(text)


def _whole_lines(data: bytes) -> tuple[list[bytes], bytes]:
    *whole, rest = data.split(b"\n")
    return whole, rest
