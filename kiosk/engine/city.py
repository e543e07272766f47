"""The engine's side of the city's server: posting, look-ups and head checks as events of the brain."""

import random
from collections.abc import Callable
from typing import Any, Protocol

import requests
import structlog

from kiosk.brain import events as brain
from kiosk.config.model import Config
from kiosk.domain.invoice import InvoiceReference
from kiosk.engine.clock import Clock
from kiosk.engine.engine import Engine
from kiosk.engine.inbox import Inbox
from kiosk.journal.acknowledgement import Acknowledgement
from kiosk.journal.keys import (
    ENROLMENT_NAME,
    KEY_NAME,
    load_enrolment,
    load_key,
    load_or_make_key,
    save_enrolment,
)
from kiosk.journal.record import Record
from kiosk.journal.store import NotOurChain
from kiosk.posting import events, outcomes
from kiosk.posting.client import enrol as ask_to_enrol
from kiosk.posting.exchange import plain_session
from kiosk.posting.poster import Poster, Server, on_a_thread

log = structlog.get_logger()

JOURNAL_NAME = "journal.db"
SUPPLY = 1_000  # records read from the journal at a time
COPIED = "journal-fork"  # two wrote under one key; which of them lost is told by the hashes
_CHANCE = random.SystemRandom()


class Posted(Protocol):
    """What posting needs of a journal."""

    @property
    def acked_seq(self) -> int: ...

    def records(self, after_seq: int, limit: int) -> list[Record]: ...

    def acknowledge(self, ack: Acknowledgement) -> None: ...

    def confirm(self, seq: int, digest: str) -> str: ...


class City:
    """One poster. What it tells goes into the inbox, and what touches the journal runs on the engine's thread."""

    def __init__(
        self,
        config: Config,
        epoch: int,
        journal: Posted,
        server: Server,
        clock: Clock,
        inbox: Inbox,
        fraction: Callable[[], float] = _CHANCE.random,
        aside: Callable[[Callable[[], None]], None] = on_a_thread,
    ) -> None:
        self._epoch = epoch
        self._journal = journal
        self._inbox = inbox
        self._engine: Engine | None = None
        self.health: dict[str, Any] = {}
        self._complaint = ""  # why posting does not get on, for the city's staff
        self.poster = Poster(
            server,
            self._hear,
            acked_seq=journal.acked_seq,
            boot_id=clock.fresh_id().replace("-", ""),  # heartbeats are counted from each start of this process
            health=self._health,
            fraction=fraction,
            heartbeat_s=config.server.heartbeat_s,
            clock=lambda: clock.mono_ms() / 1000,
            aside=aside,
        )

    def start(self, engine: Engine | None) -> None:
        """Begin to post. Without an engine (closed.py) what is there is drained and nothing else happens."""
        self._engine = engine
        self.poster.start()

    def stop(self) -> None:
        self.poster.stop(15.0)

    def _health(self) -> dict[str, Any]:
        return self.health | ({"posting": self._complaint} if self._complaint else {})

    def offer(self, records: list[Record]) -> None:
        self.poster.offer(records)

    def look_up(self, request: str, reference: InvoiceReference) -> None:
        if reference.scan:
            self.poster.look_up(request, scan=reference.scan)
        else:
            self.poster.look_up(request, number=reference.number, check=reference.check)

    def check_head(self, request: str) -> None:
        self.poster.check_head(request)

    def _hear(self, event: events.PostingEvent) -> None:
        """On the poster's threads."""
        match event:
            case events.RecordsWanted(after_seq):
                self._inbox.job(lambda: self._supply(after_seq))
            case events.Acknowledged(ack, _):
                self._inbox.job(lambda: self._acknowledge(ack))
            case events.HeadAnswered(request, seen):
                self._inbox.job(lambda: self._compare(request, seen))
            case events.LookedUp(request, found):
                self._looked_up(request, found)
            case events.CameOnline():
                self._inbox.tell(brain.OnlineChanged, online=True)
            case events.WentOffline(reason):
                log.warning("server away", reason=reason)
                self._inbox.tell(brain.OnlineChanged, online=False)
            case events.GapAt(expected_seq):
                log.warning("server misses records, sending them again", seq=expected_seq)
            case events.Forked(expected_seq):
                self._inbox.tell(brain.PostingRefused, reason="fork", detail=f"record {expected_seq} differs")
            case events.Refused(problem, detail, final):
                self._refused(problem, detail, final)
            case events.HeartbeatAnswered(_, wishes, head_seq, head_hash):
                if "freeze" in wishes:
                    self._inbox.tell(brain.PostingRefused, reason="server", detail="the heartbeat's answer says freeze")
                if head_seq is not None and self._engine is not None:
                    self._inbox.job(lambda: self._heard_head(head_seq, head_hash))

    def _looked_up(self, request: str, outcome: outcomes.LookUpOutcome) -> None:
        match outcome:
            case outcomes.Found(account):
                self._inbox.tell(brain.AccountFound, request=request, account=account)
            case outcomes.NotFound():
                self._inbox.tell(brain.AccountNotFound, request=request)
            case outcomes.Away(reason):
                self._inbox.tell(brain.LookUpFailed, request=request, reason=reason)

    def _refused(self, problem: str, detail: str, final: bool) -> None:
        log.error("posting refused", reason=problem, detail=detail, final=final)
        self._complaint = f"{problem}: {detail}"
        if final or problem == "kiosk-suspended":
            self._inbox.tell(brain.PostingRefused, reason=problem, detail=detail)

    # On the engine's thread

    def _supply(self, after_seq: int) -> None:
        records = self._journal.records(after_seq, SUPPLY)
        if records and records[0].seq > after_seq + 1:
            self.poster.missing(after_seq, records[0].seq)
        else:
            self.poster.supply(after_seq, records)

    def _acknowledge(self, ack: Acknowledgement) -> None:
        try:
            self._journal.acknowledge(ack)
        except NotOurChain as error:
            log.error("the server acknowledged another chain", reason=str(error))
            self._inbox.tell(brain.PostingRefused, reason="fork", detail=str(error))
            return
        self._complaint = ""
        if self._engine is not None:
            self._engine.acknowledged(ack.head_seq)

    def _compare(self, request: str, outcome: outcomes.HeadSeen | outcomes.Away) -> None:
        result = "away"
        if isinstance(outcome, outcomes.HeadSeen):
            later = outcome.epoch > self._epoch
            result = "ahead" if later else self._journal.confirm(outcome.head_seq, outcome.head_hash)
            result = "same" if result == "pruned" else result
            if outcome.frozen not in ("", COPIED):
                result = "differs"
        self._inbox.tell(brain.HeadChecked, request=request, result=result)

    def _heard_head(self, seq: int, digest: str) -> None:
        """Heartbeats tell an idle kiosk, too, that another writes under its key or that the city misses records."""
        found = self._journal.confirm(seq, digest)
        if found in ("same", "pruned") and self._engine is not None:
            self._engine.acknowledged(seq)
        if found == "same":
            self.poster.held(seq)
        elif found in ("ahead", "differs"):
            self._inbox.tell(brain.PostingRefused, reason=f"head_{found}", detail=f"the city's record {seq}")


