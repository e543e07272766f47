"""HTTP message signatures, both ways (docs/wire.md, "Signatures"; RFC 9421 and 9530)."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import IntegrityError, transaction
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from billing import rows
from billing.kiosks.models import Chain, SeenNonce

WINDOW = timedelta(seconds=300)
_NONCE_MAX = 100


class Invalid(Exception):
    """The signature is missing, wrong, incomplete or used before."""


class Stale(Exception):
    """The signature is right but was made more than `WINDOW` from now."""


@dataclass
class Message:
    """A request, as the library wants to see it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class _Response:
    status_code: int
    headers: MutableMapping[str, str]


class _Key(HTTPSignatureKeyResolver):
    def __init__(self, private: Ed25519PrivateKey | None = None, chain: Chain | None = None) -> None:
        self._private, self._chain = private, chain

    def resolve_private_key(self, key_id: str) -> Any:
        return self._private

    def resolve_public_key(self, key_id: str) -> Any:
        if self._chain is None or key_id != self._chain.kiosk_id:
            return None
        return Ed25519PublicKey.from_public_bytes(b64decode(self._chain.public_key))


class _Verifier(HTTPMessageVerifier):
    # The window is checked here, after the signature: only an authentic request is told that its clock is off.
    max_clock_skew = timedelta(days=20 * 365)


def digest(body: bytes) -> str:
    """Return the Content-Digest of `body`."""
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def verify(message: Message, chain: Chain | None, now: datetime) -> None:
    """Check that `chain`'s key signed `message` just now and for the first time; else Invalid or Stale."""
    verifier = _Verifier(signature_algorithm=algorithms.ED25519, key_resolver=_Key(chain=chain))
    try:
        result = verifier.verify(message, max_age=None, expect_tag="kiosk-v1")[0]
    except (InvalidSignature, ValueError, KeyError) as error:
        raise Invalid("signature") from error
    needed = {'"@method"', '"@target-uri"', '"kiosk-epoch"'} | ({'"content-digest"'} if message.body else set())
    if not needed <= set(result.covered_components):
        raise Invalid("coverage")
    if '"content-digest"' in result.covered_components:
        given = [part.strip() for part in result.covered_components['"content-digest"'].split(",")]
        if digest(message.body) not in given:
            raise Invalid("content-digest")
    created = datetime.fromtimestamp(int(result.parameters["created"]), UTC)
    if abs(now - created) > WINDOW:
        raise Stale
    _use_nonce(chain, result.parameters.get("nonce"), now)


def sign(status: int, body: bytes, nonce: str, key: Ed25519PrivateKey, now: datetime) -> dict[str, str]:
    """Return the headers that make an answer the server's own: they bind it to the request's nonce."""
    headers = {"Content-Digest": digest(body), "Request-Nonce": nonce}
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=_Key(private=key))
    signer.sign(
        _Response(status, headers),
        key_id="server",
        created=now,
        label="server",
        tag="server-v1",
        include_alg=False,
        covered_component_ids=("@status", "content-digest", "request-nonce"),
        use_existing_digest=True,
    )
    return headers


def _use_nonce(chain: Chain | None, nonce: Any, now: datetime) -> None:
    if chain is None or not isinstance(nonce, str) or not 0 < len(nonce) <= _NONCE_MAX:
        raise Invalid("nonce")
    try:
        with transaction.atomic():
            SeenNonce.objects.filter(seen_at__lt=now - 2 * WINDOW).delete()
            rows.insert(SeenNonce, ("kiosk_id", "nonce", "seen_at"), [(chain.kiosk_id, nonce, now)])
    except IntegrityError:
        raise Invalid("nonce-used") from None
