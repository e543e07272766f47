"""The engine's three sockets: the screen draws and touches, the reader reads, control asks and (in tests) touches."""

import io
import queue
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kiosk.brain import events
from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import DeviceHealth, Snapshot, to_json
from kiosk.engine.health import lost_code, tell_health
from kiosk.engine.inbox import Inbox
from kiosk.engine.lines import Client, LineServer, Message
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.store import Journal
from kiosk.scanning.matching import match
from kiosk.scanning.outcome import Match
from kiosk.scanning.profile import Profile

SILENT_MS = 3_000
PART_WAIT_S = 60  # the engine's loop may wait for a slow medium
REASON_MAX = 200  # characters: the reader is trusted with nothing


class ScreenDesk:
    """Sends every picture to the screen and hears its touches. A screen silent for 3 s is lost (architecture)."""

    def __init__(self, path: Path, inbox: Inbox, mono_ms: Callable[[], int], needed: bool = True) -> None:
        self._inbox = inbox
        self._mono_ms = mono_ms
        self._needed = needed
        self._heard_ms: int | None = None
        self._state = ""
        self._picture: Snapshot | None = None
        self.relay: Callable[[Message], None] = lambda message: None
        self._server = LineServer(path, self._hear, self._greet)

    def publish(self, picture: Snapshot) -> None:
        self._picture = picture
        self._server.broadcast({"snapshot": to_json(picture)}, key="snapshot")

    def beat(self, now_ms: int) -> None:
        """Tell the brain when the screen came or went."""
        heard = self._heard_ms
        state = "ready" if not self._needed or (heard is not None and now_ms - heard <= SILENT_MS) else "lost"
        if state != self._state:
            self._state = state
            tell_health(self._inbox, DeviceHealth("screen", state))

    def close(self) -> None:
        self._server.close()

    def _greet(self, client: Client) -> None:
        if self._picture is not None:
            client.send({"snapshot": to_json(self._picture)}, key="snapshot")

    def _hear(self, client: Client, message: Message) -> None:
        del client
        if self._needed:
            self._heard_ms = self._mono_ms()
        intent = intent_in(message)
        if intent is not None:
            self._inbox.tell(events.IntentReceived, intent=intent)
        elif isinstance(message.get("voice"), str):
            tell_health(self._inbox, voice_health(message["voice"]))
        elif "layout" in message or "drawn" in message:
            self.relay(message)


def intent_in(message: Message) -> Intent | None:
    """Return the intent that a line carries, None for other lines and for what is no intent."""
    content = message.get("intent")
    if not isinstance(content, dict):
        return None
    name, value = content.get("name"), content.get("value", "")
    if not isinstance(name, str) or not isinstance(value, str) or len(value) > 100:
        return None
    try:
        return Intent(name, value)
    except ValueError:
        return None


class ReaderDesk:
    """Hears what the reader read and matches it: the reader itself is trusted with nothing."""

    def __init__(self, path: Path, inbox: Inbox, profiles: Sequence[Profile]) -> None:
        self._inbox = inbox
        self._profiles = profiles
        self._look = "idle"
        self._server = LineServer(path, self._hear, self._greet)

    def look(self, mode: str) -> None:
        self._look = mode
        self._server.broadcast({"look": mode}, key="look")

    def close(self) -> None:
        self._server.close()

    def _greet(self, client: Client) -> None:
        client.send({"look": self._look}, key="look")

    def _hear(self, client: Client, message: Message) -> None:
        del client
        reading, health = message.get("reading"), message.get("health")
        if isinstance(reading, dict):
            self._read(reading)
        if isinstance(health, dict):
            tell_health(self._inbox, scanner_health(health, message.get("why")))

    def _read(self, reading: dict[str, Any]) -> None:
        payload, symbology = reading.get("payload"), reading.get("symbology", "")
        if not isinstance(payload, str) or not isinstance(symbology, str) or len(payload) > 4_000:
            return
        found = match(payload, symbology, self._profiles)
        if isinstance(found, Match):
            self._inbox.tell(events.BillScanned, reference=found.reference)
        else:
            self._inbox.tell(events.ScanRefused, code=found.code)


