"""The twin of Stripe's API with one reader, over HTTP or HTTPS on this machine, steered over a Unix socket.

    python -m hardware simulate stripe --port PORT --control SOCKET [--state FILE] [--cert FILE --key FILE]

Port 0 picks one; the first line on standard output is the address to give the kiosk. With --state the account (its
payments, refunds and idempotency keys) survives the process. Control requests, each a JSON line with "do":

  state; ledger; wait_state {any fields of state, "timeout_ms"}; present {"outcome"?, "card"?, "amount_minor"?};
  cancel (the person, at the reader); auto {"outcome": "" or any outcome or "cancel"}: what every person does;
  slow_host {"ms"}; die_at {"when"}; power_cut; power_on; offline {"on"}; busy {"on"}; false_timeout {"count"};
  refuse_refund {"code"}; key {"value"};
  lose_request, lose_answer, garble, conflict, throttle, fail {"count", "when"?}; down {"on"}; leaky {"on"};
  fragment {"on"}; slow {"ms"}; calm (no trouble on the way any more)

outcome: approve, partial, generic_decline, insufficient_funds, expired_card, stolen_card. card: visa, visa_chip,
mastercard, amex, debit_network, swiped, fallback, phone. `when` of die_at: waiting, reading, before_authorising,
after_authorising; of the others a kind of request: create, process, cancel_action, cancel_intent, mark, look, list,
refund, reader, show. A person who walks away is one who does nothing. Repeated requests with one idempotency key get
the saved answer, as do hosts that send a payment twice; other fields under a used key are refused.
"""

import argparse
import json
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from hardware.sim.control import Answer, ControlServer, Refused, Request, text, whole
from hardware.sim.stripe_account import MOMENTS, Account, Settings, Store
from hardware.sim.stripe_cards import OUTCOMES
from hardware.sim.stripe_wire import CALLS, Door, Trouble

LOOPBACK = "127.0.0.1"
TICK_S = 0.02
WAIT_MS = 10_000
BODY_BYTES_MAX = 65_536
TROUBLES = ("lose_request", "lose_answer", "garble", "conflict", "throttle", "fail")


