"""Machine and twin on one bench in virtual time: no socket, no thread, no clock."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from hardware.cards.contract import Acknowledge, BatchClosed, Connected, Ended, Event, Prompt, Query, Sale, Void
from hardware.cards.stripe import Call, Reply, StripeMachine
from hardware.cards.stripe import Settings as HostSettings
from hardware.sim.stripe_account import Account, Settings
from hardware.sim.stripe_wire import Door

WAY_MS = 40  # of a request, and of an answer
Kind = TypeVar("Kind")


class Bench:
    """`cut_at` N pulls the cable before frame N (requests and answers are counted from 0) comes to its end.

    `person` is done when the reader asks for a card, once a sale. A request of a kind in `late` is done that many
    milliseconds later and its answer is lost, as of one that a broken line still delivers.
    """

    def __init__(self, settings: Settings | None = None, host: HostSettings | None = None) -> None:
        self.now_ms = 1_000
        self.account = Account(settings)
        self.door = Door(self.account)
        self.host = host or HostSettings(self.account.settings.reader)
        self.machine = StripeMachine(self.host)
        self.events: list[Event] = []
        self.acknowledging = True
        self.plugged = True
        self.cut_at: int | None = None
        self.frames = 0
        self.late: dict[str, int] = {}
        self.person: Callable[[], None] | None = self.account.present
        self.sent: list[Call] = []
        self._way: list[tuple[int, Callable[[], None]]] = []
        self.machine.opened(self.now_ms)

    # Time

    def run(self, ms: int) -> None:
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms:
            self._turn(end_ms)

    def until(self, reached: Callable[[], object], limit_ms: int = 300_000) -> None:
        end_ms = self.now_ms + limit_ms
        while not reached():
            assert self.now_ms < end_ms, f"not within {limit_ms} ms: {self.events[-6:]}"
            self._turn(end_ms)

    def _turn(self, end_ms: int) -> None:
        due = [end_ms, self.now_ms + 100, max(self.now_ms + 1, self.machine.due_ms()), *(at for at, _ in self._way)]
        next_ms = max(self.now_ms, min(due))
        self.account.step(next_ms - self.now_ms)
        self.now_ms = next_ms
        if self.account.phase == "waiting" and self.person:
            person, self.person = self.person, None
            person()
        for item in [item for item in self._way if item[0] <= next_ms]:
            self._way.remove(item)
            item[1]()
        made, events = self.machine.tick(next_ms)
        self._hear(events)
        for call in made:
            self._send(call)

    # The line

    def _send(self, call: Call) -> None:
        self.sent.append(call)
        request = call.request
        if not self._passes():
            self._later(WAY_MS, self._bring(Reply(call.number)))
            return
        headers = {"authorization": "Bearer rk_live_twin"} | ({"idempotency-key": request.key} if request.key else {})
        body = urlencode(request.form).encode()
        for name, ms in list(self.late.items()):
            if request.path.endswith(name):
                del self.late[name]
                self._later(ms, lambda: self.door.handle(request.method, request.path, headers, body))
                self._later(request.timeout_ms, self._bring(Reply(call.number)))
                return
        self._later(WAY_MS, lambda: self._arrive(call, headers, body))

    def _arrive(self, call: Call, headers: dict[str, str], body: bytes) -> None:
        answer = self.door.handle(call.request.method, call.request.path, headers, body)
        reply = Reply(call.number, answer.status, answer.body, ("Idempotent-Replayed", "true") in answer.headers)
        if answer.lost or not self._passes():
            reply = Reply(call.number)
        self._later(WAY_MS, self._bring(reply))

    def _bring(self, reply: Reply) -> Callable[[], None]:
        """Return what gives the reply to the process that waits for it, if it still lives then."""
        asked = self.machine

        def bring() -> None:
            if self.machine is asked:
                self._hear(asked.answer(reply, self.now_ms))

        return bring

    def _passes(self) -> bool:
        """Count a frame; return whether it gets through."""
        if self.frames == self.cut_at:
            self.plugged = False
        self.frames += 1
        return self.plugged

    def _later(self, ms: int, act: Callable[[], None]) -> None:
        self._way.append((self.now_ms + ms, act))

    # The layer above

    def _hear(self, events: list[Event]) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, (Ended, BatchClosed)) and self.acknowledging:
                self.machine.command(Acknowledge(event.report))

    def connect(self) -> "Bench":
        self.until(lambda: self.of(Connected))
        return self

    def order(self, command: Sale | Void | Query | Any) -> Ended:
        """Give the order and wait for its end."""
        before = len(self.of(Ended))
        self.machine.command(command)
        self.until(lambda: len(self.of(Ended)) > before)
        return self.of(Ended)[-1]

    def crash(self) -> None:
        """The host's process dies and another starts; what was on its way is lost to it."""
        self.machine = StripeMachine(self.host)
        self.events.clear()
        self.machine.opened(self.now_ms)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    def prompts(self) -> list[str]:
        return [prompt.code for prompt in self.of(Prompt)]

    def moved(self, kind: str = "sale") -> list[tuple[str, int]]:
        """Return what the processor's books hold."""
        return [(line["reference"], line["amount_minor"]) for line in self.account.ledger() if line["kind"] == kind]
