"""The central server as the kiosk sees it (docs/wire.md, "Endpoints"). Every method returns an outcome, none raises."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from kiosk.journal import acknowledgement
from kiosk.journal.keys import Enrolment, KeyUnusable, public_key_from, public_key_text
from kiosk.journal.record import MalformedEntry, Record, from_wire, to_wire
from kiosk.posting import answers
from kiosk.posting.exchange import Answer, Exchange, plain_session, prepare, send
from kiosk.posting.outcomes import (
    Away,
    Enrolled,
    Failure,
    Fork,
    Found,
    Gap,
    HeadSeen,
    HeartbeatTaken,
    LookUpOutcome,
    Malformed,
    NotFound,
    Posted,
    PostOutcome,
    Quoted,
    QuoteLine,
    RecordResult,
    Refused,
    Stopped,
    Suspended,
    Tail,
    TooLarge,
    Unavailable,
)

READ_TIMEOUT_S = 3.0
MONEY_TIMEOUT_S = 10.0
BATCH_LIMIT = 100

_Shape = TypeVar("_Shape", bound=answers.Content)


class CentralServer:
    """One server, spoken to as the kiosk of `enrolment`; `clock` gives Unix seconds. Threads may share it."""

    def __init__(
        self,
        base_url: str,
        enrolment: Enrolment,
        key: Ed25519PrivateKey,
        clock: Callable[[], float] = time.time,
        session: requests.Session | None = None,
    ) -> None:
        self._enrolment = enrolment
        self._server_key = enrolment.pinned_server_key()
        self._exchange = Exchange(base_url, enrolment, key, clock, session or plain_session())

    @property
    def offset_s(self) -> float:
        """Seconds that the server's clock is ahead of ours, 0 while it has not complained."""
        return self._exchange.offset_s

    def post_journal(self, records: Sequence[Record]) -> PostOutcome:
        """Send 1 to 100 records in order. Safe to repeat: the server knows each by its place and hash."""
        if not 0 < len(records) <= BATCH_LIMIT:
            raise ValueError(f"{len(records)} records in one post")
        content = {"records": [to_wire(record) for record in records]}
        answer = self._exchange.ask("POST", "/v1/journal", content=content, timeout_s=MONEY_TIMEOUT_S)
        if isinstance(answer, Unavailable):
            return answer
        return self._posted(answer, records) if answer.ok else _not_posted(answer)

    def head(self) -> HeadSeen | Failure:
        """Return how far the server holds our chain."""
        seen = _shaped(self._read(f"/v1/kiosks/{self._enrolment.kiosk_id}/head", {}), answers.HeadAnswer)
        if not isinstance(seen, answers.HeadAnswer):
            return seen
        if seen.kiosk_id != self._enrolment.kiosk_id:
            return Unavailable(f"the head of {seen.kiosk_id!r}")
        return HeadSeen(seen.epoch, seen.head_seq, seen.head_hash, seen.server_time, seen.frozen, seen.seen_at)

    def records_tail(self, after_seq: int, limit: int = BATCH_LIMIT) -> Tail | Failure:
        """Return our own records that the server holds after `after_seq`; Journal.restore checks them."""
        params = {"epoch": self._enrolment.epoch, "after": after_seq, "limit": limit}
        tail = _shaped(self._read(f"/v1/kiosks/{self._enrolment.kiosk_id}/records", params), answers.TailAnswer)
        if not isinstance(tail, answers.TailAnswer):
            return tail
        try:
            return Tail(tuple(from_wire(record) for record in tail.records), tail.next)
        except MalformedEntry as error:
            return Unavailable(f"wrong answer: {error}")

    def resolve(self, *, scan: str = "", number: str = "", check: str = "") -> LookUpOutcome:
        """Look an account up by the text of its bill's code, or by printed number and house number."""
        params: dict[str, str | int] = {"scan": scan} if scan else {"number": number, "check": check}
        answer = self._read("/v1/accounts:resolve", params)
        if isinstance(answer, Answer) and answer.status == 404 and answer.problem().suffix == "account-not-found":
            return NotFound()
        account = _shaped(answer, answers.AccountAnswer)
        if isinstance(account, answers.AccountAnswer):
            return Found(account.to_account())
        return Away(account.reason if isinstance(account, Unavailable) else account.problem)

    def heartbeat(self, boot_id: str, counter: int, health: Mapping[str, Any]) -> HeartbeatTaken | Failure:
        content = {"boot_id": boot_id, "counter": counter, "health": dict(health)}
        path = f"/v1/kiosks/{self._enrolment.kiosk_id}/heartbeats"
        answer = self._exchange.ask("POST", path, content=content, timeout_s=READ_TIMEOUT_S)
        taken = _shaped(answer, answers.HeartbeatAnswer)
        if not isinstance(taken, answers.HeartbeatAnswer):
            return taken
        return HeartbeatTaken(taken.server_time, taken.commands, taken.head_seq, taken.head_hash)

    def quote(self, account: str, amount_minor: int) -> Quoted | Failure:
        """Return what paying `amount_minor` cents on the account (its token) costs, fees included."""
        content = {"account": account, "amount_minor": amount_minor}
        answer = self._exchange.ask("POST", "/v1/quotes", content=content, timeout_s=READ_TIMEOUT_S)
        quote = _shaped(answer, answers.QuoteAnswer)
        if not isinstance(quote, answers.QuoteAnswer):
            return quote
        return Quoted(
            quote.quote_id,
            tuple(QuoteLine(line.code, line.label, line.amount_minor) for line in quote.lines),
            quote.fee_minor,
            quote.total_minor,
            str(quote.fee_schedule_version),
            quote.expires_at,
            quote.offline_ok,
        )

    def _read(self, path: str, params: Mapping[str, str | int]) -> Answer | Unavailable:
        return self._exchange.ask("GET", path, params=params, timeout_s=READ_TIMEOUT_S)

    def _posted(self, answer: Answer, records: Sequence[Record]) -> Posted | Unavailable:
        """Take only an answer that speaks of these records and promises them under the server's key."""
        try:
            content = answers.JournalAnswer.model_validate_json(answer.body)
            signed = content.acknowledgement
            ack = acknowledgement.read(signed.text, signed.sig, self._server_key)
        except (ValidationError, acknowledgement.NotAnAcknowledgement) as error:
            return Unavailable(f"wrong answer: {type(error).__name__}")
        taken = [result.seq for result in content.results]
        sent = {record.seq: record.hash for record in records[: len(taken)]}
        mine = (ack.kiosk_id, ack.epoch) == (self._enrolment.kiosk_id, self._enrolment.epoch)
        promised = ack.head_seq >= taken[-1] and sent.get(ack.head_seq, ack.head_hash) == ack.head_hash
        if taken != list(sent) or not mine or not promised:
            return Unavailable("wrong answer: it acknowledges something else")
        results = tuple(RecordResult(r.seq, r.outcome, r.disposition, r.reason) for r in content.results)
        stopped = content.stopped
        end = Stopped(stopped.type.rpartition("/")[2], stopped.expected_seq or 0) if stopped else None
        return Posted(ack, results, end)


