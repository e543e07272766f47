"""The client against a real HTTP server that checks and makes signatures by hand, from the words of docs/wire.md."""

import hashlib
import json
import re
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.domain.facts import SessionOpened, body
from kiosk.domain.invoice import Account, Invoice, InvoiceLine
from kiosk.journal.keys import Enrolment, public_key_text
from kiosk.journal.record import Envelope, Moment, Record, seal, to_wire
from kiosk.posting import exchange, outcomes
from kiosk.posting.client import CentralServer, enrol

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SERVER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96)))
NONCE = "ab" * 32
ENROLMENT = Enrolment("rb-07", 1, NONCE, public_key_text(SERVER_KEY), "RB-07", "Río Bend", "America/Chicago")
NOW = 1_795_462_927.0  # 2026-11-23T19:42:07Z
ACCOUNT = {
    "account": "tok-1",
    "last4": "4417",
    "name": "J. R.",
    "address": "1.. Maple St",
    "status": "open",
    "currency": "USD",
    "balance_minor": 5318,
    "past_due_minor": 0,
    "as_of": "2026-11-23T19:42:00Z",
    "minimum_minor": 100,
    "invoices": [
        {
            "id": "inv-1",
            "kind": "utility",
            "label": "Water and trash",
            "due_date": "2026-12-01",
            "balance_minor": 5318,
            "past_due_minor": 0,
            "shut_off": False,
            "lines": [{"code": "water", "label": "Water, Oct 2 to Nov 1", "amount_minor": 3840}],
        }
    ],
}


