"""A kiosk in one object: the shipped engine, brain, journal and posting against a live server, in virtual time.

Nothing waits and no thread runs: `run` does what is due until all is quiet. The box is what the acceptor really
took, to compare the city's books with.
"""

import itertools
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kiosk.__main__ import main
from kiosk.brain import commands, events
from kiosk.brain.events import Moment
from kiosk.brain.settings import Settings
from kiosk.brain.state import Scene, State
from kiosk.domain import facts
from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import DeviceHealth, Snapshot
from kiosk.engine.city import City
from kiosk.engine.engine import Engine
from kiosk.engine.history import read_history
from kiosk.engine.inbox import Inbox, Job, Told
from kiosk.engine.refill import Refill
from kiosk.journal.ids import uuid7
from kiosk.journal.keys import ENROLMENT_NAME, KEY_NAME, load_enrolment, load_key
from kiosk.journal.record import Record
from kiosk.journal.store import Journal
from kiosk.posting import outcomes
from kiosk.posting.client import CentralServer

USD = ((1, 100), (3, 500), (4, 1000), (5, 2000), (6, 5000), (7, 10000))
CHANNEL = {value: channel for channel, value in USD}
HEARTBEAT_S, WATCH_MS = 60.0, 130_000
SAMPLE = Path(__file__).parents[2] / "docs" / "kiosk.toml"
_numbers = itertools.count(1)