def enrol(
    base_url: str,
    code: str,
    key: Ed25519PrivateKey,
    hardware: Mapping[str, Any] | None = None,
    session: requests.Session | None = None,
    held: Enrolment | None = None,
) -> Enrolled | Refused | Unavailable:
    """Trade a one-time code for an enrolment; the same code and key may be sent again after a lost answer.

    With `held` a server that forgot this enrolment (it was set back to an older back-up) is asked to know it again.

    Neither side can sign yet: TLS alone says who answers, and the server key that comes back is pinned from here on.
    """
    content: dict[str, Any] = {"code": code, "public_key": public_key_text(key), "hardware": dict(hardware or {})}
    if held is not None:
        content["held"] = {"kiosk_id": held.kiosk_id, "epoch": held.epoch, "nonce": held.nonce}
    request = prepare("POST", base_url.rstrip("/") + "/v1/enrolments", None, content)
    received = send(session or plain_session(), request, MONEY_TIMEOUT_S, time.monotonic)
    if isinstance(received, Unavailable):
        return received
    answer = Answer(received.status_code, received.body)
    if 400 <= answer.status < 500 and answer.problem().suffix:
        return Refused(answer.status, answer.problem().suffix, answer.problem().detail)
    if not answer.ok:
        return Unavailable(f"status {answer.status}")
    try:
        given = answers.EnrolmentAnswer.model_validate_json(answer.body)
        public_key_from(given.server_key)
    except (ValidationError, KeyUnusable) as error:
        return Unavailable(f"wrong answer: {type(error).__name__}")
    fields = given.model_dump(exclude={"server_time"})
    return Enrolled(Enrolment(**fields, public_key=public_key_text(key)), given.server_time)


def _not_posted(answer: Answer) -> PostOutcome:
    problem = answer.problem()
    if problem.suffix == "journal-gap" and problem.expected_seq:
        return Gap(problem.expected_seq)
    if problem.suffix == "journal-fork":
        return Fork(problem.expected_seq, problem.kept_seq)
    if answer.status == 400 and problem.suffix == "malformed":
        return Malformed(problem.seq, problem.detail)
    if answer.status == 413:
        return TooLarge()
    return _refusal(answer)


def _refusal(answer: Answer) -> Suspended | Refused:
    problem = answer.problem()
    if answer.status == 403:
        return Suspended(problem.suffix, problem.detail)
    return Refused(answer.status, problem.suffix, problem.detail)


def _shaped(answer: Answer | Unavailable, shape: type[_Shape]) -> _Shape | Failure:
    """Return the answer's content, or what is wrong with it."""
    if isinstance(answer, Unavailable):
        return answer
    if not answer.ok:
        return _refusal(answer)
    try:
        return shape.model_validate_json(answer.body)
    except ValidationError as error:
        return Unavailable(f"wrong answer: {error.error_count()} fields")
