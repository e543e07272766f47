"""The server's side of docs/wire.md, by hand: real HTTP, one chain, and the faults that a test asks for.

It shares nothing with the client but the words of that page.
"""

import hashlib
import json
import re
import threading
import time
from base64 import b64decode, b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.domain.facts import SessionOpened, body
from kiosk.journal.keys import Enrolment, public_key_text
from kiosk.journal.record import Envelope, Moment, Record, seal

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
            "/v1/kiosks/rb-07/heartbeats": (200, {"server_time": stamp, "commands": ["freeze"]}),
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
