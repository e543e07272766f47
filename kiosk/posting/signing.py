"""HTTP message signatures both ways (RFC 9421, RFC 9530; docs/wire.md, "Signatures")."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    MappingKeyResolver,
    algorithms,
)
from requests import PreparedRequest

_SERVER = "server"
_ANSWER_PARTS = ("@status", "content-digest", "request-nonce")


class NotFromServer(Exception):
    """The answer is not the server's answer to this request."""


@dataclass(frozen=True)
class ReceivedAnswer:
    """An answer as it came: `body` before any decoding."""

    status_code: int
    headers: MutableMapping[str, str]
    body: bytes


class RequestSigner:
    """Signs requests as one kiosk in one epoch."""

    def __init__(self, key: Ed25519PrivateKey, kiosk_id: str, epoch: int) -> None:
        self._kiosk_id = kiosk_id
        self._epoch = epoch
        keys = MappingKeyResolver(public_keys={}, private_keys={kiosk_id: key})
        self._signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys)

    def sign(self, request: PreparedRequest, *, created: int, nonce: str) -> None:
        """Add the headers; `created` is Unix seconds by the server's clock as far as we know it."""
        request.headers["Kiosk-Epoch"] = str(self._epoch)
        body = request.body.encode() if isinstance(request.body, str) else request.body
        self._signer.sign(
            request,
            key_id=self._kiosk_id,
            created=datetime.fromtimestamp(created, UTC),
            nonce=nonce,
            label="kiosk",
            tag="kiosk-v1",
            include_alg=False,
            # The library covers content-digest by itself when there is a body.
            covered_component_ids=("@method", "@target-uri", "kiosk-epoch"),
            body=body if isinstance(body, bytes) else None,
        )


class AnswerVerifier:
    """Accepts answers of the pinned server key only."""

    def __init__(self, server_key: Ed25519PublicKey) -> None:
        keys = MappingKeyResolver(public_keys={_SERVER: server_key}, private_keys={})
        self._verifier = _Timeless(signature_algorithm=algorithms.ED25519, key_resolver=keys)

    def verify(self, answer: ReceivedAnswer, nonce: str) -> None:
        """Raise NotFromServer unless the server signed this status and body for the request with `nonce`."""
        try:
            results = self._verifier.verify(
                answer, max_age=None, expect_tag="server-v1", require_components=_ANSWER_PARTS, body=answer.body
            )
        except HTTPMessageSignaturesException as error:
            raise NotFromServer(str(error)) from error
        if any(result.covered_components['"request-nonce"'] != nonce for result in results):
            raise NotFromServer("it answers another request")


class _Timeless(HTTPMessageVerifier):
    """Our nonce in the answer proves that it is fresh; our own clock may be years off and proves nothing."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        if type(sig_input.params.get("created")) is not int:
            raise HTTPMessageSignaturesException("the answer does not say when it was signed")