class GivenClock:
    """Virtual milliseconds; the wall goes with them, so that the server finds the day right. No two make one id."""

    def __init__(self) -> None:
        self.now_ms = 1_000
        self.salt = next(_numbers).to_bytes(4, "big")
        self.began = datetime.now(UTC) - timedelta(days=2)
        self.boot_id = self.salt.hex().rjust(32, "0")
        self._ids = itertools.count(1)

    def mono_ms(self) -> int:
        return self.now_ms

    def fresh_id(self) -> str:
        return uuid7(1_790_000_000_000, self.salt + next(self._ids).to_bytes(6, "big"))

    def moment(self) -> Moment:
        utc = (self.began + timedelta(milliseconds=self.now_ms)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        ids = (self.fresh_id(), self.fresh_id(), self.fresh_id())
        return Moment(self.now_ms, utc, utc[:19] + "+00:00", "trusted", ids)

    def not_before(self, device_time: str) -> None:
        pass


class Away:
    """A line to the server that can be cut."""

    def __init__(self, server: CentralServer) -> None:
        self.server, self.up = server, True

    def __getattr__(self, name: str) -> Any:
        if self.up:
            return getattr(self.server, name)
        if name == "resolve":
            return lambda **given: outcomes.Away("cut")
        return lambda *given, **named: outcomes.Unavailable("cut")


class Lobby:
    """One kiosk on one state directory. `start` is a boot; `kill` a power cut; `copy` a copied card."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.enrolment, self.key = load_enrolment(folder / ENROLMENT_NAME), load_key(folder / KEY_NAME)
        self.line = Away(CentralServer(url, self.enrolment, self.key))
        self.clock = GivenClock()
        self.box: list[int] = []
        self.printed: list[str] = []
        self.picture: Snapshot | None = None
        self.report = 0

    # Start and end

    def open(self) -> None:
        self.journal = Journal.open(
            self.folder / "journal.db",
            key=self.key,
            kiosk_id=self.enrolment.kiosk_id,
            epoch=self.enrolment.epoch,
            nonce=self.enrolment.nonce,
            server_key=self.enrolment.pinned_server_key(),
            allow_volatile=True,
        )

    def refill(self, steps: int = 40) -> bool:
        """Compare with the city before the first record; False when it is still closed after ten times `steps` s."""
        refill = Refill(self.journal, self.line, self.clock, self.folder, WATCH_MS)
        for _ in range(steps):
            if refill.step():
                return True
            self.clock.now_ms += 10_000
        return False

    def start(self, steps: int = 40) -> bool:
        """Boot up to the page that waits. False when the refill keeps it closed."""
        self.open()
        if not self.refill(steps):
            self.journal.close()
            return False
        self.begin()
        return True

    def begin(self) -> None:
        who = self.enrolment
        settings = Settings("Riverbend", "Lobby", who.receipt_prefix, who.epoch, "test", USD)
        self.inbox = Inbox()
        config: Any = SimpleNamespace(server=SimpleNamespace(heartbeat_s=HEARTBEAT_S))
        self.city = City(
            config, who.epoch, self.journal, self.line, self.clock, self.inbox, lambda: 0.5, lambda work: work()
        )
        books = read_history(self.journal).books
        self.engine = Engine(State(settings, books, Scene()), self.journal, self.clock, self.inbox, self)
        self.city._engine = self.engine
        self.tell(events.Started, reason="restart")
        for name in ("printer", "scanner", "screen"):
            self.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
        self.tell(events.AcceptorConnected, table=USD, detail="twin")
        self.run()
        self.check_fold()

    def kill(self) -> None:
        """The process is gone. What was committed stays."""
        self.journal.close()

    def restart(self) -> bool:
        self.kill()
        return self.start()

    def copy(self, folder: Path) -> "Lobby":
        """The same state directory once more, as a copied card; another acceptor, so an empty box."""
        shutil.copytree(self.folder, folder)
        return Lobby(folder, self.url)

    # The hands of the engine

    def carry_out(self, command: commands.Command, state: State, records: list[Record]) -> None:
        del records
        match command:
            case commands.CheckHead(request):
                self.city.check_head(request)
            case commands.StackNote():
                note = state.books.note
                assert note is not None
                self.moving = note.value_minor
            case commands.DisableAcceptor():
                self.inbox.tell(events.AcceptorIdle)
            case commands.PrintReceipt(job, number):
                self.printed.append(number)
                self.inbox.tell(events.PrintFinished, job=job, outcome="confirmed", reason="")

    def publish(self, picture: Snapshot) -> None:
        self.picture = picture
        self.city.health = {"screen": picture.screen, "reasons": list(picture.reasons)}

    def committed(self, records: list[Record]) -> None:
        self.city.offer(records)

    def beat(self, now_ms: int) -> None:
        pass

    # What happens

    def tell(self, kind: type[events.Event], **values: Any) -> None:
        self.engine.turn(Told(kind, values))

    def chatter(self, count: int) -> None:
        """Make records that move no money."""
        for number in range(count):
            self.tell(events.AcceptorFault, code="cheated", detail=f"{number}")
        self.run()

    def check_fold(self) -> None:
        assert read_history(self.journal).books == self.engine.state.books, (
            "live state differs from the fold of the journal"
        )

    def run(self, seconds: float = 0) -> None:
        """Let everything happen that is due within `seconds`."""
        until = self.clock.now_ms + round(seconds * 1000)
        for _ in range(20_000):
            item = self.inbox.take(0)
            if isinstance(item, Job):
                item.run()
            elif item is not None:
                self.engine.turn(item)
            if item is not None:
                continue
            due = self.city.poster.step()
            if self.city.poster._mail or not self.inbox._queue.empty():
                continue
            due_ms = round(due * 1000)
            if due_ms > until:
                self.clock.now_ms = until
                return
            self.clock.now_ms = max(self.clock.now_ms, due_ms)
        raise AssertionError("the kiosk does not come to rest")

    def touch(self, *names: str) -> None:
        for name in names:
            self.tell(events.IntentReceived, intent=Intent(name))

    def to_cash(self, number: str, house: str) -> None:
        self.touch("type_account")
        found = self.line.resolve(number=number, check=house)
        if not isinstance(found, outcomes.Found):  # the line is cut: a bill was scanned
            self.engine.state = self._finding()
            self.tell(events.AccountFound, request="r", account=self.known)
        else:
            self.known = found.account
            self.engine.state = self._finding()
            self.tell(events.AccountFound, request="r", account=found.account)
        self.touch("pay_full", "pay_cash")
        self.run()

    def _finding(self) -> State:
        state = self.engine.state
        return replace(state, scene=replace(state.scene, stage="finding", request="r"))

    def offer(self, value_minor: int) -> bool:
        """Push a note in; True when the kiosk asked for it to be stacked."""
        self.moving = 0
        self.report += 1
        self.tell(events.NoteEscrowed, escrow=self.report, channel=CHANNEL[value_minor])
        return bool(self.moving)

    def insert(self, value_minor: int) -> bool:
        """Push a note in and let the acceptor do as it is told."""
        if not self.offer(value_minor):
            return False
        self.box.append(value_minor)
        self.tell(
            events.NoteStackedReport,
            report=self.report,
            channel=CHANNEL[value_minor],
            power_up=False,
            clean=False,
            replay=False,
        )
        self.run()
        return True

    def pay(self, number: str, house: str, *values: int) -> str:
        """Pay as a person does who stops short, and return the receipt's number; "" when no money was taken."""
        self.to_cash(number, house)
        taken = [value for value in values if self.insert(value)]
        if not taken:
            return ""
        if self.engine.state.scene.stage == "cash":
            self.touch("stop")
        if self.engine.state.scene.stage == "review":
            self.touch("confirm")
        self.run()
        number = self.receipts()[-1]
        self.touch("done")
        self.run()
        self.check_fold()
        return number

    def receipts(self) -> list[str]:
        """Return the numbers of all receipts that the journal knows."""
        done = [record.envelope().fact() for record in self.journal.all_records() if record.kind == "PaymentCompleted"]
        return [fact.receipt_number for fact in done if isinstance(fact, facts.PaymentCompleted)]

    @property
    def frozen(self) -> str:
        return self.engine.state.books.frozen


def configured(folder: Path, url: str) -> Path:
    """Return the configuration file of a kiosk whose state is in `folder`."""
    text = SAMPLE.read_text(encoding="utf-8")
    for old, new in (
        ('"/var/lib/lobby-kiosk"', f'"{folder}"'),
        ('"https://billing.riverbend.example"\n', f'"{url}"\n'),
        ("production = true", "production = false"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    path = folder.with_name(folder.name + ".toml")
    path.write_text(text, encoding="utf-8")
    return path


def new_lobby(folder: Path, url: str, code: str) -> Lobby:
    """Enrol a kiosk with the real command, as a technician would, on a state directory of its own."""
    assert main(["enrol", "--config", str(configured(folder, url)), "--code", code]) == 0
    return Lobby(folder, url)
