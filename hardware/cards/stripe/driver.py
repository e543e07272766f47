"""The threads between the machine and the network: one waits for commands, replies and time, one makes the calls.

The key is read from its file for every call, so that it can be exchanged under way. It must be a restricted one
(rk_...): a secret key in a lobby could empty the city's account. TLS is verified, redirects are not followed, and
nothing of the environment (proxies, .netrc) is used.
"""

import logging
import queue
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError

from hardware.cards.contract import Command, Event, Refused
from hardware.cards.stripe.calls import Call, Reply
from hardware.cards.stripe.machine import StripeMachine
from hardware.cards.stripe.reading import BODY_BYTES_MAX

log = logging.getLogger(__name__)

API = "https://api.stripe.com"
VERSION = "2025-03-31.basil"  # of the API: answers keep this form whatever the account's default is
CONNECT_S = 5.0
WAIT_S_MAX = 60.0
CHUNK_BYTES = 65_536
NO_KEY = 401  # what the API would answer; nothing is sent without a key
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Inbox = queue.SimpleQueue[Any]


class StripeDriver:
    """One reader. `clock()` is monotonic, in nanoseconds; `on_event` is called on the driver's thread.

    `trust` is a file of certificates to believe instead of the usual ones. Plain HTTP is for a simulated service on
    this machine. `on_refused(command, reason)` hears of commands that came too late. What a callback raises ends it.
    """

    def __init__(
        self,
        machine: StripeMachine,
        key_file: Path,
        base: str = API,
        clock: Callable[[], int] = time.monotonic_ns,
        on_event: Callable[[Event], None] = lambda event: None,
        *,
        trust: Path | None = None,
        on_refused: Callable[[Command, Refused], None] | None = None,
    ) -> None:
        self._machine = machine
        self._caller = Caller(key_file, base, trust)
        self._clock = clock
        self._on_event = on_event
        self._on_refused = on_refused
        self._inbox: Inbox = queue.SimpleQueue()
        self._calls: Inbox = queue.SimpleQueue()
        self._stopping = threading.Event()

    def submit(self, command: Command) -> None:
        """Hand over a command; from any thread."""
        self._inbox.put(command)

    def stop(self) -> None:
        """Let `run` return; what the reader does goes on."""
        self._stopping.set()
        self._inbox.put(None)

    def run(self) -> None:
        """Serve the reader until `stop`; call it once."""
        calling = threading.Thread(target=self._make_calls, name="stripe calls", daemon=True)
        calling.start()
        try:
            self._machine.opened(self._now_ms())
            while not self._stopping.is_set():
                self._turn()
        finally:
            self._calls.put(None)

    def _turn(self) -> None:
        made, events = self._machine.tick(self._now_ms())
        for call in made:
            self._calls.put(call)
        self._tell(events)
        try:
            item = self._inbox.get(timeout=self._patience_s())
        except queue.Empty:
            return
        if isinstance(item, Reply):
            self._tell(self._machine.answer(item, self._now_ms()))
        elif item is not None:
            self._order(item)

    def _order(self, command: Command) -> None:
        try:
            self._machine.command(command)
        except Refused as refusal:
            log.warning("stripe: %s refused: %s", command, refusal)
            if self._on_refused:
                self._on_refused(command, refusal)

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            self._on_event(event)

    def _patience_s(self) -> float:
        return min(max(0.0, (self._machine.due_ms() * 1_000_000 - self._clock()) / 1e9), WAIT_S_MAX)

    def _now_ms(self) -> int:
        return self._clock() // 1_000_000

    def _make_calls(self) -> None:
        """The second thread: a call may take as long as its time-out, and commands are heard meanwhile."""
        with self._caller:
            while call := self._calls.get():
                self._inbox.put(self._caller.make(call))


class _Adapter(HTTPAdapter):
    """Connections that die with their end: what was not sent by then is not sent later, when the line is back.

    Otherwise the system goes on sending for minutes after a time-out or a crash, and a void that a query did not find
    would be made after all.
    """

    def init_poolmanager(self, *args: Any, **fields: Any) -> None:
        linger = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        options = [*HTTPConnection.default_socket_options, linger]
        super().init_poolmanager(*args, socket_options=options, **fields)


class Caller:
    """Makes one call at a time. Whatever goes wrong, there is a reply; in the log it stands once until that changes."""

    def __init__(self, key_file: Path, base: str, trust: Path | None) -> None:
        place = urlsplit(base)
        if place.scheme != "https" and not (place.scheme == "http" and place.hostname in LOOPBACK):
            raise ValueError(f"{base}: only https, or http on this machine")
        self._base = base.rstrip("/")
        self._key_file = key_file
        self._wrong = ""  # what went wrong last
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(trust) if trust else True
        self._session.mount("https://", _Adapter())
        self._session.mount("http://", _Adapter())

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()

    def make(self, call: Call) -> Reply:
        try:
            key = read_key(self._key_file)
        except (OSError, ValueError) as error:
            return self._failed(Reply(call.number, NO_KEY), str(error))
        try:
            reply = self._make(call, key)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            # The kind alone: the text of an error may hold anything.
            return self._failed(Reply(call.number), type(error).__name__)
        self._wrong = ""
        return reply

    def _failed(self, reply: Reply, wrong: str) -> Reply:
        if wrong != self._wrong:
            self._wrong = wrong
            log.warning("stripe: %s", wrong)
        return reply

    def _make(self, call: Call, key: str) -> Reply:
        request = call.request
        headers = {
            "Authorization": f"Bearer {key}",
            "Stripe-Version": VERSION,
            "Accept-Encoding": "identity",
        }
        if request.key:
            headers["Idempotency-Key"] = request.key
        deadline = time.monotonic() + request.timeout_ms / 1_000
        with self._session.request(
            request.method,
            self._base + request.path,
            data=list(request.form) or None,
            headers=headers,
            timeout=(CONNECT_S, request.timeout_ms / 1_000),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = _body(response, deadline)
            replayed = response.headers.get("Idempotent-Replayed") == "true"
            return Reply(call.number, response.status_code, body, replayed)


def read_key(path: Path) -> str:
    """Return the restricted key. ValueError if it is another kind or others may read it; OSError if it is not there."""
    key = path.read_text(encoding="ascii").strip()
    if not key.startswith("rk_") or not key.isprintable() or " " in key:
        raise ValueError(f"{path} holds no restricted key (rk_...)")
    if stat.S_IMODE(path.stat().st_mode) & 0o007:
        raise ValueError(f"{path} can be read by everybody")
    return key


def _body(response: requests.Response, deadline: float) -> bytes:
    """Read all of it, but not for ever and not without end: what trickles or swells is no answer."""
    body = b""
    while chunk := response.raw.read1(CHUNK_BYTES):
        body += chunk
        if len(body) > BODY_BYTES_MAX or time.monotonic() > deadline:
            raise requests.Timeout("the answer does not end")
    return body
