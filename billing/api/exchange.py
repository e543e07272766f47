"""Signed requests in, signed answers out."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja.security.base import AuthBase

from billing import clock
from billing.api.problems import CONTENT_TYPE, Problem
from billing.kiosks import signatures
from billing.kiosks.models import Chain, Kiosk
from billing.state import server_key

_KEYID = re.compile(r';keyid="([A-Za-z0-9_-]{1,40})"')
_NONCE = re.compile(r';nonce="([\x21\x23-\x5b\x5d-\x7e]{1,100})"')
_EPOCH = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_PLAIN = {404: "not-found", 405: "method-not-allowed"}


@dataclass(frozen=True)
class Sender:
    """The kiosk that signed the request, and the epoch whose key it used."""

    kiosk: Kiosk
    chain: Chain


class KioskSignature(AuthBase):
    """Requires an RFC 9421 signature; `request.auth` is then the Sender."""

    openapi_type = "http"
    openapi_scheme = "signature"
    openapi_description = "RFC 9421, Ed25519, tag kiosk-v1, with the header Kiosk-Epoch"

    def __call__(self, request: HttpRequest) -> Sender:
        try:
            body = request.body
        except RequestDataTooBig:
            raise Problem("too-large") from None
        now = clock.now()
        message = signatures.Message(request.method, _target(request), dict(request.headers), body)
        chain = _chain(request)
        try:
            signatures.verify(message, chain, now)
        except signatures.Stale:
            raise Problem("signature-stale", members={"server_time": clock.stamp(now)}) from None
        except signatures.Invalid as error:
            raise Problem("signature-invalid", f"{error}") from None
        assert chain is not None  # no chain, no key: nothing verifies
        return Sender(chain.kiosk, chain)


class SignedExchange:
    """Signs every answer to a request that carried a nonce, and turns plain errors under /v1/ into problems."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if not request.path.startswith("/v1/"):
            return response
        if response.status_code in _PLAIN and response.get("Content-Type") != CONTENT_TYPE:
            allowed = response.get("Allow")
            response = Problem(_PLAIN[response.status_code]).response()
            if allowed:
                response["Allow"] = allowed
        nonce = _NONCE.search(request.headers.get("Signature-Input", ""))
        if nonce:
            key, now = server_key(settings.STATE), clock.now()
            for name, value in signatures.sign(response.status_code, response.content, nonce[1], key, now).items():
                response[name] = value
        response["Cache-Control"] = "no-store"
        return response


def _chain(request: HttpRequest) -> Chain | None:
    keyid = _KEYID.search(request.headers.get("Signature-Input", ""))
    epoch = _EPOCH.fullmatch(request.headers.get("Kiosk-Epoch", ""))
    if not keyid or not epoch:
        return None
    found = Chain.objects.select_related("kiosk").filter(kiosk_id=keyid[1], epoch=int(epoch[0]))
    return next(iter(found), None)


def _target(request: HttpRequest) -> str:
    """Return the target URI as the client wrote it. The raw request line is needed: decoding loses its form."""
    raw = request.META.get("RAW_URI") or request.get_full_path()
    return f"{request.scheme}://{request.get_host()}{raw}"
