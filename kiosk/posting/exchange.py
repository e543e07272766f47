"""One request and its answer: signed both ways, bounded in time and size, or Unavailable."""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.journal.keys import Enrolment
from kiosk.posting.outcomes import Unavailable
from kiosk.posting.problems import Problem, problem_of
from kiosk.posting.signing import AnswerVerifier, NotFromServer, ReceivedAnswer, RequestSigner

ANSWER_LIMIT = 8 * 1024 * 1024  # 100 records of 32 KiB with every character escaped stay below
_CHUNK = 64 * 1024
_SLOW_DOWN = (425, 429, 503)


@dataclass(frozen=True)
class Answer:
    """A JSON answer that the server signed for this request."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def problem(self) -> Problem:
        """Return the problem that an answer which is not `ok` describes."""
        return problem_of(self.body)


def plain_session() -> requests.Session:
    """Return a session that takes nothing from its surroundings: no proxy, no netrc, no cookies."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class Exchange:
    """Speaks to one server as one kiosk. Threads may share it.

    `clock` gives Unix seconds, `monotonic` seconds for deadlines. `offset_s` is what the server's clock is ahead.
    """

    def __init__(
        self,
        base_url: str,
        enrolment: Enrolment,
        key: Ed25519PrivateKey,
        clock: Callable[[], float],
        session: requests.Session,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._signer = RequestSigner(key, enrolment.kiosk_id, enrolment.epoch)
        self._verifier = AnswerVerifier(enrolment.pinned_server_key())
        self._clock = clock
        self._session = session
        self._monotonic = monotonic
        self.offset_s = 0.0

    def ask(
        self,
        method: str,
        path: str,
        *,
        timeout_s: float,
        params: Mapping[str, str | int] | None = None,
        content: Mapping[str, Any] | None = None,
    ) -> Answer | Unavailable:
        """Send one request. A clock that the server finds too far off is corrected and tried once more."""
        answer = self._once(method, path, params, content, timeout_s)
        if isinstance(answer, Answer) and self._learn_time(answer):
            answer = self._once(method, path, params, content, timeout_s)
            if isinstance(answer, Answer) and answer.status == 401 and answer.problem().suffix == "signature-stale":
                return Unavailable("the server finds our clock too far off, also by its own time")
        return answer

    def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        content: Mapping[str, Any] | None,
        timeout_s: float,
    ) -> Answer | Unavailable:
        nonce = secrets.token_hex(16)
        request = prepare(method, self._base_url + path, params, content)
        self._signer.sign(request, created=int(self._clock() + self.offset_s), nonce=nonce)
        received = send(self._session, request, timeout_s, self._monotonic)
        if isinstance(received, Unavailable):
            return received
        failure = self._failure(received)
        if failure:
            return failure
        try:
            self._verifier.verify(received, nonce)
        except NotFromServer as error:
            return Unavailable(f"status {received.status_code}, not signed by the server: {error}")
        return Answer(received.status_code, received.body)

    def _failure(self, received: ReceivedAnswer) -> Unavailable | None:
        """Return the failure that a status alone tells, whoever on the way has said it."""
        status = received.status_code
        if status >= 500 or status in _SLOW_DOWN:
            wish_s = retry_after_s(received.headers.get("Retry-After", ""), self._clock() + self.offset_s)
            return Unavailable(f"status {status}", wish_s or problem_of(received.body).retry_after_s)
        if not (200 <= status < 300 or 400 <= status < 500):
            return Unavailable(f"status {status}")
        return None

    def _learn_time(self, answer: Answer) -> bool:
        if answer.status != 401 or answer.problem().suffix != "signature-stale":
            return False
        try:
            server_time = datetime.fromisoformat(answer.problem().server_time)
        except ValueError:
            return False
        if server_time.tzinfo is None:
            return False
        self.offset_s = server_time.timestamp() - self._clock()
        return True


def prepare(
    method: str, url: str, params: Mapping[str, str | int] | None, content: Mapping[str, Any] | None
) -> requests.PreparedRequest:
    """Return the request, its body as JSON bytes."""
    # Digests cover the bytes on the wire, so compression is not asked for.
    headers = {"Accept": "application/json, application/problem+json", "Accept-Encoding": "identity"}
    body = None
    if content is not None:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        headers["Content-Type"] = "application/json"
    return requests.Request(method, url, params=dict(params or {}), data=body, headers=headers).prepare()


def send(
    session: requests.Session, request: requests.PreparedRequest, timeout_s: float, monotonic: Callable[[], float]
) -> ReceivedAnswer | Unavailable:
    """Send and read the whole answer within `timeout_s`, without following a redirect."""
    deadline = monotonic() + timeout_s
    try:
        with session.send(request, timeout=timeout_s, allow_redirects=False, stream=True) as response:
            body = bytearray()
            while chunk := response.raw.read1(_CHUNK, decode_content=False):
                body += chunk
                if len(body) > ANSWER_LIMIT:
                    return Unavailable("the answer does not end")
                if monotonic() > deadline:
                    return Unavailable("the answer comes too slowly")
            return ReceivedAnswer(response.status_code, response.headers, bytes(body))
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        return Unavailable(f"no answer: {type(error).__name__}")


def retry_after_s(text: str, now_s: float) -> float:
    """Return the seconds that a Retry-After header asks for (RFC 9110 section 10.2.3), 0 if it asks nothing."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now_s)