def chain(count: int, key: Ed25519PrivateKey = KEY, word: str = "session") -> list[Record]:
    records: list[Record] = []
    for seq in range(1, count + 1):
        moment = Moment(f"entry-{seq}", "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, seq)
        previous = records[-1].hash if records else NONCE
        content = body(SessionOpened(f"{word}-{seq} ñ"))
        records.append(seal(Envelope("rb-07", 1, seq, "SessionOpened", moment, content, previous), key))
    return records


class Peer:
    """The server's side: one chain, the wire's rules, and faults that a test puts in its way, one a request."""

    def __init__(self) -> None:
        self.held: list[dict[str, str]] = []
        self.now = NOW
        self.faults: list[str] = []
        self.problem: tuple[int, dict[str, Any]] | None = None
        self.answer: dict[str, Any] | None = None
        self.acknowledge: dict[str, Any] = {}
        self.sign_key = SERVER_KEY
        self.seen: list[tuple[str, str, dict[str, Any]]] = []
        self.lock = threading.Lock()
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                peer.handle(self)

            def do_POST(self) -> None:
                peer.handle(self)

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def handle(self, http: BaseHTTPRequestHandler) -> None:
        content = http.rfile.read(int(http.headers.get("Content-Length", 0)))
        with self.lock:
            fault = self.faults.pop(0) if self.faults else ""
            if fault in ("nothing", "html", "500", "302", "503", "noise", "proxy-404", "304"):
                self._foreign(http, fault)
                return
            status, answer = self._decide(http, content)
        self._reply(http, status, answer, fault)

    def _decide(self, http: BaseHTTPRequestHandler, content: bytes) -> tuple[int, dict[str, Any]]:
        url = urlsplit(http.path)
        parsed = json.loads(content) if content else {name: values[0] for name, values in parse_qs(url.query).items()}
        self.seen.append((http.command, url.path, parsed))
        if url.path == "/v1/enrolments":
            return self._enrolled(parsed)
        created = self._check_signature(http, content)
        if abs(created - self.now) > 300:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.now))
            return 401, {"type": "/problems/signature-stale", "retryable": True, "server_time": stamp}
        if self.problem:
            return self.problem
        if self.answer is not None:
            return 200, self.answer
        return self._journal(parsed["records"]) if url.path == "/v1/journal" else self._other(url.path)

    def _other(self, path: str) -> tuple[int, dict[str, Any]]:
        stamp = "2026-11-23T19:42:30.000Z"
        head = {"head_seq": len(self.held), "head_hash": self.held[-1]["hash"] if self.held else NONCE}
        return {
            "/v1/kiosks/rb-07/head": (200, {"kiosk_id": "rb-07", "epoch": 1, "server_time": stamp} | head),
            "/v1/kiosks/rb-07/records": (200, {"records": self.held, "next": None}),
            "/v1/kiosks/rb-07/heartbeats": (200, {"server_time": stamp, "commands": [{"do": "reload"}]}),
            "/v1/accounts:resolve": (200, ACCOUNT),
        }[path]

    def _check_signature(self, http: BaseHTTPRequestHandler, content: bytes) -> int:
        """Build the signature base line by line (RFC 9421 section 2.5) and check it; return `created`."""
        label, _, params = http.headers["Signature-Input"].partition("=")
        assert label == "kiosk"
        values = {
            '"@method"': http.command,
            '"@target-uri"': self.url + http.path,
            '"kiosk-epoch"': http.headers["Kiosk-Epoch"],
            '"content-digest"': f"sha-256=:{b64encode(hashlib.sha256(content).digest()).decode()}:",
        }
        if content:
            assert http.headers["Content-Digest"] == values['"content-digest"']
        else:
            del values['"content-digest"']
        covered = re.match(r"\(([^)]*)\)", params).group(1).split(" ")  # type: ignore[union-attr]
        assert set(covered) == set(values)
        lines = [f"{name}: {values[name]}" for name in covered] + [f'"@signature-params": {params}']
        signature = http.headers["Signature"].removeprefix("kiosk=:").removesuffix(":")
        KEY.public_key().verify(b64decode(signature), "\n".join(lines).encode())
        assert ';keyid="rb-07"' in params
        assert ';tag="kiosk-v1"' in params
        http.nonce = re.search(r';nonce="([^"]+)"', params).group(1)  # type: ignore[attr-defined, union-attr]
        return int(re.search(r";created=(\d+)", params).group(1))  # type: ignore[union-attr]

    def _journal(self, records: list[dict[str, str]]) -> tuple[int, dict[str, Any]]:
        results: list[dict[str, Any]] = []
        stopped: dict[str, Any] = {}
        for record in records:
            stopped = self._append(record, results)
            if stopped:
                break
        if not results:
            return 409, stopped
        ack = {"kiosk_id": "rb-07", "epoch": 1, "head_seq": len(self.held), "head_hash": self.held[-1]["hash"]}
        text = rfc8785.dumps(ack | {"ledger_txn_id": 7, "server_time": "2026-11-23T19:42:30.000Z"} | self.acknowledge)
        signed = {"text": text.decode(), "sig": b64encode(self.sign_key.sign(text)).decode()}
        return 200, {"results": results, "acknowledgement": signed} | ({"stopped": stopped} if stopped else {})

    def _append(self, record: dict[str, str], results: list[dict[str, Any]]) -> dict[str, Any]:
        seq = json.loads(record["entry"])["seq"]
        if seq > len(self.held) + 1:
            return {"type": "/problems/journal-gap", "expected_seq": len(self.held) + 1, "detail": None}
        if seq <= len(self.held) and self.held[seq - 1]["hash"] != record["hash"]:
            return {"type": "/problems/journal-fork", "expected_seq": seq}
        outcome = "exists" if seq <= len(self.held) else "created"
        if outcome == "created":
            self.held.append(record)
        results.append({"seq": seq, "outcome": outcome, "disposition": "kept", "reason": ""})
        return {}

    def _enrolled(self, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if content["code"] != "CODE":
            return 404, {"type": "/problems/code-unknown", "detail": "no such code"}
        given = {"kiosk_id": "rb-07", "epoch": 1, "nonce": NONCE, "server_key": public_key_text(SERVER_KEY)}
        city = {"receipt_prefix": "RB-07", "city": "Río Bend", "time_zone": "America/Chicago"}
        return 201, given | city | {"server_time": "2026-11-23T19:42:30.000Z"}

    def _reply(self, http: BaseHTTPRequestHandler, status: int, answer: dict[str, Any], fault: str) -> None:
        if fault == "lost":
            http.close_connection = True
            return
        content = b"<not json>" if fault == "signed-html" else json.dumps(answer).encode()
        headers = self._signature(status, content, getattr(http, "nonce", ""), fault)
        if fault == "edited":
            content = content.replace(b"5318", b"0018")
        http.send_response(status)
        for name, value in headers.items():
            http.send_header(name, value)
        http.send_header("Content-Length", str(len(content) + (10 if fault == "cut" else 0)))
        http.end_headers()
        http.wfile.write(content)
        if fault == "cut":
            http.close_connection = True

    def _signature(self, status: int, content: bytes, nonce: str, fault: str) -> dict[str, str]:
        if fault == "unsigned" or not nonce:
            return {}
        nonce = "f" * 32 if fault == "replayed" else nonce
        digest = f"sha-256=:{b64encode(hashlib.sha256(content).digest()).decode()}:"
        params = '("@status" "content-digest" "request-nonce");created=5;keyid="server";tag="server-v1"'
        if fault == "uncovered":
            params = params.replace(' "request-nonce"', "")
        if fault == "undated":
            params = params.replace(";created=5", "")
        values = [f'"@status": {status}', f'"content-digest": {digest}', f'"request-nonce": {nonce}']
        covered = values[:2] if fault == "uncovered" else values
        lines = [*covered, f'"@signature-params": {params}']
        key = KEY if fault == "other-key" else SERVER_KEY
        signature = b64encode(key.sign("\n".join(lines).encode())).decode()
        return {
            "Content-Digest": digest,
            "Request-Nonce": nonce,
            "Signature-Input": f"server={params}",
            "Signature": f"server=:{signature}:",
        }

    def _foreign(self, http: BaseHTTPRequestHandler, fault: str) -> None:
        """Answer as something that is not the server would."""
        http.close_connection = True
        page = b"<html>Sign in to the lobby network</html>"
        if fault == "nothing":
            return
        if fault == "noise":
            http.wfile.write(bytes(range(256)))
            return
        http.send_response({"html": 200, "500": 500, "302": 302, "503": 503, "proxy-404": 404, "304": 304}[fault])
        if fault == "302":
            http.send_header("Location", self.url + "/v1/elsewhere")
        if fault == "503":
            http.send_header("Retry-After", "17")
        http.send_header("Connection", "close")
        http.send_header("Content-Length", str(len(page)))
        http.end_headers()
        http.wfile.write(page)


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def server(peer: Peer) -> CentralServer:
    return CentralServer(peer.url, ENROLMENT, KEY, clock=lambda: NOW)


def test_records_are_booked_once_however_often_they_are_sent(peer: Peer, server: CentralServer) -> None:
    records = chain(3)
    first, second = server.post_journal(records[:2]), server.post_journal(records)
    assert isinstance(first, outcomes.Posted)
    assert isinstance(second, outcomes.Posted)
    assert (first.ack.head_seq, first.ack.head_hash) == (2, records[1].hash)
    assert [result.outcome for result in second.results] == ["exists", "exists", "created"]
    assert peer.held == [to_wire(record) for record in records]


def test_a_lost_answer_is_unavailable_and_the_repeat_finds_the_records_there(peer: Peer, server: CentralServer) -> None:
    peer.faults = ["lost"]
    assert isinstance(server.post_journal(chain(2)), outcomes.Unavailable)
    assert len(peer.held) == 2
    again = server.post_journal(chain(2))
    assert isinstance(again, outcomes.Posted)
    assert {result.outcome for result in again.results} == {"exists"}


def test_a_gap_and_a_fork_say_where(peer: Peer, server: CentralServer) -> None:
    assert server.post_journal(chain(3)[2:]) == outcomes.Gap(1)
    server.post_journal(chain(3))
    assert server.post_journal(chain(3, word="other")[1:]) == outcomes.Fork(2)


def test_a_batch_stopped_in_the_middle_keeps_its_first_part(peer: Peer, server: CentralServer) -> None:
    records = chain(4)
    outcome = server.post_journal([*records[:2], records[3]])
    assert isinstance(outcome, outcomes.Posted)
    assert [result.seq for result in outcome.results] == [1, 2]
    assert outcome.stopped == outcomes.Stopped("journal-gap", 3)
    server.post_journal(records[:3])
    outcome = server.post_journal([records[1], chain(4, word="other")[2]])
    assert isinstance(outcome, outcomes.Posted)
    assert [result.seq for result in outcome.results] == [2]
    assert outcome.stopped == outcomes.Stopped("journal-fork", 3)


FOREIGN = ("nothing", "html", "500", "302", "503", "noise", "proxy-404", "304")
FORGED = ("lost", "unsigned", "other-key", "replayed", "uncovered", "undated", "signed-html", "cut")


@pytest.mark.parametrize("fault", FOREIGN + FORGED)
def test_what_is_not_the_servers_answer_is_unavailable(peer: Peer, server: CentralServer, fault: str) -> None:
    asks: list[Callable[[], object]] = [
        lambda: server.post_journal(chain(1)),
        server.head,
        lambda: server.records_tail(0),
        lambda: server.heartbeat("5f" * 16, 1, {}),
        lambda: server.quote("tok-1", 5318),
    ]
    for ask in asks:
        peer.faults = [fault]
        outcome = ask()
        assert isinstance(outcome, outcomes.Unavailable), outcome
        assert outcome.reason
        assert outcome.retry_after_s == (17 if fault == "503" else 0)
        assert peer.faults == [], "a redirect was followed or the request repeated"
    peer.faults = [fault]
    assert isinstance(server.resolve(scan="44170934"), outcomes.Away)


def test_an_edited_balance_is_no_balance(peer: Peer, server: CentralServer) -> None:
    peer.faults = ["edited"]
    outcome = server.resolve(scan="44170934")
    assert isinstance(outcome, outcomes.Away)
    assert "not signed" in outcome.reason


@pytest.mark.parametrize(
    "lie",
    [{"head_seq": 1}, {"head_hash": "00" * 32}, {"kiosk_id": "rb-08"}, {"epoch": 2}, {"head_seq": "2"}],
)
def test_an_acknowledgement_of_something_else_is_unavailable(
    peer: Peer, server: CentralServer, lie: dict[str, object]
) -> None:
    peer.acknowledge = lie
    assert isinstance(server.post_journal(chain(2)), outcomes.Unavailable)


def test_results_for_other_records_than_were_sent_are_unavailable(peer: Peer, server: CentralServer) -> None:
    posted = server.post_journal(chain(3))
    assert isinstance(posted, outcomes.Posted)
    results = [vars(result) for result in posted.results]
    peer.answer = {"results": results[1:], "acknowledgement": {"text": posted.ack.text, "sig": posted.ack.sig}}
    assert isinstance(server.post_journal(chain(3)), outcomes.Unavailable)


def test_an_acknowledgement_under_another_key_is_unavailable(peer: Peer, server: CentralServer) -> None:
    peer.sign_key = KEY
    assert isinstance(server.post_journal(chain(2)), outcomes.Unavailable)


@pytest.mark.parametrize(
    ("status", "problem", "outcome"),
    [
        (400, {"type": "/problems/malformed", "seq": 2, "detail": "hash"}, outcomes.Malformed(2, "hash")),
        (403, {"type": "/problems/kiosk-suspended"}, outcomes.Suspended("kiosk-suspended")),
        (409, {"type": "/problems/journal-gap", "expected_seq": None}, outcomes.Refused(409, "journal-gap")),
        (413, {"type": "/problems/too-large"}, outcomes.TooLarge()),
        (401, {"type": "/problems/signature-invalid"}, outcomes.Refused(401, "signature-invalid")),
        (401, {"type": "/problems/signature-stale"}, outcomes.Refused(401, "signature-stale")),
        (410, {"type": "/problems/protocol-retired"}, outcomes.Refused(410, "protocol-retired")),
        (418, {"title": "new"}, outcomes.Refused(418, "")),
        (429, {"type": "/problems/slow-down", "retry_after_s": 9}, outcomes.Unavailable("status 429", 9.0)),
    ],
)
def test_each_problem_has_its_outcome(
    peer: Peer, server: CentralServer, status: int, problem: dict[str, Any], outcome: outcomes.PostOutcome
) -> None:
    peer.problem = (status, problem)
    assert server.post_journal(chain(2)) == outcome


@pytest.mark.parametrize("records", [[], chain(1) * 101])
def test_a_batch_of_none_or_too_many_is_our_own_mistake(server: CentralServer, records: list[Record]) -> None:
    with pytest.raises(ValueError, match="records in one post"):
        server.post_journal(records)


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_years_off_is_corrected_once_by_the_servers_signed_time(peer: Peer, years: int) -> None:
    off = CentralServer(peer.url, ENROLMENT, KEY, clock=lambda: NOW + years * 31_557_600)
    assert isinstance(off.head(), outcomes.HeadSeen)
    assert off.offset_s == -years * 31_557_600
    assert isinstance(off.head(), outcomes.HeadSeen)
    assert len(peer.seen) == 3


@pytest.mark.parametrize("stamp", ["yesterday", "2026-11-23T19:42:30"])
def test_an_unreadable_server_time_corrects_nothing(peer: Peer, server: CentralServer, stamp: str) -> None:
    peer.problem = (401, {"type": "/problems/signature-stale", "server_time": stamp})
    assert server.head() == outcomes.Refused(401, "signature-stale")
    assert len(peer.seen) == 1


def test_a_server_that_never_likes_the_clock_is_unavailable(peer: Peer, server: CentralServer) -> None:
    peer.problem = (401, {"type": "/problems/signature-stale", "server_time": "2026-11-23T19:42:30Z"})
    outcome = server.post_journal(chain(1))
    assert isinstance(outcome, outcomes.Unavailable)
    assert "clock" in outcome.reason
    assert len(peer.seen) == 2


def test_an_account_is_found_as_the_domain_knows_it(peer: Peer, server: CentralServer) -> None:
    lines = (InvoiceLine("water", "Water, Oct 2 to Nov 1", 3840),)
    invoice = Invoice("inv-1", "utility", "Water and trash", "2026-12-01", 5318, 0, False, lines)
    account = Account(
        "tok-1", "4417", "J. R.", "1.. Maple St", "open", 5318, 0, (invoice,), True, "2026-11-23T19:42:00Z"
    )
    assert server.resolve(scan="(8020) 44&17 ñ") == outcomes.Found(account)
    assert server.resolve(number="44170934", check="12 B") == outcomes.Found(account)
    asked = [content for _, _, content in peer.seen]
    assert asked == [{"scan": "(8020) 44&17 ñ"}, {"number": "44170934", "check": "12 B"}]


def test_wrong_and_unknown_are_not_found_and_the_rest_is_away(peer: Peer, server: CentralServer) -> None:
    peer.problem = (404, {"type": "/problems/account-not-found"})
    assert server.resolve(number="1", check="2") == outcomes.NotFound()
    peer.problem = (403, {"type": "/problems/kiosk-suspended"})
    assert server.resolve(number="1", check="2") == outcomes.Away("kiosk-suspended")
    peer.problem = (404, {"type": "/problems/no-such-page"})
    assert server.resolve(number="1", check="2") == outcomes.Away("no-such-page")


@pytest.mark.parametrize(
    "change", [{"balance_minor": "5318"}, {"balance_minor": 53.18}, {"currency": "CAD"}, {"account": ""}]
)
def test_an_account_of_the_wrong_shape_is_away(peer: Peer, server: CentralServer, change: dict[str, Any]) -> None:
    peer.answer = ACCOUNT | change
    assert isinstance(server.resolve(scan="x"), outcomes.Away)


def test_head_and_tail_and_heartbeat(peer: Peer, server: CentralServer) -> None:
    records = chain(2)
    assert server.head() == outcomes.HeadSeen(1, 0, NONCE, "2026-11-23T19:42:30.000Z")
    server.post_journal(records)
    assert server.head() == outcomes.HeadSeen(1, 2, records[1].hash, "2026-11-23T19:42:30.000Z")
    assert server.records_tail(0) == outcomes.Tail(tuple(records), None)
    taken = server.heartbeat("5f" * 16, 4, {"paper": "low"})
    assert taken == outcomes.HeartbeatTaken("2026-11-23T19:42:30.000Z", ({"do": "reload"},))
    assert peer.seen[-1][2] == {"boot_id": "5f" * 16, "counter": 4, "health": {"paper": "low"}}


def test_the_head_of_another_kiosk_and_records_that_are_none_are_unavailable(peer: Peer, server: CentralServer) -> None:
    peer.answer = {"kiosk_id": "rb-08", "epoch": 1, "head_seq": 0, "head_hash": NONCE, "server_time": ""}
    assert isinstance(server.head(), outcomes.Unavailable)
    peer.answer = {"records": [{"entry": "?"}], "next": None}
    assert isinstance(server.records_tail(0), outcomes.Unavailable)


def test_a_quote_is_read_and_a_refused_one_says_why(peer: Peer, server: CentralServer) -> None:
    line = {"code": "fee", "label": "Fee", "amount_minor": 100}
    peer.answer = {"quote_id": "q", "lines": [line], "fee_minor": 100, "total_minor": 5418}
    peer.answer |= {"fee_schedule_version": 3, "expires_at": "2026-11-23T20:00:00Z", "offline_ok": True}
    quote = outcomes.Quoted("q", (outcomes.QuoteLine("fee", "Fee", 100),), 100, 5418, "3", "2026-11-23T20:00:00Z", True)
    assert server.quote("tok-1", 5318) == quote
    peer.problem = (422, {"type": "/problems/validation", "detail": "amount"})
    assert server.quote("tok-1", -1) == outcomes.Refused(422, "validation", "amount")


def test_enrolment_gives_what_the_kiosk_keeps(peer: Peer) -> None:
    outcome = enrol(peer.url, "CODE", KEY, {"board": "Pi 5"})
    assert isinstance(outcome, outcomes.Enrolled)
    assert outcome.enrolment == replace(ENROLMENT, public_key=public_key_text(KEY))
    assert peer.seen[0][2] == {"code": "CODE", "public_key": public_key_text(KEY), "hardware": {"board": "Pi 5"}}
    assert enrol(peer.url, "WRONG", KEY) == outcomes.Refused(404, "code-unknown", "no such code")


@pytest.mark.parametrize("fault", [*FOREIGN, "signed-html", "cut", "lost"])
def test_enrolment_by_something_else_is_unavailable(peer: Peer, fault: str) -> None:
    peer.faults = [fault]
    assert isinstance(enrol(peer.url, "CODE", KEY), outcomes.Unavailable)


def test_nobody_there_is_unavailable(peer: Peer) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as gone:
        url = f"http://127.0.0.1:{gone.server_port}"
    outcome = CentralServer(url, ENROLMENT, KEY).head()
    assert outcome == outcomes.Unavailable("no answer: ConnectionError")


def test_an_answer_without_end_or_too_slow_is_cut_off(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    request = exchange.prepare("GET", peer.url + "/v1/enrolments", None, {"code": "CODE", "public_key": "x"})
    ticks = iter([0.0, 99.0])
    slow = exchange.send(exchange.plain_session(), request, 3.0, lambda: next(ticks))
    assert slow == outcomes.Unavailable("the answer comes too slowly")
    monkeypatch.setattr(exchange, "ANSWER_LIMIT", 10)
    endless = exchange.send(exchange.plain_session(), request, 3.0, time.monotonic)
    assert endless == outcomes.Unavailable("the answer does not end")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("17", 17.0),
        ("Mon, 23 Nov 2026 19:43:07 GMT", 60.0),
        ("Mon, 23 Nov 2026 19:41:07 GMT", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        ("-5", 0.0),
        ("9" * 40, 0.0),
        ("٣", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    assert exchange.retry_after_s(text, NOW) == seconds


def test_surroundings_do_not_change_the_session(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    assert isinstance(CentralServer(peer.url, ENROLMENT, KEY, clock=lambda: NOW).head(), outcomes.HeadSeen)