def enrol(config: Config, code: str) -> int:
    """Trade the one-time code for this kiosk's identity and keep it. Returns the exit code."""
    if (config.state_dir / JOURNAL_NAME).exists():
        print(f"{config.state_dir / JOURNAL_NAME} belongs to an earlier enrolment: move every file of its folder away")
        return 1
    config.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = load_or_make_key(config.state_dir / KEY_NAME)
    answer = ask_to_enrol(config.server.url, code, key, {"name": config.kiosk.name}, session_for(config))
    if not isinstance(answer, outcomes.Enrolled):
        print(f"not enrolled: {answer}")
        return 1
    save_enrolment(config.state_dir / ENROLMENT_NAME, answer.enrolment)
    print(f"enrolled as {answer.enrolment.kiosk_id}, epoch {answer.enrolment.epoch}")
    return 0


def enrol_again(config: Config, code: str) -> int:
    """Make a city that was set back to an older back-up know this very enrolment again. Returns the exit code."""
    held = load_enrolment(config.state_dir / ENROLMENT_NAME)
    key = load_key(config.state_dir / KEY_NAME)
    answer = ask_to_enrol(config.server.url, code, key, {"name": config.kiosk.name}, session_for(config), held)
    if not isinstance(answer, outcomes.Enrolled):
        print(f"not enrolled: {answer}")
        return 1
    given = answer.enrolment
    if (given.kiosk_id, given.epoch, given.nonce) != (held.kiosk_id, held.epoch, held.nonce):
        print(f"that code is for {given.kiosk_id}, this kiosk is {held.kiosk_id}: nothing was changed here")
        return 1
    print(f"the city knows {held.kiosk_id}, epoch {held.epoch}")
    return 0


def session_for(config: Config) -> requests.Session:
    """Return an HTTP session that trusts the configured certificate authority, or the system's."""
    session = plain_session()
    if config.server.ca_file is not None:
        session.verify = str(config.server.ca_file)
    return session