class StripeTwin:
    """A running twin. `handle` takes control requests, from any thread."""

    def __init__(
        self,
        port: int = 0,
        settings: Settings | None = None,
        state: str | Path | None = None,
        tls: tuple[str | Path, str | Path] | None = None,
    ) -> None:
        self._kept = Path(state) if state else None
        store = Store.from_json(json.loads(self._kept.read_text())) if self._kept and self._kept.exists() else None
        self.account = Account(settings, store)
        self.door = Door(self.account)
        self.changed = threading.Condition()
        self._saved = ""
        self._stopping = threading.Event()
        self._server = _Server((LOOPBACK, port), self)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.address = f"{'https' if tls else 'http'}://{LOOPBACK}:{self._server.server_address[1]}"
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(TICK_S,), name="stripe twin", daemon=True),
            threading.Thread(target=self._tick, name="stripe twin time", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> "StripeTwin":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tick(self) -> None:
        before = time.monotonic()
        while not self._stopping.wait(TICK_S):
            now = time.monotonic()
            with self.changed:
                passed_ms = int((now - before) * 1_000)
                self.account.step(passed_ms)
                before += passed_ms / 1_000
                self.save()
                self.changed.notify_all()

    def save(self) -> None:
        """Keep the account: what a host is about to read must be true after a restart. The lock is held."""
        content = json.dumps(self.account.store.to_json())
        if self._kept is None or content == self._saved:
            return
        fresh = self._kept.with_name(f"{self._kept.name}.new")
        fresh.write_text(content, encoding="utf-8")
        fresh.replace(self._kept)
        self._saved = content

    # Control

    def handle(self, request: Request) -> Answer:
        """Do one control request. Refused if it makes no sense now, or at all."""
        if request["do"] == "wait_state":
            return self._wait(request)
        with self.changed:
            answer = self._act(request["do"], request)
            self.save()
            self.changed.notify_all()
            return answer

    def _wait(self, request: Request) -> Answer:
        timeout_ms = whole(request, "timeout_ms", WAIT_MS)
        wanted = {name: value for name, value in request.items() if name not in ("do", "timeout_ms")}
        with self.changed:
            if unknown := wanted.keys() - self.state().keys():
                raise Refused(f"state has no {', '.join(sorted(unknown))}")
            if not self.changed.wait_for(lambda: wanted.items() <= self.state().items(), timeout_ms / 1_000):
                raise Refused(f"not within {timeout_ms} ms: {self.state()}")
            return self.state()

    def state(self) -> Answer:
        """Return what a person before the reader and one with the processor's web pages could see."""
        account = self.account
        return {
            "phase": account.phase,
            "display": account.display,
            "online": account.online,
            "powered": account.powered,
            "approved_minor": sum(entry["amount_minor"] for entry in account.ledger() if entry["kind"] == "sale"),
            "refunded_minor": sum(entry["amount_minor"] for entry in account.ledger() if entry["kind"] == "refund"),
            "intents": len(account.store.intents),
            "requests": len(self.door.log),
            "address": self.address,
        }

    def _act(self, do: str, request: Request) -> Answer:
        account = self.account
        match do:
            case "state":
                return self.state()
            case "ledger":
                return {"ledger": account.ledger()}
            case "present":
                outcome, card = text(request, "outcome", "approve"), text(request, "card", "visa")
                _try(lambda: account.present(outcome, card, whole(request, "amount_minor", 0)))
            case "cancel":
                _try(account.leave)
            case "auto":
                account.auto = _one_of(text(request, "outcome", ""), ("", "cancel", *OUTCOMES))
            case "die_at":
                account.die_at = _one_of(text(request, "when"), MOMENTS)
            case "power_cut":
                account.power_cut()
            case "power_on":
                account.power_on()
            case "offline":
                account.set_connected(not request.get("on", True))
            case "busy":
                account.busy = bool(request.get("on", True))
            case "slow_host":
                account.slow_ms = whole(request, "ms")
            case "false_timeout":
                account.false_timeouts = whole(request, "count", 1)
            case "refuse_refund":
                account.refused_refund = text(request, "code", "insufficient_funds")
            case "key":
                account.key = text(request, "value")
            case _:
                self._make_trouble(do, request)
        return {}

    def _make_trouble(self, do: str, request: Request) -> None:
        trouble = self.door.trouble
        if do in TROUBLES:
            trouble.when = _one_of(text(request, "when", ""), ("", *CALLS))
            setattr(trouble, do, whole(request, "count", 1))
        elif do in ("down", "leaky", "fragment"):
            setattr(trouble, do, bool(request.get("on", True)))
        elif do == "slow":
            trouble.slow_ms = whole(request, "ms")
        elif do == "calm":
            self.door.trouble = Trouble()
        else:
            raise Refused(f"a Stripe reader cannot {do!r}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], twin: StripeTwin) -> None:
        self.twin = twin
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A host that hangs up, or does not believe the certificate, is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        twin = self.server.twin
        with twin.changed:
            answer = twin.door.handle(self.command, self.path, headers, body)
            trouble = twin.door.trouble
            slow_ms, fragment = trouble.slow_ms, trouble.fragment
            twin.save()
            twin.changed.notify_all()
        threading.Event().wait(slow_ms / 1_000)
        if answer.lost:
            self.close_connection = True
            return
        self._send(answer.status, answer.headers, answer.body, fragment)

    def _send(self, status: int, headers: Sequence[tuple[str, str]], body: bytes, fragment: bool) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        for piece in (body[at : at + 1] for at in range(len(body))) if fragment else (body,):
            self.wfile.write(piece)
            self.wfile.flush()


def _try(act: Callable[[], None]) -> None:
    try:
        act()
    except ValueError as error:
        raise Refused(str(error)) from error


def _one_of(word: str, known: Sequence[str]) -> str:
    if word not in known:
        raise Refused(f"no {word!r}; there are {', '.join(known)}")
    return word


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate stripe", description="the twin of a Stripe reader")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks one (0)")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    parser.add_argument("--state", type=Path, help="file that keeps the account over a restart")
    parser.add_argument("--cert", type=Path, help="certificate: serve HTTPS")
    parser.add_argument("--key", type=Path, help="key of the certificate")
    parser.add_argument("--reader", default=Settings.reader, help=f"id of the reader ({Settings.reader})")
    parser.add_argument("--auto", default="", choices=("", "cancel", *OUTCOMES), help="what every person does")
    parser.add_argument("--test-mode", action="store_true", help="be the processor's test mode, not its live mode")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster cards are read (1)")
    options = parser.parse_args(argv)
    if bool(options.cert) != bool(options.key):
        parser.error("--cert and --key go together")
    settings = Settings(options.reader, live=not options.test_mode, speed=options.speed)
    done = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, done)  # before the threads, which inherit it
    try:
        with (
            StripeTwin(
                options.port, settings, options.state, (options.cert, options.key) if options.cert else None
            ) as twin,
            ControlServer(options.control, twin.handle),
        ):
            twin.account.auto = options.auto
            print(twin.address, flush=True)  # whoever started it may connect now
            signal.sigwait(done)
    except OSError as error:
        print(f"simulate stripe: {error}", file=sys.stderr)
        return 1
    return 0