def voice_health(said: str) -> DeviceHealth:
    """A kiosk that cannot speak is out of order for some: staff have to see it (accessibility A19)."""
    return DeviceHealth("voice", "ready") if said == "ready" else DeviceHealth("voice", "lost", "", said)


def scanner_health(sources: dict[str, Any], why: object = None) -> DeviceHealth:
    """Ready when any source is; `detail` names them all, with what `why` says of those that are not."""
    reasons = why if isinstance(why, dict) else {}
    words = [(name, state, str(reasons.get(name, ""))[:REASON_MAX]) for name, state in sorted(sources.items())]
    said = ", ".join(f"{name} {state}" + (f" ({reason})" if reason else "") for name, state, reason in words)
    detail = said[: 3 * REASON_MAX]
    ready = any(state == "ready" for state in sources.values())
    code = "" if ready else lost_code(detail)
    return DeviceHealth("scanner", "ready" if ready else "lost", code, detail)


class ControlDesk:
    """For technicians: verify and export the open journal. For tests also intents and pictures, never in production."""

    def __init__(self, path: Path, inbox: Inbox, journal: Journal | None, intents: bool) -> None:
        self._inbox = inbox
        self._journal = journal
        self._intents = intents
        self._picture: Snapshot | None = None
        self._server = LineServer(path, self._hear, self._greet, mode=0o600)

    def publish(self, picture: Snapshot) -> None:
        self._picture = picture
        if self._intents:
            self._server.broadcast({"snapshot": to_json(picture)})

    def relay(self, message: Message) -> None:
        """Pass on what the screen says about what it drew: where to touch, and when."""
        if self._intents:
            self._server.broadcast(message)

    def close(self) -> None:
        self._server.close()

    def _greet(self, client: Client) -> None:
        if self._intents and self._picture is not None:
            client.send({"snapshot": to_json(self._picture)})

    def _hear(self, client: Client, message: Message) -> None:
        if message.get("journal") in ("verify", "export"):
            client.send(self._on_engine(str(message["journal"])))
        elif self._intents and (intent := intent_in(message)) is not None:
            self._inbox.tell(events.IntentReceived, intent=intent)
            client.send({"ok": True})
        else:
            client.send({"ok": False, "error": "not known, or not allowed here"})

    def _on_engine(self, what: str) -> Message:
        """Run on the engine's thread, which alone touches the journal, a part at a turn of its loop; wait here."""
        if self._journal is None:
            return {"ok": False, "error": "the journal is not open"}
        parts = _undisturbed(self._journal, _verified if what == "verify" else _exported)
        done: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        answer = None
        while answer is None:
            self._inbox.job(lambda: done.put(_next_part(parts)))
            try:
                answer = done.get(timeout=PART_WAIT_S)
            except queue.Empty:
                return {"ok": False, "error": "the engine did not answer"}
        return answer


Parts = Generator[int, None, Message]


def _next_part(parts: Parts) -> Message | None:
    """Do the next part; return the answer after the last."""
    try:
        next(parts)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    except JournalDamaged as damage:
        return {"ok": False, "error": str(damage)}
    return None


def _undisturbed(journal: Journal, look: Callable[[Journal], Parts]) -> Parts:
    """Look, and once more if old records left the journal in between."""
    while True:
        first_seq = journal.first_seq
        answer = yield from look(journal)
        if journal.first_seq == first_seq:
            return answer


def _verified(journal: Journal) -> Parts:
    report = yield from journal.verify_in_parts()
    return {"ok": report.ok, "report": asdict(report)}


def _exported(journal: Journal) -> Parts:
    out = io.StringIO()
    count = yield from journal.export_in_parts(out)
    return {"ok": True, "records": count, "lines": out.getvalue()}
