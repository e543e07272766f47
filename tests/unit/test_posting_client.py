"""The client against a real HTTP server that checks and makes signatures by hand, from the words of docs/wire.md."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from posting_peer import ACCOUNT, ENROLMENT, KEY, NONCE, NOW, Peer, chain

from kiosk.domain.invoice import Account, Invoice, InvoiceLine
from kiosk.journal.keys import public_key_text
from kiosk.journal.record import Record, to_wire
from kiosk.posting import exchange, outcomes
from kiosk.posting.client import CentralServer, enrol


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
    assert taken == outcomes.HeartbeatTaken("2026-11-23T19:42:30.000Z", ("freeze",))
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
